//! The reasons in English, as an operator reads them, and what an operator does.

use super::{Reason, Severity};

pub(super) const fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::CannotDecide => "The gate cannot decide. Call staff.",
        Reason::ScanAgain => "Please scan again.",
        Reason::NotOurs => "This is not a ticket. Show the ticket's QR code.",
        Reason::UnknownVersion => "This ticket is newer than this gate. Call staff.",
        Reason::Malformed => "This code is damaged. Show the original ticket.",
        Reason::OtherEvent => "This ticket is for another event.",
        Reason::KeyUnknown => "This gate does not know who signed this ticket. Call staff.",
        Reason::KeyRevoked => "This ticket's signature is no longer valid.",
        Reason::IssuerForged => "This ticket was never sold. Do not admit.",
        Reason::AuthorityForged => "This ticket was never granted. Do not admit.",
        Reason::LiveProofForged => "Somebody else's ticket, shown with a false proof. Do not admit.",
        Reason::LiveProofStale => "This code is out of date. Show it fresh on the phone.",
        Reason::OutdatedGeneration => "This ticket was replaced. Show the newer one.",
        Reason::NotYetValid => "Too early for this ticket.",
        Reason::NoLongerValid => "This ticket has expired.",
        Reason::WrongZone => "Wrong entrance for this ticket.",
        Reason::Revoked => "This ticket was cancelled.",
        Reason::AlreadyInside => "This ticket's holder is inside already.",
        Reason::AlreadyUsed => "This ticket was already used.",
        Reason::PlacesUsedUp => "All persons of this ticket were admitted.",
        Reason::EntriesUsedUp => "No entries are left on this ticket.",
        Reason::EntriesTodayUsedUp => "No entries are left on this ticket for today.",
        Reason::PassBack => "This ticket was admitted a moment ago. Wait.",
        Reason::Suspended => "This gate is suspended. Send people to another entrance.",
        Reason::LeaseEnded => "This gate's assignment has ended. Call staff.",
        Reason::LiveProofMissing => "This ticket must be shown live on the phone. Call staff.",
        Reason::LiveProofFromTheFuture => "The phone's clock is ahead of this gate's. Call staff.",
        Reason::ProductUnknown => "This gate does not know this kind of ticket. Call staff.",
        Reason::NotIssued => "No sale of this ticket is known. Call staff.",
        Reason::Blocked => "This ticket is on hold. Call staff.",
        Reason::ExitMissing => "This ticket was not seen leaving. Call staff.",
        Reason::Interrupted => "Nobody knows whether this ticket went through. Call staff.",
        Reason::UsedElsewhere => "Another gate may have admitted this ticket. Call staff.",
        Reason::OthersUnreachable => "The other gates cannot be asked. Call staff.",
        Reason::CheckId => "Check the holder's identity: the name cannot be read. Call staff.",
        Reason::ClockUnsure => "This gate's clock cannot judge this ticket. Call staff.",
        Reason::ListTooOld => "This gate's list is too old. Call staff.",
        Reason::BundleTooOld => "This gate's keys are too old. Call staff.",
        Reason::Forgiven => "Welcome. The turnstile did not turn before.",
        Reason::NewerThanList => "Welcome. Ticket newer than this gate's list.",
        Reason::NoList => "Welcome. This gate has no list yet.",
        Reason::ListOld => "Welcome. This gate's list is old.",
        Reason::ClockUnset => "Welcome. This gate's clock is not set.",
        Reason::BundleExpired => "Welcome. This gate's keys need renewal.",
        Reason::ExitWithoutEntry => "Goodbye. No entry of this ticket is known.",
        Reason::Exit => "Goodbye.",
        Reason::ExitUnread => "This gate cannot read that. Let the person out by hand.",
        Reason::Overruled => "A supervisor let this ticket in.",
        Reason::FoundByOrder => "Found by order. Check the identity; a supervisor decides.",
        Reason::Admitted => "Welcome.",
    }
}

pub(super) const fn instruction(severity: Severity) -> &'static str {
    match severity {
        Severity::Admit => "Let them pass.",
        Severity::Attention => "Let them pass, and read what it says.",
        Severity::Staff => "Do not let them pass. Call staff, who may decide otherwise.",
        Severity::Refuse => "Do not let them pass.",
        Severity::Fraud => "Do not let them pass. Keep the code, call security.",
    }
}
