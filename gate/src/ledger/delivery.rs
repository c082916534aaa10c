//! What sync brings, each taken in one turn, and what is said when it is not taken. Refuses to know how it came, and who asks again.

use std::error::Error;

use countermark_shared::documents::{self as law, DocumentSet, Remedy};
use countermark_shared::id::EventId;
use countermark_shared::wire::{GuestPage, RowResult};

use super::{Ledger, Taken, TimeAnswered};
use crate::clock::Moment;
use crate::documents::DocumentKind;

/// Why the same rows are not sent again at once.
pub(crate) const ANSWERED_FOR_NONE: &str =
    "the cloud answered for none of the rows it was sent; tell the administrator";

/// Something that the cloud answered.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// A document to take.
    Document { kind: DocumentKind, bytes: Vec<u8> },
    /// A set of trust bundles to take in order.
    Bundles(Vec<u8>),
    /// The time.
    Time(TimeAnswered),
    /// Answers to note.
    Results(Vec<RowResult>),
    /// Guests of an event.
    Guests { event: EventId, page: GuestPage },
}

/// Why the ledger did not take a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// For people.
    pub(crate) problem: String,
    /// What helps.
    pub(crate) remedy: Remedy,
}

impl Ledger {
    /// Takes what the cloud answered.
    pub(crate) fn deliver(&mut self, delivery: Delivery, now: Moment) -> Result<Taken, Failure> {
        match delivery {
            Delivery::Document { kind, bytes } => self.take_offered(kind, &bytes, now),
            Delivery::Bundles(bytes) => self.take_bundles(&bytes, now),
            Delivery::Time(answer) => match self.set_clock(&answer, now) {
                Ok(()) => Ok(Taken::New),
                Err(error) => Err(Failure::without_remedy(sentence(&error))),
            },
            Delivery::Results(results) => match self.settle(&results) {
                // Without a pause the same rows would go to and fro for ever.
                Ok(0) => Err(Failure::without_remedy(ANSWERED_FOR_NONE.to_owned())),
                Ok(_) => Ok(Taken::New),
                Err(error) => Err(Failure::without_remedy(sentence(&error))),
            },
            Delivery::Guests { event, page } => match self.take_guests(event, page, now) {
                Ok(()) => Ok(Taken::New),
                Err(error) => Err(Failure::without_remedy(sentence(&error))),
            },
        }
    }

    /// Each makes the next believable; what is newest counts.
    fn take_bundles(&mut self, bytes: &[u8], now: Moment) -> Result<Taken, Failure> {
        let set = DocumentSet::decode(bytes).map_err(|refusal| Failure::without_remedy(sentence(&refusal)))?;
        let mut outcome = Ok(Taken::Held);
        for (kind, envelope) in set.iter().filter(|(kind, _)| *kind == law::DocumentKind::TrustBundle) {
            let next = self.take_offered(kind.into(), envelope, now);
            if !matches!((&outcome, &next), (Ok(Taken::New), Ok(Taken::Held))) {
                outcome = next;
            }
        }
        outcome
    }

    fn take_offered(&mut self, kind: DocumentKind, bytes: &[u8], now: Moment) -> Result<Taken, Failure> {
        self.take(kind, bytes, now).map_err(|error| Failure { remedy: error.remedy(), problem: sentence(&error) })
    }
}

impl Failure {
    fn without_remedy(problem: String) -> Self {
        Self { problem, remedy: Remedy::None }
    }
}

/// An error and its causes, in one line.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
