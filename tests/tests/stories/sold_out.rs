//! A hundred buyers at once for thirty places.

use std::collections::BTreeSet;

use anyhow::Context;
use countermark_shared::decision::examine;
use countermark_tests::administrator::Administrator;
use countermark_tests::api::CallError;
use countermark_tests::buyer::Buyer;
use countermark_tests::season::{FESTIVAL, Offer, SOLO};
use futures_util::future::{join_all, try_join_all};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::stage::{Stage, tell};

const BUYERS: usize = 100;
const PLACES: u32 = 30;

#[test]
fn thirty_places_are_sold_to_thirty_of_a_hundred_buyers_and_none_twice() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&Offer { stock: PLACES, ..SOLO }).await?;
        // Passwords are hashed slowly, two at a time: the accounts are made before the rush.
        let arriving = stream::iter(0..BUYERS).map(|_| Buyer::arrive(cloud)).buffer_unordered(3);
        let buyers: Vec<_> = arriving.try_collect().await?;

        let rush = join_all(buyers.iter().map(async |buyer| (buyer, buyer.order(&offer, 1).await))).await;
        let (mut lucky, mut told_sold_out) = (Vec::new(), 0);
        for (buyer, outcome) in rush {
            match outcome {
                Ok(order) => lucky.push((buyer, order)),
                Err(refusal @ CallError::Refused { .. }) if refusal.slug() == Some("sold-out") => told_sold_out += 1,
                Err(other) => return Err(other.into()),
            }
        }
        assert_eq!((lucky.len(), told_sold_out), (30, 70));

        let paid = try_join_all(lucky.iter().map(async |(buyer, order)| {
            buyer.grant(order).await?;
            buyer.pay(&buyer.payment_page(order).await?).await?;
            buyer.settled(order).await
        }))
        .await?;
        let tickets: Vec<_> = paid.iter().flat_map(|order| &order.tickets).collect();
        let slots: BTreeSet<_> = tickets.iter().map(|ticket| ticket.slot).collect();
        assert_eq!((tickets.len(), slots.len()), (30, 30), "a seat was sold twice, or not at all");
        let keys = cloud.key_ring()?;
        for ticket in &tickets {
            assert!(examine(&ticket.text, FESTIVAL, &keys).is_ok());
        }

        let sales = administrator.figures(FESTIVAL).await?.sales.context("tickets did not say what was sold")?;
        let own = sales.figures.offers.iter().find(|figures| figures.offer == offer).context("no figures")?;
        assert_eq!((own.sold, own.issued, own.reserved, own.refunds_due), (PLACES, PLACES, 0, 0));
        Ok(())
    });
}
