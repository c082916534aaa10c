//! The reasons in English, as an operator reads them.

use super::Reason;

pub(super) const fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::CannotDecide => "The gate cannot decide. Call staff.",
        Reason::ScanAgain => "Please scan again.",
        Reason::NotOurs => "This is not a ticket. Show the ticket's QR code.",
        Reason::UnknownVersion => "This ticket is newer than this gate. Call staff.",
        Reason::Malformed => "This code is damaged. Show the original ticket.",
        Reason::Unsupported => "This gate cannot read this kind of ticket yet. Call staff.",
        Reason::OtherEvent => "This ticket is for another event.",
        Reason::KeyUnknown => "This gate does not know who signed this ticket. Call staff.",
        Reason::KeyRevoked => "This ticket's signature is no longer valid.",
        Reason::IssuerForged => "This ticket was never sold. Do not admit.",
        Reason::AuthorityForged => "This ticket was never granted. Do not admit.",
        Reason::OutdatedGeneration => "This ticket was replaced. Show the newer one.",
        Reason::NotIssued => "No sale of this ticket is known. Call staff.",
        Reason::NotYetValid => "Too early for this ticket.",
        Reason::NoLongerValid => "This ticket has expired.",
        Reason::WrongZone => "Wrong entrance for this ticket.",
        Reason::Blocked => "This ticket is on hold. Call staff.",
        Reason::Revoked => "This ticket was cancelled.",
        Reason::AlreadyUsed => "This ticket was already used.",
        Reason::NewerThanList => "Welcome. Ticket newer than this gate's list.",
        Reason::ListOld => "Welcome. This gate's list is old.",
        Reason::Admitted => "Welcome.",
    }
}
