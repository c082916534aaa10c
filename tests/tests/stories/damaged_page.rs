//! A page of a gate's ledger, or a bit of a document, is damaged while the gate is off, each in turn. Where every row can still be read, the gate
//! fetches what is missing from the cloud and goes on, and nobody does anything; where not, it says so and lets nobody in. Enrolled anew, it lets nobody
//! in who came in before.

mod image;

use std::fs;
use std::io::Write;
use std::process::ChildStdin;

use anyhow::{Context, Result, bail, ensure};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::cloud::{Cloud, Part};
use countermark_tests::gate::{Gate, RunningGate, Sentence};
use countermark_tests::proxy::Fault;
use countermark_tests::season::{FESTIVAL, SOLO};
use countermark_tests::wait::{PATIENCE, until};
use sqlx::{Connection, PgConnection};

use self::image::Image;
use crate::stage::{Stage, tell};

/// So many rows that the journal has several pages.
const JUNK: u64 = 60;
/// Those, two tickets, and what was shown after them.
const ROWS: u64 = JUNK + 3;
const SAVED: &str = "DISK DAMAGED, every entry was saved";
const LOST: &str = "ENTRIES OF THIS GATE ARE LOST, nobody is let in";
/// What it takes to know every row, and that there was none after it.
const INDISPENSABLE: [&str; 3] = ["sqlite_schema", "journal", "journal_head"];

#[test]
fn costs_no_row_that_can_be_read_and_lets_nobody_in_twice() {
    tell(Stage::Own("damaged_page"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 4).await?;
        let texts: Vec<_> = tickets.into_iter().map(|ticket| ticket.text).collect();
        let [used, unsent, fresh, last] = &texts[..] else { bail!("four tickets were bought") };
        let gate = Gate::enrol(cloud, "damaged-gate", &administrator.gate("North", FESTIVAL).await?).await?;
        let mut entrance = Entrance::open(&gate).await?;
        gate.would_say(last, Reason::Admitted).await?;
        entrance.show(used, Reason::Admitted).await?;
        for number in 1..=JUNK {
            entrance.show(&format!("nobody's ticket {number}"), Reason::NotOurs).await?;
        }
        gate.settled(PATIENCE).await?;
        cloud.gate_line().cut(Fault::Refuse);
        entrance.show(unsent, Reason::Admitted).await?;
        // With the row after it goes the word that who was let in went through.
        entrance.show("nobody's last ticket", Reason::NotOurs).await?;
        entrance.running.kill().await?;
        cloud.gate_line().mend();

        let image = Image::take(&gate.ledger())?;
        for page in image.pages() {
            let (case, is_lost) = (|| format!("{page:?}"), INDISPENSABLE.contains(&&*page.owner));
            image.put_back_damaged(page)?;
            let running = gate.listen().await?;
            if is_lost {
                is_told(&gate, &running, LOST).await.with_context(case)?;
                for text in [used, fresh] {
                    gate.would_say(text, Reason::CannotDecide).await.with_context(case)?;
                }
                // What was saved goes up all the same.
                gate.settled(PATIENCE).await.with_context(case)?;
            } else {
                is_told(&gate, &running, SAVED).await.with_context(case)?;
                gate.would_say(fresh, Reason::Admitted).await.with_context(case)?;
                for text in [used, unsent] {
                    gate.would_say(text, Reason::AlreadyUsed).await.with_context(case)?;
                }
                let status = gate.settled(PATIENCE).await.with_context(case)?;
                ensure!((status.rows, status.contested) == (ROWS, 0), "{page:?}: {status:?}");
            }
            running.kill().await?;
            ensure!(image.lies_aside(page)?, "{page:?}: what was damaged is not kept");
            expect_errors(&gate)?;
        }

        // A document of which a bit is another: no page of the database is wrong.
        for document in image.documents() {
            let case = || document.kind.clone();
            image.put_back_changed(document)?;
            let running = gate.listen().await?;
            gate.would_say(fresh, Reason::Admitted).await.with_context(case)?;
            gate.would_say(used, Reason::AlreadyUsed).await.with_context(case)?;
            ensure!(gate.status().await?.ledger_warnings.is_empty(), "{document:?}");
            running.kill().await?;
        }

        image.put_back_damaged(image.page_of("held_document")?)?;
        let mut entrance = Entrance::open(&gate).await?;
        is_told_by_doctor(&gate, SAVED).await?;
        gate.would_say(fresh, Reason::Admitted).await?;
        entrance.show(fresh, Reason::Admitted).await?;
        entrance.show(used, Reason::AlreadyUsed).await?;
        gate.settled(PATIENCE).await?;
        has_each_once(cloud, &gate, ROWS + 2).await?;
        entrance.running.kill().await?;
        expect_errors(&gate)?;

        let image = Image::take(&gate.ledger())?;
        image.put_back_damaged(image.page_of("journal")?)?;
        let stopped = gate.listen().await?;
        is_told(&gate, &stopped, LOST).await?;
        is_told_by_doctor(&gate, LOST).await?;
        stopped.kill().await?;
        expect_errors(&gate)?;

        // As its words say.
        gate.retire().await?;
        let anew = Gate::enrol(cloud, "damaged-gate", &administrator.gate("North", FESTIVAL).await?).await?;
        let mut entrance = Entrance::open(&anew).await?;
        // Whoever came in last may not be in the feed yet that tells of the first.
        until("the gate knew everybody who had come in before", PATIENCE, async || {
            let mut known = 0;
            for text in [used, unsent, fresh] {
                let said = anew.check(text).await?;
                ensure!(text != used || !said.opens, "it came in long before, and is let in: {said:?}");
                known += u8::from(said.verdict == Reason::AlreadyUsed);
            }
            Ok((known == 3).then_some(()))
        })
        .await?;
        for text in [used, unsent, fresh] {
            entrance.show(text, Reason::AlreadyUsed).await?;
            ensure!(anew.check(text).await?.earlier_gate == Some(gate.number));
        }
        entrance.show(last, Reason::Admitted).await?;
        anew.settled(PATIENCE).await?;
        has_each_once(cloud, &anew, 4).await?;
        entrance.running.kill().await.map(drop)
    });
}

struct Entrance {
    running: RunningGate,
    lines: ChildStdin,
}

impl Entrance {
    async fn open(gate: &Gate) -> Result<Self> {
        let mut running = gate.listen().await?;
        Ok(Self { lines: running.lines()?, running })
    }

    async fn show(&mut self, text: &str, expected: Reason) -> Result<()> {
        writeln!(self.lines, "{text}")?;
        let verdict = self.running.verdict().await?;
        ensure!(verdict.verdict == expected, "{verdict:?}");
        Ok(())
    }
}

/// By its status and on its screen.
async fn is_told(gate: &Gate, running: &RunningGate, expected: &str) -> Result<()> {
    let said = gate.status().await?.ledger_warnings;
    let [Sentence { en, fr }] = &said[..] else { bail!("{said:?}") };
    ensure!(en.starts_with(expected), "{en}");
    let standing = running.look_at_the_screen().await?.standing().await?;
    let shown = &standing["ledger_warnings"][0];
    ensure!(shown["en"] == **en && shown["fr"] == **fr, "{standing}");
    Ok(())
}

async fn is_told_by_doctor(gate: &Gate, expected: &str) -> Result<()> {
    let diagnosis = gate.doctor(None).await?;
    let found = diagnosis.of("ledger").context("the doctor says nothing of it")?;
    ensure!(
        found.standing == "wrong" && expected.starts_with(&found.says) && diagnosis.code == Some(3),
        "{diagnosis:?}"
    );
    Ok(())
}

/// It was logged, as an error, and that is right.
fn expect_errors(gate: &Gate) -> Result<()> {
    let log = fs::read_to_string(gate.log_file())?;
    ensure!(log.contains("the ledger is damaged: saving what can be saved"), "{log}");
    Ok(fs::remove_file(gate.log_file())?)
}

/// Validation has all rows of a gate, each once, and takes none of them for another's.
async fn has_each_once(cloud: &Cloud, gate: &Gate, rows: u64) -> Result<()> {
    let mut connection = PgConnection::connect(cloud.database(Part::Validation)?).await?;
    let stored: Vec<(i64, bool)> =
        sqlx::query_as("SELECT sequence, believed AND NOT after_gap FROM journal WHERE gate = $1 ORDER BY sequence")
            .bind(i64::from(gate.number))
            .fetch_all(&mut connection)
            .await?;
    let each_once: Vec<_> = (1..=i64::try_from(rows)?).map(|sequence| (sequence, true)).collect();
    ensure!(stored == each_once, "{stored:?}");
    Ok(())
}
