//! Whether an order's places are there. Owns the comparison of what is held with what the organiser's document allows;
//! refuses to know who asks, and takes nothing.

use countermark_service::contract::Terms;
use countermark_shared::documents::{EventDocument, Product};
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;

use crate::error::Error;
use crate::store::{grants, locks};

/// [`Error::CapacityReached`] unless the product and the event have as many places left as the terms ask for. Nobody else
/// counts until the transaction ends.
pub(crate) async fn expect_places(
    connection: &mut PgConnection,
    terms: &Terms,
    document: &EventDocument,
    product: &Product,
    now: Timestamp,
) -> Result<(), Error> {
    locks::capacity(connection, terms.event).await?;
    grants::close_overdue(connection, terms.event, now).await?;
    let held = grants::held(connection, terms.event, terms.product).await?;
    let fits = |held: i64, capacity: u32| held.saturating_add(terms.persons().into()) <= i64::from(capacity);
    if fits(held.product, product.capacity) && fits(held.event, document.capacity) {
        Ok(())
    } else {
        Err(Error::CapacityReached)
    }
}
