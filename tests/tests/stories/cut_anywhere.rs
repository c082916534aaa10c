//! The line to the cloud is cut after each so many bytes of an upload, and of its answer: the gate goes on from there, and each row is stored once.

use std::io::Write;
use std::process::ChildStdin;

use anyhow::{Result, ensure};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::cloud::{Cloud, Part};
use countermark_tests::gate::{Gate, RunningGate};
use countermark_tests::proxy::Fault;
use countermark_tests::season::{FESTIVAL, SOLO};
use countermark_tests::wait::{PATIENCE, until};
use sqlx::{Connection, PgConnection};

use crate::stage::{Stage, tell};

/// Bytes from one cut to the next. The request of one row is some 690 long, its answer some 370.
const UP: usize = 29;
const DOWN: usize = 13;

#[test]
fn an_upload_is_resumed_after_a_cut_at_any_byte() {
    tell(Stage::Own("cut_anywhere"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 1).await?;
        let [ticket] = tickets.as_slice() else { anyhow::bail!("{tickets:?}") };
        let gate = Gate::enrol_by_code(cloud, "cut-off-gate", &administrator.gate("North", FESTIVAL).await?).await?;
        let synced = gate.listen().await?;
        gate.would_say(&ticket.text, Reason::Admitted).await?;
        synced.kill().await?;

        // Nothing but uploads is under way from here on, so that the bytes that are counted are an upload's.
        let mut running = gate.listen_asking_once().await?;
        let mut entrance = Entrance { lines: running.lines()?, running, rows: 0 };
        entrance.show(&ticket.text).await?;
        gate.settled(PATIENCE).await?;
        let (_, unstored) = sweep(cloud, &gate, &mut entrance, Fault::CutRequests, UP).await?;
        let (stored, _) = sweep(cloud, &gate, &mut entrance, Fault::CutAnswers, DOWN).await?;
        println!("{unstored} requests and {stored} answers were cut");
        ensure!(
            unstored > 9 && stored > 9,
            "{unstored} requests were cut, and {stored} answers: too few to be an upload"
        );

        let status = gate.settled(PATIENCE).await?;
        ensure!(
            (status.rows, status.contested) == (entrance.rows, 0) && status.ledger_warnings.is_empty(),
            "{status:?}"
        );
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
    });
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

/// Cuts the upload of a row a stride later each time, until it comes through whole. The answer is after how many of the cuts validation had the
/// row, and after how many it had not.
async fn sweep(
    cloud: &Cloud,
    gate: &Gate,
    entrance: &mut Entrance,
    cut_after: fn(u64) -> Fault,
    stride: usize,
) -> Result<(u32, u32)> {
    let (mut stored, mut unstored) = (0, 0);
    for bytes in (0..).step_by(stride) {
        let before = cloud.gate_line().cut_off();
        cloud.gate_line().cut(cut_after(bytes));
        entrance.show(&format!("nobody's ticket {}", entrance.rows)).await?;
        let was_cut = until(format_args!("the line was cut after {bytes} bytes"), PATIENCE, async || {
            let settled = gate.status().await?.unsettled == 0;
            Ok(if cloud.gate_line().cut_off() > before { Some(true) } else { settled.then_some(false) })
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
        cloud.gate_line().mend();
        gate.settled(PATIENCE).await?;
    }
    cloud.gate_line().mend();
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
