//! Two gates of an event that is strict: whoever is let in at one is refused at the other at once, though nothing of it was uploaded, because each asks
//! before it admits. Cut off from the cloud, strictness calls staff; where the policy puts availability first, people enter.

use std::io::Write;
use std::process::ChildStdin;
use std::time::Duration;

use anyhow::{Context, Result};
use countermark_shared::documents::{AdmissionPolicy, Alone, EventDocument};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::clock;
use countermark_tests::gate::{Gate, RunningGate, Verdict};
use countermark_tests::proxy::Fault;
use countermark_tests::season::{self, EARLY, EVENING, FESTIVAL, SOLO};
use countermark_tests::wait::{PATIENCE, until};

use crate::stage::{Stage, tell};

#[test]
fn is_refused_at_once_and_left_to_staff_where_nobody_answers() {
    tell(Stage::Bare("asked_first"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        administrator.publish(&strict_festival()?).await?;
        let buyer = Buyer::arrive(cloud).await?;
        let sold = buyer.buy(&administrator.offer(&SOLO).await?, 2).await?;
        let [first, second] = &sold[..] else { anyhow::bail!("{} tickets", sold.len()) };
        let sold = buyer.buy(&administrator.offer(&EARLY).await?, 1).await?;
        let available = sold.first().context("nothing was sold")?;
        let enrol = async |name, entrance| {
            Gate::enrol_by_code(cloud, name, &administrator.gate(entrance, FESTIVAL).await?).await
        };
        let (north, south) = (enrol("asking-north", "North").await?, enrol("asking-south", "South").await?);
        let (mut at_north, mut at_south) = (north.listen().await?, south.listen().await?);
        let (mut to_north, mut to_south) = (at_north.lines()?, at_south.lines()?);
        for gate in [&north, &south] {
            for ticket in [first, second, available] {
                until("the gate knew the ticket", PATIENCE, async || {
                    Ok(gate.check(&ticket.text).await?.opens.then_some(()))
                })
                .await?;
            }
        }

        assert_eq!(answered(&mut at_north, &mut to_north, &first.text).await?.verdict, Reason::Admitted);
        let refused = answered(&mut at_south, &mut to_south, &first.text).await?;
        assert_eq!((refused.verdict, refused.earlier_gate), (Reason::AlreadyUsed, Some(north.number)));
        // By what was answered, and not by what was synced: of a seat that the feed calls used nobody is asked.
        let journal = cloud.folder().join("asking-south.jsonl");
        south.export_journal(&journal).await?;
        let journal = std::fs::read_to_string(journal)?;
        let says = |line: &&str| line.contains("\"claimed\"") && line.contains("\"already-used\"");
        assert_eq!(journal.lines().filter(says).count(), 1, "{journal}");

        cloud.gate_line().cut(Fault::Refuse);
        writeln!(to_south, "{}", second.text)?;
        assert_eq!(at_south.verdict().await?.verdict, Reason::OthersUnreachable);
        writeln!(to_south, "{}", available.text)?;
        assert_eq!(at_south.verdict().await?.verdict, Reason::Admitted);

        // What the strict gate wrote meanwhile settles, and it is answered again.
        cloud.gate_line().mend();
        south.settled(PATIENCE).await?;
        assert_eq!(answered(&mut at_south, &mut to_south, &second.text).await?.verdict, Reason::Admitted);
        at_north.kill().await?;
        at_south.kill().await?;
        Ok(())
    });
}

/// The festival, whose evening is for staff where nobody answers.
pub(crate) fn strict_festival() -> Result<EventDocument> {
    let now = clock::now();
    let mut festival = season::festival(now, now + Duration::from_hours(6))?;
    let strict = Some(AdmissionPolicy { alone: Alone::Staff, ..festival.policy });
    festival.products.iter_mut().filter(|product| product.product == EVENING).for_each(|it| it.policy = strict);
    Ok(festival)
}

/// Shows the ticket until the others answer in time, which a busy machine does not always do.
pub(crate) async fn answered(gate: &mut RunningGate, line: &mut ChildStdin, ticket: &str) -> Result<Verdict> {
    until("the others answered", PATIENCE, async || {
        writeln!(line, "{ticket}")?;
        let verdict = gate.verdict().await?;
        Ok((verdict.verdict != Reason::OthersUnreachable).then_some(verdict))
    })
    .await
}
