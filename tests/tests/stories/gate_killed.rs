//! A gate killed (`kill -9`) at ten random moments of a life in which it logs in, scans, uploads and takes documents, and at ten of its starts; at two hundred
//! of each by `STORY_KILLS=200 cargo test -p countermark-tests --test stories gate_killed`.

mod journal;

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ChildStdin;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::cloud::{Cloud, Part};
use countermark_tests::gate::{Gate, RunningGate, Verdict};
use countermark_tests::season::{DUO, FESTIVAL};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use sqlx::{Connection, PgConnection};

use self::journal::Journal;
use crate::stage::{Stage, tell};

const KILLS: usize = 10;
/// Tickets that nobody showed before, in each round.
const FRESH: usize = 4;
/// The longest life of a gate, from when it listens: rows that others left are uploaded after half a second, and a head is asked for every second.
const LONGEST_LIFE: Duration = Duration::from_secs(2);
/// Until it listens, some. In each round it is killed before that, too.
const LONGEST_START: Duration = Duration::from_millis(150);
/// From one line to the next.
const PACE: Duration = Duration::from_millis(8);
/// Lines of each round: as many as the longest-lived is shown.
const LINES: usize = 250;
/// One order: ten duos are twenty tickets.
const DUOS: u8 = 10;

#[test]
fn what_it_showed_is_in_its_journal_and_nobody_is_admitted_twice() {
    tell(Stage::Shared, async |cloud| {
        let seed = setting("STORY_SEED").unwrap_or_else(rand::random);
        let kills = setting("STORY_KILLS").unwrap_or(KILLS);
        println!("STORY_SEED={seed} STORY_KILLS={kills}");
        let mut random = StdRng::seed_from_u64(seed);
        let administrator = Administrator::log_in(cloud).await?;
        let tickets = sell(cloud, &administrator, kills * FRESH).await?;
        let code = administrator.gate("A shaky box", FESTIVAL).await?;
        let gate = Gate::enrol(cloud, "shaky-gate", &code).await?;
        let synced = gate.listen().await?;
        for text in [tickets.first(), tickets.last()] {
            gate.would_say(text.context("nothing was sold")?, Reason::Admitted).await?;
        }
        synced.kill().await?;

        let (mut shown, mut unseen, mut unheard) = (Vec::new(), 0, 0);
        for (round, fresh) in tickets.chunks(FRESH).enumerate() {
            let lines = lines(&mut random, fresh, tickets.get(..round * FRESH).unwrap_or_default());
            let life = random.random_range(Duration::ZERO..LONGEST_LIFE);
            gate.start_and_kill(random.random_range(Duration::ZERO..LONGEST_START)).await?;
            shown.extend(live_and_die(&gate, lines, life).await.with_context(|| format!("round {round}"))?);
            let journal = Journal::of_dead_gate(&gate)?;
            journal.holds(&shown).with_context(|| format!("round {round}"))?;
            unseen = journal.rows.len() - shown.len();
            unheard += usize::from(rows_at_validation(cloud, &gate).await? > journal.answered);
        }
        let let_in = shown.iter().filter(|verdict| verdict.opens).count();
        println!(
            "{} verdicts shown, {let_in} let in, {unseen} rows written and never shown, {unheard} deaths between an upload and its answer",
            shown.len()
        );
        assert!(let_in > kills, "most gates died before they let anybody in");

        let mut last = gate.listen().await?;
        shown.extend(show_all(&mut last, &tickets).await?);
        let status = gate.settled(Duration::from_mins(2)).await?;
        last.kill().await?;
        let journal = Journal::of_dead_gate(&gate)?;
        journal.holds(&shown)?;
        assert_eq!((status.rows, status.contested), (journal.rows.len() as u64, 0));
        let admitted: BTreeSet<_> = journal.admitted().collect();
        assert_eq!(admitted.len(), tickets.len(), "a ticket that was shown at the end was never let in");
        arrived_once(cloud, &gate, &journal).await
    });
}

#[expect(
    clippy::disallowed_methods,
    reason = "a failed run is repeated with its seed, and a long one asked for, which no argument of a test can carry"
)]
fn setting<T: FromStr>(variable: &str) -> Option<T> {
    std::env::var(variable).ok()?.parse().ok()
}

async fn sell(cloud: &Cloud, administrator: &Administrator<'_>, count: usize) -> Result<Vec<String>> {
    let offer = administrator.offer(&DUO).await?;
    let buyer = Buyer::arrive(cloud).await?;
    let mut texts = Vec::new();
    while texts.len() < count {
        texts.extend(buyer.buy(&offer, DUOS).await?.into_iter().map(|ticket| ticket.text));
    }
    Ok(texts)
}

/// Fresh tickets early on, among used ones and junk.
fn lines(random: &mut StdRng, fresh: &[String], used: &[String]) -> Vec<String> {
    let mut early: Vec<_> = fresh.iter().chain(fresh).cloned().collect();
    early.extend((0..8).map(|number| format!("junk {number}")));
    early.shuffle(random);
    let shown: Vec<_> = used.iter().chain(fresh).collect();
    let late = (early.len()..LINES).filter_map(|_| shown.choose(random).map(|text| (*text).clone()));
    let late: Vec<_> = late.collect();
    early.into_iter().chain(late).collect()
}

/// Runs the gate on lines, kills it in the middle, and answers with what it had shown by then.
async fn live_and_die(gate: &Gate, lines: Vec<String>, life: Duration) -> Result<Vec<Verdict>> {
    let mut running = gate.listen().await?;
    let mut input = running.lines()?;
    // No synchronisation, but the moment itself.
    tokio::time::timeout(life, write(&mut input, &lines)).await.unwrap_or(Ok(()))?;
    running.kill().await
}

/// One after the other, as at an entrance.
async fn write(input: &mut ChildStdin, lines: &[String]) -> Result<()> {
    let mut pace = tokio::time::interval(PACE);
    for line in lines {
        pace.tick().await;
        writeln!(input, "{line}")?;
    }
    Ok(())
}

async fn show_all(running: &mut RunningGate, tickets: &[String]) -> Result<Vec<Verdict>> {
    let mut input = running.lines()?;
    write(&mut input, tickets).await?;
    let mut shown = Vec::new();
    for _ in tickets {
        shown.push(running.verdict().await?);
    }
    Ok(shown)
}

async fn rows_at_validation(cloud: &Cloud, gate: &Gate) -> Result<u64> {
    let mut connection = PgConnection::connect(cloud.database(Part::Validation)?).await?;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM journal WHERE gate = $1")
        .bind(i64::from(gate.number))
        .fetch_one(&mut connection)
        .await?;
    Ok(rows.unsigned_abs())
}

/// Validation has the journal to the byte, and counts what it says.
async fn arrived_once(cloud: &Cloud, gate: &Gate, journal: &Journal) -> Result<()> {
    let mut connection = PgConnection::connect(cloud.database(Part::Validation)?).await?;
    let stored: Vec<(i64, Vec<u8>, bool)> = sqlx::query_as(
        "SELECT sequence, row, believed AND NOT after_gap FROM journal WHERE gate = $1 ORDER BY sequence",
    )
    .bind(i64::from(gate.number))
    .fetch_all(&mut connection)
    .await?;
    ensure!(stored.len() == journal.rows.len(), "{} rows arrived of {}", stored.len(), journal.rows.len());
    for ((sequence, bytes, good), row) in stored.into_iter().zip(&journal.rows) {
        ensure!(good && row.sequence == sequence.unsigned_abs() && row.to_bytes() == bytes, "row {sequence} differs");
    }
    let figures = Administrator::log_in(cloud).await?.figures(FESTIVAL).await?;
    let gates = figures.admissions.context("validation did not say who came in")?.gates;
    let own = gates.iter().find(|figures| figures.gate == gate.number).context("the figures do not know the gate")?;
    let admitted = journal.admitted().count() as u64;
    ensure!((own.admitted, own.doubtful) == (admitted, 0), "the figures differ: {own:?}, admitted {admitted}");
    Ok(())
}
