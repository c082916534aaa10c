//! The trust bundles that this service was started with.

use countermark_shared::documents::{Authentic, DocumentHash, TrustBundle};
use sqlx::PgConnection;

use crate::error::Error;

/// Keeps a bundle for gates; the same one with other signatures replaces those.
pub(crate) async fn keep(connection: &mut PgConnection, bundle: &Authentic<TrustBundle>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO trust_bundles (version, hash, roots, bytes) VALUES ($1, $2, $3, $4)
         ON CONFLICT (version) DO UPDATE SET bytes = excluded.bytes WHERE trust_bundles.hash = excluded.hash",
        i64::from(bundle.document().version),
        &bundle.hash().0[..],
        &bundle.document().root_fingerprint().0[..],
        bundle.bytes(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The bundles after a version that name other roots than the one before them, in order, and the newest.
pub(crate) async fn steps_after(connection: &mut PgConnection, version: u32) -> Result<Vec<Vec<u8>>, Error> {
    let bundles = sqlx::query_scalar!(
        "SELECT bytes FROM (
             SELECT version, bytes, roots, lag(roots) OVER (ORDER BY version) AS roots_before, max(version) OVER () AS newest
             FROM trust_bundles
         ) AS bundles
         WHERE version > $1 AND (roots_before IS DISTINCT FROM roots OR version = newest)
         ORDER BY version",
        i64::from(version),
    )
    .fetch_all(connection)
    .await?;
    Ok(bundles)
}

/// The bundle of that name.
pub(crate) async fn by_hash(connection: &mut PgConnection, hash: DocumentHash) -> Result<Option<Vec<u8>>, Error> {
    let bytes = sqlx::query_scalar!("SELECT bytes FROM trust_bundles WHERE hash = $1", &hash.0[..])
        .fetch_optional(connection)
        .await?;
    Ok(bytes)
}
