//! Two gates that hear of nothing let one seat in twice, and one of them a ticket that was cancelled meanwhile; then the disk of the other
//! is put back. What people find afterwards is that, each once, with where and how far apart; and they say what they make of it.

mod in_a_browser;

use std::io::Write;
use std::path::Path;
use std::process::ChildStdin;

use anyhow::{Context, Result, ensure};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::cloud::Cloud;
use countermark_tests::gate::{Gate, RunningGate};
use countermark_tests::proxy::Fault;
use countermark_tests::season::{FESTIVAL, SOLO};
use countermark_tests::wait::{PATIENCE, until};
use serde_json::{Value, json};

use crate::stage::{Stage, tell};

/// A gate and the lines it reads.
struct Entrance {
    gate: Gate,
    running: RunningGate,
    lines: ChildStdin,
}

impl Entrance {
    async fn open(cloud: &Cloud, administrator: &Administrator<'_>, name: &str) -> Result<Self> {
        let gate = Gate::enrol_by_code(cloud, name, &administrator.gate(name, FESTIVAL).await?).await?;
        Self::at(gate).await
    }

    async fn at(gate: Gate) -> Result<Self> {
        let mut running = gate.listen().await?;
        let lines = running.lines()?;
        Ok(Self { gate, running, lines })
    }

    async fn admits(&mut self, ticket: &str) -> Result<()> {
        writeln!(self.lines, "{ticket}")?;
        let verdict = self.running.verdict().await?;
        ensure!(verdict.verdict == Reason::Admitted, "{verdict:?}");
        Ok(())
    }
}

/// Waits until so many findings of the rule are there; the answer is the first.
async fn found(administrator: &Administrator<'_>, rule: &str, revision: u64) -> Result<Value> {
    let findings = until(format_args!("there was a {rule} of revision {revision}"), PATIENCE, async || {
        let findings = administrator.findings(FESTIVAL, rule).await?;
        let is_there = findings.first().is_some_and(|finding| finding["revision"] == revision);
        Ok(is_there.then_some(findings))
    })
    .await?;
    let [finding] = &findings[..] else { anyhow::bail!("one finding was to be there: {findings:#?}") };
    Ok(finding.clone())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for file in std::fs::read_dir(from)? {
        let file = file?;
        if file.file_name().to_string_lossy().starts_with("ledger.sqlite") {
            std::fs::copy(file.path(), to.join(file.file_name()))?;
        }
    }
    Ok(())
}

#[test]
fn are_each_told_once_with_where_and_how_far_apart() {
    tell(Stage::Own("findings"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 2).await?;
        let [twice, cancelled] = &tickets[..] else { anyhow::bail!("two were to be sold: {}", tickets.len()) };
        let mut north = Entrance::open(cloud, &administrator, "North").await?;
        let mut south = Entrance::open(cloud, &administrator, "South").await?;
        for gate in [&north.gate, &south.gate] {
            gate.would_say(&cancelled.text, Reason::Admitted).await?;
        }

        cloud.gate_line().cut(Fault::Swallow);
        let Entrance { gate, running, .. } = north;
        running.kill().await?;
        let backup = cloud.folder().join("backup");
        copy(gate.folder(), &backup)?;
        north = Entrance::at(gate).await?;
        north.admits(&twice.text).await?;
        south.admits(&twice.text).await?;
        administrator.revoke(FESTIVAL, cancelled.slot, "given back").await?;
        until("validation had heard that it is cancelled", PATIENCE, async || {
            let sales = administrator.figures(FESTIVAL).await?.sales.context("tickets does not answer")?;
            Ok((sales.figures.reports_under_way == 0).then_some(()))
        })
        .await?;
        south.admits(&cancelled.text).await?;
        assert!(administrator.findings(FESTIVAL, "double-admission").await?.is_empty());

        cloud.gate_line().mend();
        for gate in [&north.gate, &south.gate] {
            gate.settled(PATIENCE).await?;
        }
        let double = found(&administrator, "double-admission", 1).await?;
        assert_eq!(double["about"], json!({ "kind": "seat", "slot": twice.slot }));
        let doubt = &double["evidence"]["scans"][0];
        let mut gates = [&doubt["scan"]["gate"], &doubt["objection"]["before"]["gate"]].map(Value::as_u64);
        gates.sort_unstable();
        assert_eq!(gates, [Some(north.gate.number.into()), Some(south.gate.number.into())]);
        assert_eq!(doubt["objection"]["would_say"], "already-used");
        assert!(doubt["objection"]["apart"].as_u64().is_some_and(|apart| apart < 600_000), "{doubt}");
        let revoked = found(&administrator, "used-after-revocation", 1).await?;
        assert_eq!(revoked["about"]["slot"], cancelled.slot);
        assert_eq!(revoked["evidence"]["scans"][0]["objection"]["kind"], "revoked");

        let acknowledged = administrator.acknowledge(&double, "I look for both at the bar.").await?;
        assert_eq!(acknowledged["state"], "acknowledged");
        for (language, words) in [("en", "Admitted too often"), ("fr", "Admis trop de fois")] {
            let page = administrator.findings_page(FESTIVAL, language).await?;
            assert!(page.contains(words) && page.contains("North (") && page.contains("South ("), "{page}");
        }

        // The disk of the north is put back to before it let anybody in.
        let Entrance { gate, running, .. } = north;
        running.kill().await?;
        for file in std::fs::read_dir(gate.folder())? {
            let file = file?.path();
            if file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ledger.sqlite")) {
                std::fs::remove_file(file)?;
            }
        }
        copy(&backup, gate.folder())?;
        north = Entrance::at(gate).await?;
        north.admits(&twice.text).await?;
        let fork = found(&administrator, "fork", 1).await?;
        assert_eq!(fork["about"]["gate"], north.gate.number);
        let again = found(&administrator, "double-admission", 2).await?;
        assert_eq!((&again["finding"], &again["state"]), (&double["finding"], &json!("acknowledged")));
        assert_eq!(again["evidence"]["count"], 2);
        north.running.kill().await?;
        south.running.kill().await?;
        Ok(())
    });
}
