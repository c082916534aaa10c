//! Placing an order: places are held for a while.

use core::num::NonZeroU8;
use countermark_service::caller::Caller;
use countermark_service::contract::{PublishOffer, Terms};
use countermark_service::event_documents;
use countermark_service::extract::{IdempotencyKey, Json};
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::documents::{DocumentHash, Product};
use countermark_shared::id::{OfferId, OrderId};
use countermark_shared::order_code::OrderCode;
use countermark_shared::time::Timestamp;
use http::StatusCode;
use serde::Deserialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::error::Error;
use crate::names::{self, Names, Written};
use crate::order::{Order, OrderState};
use crate::state::State;
use crate::store::{offers, orders};

/// More than this at once is nobody's family.
const MOST_PER_ORDER: u8 = 10;
/// Unpaid orders of an account at a time: nobody holds an offer's places without paying.
const MOST_RESERVED: i64 = 5;

/// What to buy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceOrder {
    offer: OfferId,
    /// How often, 1 to 10.
    #[schema(value_type = u8, minimum = 1, maximum = 10)]
    quantity: NonZeroU8,
    /// Who the tickets are for, one for each: asked for where the product's tickets carry names, and only there.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Written>>)]
    names: Option<Names>,
}

/// Reserves places. The same Idempotency-Key again answers with the same order.
#[utoipa::path(
    post,
    path = "/v1/orders",
    operation_id = "place_order",
    params(IdempotencyKey),
    request_body = PlaceOrder,
    responses(
        (status = 201, description = "The places are held, now or before.", body = Order),
        (status = 400, description = "`invalid-request`: no Idempotency-Key, or too many at once", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`: there is no such offer", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`sold-out`, `not-on-sale`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`too-many-open-orders`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency-key-reused`, `names-required`, `names-not-taken`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn place(
    state: State,
    caller: Caller,
    key: IdempotencyKey,
    Json(request): Json<PlaceOrder>,
) -> Result<(StatusCode, Json<Order>), Error> {
    if request.quantity.get() > MOST_PER_ORDER {
        return Err(Error::Invalid("quantity must be 1 to 10"));
    }
    let (state, key, request) = (&state, key.as_str(), &request);
    let order = transaction(&state.pool, "place an order", |mut connection| {
        Box::pin(async move {
            // One at a time for each account: the same key twice at once is the same order, and the count below holds.
            orders::lock_account(&mut connection, caller.account).await?;
            if let Some(earlier) = orders::by_key(&mut connection, caller.account, key).await? {
                return same(state, &mut connection, earlier, request).await;
            }
            reserve(state, &mut connection, caller, key, request).await
        })
    })
    .await?;
    Ok((StatusCode::CREATED, Json(order)))
}

/// The order that an Idempotency-Key made before, if this is the same request.
async fn same(
    state: &State,
    connection: &mut PgConnection,
    earlier: Order,
    request: &PlaceOrder,
) -> Result<Order, Error> {
    let is_same = earlier.offer == request.offer
        && earlier.quantity == request.quantity.get()
        && names::are_those_of(state, connection, earlier.order, request.names.as_ref()).await?;
    if is_same { Ok(earlier) } else { Err(Error::KeyReused) }
}

async fn reserve(
    state: &State,
    connection: &mut PgConnection,
    caller: Caller,
    key: &str,
    request: &PlaceOrder,
) -> Result<Order, Error> {
    let now = state.clock.now();
    let stored = offers::find(connection, request.offer).await?.ok_or(Error::Unknown)?;
    let offer = stored.offer;
    if now < offer.sales.from || now >= offer.sales.until {
        return Err(Error::NotOnSale);
    }
    let event =
        event_documents::in_force(connection, offer.event, &state.bundle, now).await?.ok_or(Error::NotOnSale)?;
    let product = event.document().product(offer.product).ok_or(Error::NotOnSale)?;
    let terms = terms(&offer, event.hash(), product, request.quantity, now)?;
    names::expect_as_sold(product.form, terms.tickets, request.names.as_ref().map(Names::count))?;
    if orders::count_reserved(connection, caller.account).await? >= MOST_RESERVED {
        return Err(Error::TooManyOpenOrders);
    }
    if !offers::take(connection, offer.offer, terms.persons()).await? {
        let stored = offers::find(connection, offer.offer).await?.ok_or(Error::Unknown)?;
        return Err(if stored.closed { Error::NotOnSale } else { Error::SoldOut { left: stored.left } });
    }
    let reserved_until = now + state.reservation;
    let id = OrderId(state.randomness.uuid());
    let order = Order {
        order: id,
        code: OrderCode::of(id),
        account: caller.account,
        offer: offer.offer,
        quantity: request.quantity.get(),
        terms,
        state: OrderState::Reserved { reserved_until, payment_page: None },
    };
    orders::insert(connection, &order, key, reserved_until, now).await?;
    if let Some(names) = &request.names {
        names::keep(state, connection, order.order, names).await?;
    }
    Ok(order)
}

fn terms(
    offer: &PublishOffer,
    document: DocumentHash,
    product: &Product,
    quantity: NonZeroU8,
    now: Timestamp,
) -> Result<Terms, Error> {
    if now >= product.until {
        return Err(Error::NotOnSale);
    }
    let (tickets, places) = if offer.one_code {
        (quantity.get().into(), offer.persons)
    } else {
        (u16::from(quantity.get()) * u16::from(offer.persons.get()), NonZeroU8::MIN)
    };
    Ok(Terms {
        event: offer.event,
        document,
        product: offer.product,
        zones: product.zones,
        tickets,
        places,
        entries: 0,
        valid_from: product.from,
        valid_until: product.until,
        amount: offer
            .price
            .times(quantity.get().into())
            .ok_or(Error::Invalid("the order costs more than can be paid"))?,
    })
}
