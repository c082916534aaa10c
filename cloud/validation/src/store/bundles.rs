//! The trust bundles that this service was started with.

use countermark_shared::documents::{Authentic, DocumentHash, TrustBundle};
use sqlx::PgConnection;

use super::column;
use crate::error::Error;

/// What became of a bundle that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is the newest here.
    Newest,
    /// Another one of its version is here already.
    OtherContent,
    /// A newer one is here: what that one revoked would be believed again.
    Older {
        /// The newest that is here.
        newest: u32,
    },
}

/// Keeps a bundle unless a newer one is here; the same one with other signatures replaces those.
pub(crate) async fn keep(connection: &mut PgConnection, bundle: &Authentic<TrustBundle>) -> Result<Kept, Error> {
    let version = i64::from(bundle.document().version);
    let kept = sqlx::query!(
        "INSERT INTO trust_bundles (version, hash, roots, bytes)
         SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM trust_bundles WHERE version > $1)
         ON CONFLICT (version) DO UPDATE SET bytes = excluded.bytes WHERE trust_bundles.hash = excluded.hash",
        version,
        &bundle.hash().0[..],
        &bundle.document().root_fingerprint().0[..],
        bundle.bytes(),
    )
    .execute(&mut *connection)
    .await?;
    if kept.rows_affected() == 1 {
        return Ok(Kept::Newest);
    }
    let newest =
        sqlx::query_scalar!(r#"SELECT max(version) AS "newest!" FROM trust_bundles"#).fetch_one(connection).await?;
    if newest > version {
        Ok(Kept::Older { newest: column::number(newest, "trust_bundles.version")? })
    } else {
        Ok(Kept::OtherContent)
    }
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
