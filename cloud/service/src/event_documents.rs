//! The event documents a service has accepted. Owns table `event_documents` and the rule that versions never go back;
//! refuses to know what a service does with them.

use countermark_shared::documents::{
    Authentic, DocumentHash, EventDocument, Refusal, Revision, Standing, TrustBundle, supersede,
};
use countermark_shared::id::EventId;
use countermark_shared::time::Timestamp;
use http::StatusCode;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;

use crate::contract::EventDocumentPushed;
use crate::contract::documents::DOCUMENT_REFUSED;
use crate::problem::Problem;
use crate::transaction::transaction;

/// Why a document was not accepted, or cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum EventDocumentError {
    /// It is not to be believed, or not newer.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is stored, and with other signatures.
    #[error(
        "version {version} of event {event}'s document is published with other signatures, and what is published under a name never \
         changes: sign it as the next version"
    )]
    OtherSignatures {
        /// Whose it is.
        event: EventId,
        /// The version that was signed twice.
        version: u32,
    },
    /// The database failed.
    #[error("the event documents cannot be read or written")]
    Database(#[from] sqlx::Error),
}

impl From<EventDocumentError> for Problem {
    fn from(error: EventDocumentError) -> Self {
        match error {
            EventDocumentError::Refused(_) | EventDocumentError::OtherSignatures { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, DOCUMENT_REFUSED, "The event document is not accepted")
                    .detail(error.to_string())
            }
            EventDocumentError::Database(_) => Self::internal(&error),
        }
    }
}

/// Verifies a document and stores it, unless it is the one in force already. In a transaction of its own.
pub async fn take(
    pool: &PgPool,
    bytes: &[u8],
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<EventDocumentPushed, EventDocumentError> {
    let accepted = transaction(pool, "take an event document", |mut transaction| {
        Box::pin(async move { accept(&mut transaction, bytes, bundle, now).await })
    })
    .await?;
    let document = accepted.document();
    Ok(EventDocumentPushed { event: document.event, version: document.version, hash: accepted.hash() })
}

/// Verifies a document and stores it, unless it is the one in force already. Within a transaction.
pub async fn accept(
    connection: &mut PgConnection,
    bytes: &[u8],
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<Authentic<EventDocument>, EventDocumentError> {
    let offered = EventDocument::accept(bytes, bundle, None, now)?;
    let event = offered.document().event;
    // Two pushes of one event at once would each see the older version in force.
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('event_documents'), $1)", event.0.cast_signed())
        .execute(&mut *connection)
        .await?;
    supersede(standing(connection, event).await?, &offered, now)?;
    // Other signatures under a name that caches, outboxes and gates know would reach none of them.
    let stored = sqlx::query!(
        "INSERT INTO event_documents (event, version, hash, bytes, received_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT event_documents_hash DO UPDATE SET bytes = excluded.bytes
         WHERE event_documents.bytes = excluded.bytes",
        i64::from(event.0),
        i64::from(offered.document().version),
        &offered.hash().0[..],
        offered.bytes(),
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    if stored.rows_affected() == 0 {
        return Err(EventDocumentError::OtherSignatures { event, version: offered.document().version });
    }
    Ok(offered)
}

/// What the newest document of an event is, whether or not its signer is still believed.
async fn standing(connection: &mut PgConnection, event: EventId) -> Result<Option<Standing>, EventDocumentError> {
    let row = sqlx::query!(
        "SELECT version, hash FROM event_documents WHERE event = $1 ORDER BY version DESC LIMIT 1",
        i64::from(event.0),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let corrupt = || sqlx::Error::Decode("an event document's version or hash is out of range".into());
        Ok(Standing {
            revision: Revision::version(row.version.try_into().map_err(|_| corrupt())?),
            hash: DocumentHash(row.hash.try_into().map_err(|_| corrupt())?),
        })
    })
    .transpose()
}

/// The newest document of an event; none when there is none, or when nobody believes its signer any more.
pub async fn in_force(
    connection: &mut PgConnection,
    event: EventId,
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<Option<Authentic<EventDocument>>, EventDocumentError> {
    let row = sqlx::query_scalar!(
        "SELECT bytes FROM event_documents WHERE event = $1 ORDER BY version DESC LIMIT 1",
        i64::from(event.0),
    )
    .fetch_optional(connection)
    .await?;
    row.map_or(Ok(None), |bytes| believed(&bytes, bundle, now))
}

fn believed(
    bytes: &[u8],
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<Option<Authentic<EventDocument>>, EventDocumentError> {
    match EventDocument::accept(bytes, bundle, None, now) {
        Err(Refusal::NotSigned { .. }) => Ok(None),
        document => Ok(Some(document?)),
    }
}

/// Every document of an event, in force or replaced since, but for those whose signer nobody believes any more; in order.
pub async fn all(
    connection: &mut PgConnection,
    event: EventId,
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<Vec<Authentic<EventDocument>>, EventDocumentError> {
    let rows =
        sqlx::query_scalar!("SELECT bytes FROM event_documents WHERE event = $1 ORDER BY version", i64::from(event.0))
            .fetch_all(connection)
            .await?;
    rows.into_iter().filter_map(|bytes| believed(&bytes, bundle, now).transpose()).collect()
}

/// The document of that name, whether in force or replaced since.
pub async fn by_hash(
    connection: &mut PgConnection,
    hash: DocumentHash,
    bundle: &TrustBundle,
    now: Timestamp,
) -> Result<Option<Authentic<EventDocument>>, EventDocumentError> {
    let row = sqlx::query_scalar!("SELECT bytes FROM event_documents WHERE hash = $1", &hash.0[..])
        .fetch_optional(connection)
        .await?;
    row.map(|bytes| Ok(EventDocument::accept(&bytes, bundle, None, now)?)).transpose()
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use countermark_postgres::{Schema, TestDatabase};
    use countermark_shared::documents::{
        AdmissionPolicy, KeyRole, KeyStatus, Product, Signed, Text, TicketForm, TrustedKey,
    };
    use countermark_shared::id::{ProductId, Zones};
    use countermark_shared::keys::SigningKey;
    use countermark_shared::money::{Currency, Money};
    use zeroize::Zeroizing;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
    const EVENT: EventId = EventId(7);

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([seed; 32]))
    }

    fn bundle(organisers: &[u8]) -> TrustBundle {
        TrustBundle {
            version: 1,
            issued: NOW,
            not_after: NOW + Duration::from_hours(1),
            roots: vec![key(1).verifying_key()],
            threshold: 1,
            keys: organisers
                .iter()
                .map(|seed| TrustedKey {
                    key: key(*seed).verifying_key(),
                    role: KeyRole::Organiser,
                    status: KeyStatus::Active,
                    events: vec![EVENT],
                })
                .collect(),
        }
    }

    fn document(version: u32, organiser: u8) -> Vec<u8> {
        let name = || Text { en: "Night".into(), fr: "Nuit".into() };
        let document = EventDocument {
            event: EVENT,
            version,
            issued: NOW,
            name: name(),
            capacity: 10,
            products: vec![Product {
                product: ProductId(1),
                name: name(),
                zones: Zones(1),
                from: NOW,
                until: NOW + Duration::from_hours(1),
                capacity: 10,
                least_price: Money { minor: 1, currency: Currency::parse("EUR").unwrap() },
                moved: None,
                form: TicketForm::default(),
                policy: None,
            }],
            policy: AdmissionPolicy::default(),
            resets: Vec::new(),
            names_at_gates: false,
            find_by_order: false,
        };
        Signed::seal(&document, &[&key(organiser)]).unwrap()
    }

    async fn pool(database: &TestDatabase) -> PgPool {
        crate::database::connect(database.url.parse().unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn versions_never_go_back_and_one_version_has_one_content() {
        let database = TestDatabase::new(Schema::Service);
        let pool = pool(&database).await;
        let both = bundle(&[4, 5]);
        for _ in 0..2 {
            assert_eq!(take(&pool, &document(2, 4), &both, NOW).await.unwrap().version, 2);
        }
        let older = take(&pool, &document(1, 4), &both, NOW).await.unwrap_err();
        assert!(matches!(older, EventDocumentError::Refused(Refusal::Older { .. })), "{older}");
        let forged = take(&pool, &document(3, 66), &both, NOW).await.unwrap_err();
        assert!(matches!(forged, EventDocumentError::Refused(Refusal::NotSigned { .. })), "{forged}");
    }

    /// Found in review: the stored document of an organiser whom a newer bundle drops stood in the way of the successor's.
    #[tokio::test]
    async fn an_organiser_is_replaced_by_another() {
        let database = TestDatabase::new(Schema::Service);
        let pool = pool(&database).await;
        take(&pool, &document(1, 4), &bundle(&[4]), NOW).await.unwrap();

        let successor = bundle(&[5]);
        let mut connection = pool.acquire().await.unwrap();
        assert!(in_force(&mut connection, EVENT, &successor, NOW).await.unwrap().is_none());
        // Found in review: the same words, signed again, would have reached no service and no gate.
        let again = take(&pool, &document(1, 5), &successor, NOW).await.unwrap_err();
        assert!(matches!(again, EventDocumentError::OtherSignatures { event: EVENT, version: 1 }), "{again}");
        assert!(again.to_string().ends_with(": sign it as the next version"), "{again}");
        take(&pool, &document(1, 4), &bundle(&[4, 5]), NOW).await.unwrap();
        take(&pool, &document(2, 5), &successor, NOW).await.unwrap();
        assert_eq!(in_force(&mut connection, EVENT, &successor, NOW).await.unwrap().unwrap().document().version, 2);
    }
}
