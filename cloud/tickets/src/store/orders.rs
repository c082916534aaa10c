//! Table `orders`.

use countermark_service::contract::Terms;
use countermark_shared::id::{AccountId, OfferId, OrderId};
use countermark_shared::order_code::OrderCode;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{InvalidRow, names, number};
use crate::error::Error;
use crate::order::{Order, OrderState};

const TABLE: &str = "orders";

struct Row {
    id: Uuid,
    account: Uuid,
    offer: Uuid,
    quantity: i16,
    terms: serde_json::Value,
    state: String,
    reserved_until: OffsetDateTime,
    payment_page: Option<String>,
    payment: Option<String>,
    paid_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
    why: Option<String>,
}

impl TryFrom<Row> for Order {
    type Error = InvalidRow;

    fn try_from(row: Row) -> Result<Self, InvalidRow> {
        let terms: Terms = serde_json::from_value(row.terms).map_err(|_| InvalidRow::of(TABLE, "terms")())?;
        let payment = || row.payment.clone().ok_or_else(InvalidRow::of(TABLE, "payment"));
        let paid_at = || row.paid_at.map(Timestamp::from).ok_or_else(InvalidRow::of(TABLE, "paid_at"));
        let ended_at = || row.ended_at.map(Timestamp::from).ok_or_else(InvalidRow::of(TABLE, "ended_at"));
        let state = match row.state.as_str() {
            "reserved" => OrderState::Reserved {
                reserved_until: row.reserved_until.into(),
                payment_page: row.payment_page.clone(),
            },
            "paid" => OrderState::Paid { payment: payment()?, paid_at: paid_at()? },
            "issued" => OrderState::Issued { payment: payment()?, paid_at: paid_at()?, issued_at: ended_at()? },
            "expired" => OrderState::Expired { expired_at: ended_at()? },
            "refund-due" => OrderState::RefundDue {
                payment: payment()?,
                paid_at: paid_at()?,
                since: ended_at()?,
                why: row.why.clone().ok_or_else(InvalidRow::of(TABLE, "why"))?,
            },
            _ => return Err(InvalidRow::of(TABLE, "state")()),
        };
        Ok(Self {
            order: OrderId(row.id),
            code: OrderCode::of(OrderId(row.id)),
            account: AccountId(row.account),
            offer: OfferId(row.offer),
            quantity: number(row.quantity, TABLE, "quantity")?,
            terms,
            state,
        })
    }
}

/// Waits for, and then keeps, the sole right to place orders for an account until the transaction ends.
pub(crate) async fn lock_account(connection: &mut PgConnection, account: AccountId) -> Result<(), Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended('account ' || $1::text, 0))", account.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// How many unpaid orders of an account hold places.
pub(crate) async fn count_reserved(connection: &mut PgConnection, account: AccountId) -> Result<i64, Error> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM orders WHERE account = $1 AND state = 'reserved'"#,
        account.0,
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// Stores a new reservation.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    order: &Order,
    idempotency_key: &str,
    reserved_until: Timestamp,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO orders (id, account, idempotency_key, offer, quantity, persons, terms, created_at, state, reserved_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'reserved', $9)",
        order.order.0,
        order.account.0,
        idempotency_key,
        order.offer.0,
        i16::from(order.quantity),
        number::<i32, _>(order.terms.persons(), TABLE, "persons")?,
        serde_json::to_value(&order.terms).map_err(|_| InvalidRow::of(TABLE, "terms")())?,
        OffsetDateTime::from(now),
        OffsetDateTime::from(reserved_until),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An order, if there is one.
pub(crate) async fn find(connection: &mut PgConnection, order: OrderId) -> Result<Option<Order>, Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, account, offer, quantity, terms, state, reserved_until, payment_page, payment, paid_at, ended_at, why
         FROM orders WHERE id = $1",
        order.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Order::try_from).transpose()?)
}

/// An order, if there is one, held until the transaction ends.
pub(crate) async fn lock(connection: &mut PgConnection, order: OrderId) -> Result<Option<Order>, Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, account, offer, quantity, terms, state, reserved_until, payment_page, payment, paid_at, ended_at, why
         FROM orders WHERE id = $1 FOR UPDATE",
        order.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Order::try_from).transpose()?)
}

/// The order an account made under an Idempotency-Key.
pub(crate) async fn by_key(
    connection: &mut PgConnection,
    account: AccountId,
    idempotency_key: &str,
) -> Result<Option<Order>, Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, account, offer, quantity, terms, state, reserved_until, payment_page, payment, paid_at, ended_at, why
         FROM orders WHERE account = $1 AND idempotency_key = $2",
        account.0,
        idempotency_key,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Order::try_from).transpose()?)
}

/// The orders of an account, the newest first; those older than `before` only, if that is one of them.
pub(crate) async fn of_account(
    connection: &mut PgConnection,
    account: AccountId,
    before: Option<Uuid>,
    most: i64,
) -> Result<Vec<Order>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, account, offer, quantity, terms, state, reserved_until, payment_page, payment, paid_at, ended_at, why
         FROM orders WHERE account = $1 AND ($2::uuid IS NULL OR (created_at, id) < (
             SELECT created_at, id FROM orders WHERE account = $1 AND id = $2
         ))
         ORDER BY created_at DESC, id DESC LIMIT $3",
        account.0,
        before,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Order::try_from).collect::<Result<_, _>>()?)
}

/// Reservations whose time is over, held until the transaction ends; a few at a time, past those that others hold. Those whose
/// buyers may be paying only `with_payment`.
pub(crate) async fn lock_overdue(
    connection: &mut PgConnection,
    with_payment: bool,
    now: Timestamp,
) -> Result<Vec<Order>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, account, offer, quantity, terms, state, reserved_until, payment_page, payment, paid_at, ended_at, why
         FROM orders WHERE state = 'reserved' AND reserved_until <= $1 AND (payment_page IS NULL OR $2)
         ORDER BY reserved_until LIMIT 100 FOR UPDATE SKIP LOCKED",
        OffsetDateTime::from(now),
        with_payment,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Order::try_from).collect::<Result<_, _>>()?)
}

/// Writes the state of an order that the transaction holds. With an order that ends go the names it was placed with.
pub(crate) async fn set_state(connection: &mut PgConnection, order: OrderId, state: &OrderState) -> Result<(), Error> {
    let (payment, paid_at, ended_at, why) = match state {
        OrderState::Reserved { .. } => (None, None, None, None),
        OrderState::Paid { payment, paid_at } => (Some(payment), Some(*paid_at), None, None),
        OrderState::Issued { payment, paid_at, issued_at } => (Some(payment), Some(*paid_at), Some(*issued_at), None),
        OrderState::Expired { expired_at } => (None, None, Some(*expired_at), None),
        OrderState::RefundDue { payment, paid_at, since, why } => {
            (Some(payment), Some(*paid_at), Some(*since), Some(why))
        }
    };
    sqlx::query!(
        "UPDATE orders SET state = $2, payment = $3, paid_at = $4, ended_at = $5, why = $6 WHERE id = $1",
        order.0,
        state.name(),
        payment,
        paid_at.map(OffsetDateTime::from),
        ended_at.map(OffsetDateTime::from),
        why,
    )
    .execute(&mut *connection)
    .await?;
    match state {
        OrderState::Reserved { .. } | OrderState::Paid { .. } => Ok(()),
        OrderState::Issued { .. } | OrderState::Expired { .. } | OrderState::RefundDue { .. } => {
            names::forget(connection, order).await
        }
    }
}

/// Holds the places of a reserved order longer, and notes where it is paid once that is known.
pub(crate) async fn hold(
    connection: &mut PgConnection,
    order: OrderId,
    page: Option<&str>,
    reserved_until: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE orders SET payment_page = coalesce($2, payment_page), reserved_until = greatest(reserved_until, $3)
         WHERE id = $1 AND state = 'reserved'",
        order.0,
        page,
        OffsetDateTime::from(reserved_until),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// At most `limit` orders after one that have ended, in order.
pub(crate) async fn ended(
    connection: &mut PgConnection,
    after: Option<OrderId>,
    limit: u16,
) -> Result<Vec<OrderId>, Error> {
    let ended = sqlx::query_scalar!(
        "SELECT id FROM orders WHERE ended_at IS NOT NULL AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2",
        after.map(|order| order.0),
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    Ok(ended.into_iter().map(OrderId).collect())
}
