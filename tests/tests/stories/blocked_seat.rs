//! A seat that an administrator blocks is held back at the gate until the block is lifted; revoked is final.

use anyhow::Context;
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::gate::Gate;
use countermark_tests::season::{FESTIVAL, SOLO};

use crate::stage::{Stage, tell};

#[test]
fn is_held_back_until_the_block_is_lifted_and_revoked_is_final() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 1).await?;
        let ticket = tickets.first().context("nothing was sold")?;
        let gate = Gate::enrol(cloud, "gate-of-the-blocked", &administrator.gate("East", FESTIVAL).await?).await?;
        let running = gate.listen().await?;
        gate.would_say(&ticket.text, Reason::Admitted).await?;

        for _ in 0..2 {
            administrator.block(FESTIVAL, ticket.slot, "lost-or-stolen").await?;
        }
        gate.would_say(&ticket.text, Reason::Blocked).await?;
        for _ in 0..2 {
            administrator.unblock(FESTIVAL, ticket.slot, "found again").await?;
        }
        gate.would_say(&ticket.text, Reason::Admitted).await?;

        administrator.revoke(FESTIVAL, ticket.slot, "given back").await?;
        gate.would_say(&ticket.text, Reason::Revoked).await?;
        let refusals = [
            administrator.block(FESTIVAL, ticket.slot, "misconduct").await.err(),
            administrator.unblock(FESTIVAL, ticket.slot, "a mistake").await.err(),
        ];
        for refusal in refusals {
            assert_eq!(refusal.as_ref().and_then(|refusal| refusal.slug()), Some("seat-revoked"), "{refusal:?}");
        }
        running.kill().await?;
        Ok(())
    });
}
