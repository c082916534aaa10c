//! The sale: what is offered, who buys what. Owns the afternoon that ends while the demo runs.

use std::time::Duration;

use anyhow::{Context, Result};
use countermark_shared::time::Timestamp;
use futures_util::future::try_join;

use crate::administrator::Administrator;
use crate::buyer::{Buyer, Ticket};
use crate::clock;
use crate::cloud::{Cloud, Told};
use crate::season::{self, DUO, EARLY, FAMILY, SEAT, SOLO};

/// From the signature of the event document until the afternoon ends: its ticket is ordered within the first seconds.
const AFTERNOON: Duration = Duration::from_secs(12);

/// What was sold.
pub(super) struct Sale {
    pub(super) solo: Ticket,
    pub(super) duo: [Ticket; 2],
    pub(super) family: Ticket,
    pub(super) revoked: Ticket,
    pub(super) expired: Ticket,
    pub(super) other_event: Ticket,
    pub(super) for_the_outage: [Ticket; 2],
    pub(super) buyer: Buyer,
    pub(super) family_buyer: Buyer,
    pub(super) solo_offer: String,
    afternoon_ends: Timestamp,
}

impl Sale {
    pub(super) async fn hold(cloud: &Cloud, administrator: &Administrator<'_>, told: Told<'_>) -> Result<Self> {
        let (buyer, family_buyer) = try_join(Buyer::arrive(cloud), Buyer::arrive(cloud)).await?;
        told("two buyers registered and logged in");

        let now = clock::now();
        // A ticket carries whole seconds.
        let afternoon_ends = Timestamp::from_unix_seconds((now + AFTERNOON).unix_seconds());
        administrator.publish(&season::festival(now, afternoon_ends)?).await?;
        let early = administrator.offer(&EARLY).await?;
        let expired = one(buyer.buy(&early, 1).await?)?;
        told("the organiser signed the festival's event document; auth, tickets and validation each verified it");

        administrator.publish(&season::concert(now)?).await?;
        let solo_offer = administrator.offer(&SOLO).await?;
        let duo = administrator.offer(&DUO).await?;
        let family = administrator.offer(&FAMILY).await?;
        let seat = administrator.offer(&SEAT).await?;
        told("offers published: solo, duo (a ticket each), family (one code for four), and a seat at another event");

        let [solo, revoked, first, second] = exactly(buyer.buy(&solo_offer, 4).await?)?;
        let sale = Self {
            solo,
            revoked,
            for_the_outage: [first, second],
            duo: exactly(buyer.buy(&duo, 1).await?)?,
            family: one(family_buyer.buy(&family, 1).await?)?,
            other_event: one(family_buyer.buy(&seat, 1).await?)?,
            expired,
            buyer,
            family_buyer,
            solo_offer,
            afternoon_ends,
        };
        told("nine tickets sold: granted with auth, paid with the provider, each signed twice by two services");
        Ok(sale)
    }

    /// Waits until the afternoon's ticket has expired, which nobody can hasten.
    pub(super) async fn afternoon_is_over(&self, told: Told<'_>) -> Result<()> {
        let left = self.afternoon_ends.since(clock::now());
        if !left.is_zero() {
            told(&format!(
                "all but the last two pictures read; the afternoon's ticket expires in {} s",
                left.as_secs() + 1
            ));
            tokio::time::sleep(left).await;
        }
        Ok(())
    }
}

fn one(tickets: Vec<Ticket>) -> Result<Ticket> {
    exactly(tickets).map(|[ticket]| ticket)
}

fn exactly<const COUNT: usize>(tickets: Vec<Ticket>) -> Result<[Ticket; COUNT]> {
    let count = tickets.len();
    tickets.try_into().ok().with_context(|| format!("{count} tickets were issued instead of {COUNT}"))
}
