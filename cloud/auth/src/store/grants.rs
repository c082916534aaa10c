//! Tables `grants` and `ended_orders`.

use countermark_service::contract::{Grant, GrantStanding, PaidOrder, Terms};
use countermark_shared::documents::DocumentHash;
use countermark_shared::id::{AccountId, EventId, OrderId, ProductId, Zones};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{money, narrow, verifying_key};
use crate::error::Error;

/// A grant to be.
pub(crate) struct NewGrant<'a> {
    pub(crate) order: OrderId,
    pub(crate) account: AccountId,
    pub(crate) terms: &'a Terms,
    /// The device that will hold live tickets; none: the account itself.
    pub(crate) holder: Option<VerifyingKey>,
    pub(crate) created: Timestamp,
    pub(crate) expires: Timestamp,
}

/// Persons for whom places are held.
pub(crate) struct Held {
    pub(crate) product: i64,
    pub(crate) event: i64,
}

/// What was granted for an order, as it stands now.
pub(crate) async fn find(
    connection: &mut PgConnection,
    order: OrderId,
    now: Timestamp,
) -> Result<Option<Grant>, Error> {
    let row = sqlx::query!(
        r#"SELECT account, event, document, product, zones, tickets, places, entries, valid_from, valid_until,
                  amount, currency, payment IS NOT NULL AS "is_paid!", expires_at, closed_at
           FROM grants WHERE order_id = $1"#,
        order.0,
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let standing = if row.closed_at.is_some() {
        GrantStanding::Closed
    } else if row.is_paid {
        GrantStanding::Paid
    } else if row.expires_at > OffsetDateTime::from(now) {
        GrantStanding::Open
    } else {
        GrantStanding::Closed
    };
    let terms = Terms {
        event: EventId(narrow("event", row.event)?),
        document: DocumentHash(narrow("document", row.document)?),
        product: ProductId(narrow("product", row.product)?),
        zones: Zones(narrow("zones", row.zones)?),
        tickets: narrow("tickets", row.tickets)?,
        places: narrow::<u8, _>("places", narrow("places", row.places)?)?,
        entries: narrow("entries", row.entries)?,
        valid_from: row.valid_from.into(),
        valid_until: row.valid_until.into(),
        amount: money(row.amount, &row.currency)?,
    };
    Ok(Some(Grant { order, account: AccountId(row.account), terms, standing }))
}

/// The device that holds the tickets of an order's grant; none: the account itself.
pub(crate) async fn holder(connection: &mut PgConnection, order: OrderId) -> Result<Option<VerifyingKey>, Error> {
    let holder = sqlx::query_scalar!("SELECT holder FROM grants WHERE order_id = $1", order.0)
        .fetch_optional(connection)
        .await?;
    holder.flatten().map(verifying_key).transpose()
}

/// Adds a grant for an order that has none.
pub(crate) async fn insert(connection: &mut PgConnection, new: &NewGrant<'_>) -> Result<(), Error> {
    let terms = new.terms;
    sqlx::query!(
        "INSERT INTO grants (order_id, account, event, document, product, zones, tickets, places, entries,
                             valid_from, valid_until, amount, currency, created_at, expires_at, holder)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        new.order.0,
        new.account.0,
        i64::from(terms.event.0),
        &terms.document.0[..],
        i32::from(terms.product.0),
        i64::from(terms.zones.0),
        i32::from(terms.tickets),
        i16::from(terms.places.get()),
        i16::from(terms.entries),
        OffsetDateTime::from(terms.valid_from),
        OffsetDateTime::from(terms.valid_until),
        narrow::<_, i64>("amount", terms.amount.minor)?,
        terms.amount.currency.to_string(),
        OffsetDateTime::from(new.created),
        OffsetDateTime::from(new.expires),
        new.holder.map(|key| key.to_bytes().to_vec()),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How many of an account's grants wait for their payment.
pub(crate) async fn count_unpaid(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM grants
           WHERE account = $1 AND payment IS NULL AND closed_at IS NULL AND expires_at > $2"#,
        account.0,
        OffsetDateTime::from(now),
    )
    .fetch_one(connection)
    .await
}

/// Closes an event's unpaid grants whose time is over. One that somebody decides about just now keeps its places until
/// the next time.
pub(crate) async fn close_overdue(
    connection: &mut PgConnection,
    event: EventId,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE grants SET closed_at = $2 WHERE order_id IN (
             SELECT order_id FROM grants
             WHERE event = $1 AND payment IS NULL AND closed_at IS NULL AND expires_at <= $2
             FOR NO KEY UPDATE SKIP LOCKED
         )",
        i64::from(event.0),
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Places held in an event and in one product of it: all of each confirmed grant until it is closed, what was signed for of each that is,
/// and what was signed for grants that are lost. Under [`locks::capacity`](super::locks::capacity).
pub(crate) async fn held(
    connection: &mut PgConnection,
    event: EventId,
    product: ProductId,
) -> Result<Held, sqlx::Error> {
    sqlx::query_as!(
        Held,
        r#"WITH by_product AS (
               SELECT product,
                      sum(places::bigint * CASE WHEN closed_at IS NOT NULL THEN authorised
                                                WHEN confirmed_at IS NOT NULL THEN tickets
                                                ELSE 0 END) AS persons
               FROM grants WHERE event = $1 GROUP BY product
               UNION ALL
               SELECT product, sum(places) FROM recovered_issues WHERE event = $1 AND generation = 1 GROUP BY product
           )
           SELECT coalesce(sum(persons), 0)::bigint AS "event!",
                  coalesce(sum(persons) FILTER (WHERE product = $2), 0)::bigint AS "product!"
           FROM by_product"#,
        i64::from(event.0),
        i32::from(product.0),
    )
    .fetch_one(connection)
    .await
}

/// Whether tickets has confirmed an order's grant. Under [`locks::order`](super::locks::order).
pub(crate) async fn is_confirmed(connection: &mut PgConnection, order: OrderId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM grants WHERE order_id = $1 AND confirmed_at IS NOT NULL) AS "confirmed!""#,
        order.0,
    )
    .fetch_one(connection)
    .await
}

/// Lets an order's grant hold its places, unless it is closed. Under [`locks::order`](super::locks::order) and [`locks::capacity`](super::locks::capacity).
pub(crate) async fn confirm(connection: &mut PgConnection, order: OrderId, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE grants SET confirmed_at = coalesce(confirmed_at, $2) WHERE order_id = $1 AND closed_at IS NULL",
        order.0,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Says which payment pays for a grant; `false` when the grant waits for none. Under [`locks::order`](super::locks::order).
pub(crate) async fn pay(connection: &mut PgConnection, order: OrderId, payment: &str) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE grants SET payment = $2
         WHERE order_id = $1 AND payment IS NULL AND closed_at IS NULL AND confirmed_at IS NOT NULL",
        order.0,
        payment,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Counts one more ticket as signed; `false` when all of the order's are. Under [`locks::order`](super::locks::order).
pub(crate) async fn count_authorised(connection: &mut PgConnection, order: OrderId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE grants SET authorised = authorised + 1 WHERE order_id = $1 AND authorised < tickets",
        order.0,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Counts one more ticket as signed that was before the database was restored, whether or not its payment is known again; `false` when all of
/// the order's are. What was signed for had been confirmed. Under [`locks::order`](super::locks::order).
pub(crate) async fn count_recovered(
    connection: &mut PgConnection,
    order: OrderId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE grants SET authorised = authorised + 1, recovered = recovered + (payment IS NULL)::integer,
                           confirmed_at = coalesce(confirmed_at, $2)
         WHERE order_id = $1 AND authorised < tickets",
        order.0,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// At most `limit` orders after one whose grants are paid for, in order.
pub(crate) async fn paid(
    connection: &mut PgConnection,
    after: Option<OrderId>,
    limit: u16,
) -> Result<Vec<PaidOrder>, Error> {
    let rows = sqlx::query!(
        r#"SELECT order_id, account, payment AS "payment!" FROM grants
           WHERE payment IS NOT NULL AND ($1::uuid IS NULL OR order_id > $1) ORDER BY order_id LIMIT $2"#,
        after.map(|order| order.0),
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    let paid = rows.into_iter().map(|row| PaidOrder {
        order: OrderId(row.order_id),
        account: AccountId(row.account),
        payment: row.payment,
    });
    Ok(paid.collect())
}

/// Closes an order's grant for good, or remembers that the order ended without one. Under [`locks::order`](super::locks::order).
pub(crate) async fn close(connection: &mut PgConnection, order: OrderId, now: Timestamp) -> Result<(), sqlx::Error> {
    let now = OffsetDateTime::from(now);
    let known =
        sqlx::query!("UPDATE grants SET closed_at = coalesce(closed_at, $2) WHERE order_id = $1", order.0, now,)
            .execute(&mut *connection)
            .await?;
    if known.rows_affected() == 0 {
        sqlx::query!(
            "INSERT INTO ended_orders (order_id, ended_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            order.0,
            now,
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Closes what was granted for orders that have ended, and remembers those for which nothing was; how many grants that closed. While nobody
/// else is there.
pub(crate) async fn close_all(
    connection: &mut PgConnection,
    orders: &[OrderId],
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let (orders, now) = (orders.iter().map(|order| order.0).collect::<Vec<_>>(), OffsetDateTime::from(now));
    let closed =
        sqlx::query!("UPDATE grants SET closed_at = $2 WHERE order_id = ANY($1) AND closed_at IS NULL", &orders, now,)
            .execute(&mut *connection)
            .await?;
    sqlx::query!(
        "INSERT INTO ended_orders (order_id, ended_at)
         SELECT order_id, $2 FROM unnest($1::uuid[]) AS ended (order_id)
         WHERE NOT EXISTS (SELECT FROM grants WHERE grants.order_id = ended.order_id)
         ON CONFLICT DO NOTHING",
        &orders,
        now,
    )
    .execute(connection)
    .await?;
    Ok(closed.rows_affected())
}

/// Whether an order ended before anything was granted for it. Under [`locks::order`](super::locks::order).
pub(crate) async fn has_ended(connection: &mut PgConnection, order: OrderId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM ended_orders WHERE order_id = $1) AS "ended!""#, order.0,)
        .fetch_one(connection)
        .await
}
