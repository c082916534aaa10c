//! A gate that an administrator suspends lets nobody in, until it is resumed.

use anyhow::Context;
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::gate::Gate;
use countermark_tests::season::{FESTIVAL, SOLO};

use crate::stage::{Stage, tell};

#[test]
fn lets_nobody_in_until_it_is_resumed() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 1).await?;
        let ticket = tickets.first().context("nothing was sold")?;
        let gate = Gate::enrol_by_code(cloud, "gate-to-suspend", &administrator.gate("Van", FESTIVAL).await?).await?;
        let running = gate.listen().await?;
        gate.would_say(&ticket.text, Reason::Admitted).await?;

        administrator.suspend(gate.number, "it was seen in a van").await?;
        gate.would_say(&ticket.text, Reason::Suspended).await?;
        administrator.resume(gate.number, "it was the right van").await?;
        gate.would_say(&ticket.text, Reason::Admitted).await?;
        running.kill().await?;
        Ok(())
    });
}
