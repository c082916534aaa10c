//! A live ticket that a buyer's own device holds: the device signs each showing by itself, auth cannot, and nobody else can.

use anyhow::{Context, Result};
use countermark_shared::keys::SigningKey;
use countermark_shared::ticket::UnverifiedTicket;
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::{Buyer, Ticket};
use countermark_tests::clock;
use countermark_tests::gate::Gate;
use countermark_tests::season::{FESTIVAL, LIVE};
use countermark_tests::wait::{PATIENCE, until};
use zeroize::Zeroizing;

use crate::stage::{Stage, tell};

#[test]
fn shows_a_live_ticket_without_the_cloud() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&LIVE).await?;
        let buyer = Buyer::arrive(cloud).await?;
        let device = SigningKey::from_seed(&Zeroizing::new([0x5e; 32]));
        buyer.register(&device).await?;
        let order = buyer.order(&offer, 1).await?;
        buyer.grant_to(&order, device.verifying_key()).await?;
        let tickets = buyer.pay_for(order).await?;
        let ticket = tickets.first().context("nothing was sold")?;
        let gate = Gate::enrol(cloud, "gate-for-devices", &administrator.gate("South", FESTIVAL).await?).await?;
        let running = gate.listen().await?;

        until("the gate let in what the device showed", PATIENCE, async || {
            let verdict = gate.check(&shown(ticket, &device)?).await?.verdict;
            Ok((verdict == Reason::Admitted).then_some(()))
        })
        .await?;
        assert_eq!(gate.check(&ticket.text).await?.verdict, Reason::LiveProofMissing);
        let refusal = buyer.present(ticket).await.err().context("auth shows what a device holds")?;
        assert_eq!(refusal.slug(), Some("device-held"), "{refusal}");
        running.kill().await?;
        Ok(())
    });
}

/// What the device draws: the ticket, and its signature over this moment.
fn shown(ticket: &Ticket, device: &SigningKey) -> Result<String> {
    let ticket = UnverifiedTicket::parse(&ticket.text)?;
    let presentation = ticket.body().present(device, clock::now())?;
    Ok(ticket.shown(presentation)?.to_text())
}
