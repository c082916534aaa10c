//! What the service refuses, and how HTTP says it. Owns the slugs of its own refusals; passes on those of the services it asks.

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use countermark_service::event_documents::EventDocumentError;
use countermark_service::extract::IdempotencyKey;
use countermark_service::outbox::EnqueueError;
use countermark_service::problem::{MEDIA_TYPE, Problem, ProblemDocument};
use countermark_service::service_call::CallError;

/// Why a request is not granted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the request is not valid: {why}")]
    Invalid { why: &'static str },
    #[error("the idempotency key was used for another offer")]
    KeyReused,
    #[error("no document of this event was published")]
    EventUnknown,
    #[error(transparent)]
    EventDocument(#[from] EventDocumentError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the request cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error("column {column} holds what it cannot")]
    Corrupt { column: &'static str },
    #[error("row {entry} of the audit log does not say what was decided")]
    RecordUnreadable { entry: i64, source: serde_json::Error },
    #[error("validation's code makes no invitation")]
    Invitation { source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the page cannot be made")]
    Page(#[from] askama::Error),
    #[error("the act stopped")]
    Stopped { source: tokio::task::JoinError },
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

/// `untranslatable_character` (PostgreSQL, appendix A): text and JSON hold every character but U+0000.
const UNTRANSLATABLE_CHARACTER: &str = "22P05";

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        if code.as_deref() == Some(UNTRANSLATABLE_CHARACTER) {
            return Self::Invalid { why: "Text has no character U+0000." };
        }
        Self::Database(error)
    }
}

impl Error {
    /// The other service's refusal, where it is one of what the administrator asked; not of how this service asked.
    pub(crate) fn passed_on(&self) -> Option<(StatusCode, &ProblemDocument)> {
        let Self::Call(CallError::Refused { status, problem, .. }) = self else { return None };
        let ours = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];
        (status.is_client_error() && !ours.contains(status)).then_some((*status, problem))
    }

    /// Whether the act may have happened all the same.
    pub(crate) fn leaves_open(&self) -> bool {
        match self {
            Self::Call(CallError::Unreachable { .. } | CallError::Malformed { .. })
            // A commit whose answer was lost may be one.
            | Self::EventDocument(EventDocumentError::Database(_))
            | Self::Database(_)
            | Self::Invitation { .. }
            | Self::Stopped { .. } => true,
            Self::Call(CallError::Refused { status, .. }) => status.is_server_error(),
            Self::Call(CallError::Unsendable { .. })
            | Self::Invalid { .. }
            | Self::KeyReused
            | Self::EventUnknown
            | Self::EventDocument(EventDocumentError::Refused(_) | EventDocumentError::OtherSignatures { .. })
            | Self::Enqueue(_)
            | Self::Json(_)
            | Self::Page(_)
            | Self::Corrupt { .. }
            | Self::RecordUnreadable { .. } => false,
        }
    }

    /// The sentence for the record, without internal detail.
    pub(crate) fn sentence(&self) -> String {
        match self.passed_on() {
            Some((_, ProblemDocument { title, detail: Some(detail), .. })) => format!("{title}. {detail}"),
            Some((_, ProblemDocument { title, .. })) => title.clone(),
            None => self.to_string(),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid { why } => Self::invalid(why),
            Error::KeyReused => IdempotencyKey::reused(),
            Error::EventUnknown => Self::new(StatusCode::NOT_FOUND, "event-unknown", "The event is not known here")
                .detail("Publish the event's signed document first."),
            Error::EventDocument(error) => error.into(),
            Error::Call(error) => error.into(),
            Error::Enqueue(_)
            | Error::Json(_)
            | Error::Page(_)
            | Error::Corrupt { .. }
            | Error::RecordUnreadable { .. }
            | Error::Invitation { .. }
            | Error::Stopped { .. }
            | Error::Database(_) => Self::internal(&error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self.passed_on() {
            Some((status, problem)) => {
                (status, [(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))], Json(problem)).into_response()
            }
            None => Problem::from(self).into_response(),
        }
    }
}
