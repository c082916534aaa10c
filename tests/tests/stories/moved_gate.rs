//! A gate is moved from one event to another while it is cut off: it admits at the other as soon as it hears of it, and nothing of what it did at the
//! first is lost or counted elsewhere.

use std::io::Write;

use anyhow::{Context, Result};
use countermark_shared::id::EventId;
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::{Administrator, Admissions};
use countermark_tests::buyer::Buyer;
use countermark_tests::clock;
use countermark_tests::gate::Gate;
use countermark_tests::proxy::Fault;
use countermark_tests::season::{self, CONCERT, FESTIVAL, SEAT, SOLO};
use countermark_tests::wait::PATIENCE;

use crate::stage::{Stage, tell};

#[test]
fn admits_there_and_its_old_rows_are_where_they_belong() {
    tell(Stage::Own("moved_gate"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        administrator.publish(&season::concert(clock::now())?).await?;
        let (festival, concert) = (administrator.offer(&SOLO).await?, administrator.offer(&SEAT).await?);
        let buyer = Buyer::arrive(cloud).await?;
        let tickets = buyer.buy(&festival, 2).await?;
        let [told, untold] = &tickets[..] else { anyhow::bail!("{} tickets", tickets.len()) };
        let seat = buyer.buy(&concert, 1).await?.pop().context("nothing was sold")?;
        let enrol = async |name, entrance| {
            Gate::enrol_by_code(cloud, name, &administrator.gate(entrance, FESTIVAL).await?).await
        };
        let (moved, stays) = (enrol("moved-gate", "North").await?, enrol("other-gate", "South").await?);
        let (mut running, other) = (moved.listen().await?, stays.listen().await?);
        let mut line = running.lines()?;

        moved.would_say(&told.text, Reason::Admitted).await?;
        writeln!(line, "{}", told.text)?;
        assert!(running.verdict().await?.opens);
        moved.settled(PATIENCE).await?;
        cloud.gate_line().cut(Fault::Refuse);
        writeln!(line, "{}", untold.text)?;
        assert!(running.verdict().await?.opens);
        administrator.move_gate(moved.number, CONCERT).await?;
        assert_eq!(moved.check(&seat.text).await?.verdict, Reason::OtherEvent, "it has not heard of it");

        cloud.gate_line().mend();
        moved.would_say(&seat.text, Reason::Admitted).await?;
        writeln!(line, "{}", seat.text)?;
        assert!(running.verdict().await?.opens);
        assert_eq!(moved.check(&told.text).await?.verdict, Reason::OtherEvent);
        let rows = moved.settled(PATIENCE).await?.rows;

        stays.would_say(&untold.text, Reason::AlreadyUsed).await?;
        for (event, admitted) in [(FESTIVAL, 2), (CONCERT, 1)] {
            let admissions = came(&administrator, event).await?;
            let gate = admissions.gates.iter().find(|gate| gate.gate == moved.number).context("it is not told of")?;
            assert_eq!((admissions.admitted, gate.admitted, gate.scans, gate.doubtful), (admitted, admitted, rows, 0));
        }
        running.kill().await?;
        other.kill().await?;
        Ok(())
    });
}

async fn came(administrator: &Administrator<'_>, event: EventId) -> Result<Admissions> {
    administrator.figures(event).await?.admissions.context("validation did not say who came in")
}
