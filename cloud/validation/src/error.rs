//! What the service refuses, and how HTTP says it. Owns the slugs; internal detail is logged, never returned.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use countermark_service::event_documents::EventDocumentError;
use countermark_service::outbox::EnqueueError;
use countermark_service::problem::Problem;
use countermark_service::service_call::CallError;
use countermark_service::transaction::violated;
use countermark_shared::documents::{InvalidSlots, Refusal};
use countermark_shared::wire::MAX_ROWS_PER_UPLOAD;

use crate::claim::Owed;

/// Why a request is not granted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("no enrolment code has this secret")]
    CodeUnknown,
    #[error("the enrolment code was spent by another gate")]
    CodeSpent,
    #[error("the enrolment code has expired")]
    CodeExpired,
    #[error("the proof of the gate's key does not hold")]
    ProofRefused,
    #[error("the log-in was not answered by the gate's key")]
    LoginRefused,
    #[error("there is no {document} yet")]
    NotPublished { document: &'static str },
    #[error("an upload has {rows} rows")]
    UploadSize { rows: usize },
    #[error("the checkpoint does not hold: {why}")]
    CheckpointRefused { why: &'static str },
    #[error("the seat has no place in a slot list")]
    SlotOutOfRange,
    #[error("no ticket of the seat was reported")]
    SeatUnknown,
    #[error("the seat is revoked")]
    SeatRevoked,
    #[error("the event's document has not arrived")]
    EventUnknown,
    #[error("there is no such gate")]
    GateUnknown,
    #[error("what the gate did was taken back")]
    GateRetracted,
    #[error("the gate is suspended")]
    GateSuspended,
    #[error("no ticket of the gate's event was shown with the claim")]
    TicketUnproved,
    #[error("no journal has row {row}")]
    ClaimRow { row: u64 },
    #[error("something else was asked under the attempt")]
    AttemptSpent,
    #[error(transparent)]
    Owed(#[from] Owed),
    #[error("the gate cannot be made: {why}")]
    GateRefused { why: String },
    #[error("the request is not valid: {why}")]
    Invalid { why: &'static str },
    #[error("there is no such finding")]
    FindingUnknown,
    #[error("the finding has grown since it was looked at")]
    FindingGrown,
    #[error("the finding is resolved")]
    FindingResolved,
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("evidence cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    EventDocument(#[from] EventDocumentError),
    #[error("a document cannot be signed so that gates take it")]
    Unsigned { source: Refusal },
    #[error("a slot list cannot be made")]
    Slots(#[from] InvalidSlots),
    #[error("column {column} holds what it cannot")]
    Corrupt { column: &'static str },
    #[error("verifying stopped")]
    Verification { source: tokio::task::JoinError },
    #[error("what is to follow cannot be written down")]
    Enqueue(#[from] EnqueueError),
    #[error("the database failed")]
    Database { source: sqlx::Error },
}

impl From<sqlx::Error> for Error {
    fn from(source: sqlx::Error) -> Self {
        match violated(&source) {
            Some("seats_slot_fits_a_list") => Self::SlotOutOfRange,
            Some("claims_once") => Self::AttemptSpent,
            _ => Self::Database { source },
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
        match error {
            Error::CodeUnknown => Self::new(StatusCode::NOT_FOUND, "code-unknown", "There is no such enrolment code")
                .detail("Compare the code with the one that was shown, or ask for a new one."),
            Error::CodeSpent => Self::new(StatusCode::CONFLICT, "code-spent", "Another gate spent this enrolment code")
                .detail("Ask for a new code; if you did not enrol a gate with this one, report it."),
            Error::CodeExpired => Self::new(StatusCode::GONE, "code-expired", "The enrolment code has expired")
                .detail("Ask for a new code: each is good for seven days."),
            Error::ProofRefused => {
                Self::new(unprocessable, "proof-refused", "The proof of the gate's key does not hold")
            }
            Error::LoginRefused => Self::new(StatusCode::UNAUTHORIZED, "login-refused", "The log-in is not accepted")
                .detail("Ask for a new nonce and answer it with the key that the gate enrolled with."),
            Error::NotPublished { document } => {
                Self::new(StatusCode::NOT_FOUND, "not-published", "The document is not published yet").detail(format!(
                    "There is no such {document} here, or not yet. Ask for the head again, and for what it names."
                ))
            }
            Error::UploadSize { rows } => {
                Self::invalid(format!("An upload has 1 to {MAX_ROWS_PER_UPLOAD} rows; this one has {rows}."))
            }
            Error::CheckpointRefused { why } => {
                Self::new(unprocessable, "checkpoint-refused", "The checkpoint does not hold for these rows")
                    .detail(format!("Nothing was stored: {why}."))
            }
            Error::SlotOutOfRange => Self::new(unprocessable, "slot-out-of-range", "No slot list holds this slot"),
            Error::SeatUnknown => {
                Self::new(StatusCode::NOT_FOUND, "seat-unknown", "No ticket of this seat is known here")
                    .detail("Compare event and seat. One sold a moment ago may be on its way: try again.")
            }
            Error::SeatRevoked => Self::new(StatusCode::CONFLICT, "seat-revoked", "The ticket of this seat is revoked")
                .detail("That is final: the seat can be neither blocked nor let in again."),
            Error::EventUnknown => Self::new(StatusCode::NOT_FOUND, "event-unknown", "The event is not known here")
                .detail("Publish the event's document first, and wait until it has reached validation."),
            Error::GateUnknown => Self::new(StatusCode::NOT_FOUND, "gate-unknown", "There is no such gate")
                .detail("Compare its number with the list of the event's gates."),
            Error::GateRetracted => {
                Self::new(StatusCode::CONFLICT, "gate-retracted", "Nothing that this gate says is believed any more")
                    .detail(
                        "It was in other hands, and its key with it. Make a new gate, and enrol the box as that one.",
                    )
            }
            Error::GateSuspended => Self::new(StatusCode::FORBIDDEN, "gate-suspended", "The gate is suspended")
                .detail("It admits nobody until an administrator resumes it."),
            Error::TicketUnproved => {
                Self::new(unprocessable, "ticket-unproved", "The claim shows no ticket of the gate's event")
                    .detail("Send the ticket's whole text: both of its signatures are verified.")
            }
            Error::ClaimRow { row } => Self::invalid(format!("A claim names its row, and no journal has row {row}.")),
            Error::AttemptSpent => {
                Self::new(StatusCode::CONFLICT, "attempt-spent", "Something else was asked under this attempt")
                    .detail("Draw new random bytes for each claim, and repeat them only with the same question.")
            }
            Error::Owed(owed) => {
                tracing::warn!(%owed, "a claim is not answered");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "gates-owe-rows",
                    "Gates have yet to tell again what they did",
                )
                .detail(format!("Nobody is answered: {owed}. See that each reaches the cloud, or suspend it."))
            }
            Error::GateRefused { why } => {
                Self::new(unprocessable, "gate-refused", "The gate cannot be made").detail(format!("Refused: {why}."))
            }
            Error::Invalid { why } => Self::invalid(why),
            Error::FindingUnknown => Self::new(StatusCode::NOT_FOUND, "finding-unknown", "There is no such finding")
                .detail("Compare its number with the list of the event's findings."),
            Error::FindingGrown => {
                Self::new(StatusCode::CONFLICT, "finding-grown", "The finding has grown since you looked at it")
                    .detail("Look at it again, and decide about what it says now.")
            }
            Error::FindingResolved => Self::new(StatusCode::CONFLICT, "finding-resolved", "The finding is resolved")
                .detail("It is open again when more of it is found."),
            Error::Call(error) => error.into(),
            Error::EventDocument(error) => error.into(),
            Error::Unsigned { .. }
            | Error::Slots(_)
            | Error::Corrupt { .. }
            | Error::Verification { .. }
            | Error::Enqueue(_)
            | Error::Json(_)
            | Error::Database { .. } => Self::internal(&error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
