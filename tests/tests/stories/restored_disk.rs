//! An old image of a gate's disk is put back: the first row that validation has otherwise tells the gate, and it lets nobody in any more.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::gate::{Gate, RunningGate, Verdict};
use countermark_tests::season::{FESTIVAL, SOLO};
use countermark_tests::wait::{PATIENCE, until};

use crate::stage::{Stage, tell};

#[test]
fn a_gate_whose_disk_was_put_back_lets_nobody_in_once_validation_has_told_it() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 3).await?;
        let texts: Vec<_> = tickets.into_iter().map(|ticket| ticket.text).collect();
        let [used, before_it_knew, after] = texts.as_slice() else { bail!("three tickets were bought") };
        let code = administrator.gate("A box that was put back", FESTIVAL).await?;
        let gate = Gate::enrol(cloud, "restored-gate", &code).await?;
        let synced = gate.listen().await?;
        gate.would_say(used, Reason::Admitted).await?;
        synced.kill().await?;
        let image = tempfile::tempdir()?;
        copy_ledger(gate.folder(), image.path())?;

        let mut running = gate.listen().await?;
        ensure!(show(&mut running, used).await?.opens);
        gate.settled(PATIENCE).await?;
        running.kill().await?;
        copy_ledger(image.path(), gate.folder())?;

        let mut restored = gate.listen().await?;
        let said = show(&mut restored, before_it_knew).await?;
        ensure!(said.opens && said.sequence == Some(1), "{said:?}");
        let status = until("the gate was told", PATIENCE, async || {
            let status = gate.status().await?;
            Ok((status.contested > 0).then_some(status))
        })
        .await?;
        let words: Vec<_> = status.ledger_warnings.into_iter().map(|sentence| sentence.en).collect();
        ensure!(words.len() == 1 && words.iter().all(|words| words.contains("RESTORED OR COPIED")), "{words:?}");
        for text in [used, after] {
            gate.would_say(text, Reason::CannotDecide).await?;
        }
        restored.kill().await.map(drop)
    });
}

async fn show(running: &mut RunningGate, text: &str) -> Result<Verdict> {
    let mut input = running.lines()?;
    writeln!(input, "{text}")?;
    running.verdict().await
}

/// The ledger of a dead gate, with its log where there is one.
fn copy_ledger(from: &Path, to: &Path) -> Result<()> {
    for name in ["ledger.sqlite", "ledger.sqlite-wal"] {
        match fs::remove_file(to.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name)).with_context(|| format!("copying {name}"))?;
        }
    }
    Ok(())
}
