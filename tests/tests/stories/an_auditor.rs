//! An auditor reads what a gate did, beside the running agent and without it, and finds what somebody changed.

use std::fs;
use std::io::Write;

use anyhow::Context;
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::gate::{Audited, Gate};
use countermark_tests::season::{DUO, FESTIVAL};

use crate::stage::{Stage, tell};

#[test]
fn an_auditor_finds_what_was_changed() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&DUO).await?;
        let ticket =
            Buyer::arrive(cloud).await?.buy(&offer, 1).await?.into_iter().next().context("nothing was sold")?;
        let gate = Gate::enrol(cloud, "audited", &administrator.gate("Audited", FESTIVAL).await?).await?;
        let gates = administrator.figures(FESTIVAL).await?.admissions.context("validation is away")?.gates;
        let key = gates.iter().find(|known| known.gate == gate.number).and_then(|known| known.key);
        let key = key.context("the administrator has no key of it")?;
        let file = cloud.folder().join("audited.jsonl");

        let mut running = gate.listen().await?;
        gate.would_say(&ticket.text, Reason::Admitted).await?;
        let mut lines = running.lines()?;
        lines.write_all(format!("{0}\nsomething else\n{0}\n", ticket.text).as_bytes())?;
        for _ in 0..3 {
            running.verdict().await?;
        }
        assert_eq!(gate.export_journal(&file).await?, 3);
        assert_eq!(gate.audit(Some(&file), key).await?, Audited::Sound { last: 3 });
        assert_eq!(gate.audit(None, key).await?, Audited::Sound { last: 3 });
        assert_eq!(gate.prune_journal(1).await?, 0, "rows of an event that is served are gone");
        running.kill().await?;
        assert_eq!(gate.audit(None, key).await?, Audited::Sound { last: 3 });

        let exported = fs::read_to_string(&file)?;
        assert!(!exported.contains(&ticket.text), "whoever audits can show the ticket");
        // Who wants one admission less says so in bytes and hashes, and has no key.
        let without = |line: usize| -> Vec<_> {
            exported.lines().enumerate().filter(|(number, _)| *number != line).map(|(_, text)| text).collect()
        };
        fs::write(&file, without(1).join("\n"))?;
        assert!(matches!(gate.audit(Some(&file), key).await?, Audited::Wrong { line: 2, .. }));
        fs::write(&file, without(3).join("\n"))?;
        assert!(matches!(gate.audit(Some(&file), key).await?, Audited::Wrong { line: 4, .. }));
        Ok(())
    });
}
