//! Everything the service refuses, as problems.

use axum::response::{IntoResponse, Response};
use countermark_service::contract::Terms;
use countermark_service::event_documents::EventDocumentError;
use countermark_service::extract::IdempotencyKey;
use countermark_service::outbox::EnqueueError;
use countermark_service::problem::{Problem, chain};
use countermark_service::service_call::CallError;
use http::StatusCode;

use crate::code::CodeError;
use crate::payment::PaymentError;
use crate::store::InvalidRow;

/// Why a request is refused, or failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Nothing of that name.
    #[error("there is no such event, offer, order or ticket, or it is not yours")]
    Unknown,
    /// Fewer places are left than were asked for.
    #[error("sold out")]
    SoldOut {
        /// What is left.
        left: u32,
    },
    /// The account holds as many places unpaid as it may.
    #[error("too many unpaid orders")]
    TooManyOpenOrders,
    /// Before or after the sales window.
    #[error("the offer is not on sale now")]
    NotOnSale,
    /// The order's reservation has ended, or it is paid already.
    #[error("the order is {state}")]
    NotPayable {
        /// Where it stands.
        state: &'static str,
    },
    /// The buyer has not granted the order with auth, or not these terms.
    #[error("the order's terms are not granted")]
    NotGranted {
        /// What is to be granted.
        terms: Box<Terms>,
    },
    /// Auth counts more persons than the organiser's document allows.
    #[error("the event's capacity is reached")]
    CapacityReached,
    /// The same Idempotency-Key for another order.
    #[error("the Idempotency-Key was used for another order")]
    KeyReused,
    /// A request that contradicts the format or itself.
    #[error("{0}")]
    Invalid(&'static str),
    /// An offer that the event document does not allow.
    #[error("the offer is not allowed: {0}")]
    OfferRefused(&'static str),
    /// Another offer has this id.
    #[error("another offer has this id")]
    OfferExists,
    /// The seat was never issued.
    #[error("no ticket of this seat was issued")]
    TicketUnknown,
    /// An event document that is not accepted.
    #[error(transparent)]
    EventDocument(#[from] EventDocumentError),
    /// Auth or validation did not answer, or refused what it should not.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The payment provider did not answer.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// No QR code of a ticket.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// An outbox entry could not be written.
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    /// A stored row that this program cannot have written.
    #[error(transparent)]
    Row(#[from] InvalidRow),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let problem = |status, slug, title| Self::new(status, slug, title);
        match error {
            Error::Unknown => Self::not_found(),
            Error::SoldOut { left } => {
                problem(StatusCode::CONFLICT, "sold-out", "Not enough places are left").with("left", left)
            }
            Error::TooManyOpenOrders => problem(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-open-orders",
                "Too many of your orders are not paid yet",
            )
            .detail("Pay one, or wait until one expires."),
            Error::NotOnSale => problem(StatusCode::CONFLICT, "not-on-sale", "The offer is not on sale now"),
            Error::NotPayable { state } => problem(StatusCode::CONFLICT, "not-payable", "The order cannot be paid")
                .detail(format!("The order is {state}."))
                .with("state", state),
            Error::NotGranted { terms } => {
                problem(StatusCode::CONFLICT, "not-granted", "The order's terms are not granted")
                    .detail("Grant them with the account service first: POST /v1/grants.")
                    .with("terms", serde_json::to_value(terms).unwrap_or_default())
            }
            Error::CapacityReached => problem(StatusCode::CONFLICT, "capacity-reached", "The capacity is reached")
                .detail("Fewer places are left than this order asks for."),
            Error::KeyReused => IdempotencyKey::reused(),
            Error::Invalid(why) => Self::invalid(why),
            Error::OfferRefused(why) => problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "offer-refused",
                "The event document does not allow this offer",
            )
            .detail(why),
            Error::OfferExists => problem(StatusCode::CONFLICT, "offer-exists", "Another offer has this id"),
            Error::TicketUnknown => {
                problem(StatusCode::NOT_FOUND, "ticket-unknown", "No ticket of this seat was issued")
            }
            Error::EventDocument(error) => error.into(),
            Error::Call(error) => error.into(),
            Error::Payment(error) => {
                tracing::warn!(error = %chain(&error), "no payment was opened");
                problem(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "payment-unavailable",
                    "The payment provider does not answer now; your places are still held",
                )
            }
            Error::Code(_) | Error::Enqueue(_) | Error::Row(_) | Error::Database(_) => Self::internal(&error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}
