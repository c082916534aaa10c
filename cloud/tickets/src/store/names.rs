//! Table `order_names`, and the hash of an order's names in table `orders`. Sees sealed bytes only.

use countermark_shared::id::OrderId;
use sqlx::PgConnection;

use super::number;
use crate::error::Error;

const TABLE: &str = "order_names";

/// Stores the names of a new order, the first ticket's first, and their hash.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    order: OrderId,
    hash: &[u8],
    sealed: &[Vec<u8>],
) -> Result<(), Error> {
    sqlx::query!("UPDATE orders SET names_hash = $2 WHERE id = $1", order.0, hash).execute(&mut *connection).await?;
    sqlx::query!(
        "INSERT INTO order_names (order_id, number, sealed)
         SELECT $1, number, sealed FROM unnest($2::bytea[]) WITH ORDINALITY AS name(sealed, number)",
        order.0,
        sealed,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The sealed hash of the names that an order was placed with, if it was placed with any.
pub(crate) async fn hash(connection: &mut PgConnection, order: OrderId) -> Result<Option<Vec<u8>>, Error> {
    Ok(sqlx::query_scalar!("SELECT names_hash FROM orders WHERE id = $1", order.0).fetch_one(connection).await?)
}

/// The name of one ticket, while its order is under way.
pub(crate) async fn find(connection: &mut PgConnection, order: OrderId, ticket: u16) -> Result<Option<Vec<u8>>, Error> {
    let sealed = sqlx::query_scalar!(
        "SELECT sealed FROM order_names WHERE order_id = $1 AND number = $2",
        order.0,
        number::<i16, _>(ticket, TABLE, "number")?,
    )
    .fetch_optional(connection)
    .await?;
    Ok(sealed)
}

/// Deletes the names of an order that has ended.
pub(crate) async fn forget(connection: &mut PgConnection, order: OrderId) -> Result<(), Error> {
    sqlx::query!("DELETE FROM order_names WHERE order_id = $1", order.0).execute(connection).await?;
    Ok(())
}
