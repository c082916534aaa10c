//! A key of a service is stolen. Another takes its place while gates are open, and what becomes of tickets that the stolen one signed is
//! the root's to say.

use anyhow::Result;
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::{Buyer, Ticket};
use countermark_tests::cloud::Part;
use countermark_tests::gate::Gate;
use countermark_tests::season::{FESTIVAL, SOLO};

use crate::stage::{Stage, tell};

#[test]
fn another_takes_its_place_and_what_it_signed_is_good_where_it_was_sold() {
    tell(Stage::Own("stolen_key"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let sold_seat = async || -> Result<Ticket> {
            // Who has a session has it still; what a token is good for ends with its service.
            let tickets = Buyer::arrive(cloud).await?.buy(&offer, 1).await?;
            let [ticket] = &tickets[..] else { anyhow::bail!("{tickets:?}") };
            Ok(ticket.clone())
        };
        let sold = async || sold_seat().await.map(|ticket| ticket.text);
        let gate = Gate::enrol_by_code(cloud, "gate-of-keys", &administrator.gate("North", FESTIVAL).await?).await?;
        let running = gate.listen().await?;
        let first = sold().await?;
        gate.would_say(&first, Reason::Admitted).await?;

        let yesterdays = cloud.ceremony().bundle_file().with_extension("yesterdays");
        std::fs::copy(cloud.ceremony().bundle_file(), &yesterdays)?;
        cloud.rotate(Part::Tickets, "listed-only").await?;
        for service in Part::SERVICES {
            let refusal = cloud.refusal(service, &yesterdays).await?;
            anyhow::ensure!(refusal.contains("put the file of version 2 there"), "{refusal}");
        }
        let second = sold().await?;
        gate.would_say(&second, Reason::Admitted).await?;
        gate.would_say(&first, Reason::Admitted).await?;

        cloud.rotate(Part::Tickets, "revoked").await?;
        let third = sold().await?;
        gate.would_say(&second, Reason::KeyRevoked).await?;
        gate.would_say(&third, Reason::Admitted).await?;
        gate.would_say(&first, Reason::Admitted).await?;

        // Lists by another key, and grants by another: the gate follows both.
        cloud.rotate(Part::Validation, "verify-only").await?;
        cloud.rotate(Part::Auth, "verify-only").await?;
        let fourth = sold().await?;
        gate.would_say(&fourth, Reason::Admitted).await?;
        gate.would_say(&first, Reason::Admitted).await?;

        // That one is stolen, too: what it signed is good nowhere, and all of it is there by another.
        cloud.rotate(Part::Validation, "revoked").await?;
        let fifth = sold_seat().await?;
        gate.would_say(&fifth.text, Reason::Admitted).await?;
        administrator.block(FESTIVAL, fifth.slot, "misconduct").await?;
        gate.would_say(&fifth.text, Reason::Blocked).await?;
        gate.would_say(&first, Reason::Admitted).await?;
        running.kill().await?;
        Ok(())
    });
}
