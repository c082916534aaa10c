//! Offers: published and closed by admin, read by everyone.

use countermark_service::contract::{CloseOffer, PublishOffer, SalesWindow, paths};
use countermark_service::event_documents;
use countermark_service::extract::{Json, Path};
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::documents::{EventDocument, HolderName, Text, TicketForm};
use countermark_shared::id::{EventId, OfferId, ProductId};
use countermark_shared::money::Money;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;
use crate::state::State;
use crate::store::offers::{self, StoredOffer};

/// An offer as buyers see it.
#[derive(Serialize, ToSchema)]
pub(super) struct Offer {
    offer: OfferId,
    product: ProductId,
    name: Text,
    /// For all its persons.
    price: Money,
    persons: u8,
    /// One code for all persons, instead of a ticket for each.
    one_code: bool,
    sales: SalesWindow,
    /// Persons that can still be admitted by it; reservations under way are taken off.
    left: u32,
    /// For how many seconds a proof of its tickets is fresh; of static ones 0. For live ones the buyer's device may be their holder.
    live_window_seconds: u8,
    /// Whether an order is to bring a name for each ticket.
    names: HolderName,
}

impl Offer {
    /// As it can be ordered; nothing when the event has no such product (any more).
    fn of(StoredOffer { offer, left, closed: _ }: StoredOffer, event: &EventDocument) -> Option<Self> {
        let TicketForm { live_window_seconds, holder: names } = event.product(offer.product)?.form;
        Some(Self {
            offer: offer.offer,
            product: offer.product,
            name: offer.name,
            price: offer.price,
            persons: offer.persons.get(),
            one_code: offer.one_code,
            sales: offer.sales,
            left,
            live_window_seconds,
            names,
        })
    }
}

/// The offers of an event, as its document in force has them.
#[utoipa::path(
    get,
    path = "/v1/events/{event}/offers",
    operation_id = "list_offers",
    params(("event" = EventId, Path, description = "The event.")),
    responses((status = 200, description = "The offers, but for closed ones; none for an event whose document has not arrived, or is not believed any more.", body = [Offer]))
)]
pub(super) async fn list(state: State, Path(event): Path<EventId>) -> Result<Json<Vec<Offer>>, Error> {
    let mut connection = state.pool.acquire().await?;
    let in_force = event_documents::in_force(&mut connection, event, &state.bundle, state.clock.now()).await?;
    let Some(in_force) = in_force else { return Ok(Json(Vec::new())) };
    let stored = offers::of_event(&mut connection, event).await?;
    Ok(Json(stored.into_iter().filter_map(|stored| Offer::of(stored, in_force.document())).collect()))
}

/// Publishes an offer, if the event document in force allows it.
#[utoipa::path(
    post,
    path = paths::OFFERS,
    operation_id = "publish_offer",
    request_body = PublishOffer,
    responses(
        (status = 204, description = "Published, now or before."),
        (status = 409, description = "`offer-exists`; `offer-closed`: it was published before, and closed since", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`offer-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn publish(state: State, Json(offer): Json<PublishOffer>) -> Result<StatusCode, Error> {
    let (now, state, offer) = (state.clock.now(), &state, &offer);
    transaction(&state.pool, "publish an offer", |mut connection| {
        Box::pin(async move {
            let in_force = event_documents::in_force(&mut connection, offer.event, &state.bundle, now).await?;
            let event = in_force.ok_or(Error::OfferRefused("no event document of this event has arrived"))?;
            check(offer, event.document())?;
            if offers::insert(&mut connection, offer, now).await? {
                return Ok(());
            }
            match offers::find(&mut connection, offer.offer).await? {
                Some(stored) if stored.offer != *offer => Err(Error::OfferExists),
                Some(stored) if stored.closed => Err(Error::OfferClosed),
                Some(_) => Ok(()),
                None => Err(Error::Unknown),
            }
        })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sells no more of an offer, and shows it to nobody. Whoever has an order of it may pay until its reservation ends, as before.
#[utoipa::path(
    post,
    path = paths::CLOSE_OFFER,
    operation_id = "close_offer",
    request_body = CloseOffer,
    responses(
        (status = 204, description = "Closed, now or before."),
        (status = 404, description = "`not-found`: there is no such offer", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn close(state: State, Json(CloseOffer { offer }): Json<CloseOffer>) -> Result<StatusCode, Error> {
    let mut connection = state.pool.acquire().await?;
    if offers::close(&mut connection, offer, state.clock.now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Error::Unknown)
    }
}

fn check(offer: &PublishOffer, event: &EventDocument) -> Result<(), Error> {
    let product = event.product(offer.product).ok_or(Error::OfferRefused("the event has no such product"))?;
    if offer.price.currency != product.least_price.currency {
        return Err(Error::OfferRefused("the event is sold in another currency"));
    }
    let least = product.least_price.times(offer.persons.get().into());
    if least.is_none_or(|least| offer.price.minor < least.minor) || offer.price.minor == 0 {
        return Err(Error::OfferRefused("the price is below the product's least price"));
    }
    if offer.stock < u32::from(offer.persons.get()) || offer.stock > product.capacity {
        return Err(Error::OfferRefused("the stock is less than one offer, or more than the product holds"));
    }
    if offer.sales.from >= offer.sales.until {
        return Err(Error::OfferRefused("sales end before they begin"));
    }
    let names = [&offer.name.en, &offer.name.fr];
    if names.iter().any(|name| name.is_empty() || name.len() > 200) {
        return Err(Error::OfferRefused("names have 1 to 200 bytes in each language"));
    }
    Ok(())
}
