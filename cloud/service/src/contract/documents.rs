//! What admin brings to auth, tickets and validation: the organiser's documents. Each verifies them by itself.

use countermark_shared::documents::DocumentHash;
use countermark_shared::id::EventId;
use countermark_shared::wire::Base64;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::paths;
use crate::service_call::{CallError, ServiceClient};

/// An organiser-signed event document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushEventDocument {
    /// The envelope's bytes.
    #[schema(value_type = String, format = Byte)]
    pub document: Base64<Vec<u8>>,
}

/// The document is in force, or was already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventDocumentPushed {
    /// Its event.
    pub event: EventId,
    /// Its version.
    pub version: u32,
    /// Its name.
    pub hash: DocumentHash,
}

/// The problem of a service that does not take an event document, or believes it no more.
pub(crate) const DOCUMENT_REFUSED: &str = "document-refused";

/// Brings a document to a service. Problem `document-refused` with the reason when the service does not take it.
pub async fn push_event_document(
    service: &ServiceClient,
    request: &PushEventDocument,
) -> Result<EventDocumentPushed, CallError> {
    service.post(paths::EVENT_DOCUMENTS, request).await
}
