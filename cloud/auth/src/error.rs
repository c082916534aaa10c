//! Everything that auth refuses or fails at, and how it is told. Owns the problem types of auth; refuses to know routes.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use countermark_service::caller::SigningError;
use countermark_service::contract::AuthProblem;
use countermark_service::event_documents::EventDocumentError;
use countermark_service::master_key::SealError;
use countermark_service::problem::Problem;

use crate::email::InvalidEmail;
use crate::password::{Busy, HashingError, InvalidPassword};
use crate::terms::Mismatch;
use crate::transfer_code::InvalidTransferCode;

/// Why a request was not granted. Refusals leave nothing changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("column {column} holds what this program does not write")]
    Corrupt { column: &'static str },
    #[error(transparent)]
    Document(#[from] EventDocumentError),
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    Token(#[from] SigningError),
    #[error("Too many people log in at this moment; try again in a few seconds.")]
    Busy,
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    #[error(transparent)]
    Password(#[from] InvalidPassword),
    #[error("Log in, or choose another address.")]
    AccountExists,
    #[error("No account has this e-mail address and this password.")]
    WrongCredentials,
    #[error("There were too many wrong passwords for this account.")]
    TooManyAttempts { retry_after: Duration },
    #[error("The account of this access token does not exist.")]
    NoAccount,
    #[error("This session has ended: the account's password was set anew. Log in again.")]
    SessionEnded,
    #[error("Auth does not have this event document; it may be on its way: try again in a moment.")]
    DocumentUnknown,
    #[error("The organiser has published a newer event document; make the order anew.")]
    DocumentReplaced,
    #[error(transparent)]
    Terms(Mismatch),
    #[error("Fewer places are left than this order asks for.")]
    CapacityReached,
    #[error("Another account, or the same with other terms, has granted this order.")]
    GrantExists,
    #[error("Pay for your other orders first, or wait until they have ended.")]
    TooManyOpenGrants,
    #[error("Nothing was granted for this order.")]
    GrantUnknown,
    #[error("The order has ended; nothing more is granted or signed for it.")]
    GrantClosed,
    #[error("The payment provider has not confirmed the payment to auth yet; try again.")]
    PaymentNotConfirmed,
    #[error("{why}")]
    NotGranted { why: String },
    #[error("The body names a key that is not active; make it anew with active ones.")]
    KeyNotActive,
    #[error(
        "A key that this body names is revoked or gone; make the body of the same seat and issue anew with active ones."
    )]
    WrittenDownKeyGone,
    #[error("This issue of the seat was signed for another body or order.")]
    SlotTaken,
    #[error("the clock shows a moment that no ticket can be shown at")]
    ClockTooFar,
    #[error("an account's secret cannot be sealed or opened")]
    Sealed(#[from] SealError),
    #[error("Sign the account and the key with the key itself: this signature is not by it.")]
    HolderNotProved,
    #[error("Register the device's key first, or name none.")]
    HolderUnknown,
    #[error("The product's tickets are static and nobody's device holds them: name no key.")]
    HolderNotNeeded,
    #[error("Remove the key of a device that you no longer use.")]
    TooManyHolderKeys,
    #[error("No ticket of yours has this seat.")]
    TicketUnknown,
    #[error("This ticket was passed on: only its new owner has a say in it.")]
    Transferred,
    #[error("This ticket was passed on as often as a ticket can be: show it yourself.")]
    LastGeneration,
    #[error(transparent)]
    Code(#[from] InvalidTransferCode),
    #[error("Ask the ticket's owner for a new code: this one is unknown, used, withdrawn, or older than seven days.")]
    CodeUnknown,
    #[error(
        "This ticket is yours, with this holder: give the code to whoever is to have it, or name another device of yours."
    )]
    OwnTransfer,
    #[error("You have accepted this ticket with another holder, who stays.")]
    AcceptedOtherwise,
    #[error("There were too many wrong transfer codes by this account; try again later.")]
    TooManyWrongCodes { retry_after: Duration },
    #[error("There is no such transfer of this account.")]
    TransferUnknown,
    #[error("Show this ticket as it is: it is not live.")]
    NotLive,
    #[error("Show this ticket with the device that holds it.")]
    DeviceHeld,
    #[error("This account shows tickets too often; try again in a moment.")]
    TooManyPresentations { retry_after: Duration },
}

impl From<Busy> for Error {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, slug, title) = match error {
            Error::Database(_)
            | Error::Corrupt { .. }
            | Error::Hashing(_)
            | Error::Token(_)
            | Error::ClockTooFar
            | Error::Sealed(_) => {
                return Self::internal(&error);
            }
            Error::Document(error) => return error.into(),
            Error::NoAccount | Error::SessionEnded => return Self::unauthenticated().detail(error.to_string()),
            Error::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "Auth is busy"),
            Error::Email(_) => (StatusCode::UNPROCESSABLE_ENTITY, "email-refused", "This is no e-mail address"),
            Error::Password(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "password-refused", "This password is not accepted")
            }
            Error::AccountExists => (StatusCode::CONFLICT, "account-exists", "This address has an account"),
            Error::WrongCredentials => {
                (StatusCode::UNAUTHORIZED, "wrong-credentials", "E-mail address or password is wrong")
            }
            Error::TooManyAttempts { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", "Too many wrong passwords")
            }
            Error::DocumentUnknown => {
                (StatusCode::CONFLICT, AuthProblem::DocumentUnknown.slug(), "The event document is unknown")
            }
            Error::DocumentReplaced => (StatusCode::CONFLICT, "document-replaced", "The event document was replaced"),
            Error::Terms(_) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                AuthProblem::TermsRefused.slug(),
                "The event document does not allow this",
            ),
            Error::CapacityReached => {
                (StatusCode::CONFLICT, AuthProblem::CapacityReached.slug(), "The capacity is reached")
            }
            Error::GrantExists => (StatusCode::CONFLICT, "grant-exists", "The order was granted otherwise"),
            Error::TooManyOpenGrants => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-open-grants", "Too many unpaid orders")
            }
            Error::GrantUnknown => (StatusCode::NOT_FOUND, AuthProblem::GrantUnknown.slug(), "There is no such grant"),
            Error::GrantClosed => (StatusCode::CONFLICT, AuthProblem::GrantClosed.slug(), "The order has ended"),
            Error::PaymentNotConfirmed => {
                (StatusCode::CONFLICT, AuthProblem::PaymentNotConfirmed.slug(), "The payment is not confirmed")
            }
            Error::NotGranted { .. } => {
                (StatusCode::CONFLICT, AuthProblem::NotGranted.slug(), "This ticket was not granted")
            }
            Error::KeyNotActive => {
                (StatusCode::CONFLICT, AuthProblem::KeyNotActive.slug(), "A key of the ticket is not active")
            }
            Error::WrittenDownKeyGone => (
                StatusCode::CONFLICT,
                AuthProblem::WrittenDownKeyGone.slug(),
                "A key of the ticket that was signed before is gone",
            ),
            Error::SlotTaken => (StatusCode::CONFLICT, AuthProblem::SlotTaken.slug(), "The seat is taken"),
            Error::HolderNotProved => {
                (StatusCode::UNPROCESSABLE_ENTITY, "holder-not-proved", "The device does not prove its key")
            }
            Error::HolderUnknown => {
                (StatusCode::UNPROCESSABLE_ENTITY, "holder-unknown", "The account has no such device key")
            }
            Error::HolderNotNeeded => {
                (StatusCode::UNPROCESSABLE_ENTITY, "holder-not-needed", "The ticket has no holder key")
            }
            Error::TooManyHolderKeys => (StatusCode::CONFLICT, "too-many-holder-keys", "Too many device keys"),
            Error::TicketUnknown => (StatusCode::NOT_FOUND, "ticket-unknown", "There is no such ticket"),
            Error::Transferred => (StatusCode::CONFLICT, "transferred", "The ticket was passed on"),
            Error::LastGeneration => (StatusCode::CONFLICT, "last-generation", "The ticket cannot be passed on again"),
            Error::Code(_) => (StatusCode::UNPROCESSABLE_ENTITY, "code-refused", "This is no transfer code"),
            Error::CodeUnknown => (StatusCode::NOT_FOUND, "code-unknown", "No ticket is offered with this code"),
            Error::OwnTransfer => (StatusCode::CONFLICT, "own-transfer", "The ticket is your own"),
            Error::AcceptedOtherwise => {
                (StatusCode::CONFLICT, "accepted-otherwise", "The ticket was accepted otherwise")
            }
            Error::TooManyWrongCodes { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-wrong-codes", "Too many wrong transfer codes")
            }
            Error::TransferUnknown => {
                (StatusCode::NOT_FOUND, AuthProblem::TransferUnknown.slug(), "There is no such transfer")
            }
            Error::NotLive => (StatusCode::CONFLICT, "not-live", "The ticket is static"),
            Error::DeviceHeld => (StatusCode::CONFLICT, "device-held", "A device holds the ticket"),
            Error::TooManyPresentations { .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-presentations", "Tickets are shown too often")
            }
        };
        Self::new(status, slug, title).detail(error.to_string())
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let retry_after = if let Self::TooManyAttempts { retry_after }
        | Self::TooManyWrongCodes { retry_after }
        | Self::TooManyPresentations { retry_after } = self
        {
            Some(retry_after)
        } else {
            None
        };
        let mut response = Problem::from(self).into_response();
        if let Some(wait) = retry_after {
            // Whole seconds (RFC 9110, 10.2.3), and never too few.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
