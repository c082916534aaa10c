//! What the services ask of each other, as JSON over [`crate::service_call`]: a type for each request and answer, a path
//! for each call, a client for each service. Every call is idempotent. Refuses to know how any of it is done.

mod auth;
pub(crate) mod documents;
pub mod findings;
mod recovery;
mod tickets;
mod validation;

pub use self::auth::{
    AskHolderKey, AuthClient, AuthProblem, Authorise, Authorised, CloseGrant, ConfirmGrant, ConfirmTransfer,
    ConfirmedTransfer, Grant, GrantStanding, HolderKey, Terms, Warrant,
};
pub use self::documents::{EventDocumentPushed, PushEventDocument, push_event_document};
pub use self::recovery::{AdminClient, After, Decision, Page, PaidOrder, SeatIssue, SignedIssue, read_all};
pub use self::tickets::{
    CloseOffer, ListGuests, OfferFigures, PublishOffer, RevokeTicket, RevokedTicket, SalesFigures, SalesWindow,
    TicketsClient, WrapEventSecrets, WrappedEventSecret, WrappedEventSecrets,
};
pub use self::validation::{
    AdmissionFigures, AssignGate, AssignedGate, BlockReason, BlockSeat, CreateGate, GateCreated, GateFigures,
    GateSuspension, ProductEntries, QuarterHour, ReportSlot, ReportedState, ResumeGate, SeatStanding, SuspendGate,
    UnblockSeat, Unpublished, ValidationClient,
};

/// Where each service answers the others.
pub mod paths {
    /// POST [`PushEventDocument`](super::PushEventDocument), at auth, tickets and validation.
    pub const EVENT_DOCUMENTS: &str = "/v1/internal/event-documents";
    /// POST [`ConfirmGrant`](super::ConfirmGrant), at auth.
    pub const CONFIRM_GRANT: &str = "/v1/internal/grants/confirm";
    /// POST [`CloseGrant`](super::CloseGrant), at auth.
    pub const CLOSE_GRANT: &str = "/v1/internal/grants/close";
    /// POST [`Authorise`](super::Authorise), at auth.
    pub const AUTHORISE: &str = "/v1/internal/authorise";
    /// POST [`AskHolderKey`](super::AskHolderKey) → [`HolderKey`](super::HolderKey), at auth.
    pub const HOLDER_KEYS: &str = "/v1/internal/holder-keys";
    /// POST [`ConfirmTransfer`](super::ConfirmTransfer) → [`ConfirmedTransfer`](super::ConfirmedTransfer), at auth.
    pub const CONFIRM_TRANSFER: &str = "/v1/internal/transfers/confirm";
    /// POST [`WrapEventSecrets`](super::WrapEventSecrets) → [`WrappedEventSecrets`](super::WrappedEventSecrets), at tickets.
    pub const EVENT_SECRETS: &str = "/v1/internal/event-secrets";
    /// POST [`ListGuests`](super::ListGuests) → [`GuestPage`](countermark_shared::wire::GuestPage), at tickets.
    pub const GUESTS: &str = "/v1/internal/guests";
    /// POST [`PublishOffer`](super::PublishOffer), at tickets.
    pub const OFFERS: &str = "/v1/internal/offers";
    /// POST [`CloseOffer`](super::CloseOffer), at tickets.
    pub const CLOSE_OFFER: &str = "/v1/internal/offers/close";
    /// POST [`RevokeTicket`](super::RevokeTicket), at tickets.
    pub const REVOKE: &str = "/v1/internal/tickets/revoke";
    /// GET [`SalesFigures`](super::SalesFigures), at tickets; `{event}` is the event.
    pub const SALES: &str = "/v1/internal/events/{event}/sales";
    /// POST [`ReportSlot`](super::ReportSlot), at validation.
    pub const SLOTS: &str = "/v1/internal/slots";
    /// POST [`BlockSeat`](super::BlockSeat), at validation.
    pub const BLOCK: &str = "/v1/internal/seats/block";
    /// POST [`UnblockSeat`](super::UnblockSeat), at validation.
    pub const UNBLOCK: &str = "/v1/internal/seats/unblock";
    /// POST [`CreateGate`](super::CreateGate), at validation.
    pub const GATES: &str = "/v1/internal/gates";
    /// POST [`AssignGate`](super::AssignGate) → [`AssignedGate`](super::AssignedGate), at validation.
    pub const ASSIGN_GATE: &str = "/v1/internal/gates/assign";
    /// POST [`SuspendGate`](super::SuspendGate) → [`GateSuspension`](super::GateSuspension), at validation.
    pub const SUSPEND_GATE: &str = "/v1/internal/gates/suspend";
    /// POST [`ResumeGate`](super::ResumeGate) → [`GateSuspension`](super::GateSuspension), at validation.
    pub const RESUME_GATE: &str = "/v1/internal/gates/resume";
    /// GET [`AdmissionFigures`](super::AdmissionFigures), at validation; `{event}` is the event.
    pub const ADMISSIONS: &str = "/v1/internal/events/{event}/admissions";
    /// POST [`After`](super::After) → [`Page`](super::Page) of [`Decision`](super::Decision), at admin.
    pub const DECISIONS: &str = "/v1/internal/recovery/decisions";
    /// POST [`After`](super::After) → [`Page`](super::Page) of [`ReportSlot`](super::ReportSlot), at tickets.
    pub const REPORTS: &str = "/v1/internal/recovery/reports";
    /// POST [`After`](super::After) → [`Page`](super::Page) of [`SignedIssue`](super::SignedIssue), at auth and at tickets.
    pub const ISSUES: &str = "/v1/internal/recovery/issues";
    /// POST [`After`](super::After) → [`Page`](super::Page) of orders, at tickets.
    pub const ENDED_ORDERS: &str = "/v1/internal/recovery/ended-orders";
    /// POST [`After`](super::After) → [`Page`](super::Page) of [`PaidOrder`](super::PaidOrder), at auth.
    pub const PAID_ORDERS: &str = "/v1/internal/recovery/paid-orders";
    /// GET [`FindingPage`](super::findings::FindingPage), at validation; `{event}` is the event, the query a
    /// [`FindingQuery`](super::findings::FindingQuery).
    pub const FINDINGS: &str = "/v1/internal/events/{event}/findings";
    /// GET [`FindingHistory`](super::findings::FindingHistory), at validation; `{finding}` is its number.
    pub const FINDING: &str = "/v1/internal/findings/{finding}";
    /// POST [`DecideFinding`](super::findings::DecideFinding) → [`Finding`](super::findings::Finding), at validation.
    pub const DECIDE_FINDING: &str = "/v1/internal/findings/decide";
}
