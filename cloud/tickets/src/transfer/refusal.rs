//! Why a transfer makes no ticket, as problems.

use countermark_service::problem::Problem;
use http::StatusCode;

/// Why a transfer makes no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Nobody, or somebody else, accepted it, or it is about a seat that was never issued.
    #[error("there is no such transfer, or it is not yours")]
    Unknown,
    /// The seat was passed on since the transfer was offered.
    #[error("the ticket was passed on since")]
    Outdated,
    /// Another transfer of the seat has begun.
    #[error("another transfer of the ticket is under way")]
    UnderWay,
    /// Auth never signs what this transfer would make.
    #[error("the account service does not sign the ticket")]
    NotAuthorised,
    /// The seat has generation 255.
    #[error("the ticket cannot be passed on any more")]
    LastGeneration,
    /// The seat was withdrawn.
    #[error("the ticket was revoked")]
    Revoked,
    /// Keys are being rotated, and the two services do not know the same ones yet.
    #[error("signing keys are being changed")]
    KeysChanging,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (status, slug, title, advice) = match refusal {
            Refusal::Unknown => (
                StatusCode::NOT_FOUND,
                "transfer-unknown",
                "There is no such transfer of yours",
                "Accept it with the account service first: POST /v1/transfers/accept.",
            ),
            Refusal::Outdated => (
                StatusCode::CONFLICT,
                "transfer-outdated",
                "The ticket was passed on since",
                "Ask whoever has the ticket now to offer it to you.",
            ),
            Refusal::UnderWay => (
                StatusCode::CONFLICT,
                "transfer-under-way",
                "Another transfer of the ticket is under way",
                "Ask whoever offered you the ticket which transfer is to go on.",
            ),
            Refusal::NotAuthorised => (
                StatusCode::CONFLICT,
                "transfer-refused",
                "The account service does not sign this ticket",
                "Ask whoever offered you the ticket to offer it again, or ask the organiser.",
            ),
            Refusal::LastGeneration => (
                StatusCode::CONFLICT,
                "last-generation",
                "The ticket cannot be passed on any more",
                "It was passed on as often as a seat can be, and stays with its owner.",
            ),
            Refusal::Revoked => (
                StatusCode::CONFLICT,
                "ticket-revoked",
                "The ticket was revoked",
                "It admits nobody and cannot be passed on. Ask the organiser why.",
            ),
            Refusal::KeysChanging => (
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Signing keys are being changed",
                "Try again in a minute: nothing is lost.",
            ),
        };
        Self::new(status, slug, title).detail(advice)
    }
}
