//! Table `offers`.

use core::num::NonZeroU8;

use countermark_service::contract::{OfferFigures, PublishOffer, SalesWindow};
use countermark_shared::documents::Text;
use countermark_shared::id::{EventId, OfferId, ProductId};
use countermark_shared::money::{Currency, Money};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{InvalidRow, number};
use crate::error::Error;

const TABLE: &str = "offers";

/// An offer and what is left of it.
pub(crate) struct StoredOffer {
    pub(crate) offer: PublishOffer,
    pub(crate) left: u32,
    pub(crate) closed: bool,
}

struct Row {
    id: Uuid,
    event: i64,
    product: i32,
    name_en: String,
    name_fr: String,
    price_minor: i64,
    currency: String,
    persons: i16,
    one_code: bool,
    stock: i32,
    taken: i32,
    sales_from: OffsetDateTime,
    sales_until: OffsetDateTime,
    closed_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for StoredOffer {
    type Error = InvalidRow;

    fn try_from(row: Row) -> Result<Self, InvalidRow> {
        let offer = PublishOffer {
            offer: OfferId(row.id),
            event: EventId(number(row.event, TABLE, "event")?),
            product: ProductId(number(row.product, TABLE, "product")?),
            name: Text { en: row.name_en, fr: row.name_fr },
            price: Money {
                minor: number(row.price_minor, TABLE, "price")?,
                currency: Currency::parse(&row.currency).map_err(|_| InvalidRow::of(TABLE, "currency")())?,
            },
            persons: NonZeroU8::new(number(row.persons, TABLE, "persons")?)
                .ok_or_else(InvalidRow::of(TABLE, "persons"))?,
            one_code: row.one_code,
            stock: number(row.stock, TABLE, "stock")?,
            sales: SalesWindow { from: row.sales_from.into(), until: row.sales_until.into() },
        };
        Ok(Self { offer, left: number(row.stock - row.taken, TABLE, "taken")?, closed: row.closed_at.is_some() })
    }
}

/// Stores a new offer; false when one of its id exists.
pub(crate) async fn insert(connection: &mut PgConnection, offer: &PublishOffer, now: Timestamp) -> Result<bool, Error> {
    let refused = |_| Error::OfferRefused("a price or stock is larger than can be sold");
    let done = sqlx::query!(
        "INSERT INTO offers (id, event, product, name_en, name_fr, price_minor, currency, persons, one_code, stock,
                             sales_from, sales_until, published_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (id) DO NOTHING",
        offer.offer.0,
        i64::from(offer.event.0),
        i32::from(offer.product.0),
        offer.name.en,
        offer.name.fr,
        i64::try_from(offer.price.minor).map_err(refused)?,
        offer.price.currency.to_string(),
        i16::from(offer.persons.get()),
        offer.one_code,
        i32::try_from(offer.stock).map_err(refused)?,
        OffsetDateTime::from(offer.sales.from),
        OffsetDateTime::from(offer.sales.until),
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// An offer, if there is one.
pub(crate) async fn find(connection: &mut PgConnection, offer: OfferId) -> Result<Option<StoredOffer>, Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, event, product, name_en, name_fr, price_minor, currency, persons, one_code, stock, taken,
                sales_from, sales_until, closed_at
         FROM offers WHERE id = $1",
        offer.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(StoredOffer::try_from).transpose()?)
}

/// The offers of an event that are not closed, by price.
pub(crate) async fn of_event(connection: &mut PgConnection, event: EventId) -> Result<Vec<StoredOffer>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, event, product, name_en, name_fr, price_minor, currency, persons, one_code, stock, taken,
                sales_from, sales_until, closed_at
         FROM offers WHERE event = $1 AND closed_at IS NULL ORDER BY price_minor, id LIMIT 1000",
        i64::from(event.0),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(StoredOffer::try_from).collect::<Result<_, _>>()?)
}

/// Has nothing be ordered any more of an offer; false when there is none.
pub(crate) async fn close(connection: &mut PgConnection, offer: OfferId, now: Timestamp) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE offers SET closed_at = coalesce(closed_at, $2) WHERE id = $1",
        offer.0,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes places if there are enough, in one statement: concurrent takers queue for the row. False when there are too few, or it was closed.
pub(crate) async fn take(connection: &mut PgConnection, offer: OfferId, persons: u32) -> Result<bool, Error> {
    let Ok(persons) = i32::try_from(persons) else { return Ok(false) };
    let done = sqlx::query!(
        "UPDATE offers SET taken = taken + $2 WHERE id = $1 AND stock - taken >= $2 AND closed_at IS NULL",
        offer.0,
        persons,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives places back.
pub(crate) async fn give_back(connection: &mut PgConnection, offer: OfferId, persons: u32) -> Result<(), Error> {
    let persons: i32 = number(persons, TABLE, "persons")?;
    sqlx::query!("UPDATE offers SET taken = taken - $2 WHERE id = $1", offer.0, persons).execute(connection).await?;
    Ok(())
}

/// What was sold of each offer of an event.
pub(crate) async fn figures(connection: &mut PgConnection, event: EventId) -> Result<Vec<OfferFigures>, Error> {
    let rows = sqlx::query!(
        r#"SELECT o.id, o.name_en, o.name_fr, o.stock, o.closed_at IS NOT NULL AS "closed!",
                  coalesce(sum(r.persons) FILTER (WHERE r.state = 'reserved'), 0) AS "reserved!",
                  coalesce(sum(r.persons) FILTER (WHERE r.state IN ('paid', 'issued')), 0) AS "sold!",
                  count(*) FILTER (WHERE r.state = 'paid') AS "issuing!",
                  coalesce(sum(t.issued), 0)::bigint AS "issued!",
                  coalesce(sum(t.revoked), 0)::bigint AS "revoked!",
                  coalesce(sum(p.refunds), 0)::bigint AS "refunds!"
           FROM offers o
           LEFT JOIN orders r ON r.offer = o.id
           LEFT JOIN LATERAL (
               SELECT count(*) FILTER (WHERE revoked_at IS NULL) AS issued, count(*) FILTER (WHERE revoked_at IS NOT NULL) AS revoked
               FROM tickets WHERE order_id = r.id AND authority_signature IS NOT NULL AND transferred_at IS NULL
           ) t ON true
           LEFT JOIN LATERAL (
               SELECT count(*) AS refunds FROM payments WHERE order_id = r.id AND refund_due_because IS NOT NULL
           ) p ON true
           WHERE o.event = $1
           GROUP BY o.id ORDER BY o.price_minor, o.id LIMIT 1000"#,
        i64::from(event.0),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(OfferFigures {
                offer: OfferId(row.id),
                name: Text { en: row.name_en, fr: row.name_fr },
                stock: number(row.stock, TABLE, "stock")?,
                closed: row.closed,
                reserved: number(row.reserved, TABLE, "reserved")?,
                sold: number(row.sold, TABLE, "sold")?,
                issuing: number(row.issuing, TABLE, "issuing")?,
                issued: number(row.issued, TABLE, "issued")?,
                revoked: number(row.revoked, TABLE, "revoked")?,
                refunds_due: number(row.refunds, TABLE, "refunds")?,
            })
        })
        .collect()
}
