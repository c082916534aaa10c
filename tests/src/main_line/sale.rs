//! The sale: what is offered, who buys what. Owns the afternoon that ends while the demo runs.

use std::time::Duration;

use anyhow::{Context, Result};
use countermark_shared::documents::EventDocument;
use countermark_shared::time::Timestamp;
use futures_util::future::try_join;

use crate::administrator::Administrator;
use crate::buyer::{Buyer, Ticket};
use crate::clock;
use crate::cloud::{Cloud, Told};
use crate::season::{self, DUO, EARLY, FAMILY, LIVE, NAMED, NEXT_DAY, SEAT, SOLO};

/// From the signature of the event document until the afternoon ends: its ticket is ordered within the first seconds.
const AFTERNOON: Duration = Duration::from_secs(12);

/// Who comes by name.
pub(super) const GUEST: &str = "Zoë Çelik";

/// What was sold.
pub(super) struct Sale {
    pub(super) solo: Ticket,
    pub(super) duo: [Ticket; 2],
    pub(super) family: Ticket,
    pub(super) revoked: Ticket,
    pub(super) expired: Ticket,
    pub(super) other_event: Ticket,
    pub(super) live: Ticket,
    pub(super) live_for_a_screenshot: Ticket,
    pub(super) named: Ticket,
    pub(super) given_away: Ticket,
    pub(super) held_back: Ticket,
    pub(super) tomorrow: Ticket,
    pub(super) for_the_outage: [Ticket; 2],
    pub(super) at_south: Ticket,
    pub(super) at_both: Ticket,
    pub(super) never_shown: Ticket,
    pub(super) buyer: Buyer,
    pub(super) family_buyer: Buyer,
    pub(super) solo_offer: String,
    pub(super) festival: EventDocument,
    afternoon_ends: Timestamp,
}

impl Sale {
    pub(super) async fn hold(cloud: &Cloud, administrator: &Administrator<'_>, told: Told<'_>) -> Result<Self> {
        let (buyer, family_buyer) = try_join(Buyer::arrive(cloud), Buyer::arrive(cloud)).await?;
        told("two buyers registered and logged in");

        let now = clock::now();
        // A ticket carries whole seconds.
        let afternoon_ends = Timestamp::from_unix_seconds((now + AFTERNOON).unix_seconds());
        let festival = season::festival(now, afternoon_ends)?;
        administrator.publish(&festival).await?;
        let early = administrator.offer(&EARLY).await?;
        let expired = one(buyer.buy(&early, 1).await?)?;
        told("the organiser signed the festival's event document; auth, tickets and validation each verified it");

        administrator.publish(&season::concert(now)?).await?;
        let solo_offer = administrator.offer(&SOLO).await?;
        let duo = administrator.offer(&DUO).await?;
        let family = administrator.offer(&FAMILY).await?;
        let live = administrator.offer(&LIVE).await?;
        let named = administrator.offer(&NAMED).await?;
        let tomorrow = administrator.offer(&NEXT_DAY).await?;
        let seat = administrator.offer(&SEAT).await?;
        told(
            "offers published: solo, duo, family (one code for four), live, by name, tomorrow, and a seat at another event",
        );

        let [solo, revoked, given_away, held_back, first, second] = exactly(buyer.buy(&solo_offer, 6).await?)?;
        let [at_south, at_both, never_shown] = exactly(family_buyer.buy(&solo_offer, 3).await?)?;
        let [live, live_for_a_screenshot] = exactly(buyer.buy(&live, 2).await?)?;
        let guest = buyer.order_for(&named, GUEST).await?;
        let sale = Self {
            solo,
            revoked,
            live,
            live_for_a_screenshot,
            named: one(buyer.complete(guest).await?)?,
            given_away,
            held_back,
            tomorrow: one(buyer.buy(&tomorrow, 1).await?)?,
            for_the_outage: [first, second],
            at_south,
            at_both,
            never_shown,
            duo: exactly(buyer.buy(&duo, 1).await?)?,
            family: one(family_buyer.buy(&family, 1).await?)?,
            other_event: one(family_buyer.buy(&seat, 1).await?)?,
            expired,
            buyer,
            family_buyer,
            solo_offer,
            festival,
            afternoon_ends,
        };
        told("eighteen tickets sold: granted with auth, paid with the provider, each signed twice by two services");
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
