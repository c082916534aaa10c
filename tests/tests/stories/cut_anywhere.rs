//! The line to the cloud is cut after each so many bytes of an upload, from another byte on in each run, and of its answer, plain and through the gateway, over the records of TLS: the
//! gate goes on from there, and each row is stored once.

use std::io::Write;
use std::process::ChildStdin;

use anyhow::{Result, ensure};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::cloud::{Cloud, Part};
use countermark_tests::gate::{Gate, RunningGate};
use countermark_tests::gateway::Gateway;
use countermark_tests::proxy::{Fault, Proxy};
use countermark_tests::season::{FESTIVAL, SOLO};
use countermark_tests::wait::{PATIENCE, until};
use sqlx::{Connection, PgConnection};

use crate::stage::{Stage, tell};

/// Bytes from one cut to the next.
#[derive(Clone, Copy)]
struct Stride {
    up: usize,
    down: usize,
}

/// The request of one row is some 690 bytes long, its answer some 370.
const PLAIN: Stride = Stride { up: 29, down: 13 };
/// With the handshake before them, which resumes a session, some 1,150 and 790.
const ENCRYPTED: Stride = Stride { up: 43, down: 31 };

#[test]
fn an_upload_is_resumed_after_a_cut_at_any_byte() {
    tell(Stage::Own("cut_anywhere"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let gate = Gate::enrol_by_code(cloud, "cut-off-gate", &administrator.gate("North", FESTIVAL).await?).await?;
        cut_everywhere(cloud, &administrator, &gate, cloud.gate_line(), PLAIN).await
    });
}

/// Within the records of TLS, those of its handshake too.
#[test]
fn an_upload_through_the_gateway_is_resumed_after_a_cut_at_any_byte() {
    tell(Stage::Own("cut_records"), async |cloud| {
        let gateway = Gateway::open(cloud).await?;
        let administrator = Administrator::log_in(cloud).await?;
        let invited = administrator.gate("North", FESTIVAL).await?;
        let gate = Gate::enrol_behind(&gateway, cloud, "cut-off-gate", &invited).await?;
        cut_everywhere(cloud, &administrator, &gate, gateway.line(), ENCRYPTED).await
    });
}

async fn cut_everywhere(
    cloud: &Cloud,
    administrator: &Administrator<'_>,
    gate: &Gate,
    line: &Proxy,
    stride: Stride,
) -> Result<()> {
    let offer = administrator.offer(&SOLO).await?;
    let tickets = Buyer::arrive(cloud).await?.buy(&offer, 1).await?;
    let [ticket] = tickets.as_slice() else { anyhow::bail!("{tickets:?}") };
    let synced = gate.listen().await?;
    gate.would_say(&ticket.text, Reason::Admitted).await?;
    synced.kill().await?;

    // Nothing but uploads is under way from here on, so that the bytes that are counted are an upload's.
    let mut running = gate.listen_asking_once().await?;
    let mut entrance = Entrance { lines: running.lines()?, running, rows: 0 };
    entrance.show(&ticket.text).await?;
    gate.settled(PATIENCE).await?;
    let (_, unstored) = sweep(cloud, gate, line, &mut entrance, Fault::CutRequests, stride.up).await?;
    let (stored, unanswered) = sweep(cloud, gate, line, &mut entrance, Fault::CutAnswers, stride.down).await?;
    println!(
        "{unstored} requests were cut; of answers, {unanswered} before validation had the row, and {stored} after that"
    );
    ensure!(unstored > 9 && stored > 2 && stored + unanswered > 9, "too few to be an upload");

    let status = gate.settled(PATIENCE).await?;
    ensure!((status.rows, status.contested) == (entrance.rows, 0) && status.ledger_warnings.is_empty(), "{status:?}");
    entrance.running.kill().await?;
    let mut connection = PgConnection::connect(cloud.database(Part::Validation)?).await?;
    let journal: Vec<(i64, bool)> =
        sqlx::query_as("SELECT sequence, after_gap FROM journal WHERE gate = $1 ORDER BY sequence")
            .bind(i64::from(gate.number))
            .fetch_all(&mut connection)
            .await?;
    let each_once: Vec<_> = (1..=i64::try_from(entrance.rows)?).map(|sequence| (sequence, false)).collect();
    ensure!(journal == each_once, "{journal:?}");
    Ok(())
}

struct Entrance {
    running: RunningGate,
    lines: ChildStdin,
    rows: u64,
}

impl Entrance {
    /// One more row.
    async fn show(&mut self, text: &str) -> Result<()> {
        writeln!(self.lines, "{text}")?;
        self.rows += 1;
        let verdict = self.running.verdict().await?;
        ensure!(verdict.sequence == Some(self.rows), "{verdict:?}");
        Ok(())
    }
}

/// Cuts the upload of a row a stride later each time, over a connection of its own, until it comes through whole. The answer is after how many of
/// the cuts validation had the row, and after how many it had not.
async fn sweep(
    cloud: &Cloud,
    gate: &Gate,
    line: &Proxy,
    entrance: &mut Entrance,
    cut_after: fn(u64) -> Fault,
    stride: usize,
) -> Result<(u32, u32)> {
    let (mut stored, mut unstored) = (0, 0);
    // Another one in each run, so that in time there is none at which it was not cut.
    let first = rand::random_range(0..stride);
    println!("the line is cut after {first} bytes, and each {stride} more");
    for bytes in (u64::try_from(first)?..).step_by(stride) {
        line.cut(Fault::Refuse);
        until("the old connection had ended", PATIENCE, async || Ok((line.open() == 0).then_some(()))).await?;
        let before = line.cut_off();
        line.cut(cut_after(bytes));
        entrance.show(&format!("nobody's ticket {}", entrance.rows)).await?;
        let was_cut = until(format_args!("the line was cut after {bytes} bytes"), PATIENCE, async || {
            let settled = gate.status().await?.unsettled == 0;
            Ok(if line.cut_off() > before { Some(true) } else { settled.then_some(false) })
        })
        .await?;
        if !was_cut {
            break;
        }
        if is_stored(cloud, gate, entrance.rows).await? {
            stored += 1;
        } else {
            unstored += 1;
        }
        line.mend();
        gate.settled(PATIENCE).await?;
    }
    line.mend();
    Ok((stored, unstored))
}

async fn is_stored(cloud: &Cloud, gate: &Gate, row: u64) -> Result<bool> {
    let mut connection = PgConnection::connect(cloud.database(Part::Validation)?).await?;
    let stored = sqlx::query_scalar("SELECT EXISTS (SELECT FROM journal WHERE gate = $1 AND sequence = $2)")
        .bind(i64::from(gate.number))
        .bind(i64::try_from(row)?)
        .fetch_one(&mut connection)
        .await?;
    Ok(stored)
}
