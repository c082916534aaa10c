//! Validation is put back to a backup from before a gate let somebody in with a strict ticket, and that gate is away. Another gate that asks is not answered before
//! the first has told again: the seat is not let in twice.

use std::fs;
use std::io::Write;

use anyhow::{Context, Result};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::cloud::Part;
use countermark_tests::gate::Gate;
use countermark_tests::season::{FESTIVAL, SOLO};
use countermark_tests::wait::{PATIENCE, until};
use serde_json::json;

use crate::asked_first::{answered, strict_festival};
use crate::stage::{Stage, tell};

#[test]
fn a_strict_ticket_is_left_to_staff_until_every_gate_has_told_again() {
    tell(Stage::Bare("not_told_again"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        administrator.publish(&strict_festival()?).await?;
        let sold = Buyer::arrive(cloud).await?.buy(&administrator.offer(&SOLO).await?, 2).await?;
        let [first, second] = &sold[..] else { anyhow::bail!("{} tickets", sold.len()) };
        let enrol =
            async |name, entrance| Gate::enrol(cloud, name, &administrator.gate(entrance, FESTIVAL).await?).await;
        let (north, south) = (enrol("told-north", "North").await?, enrol("asks-south", "South").await?);
        let (mut at_north, at_south) = (north.listen().await?, south.listen().await?);
        let mut to_north = at_north.lines()?;
        for gate in [&north, &south] {
            gate.would_say(&first.text, Reason::Admitted).await?;
            gate.would_say(&second.text, Reason::Admitted).await?;
        }
        // South is off meanwhile: no feed tells it.
        at_south.kill().await?;
        cloud.back_up(Part::Validation).await?;
        assert_eq!(answered(&mut at_north, &mut to_north, &first.text).await?.verdict, Reason::Admitted);
        north.settled(PATIENCE).await?;
        at_north.kill().await?;

        let said = cloud.go_back(Part::Validation).await?;
        assert_eq!(said["owing"], json!([north.number, south.number]), "{said}");
        let mut at_south = south.listen().await?;
        let mut to_south = at_south.lines()?;
        assert_eq!(owing(&administrator, 1).await?, [north.number]);
        for language in ["en", "fr"] {
            let page = administrator.findings_page(FESTIVAL, language).await?;
            let told = format!("<strong>North ({})</strong>", north.number);
            assert!(page.contains("role=\"alert\"") && page.contains(&told), "{page}");
        }
        // Until it was refused, and not only late.
        let why = format!("these gates have not told again whom they let in: {}", north.number);
        until("South was told why nobody is answered", PATIENCE, async || {
            for ticket in [first, second] {
                writeln!(to_south, "{}", ticket.text)?;
                assert_eq!(at_south.verdict().await?.verdict, Reason::OthersUnreachable);
            }
            Ok(fs::read_to_string(south.log_file())?.contains(&why).then_some(()))
        })
        .await?;

        let at_north = north.listen().await?;
        assert!(owing(&administrator, 0).await?.is_empty());
        let refused = answered(&mut at_south, &mut to_south, &first.text).await?;
        assert_eq!((refused.verdict, refused.earlier_gate), (Reason::AlreadyUsed, Some(north.number)));
        assert_eq!(answered(&mut at_south, &mut to_south, &second.text).await?.verdict, Reason::Admitted);
        at_north.kill().await?;
        at_south.kill().await?;
        Ok(())
    });
}

/// The gates that have to tell again, once they are so many.
async fn owing(administrator: &Administrator<'_>, gates: usize) -> Result<Vec<u32>> {
    until("as many gates as that had told again", PATIENCE, async || {
        let admissions = administrator.figures(FESTIVAL).await?.admissions.context("validation did not answer")?;
        let owing: Vec<_> = admissions.gates.iter().filter(|gate| gate.owes).map(|gate| gate.gate).collect();
        Ok((owing.len() == gates).then_some(owing))
    })
    .await
}
