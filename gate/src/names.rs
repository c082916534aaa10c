//! Sealed names: the event's secrets while the lease lets this gate have them, and what is done with them: a name is read, and an order's seats are
//! found. Owns that they are in memory alone; refuses to know where a name is shown.

use std::fmt;

use countermark_shared::decision::SealedPart;
use countermark_shared::documents::Assignment;
use countermark_shared::id::{EventId, GateId, SealingGeneration};
use countermark_shared::order_code::OrderCode;
use countermark_shared::sealing::{EventSecret, ORDER_TAG_LENGTH, SealedText, UnwrappingKey, Wrapped};
use countermark_shared::ticket::{VerifiedHalf, VerifiedTicket};
use countermark_shared::time::Timestamp;

/// What opens the names of the assigned event's tickets. Secrets are wiped when dropped.
pub(crate) struct Names {
    /// None on a box that was enrolled before gates had such a key.
    key: Option<UnwrappingKey>,
    opened: Option<Opened>,
}

/// The secrets of one assignment.
struct Opened {
    /// Of which gate, event and version: another assignment has other secrets.
    assignment: (GateId, EventId, u32),
    secrets: Vec<EventSecret>,
}

/// Whom a ticket is for and where they sit: for the screen, with its verdict. It has neither `Serialize` nor a `Debug` that shows it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Holder(SealedText);

impl Holder {
    /// Who.
    pub(crate) fn name(&self) -> &str {
        self.0.name()
    }

    /// Where; empty where places are not numbered.
    pub(crate) fn seat(&self) -> &str {
        self.0.seat()
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Holder(…)")
    }
}

impl Names {
    /// By the gate's own key; no secret is unwrapped yet.
    pub(crate) fn of(key: Option<UnwrappingKey>) -> Self {
        Self { key, opened: None }
    }

    /// Unwraps what the assignment gives while its lease keeps names, and wipes it when that is over.
    pub(crate) fn keep_to(&mut self, assignment: Option<&Assignment>, now: Timestamp) {
        let Some(assignment) = assignment.filter(|assignment| assignment.lease.at(now).keeps_names()) else {
            self.opened = None;
            return;
        };
        let name = (assignment.gate, assignment.event, assignment.version);
        if self.opened.as_ref().is_some_and(|opened| opened.assignment == name) {
            return;
        }
        let mut secrets = Vec::with_capacity(assignment.secrets.len());
        for (wrapped, key) in assignment.secrets.iter().zip(self.key.iter().cycle()) {
            let generation = SealingGeneration(wrapped.generation);
            let bytes = Wrapped { encapsulated: *wrapped.encapsulated, ciphertext: *wrapped.ciphertext };
            match EventSecret::unwrap(&bytes, assignment.gate, key, assignment.event, generation) {
                Ok(secret) => secrets.push(secret),
                Err(error) => tracing::error!(%error, generation = generation.0, "names cannot be read"),
            }
        }
        self.opened = Some(Opened { assignment: name, secrets });
    }

    /// Whether this gate could read a name now.
    pub(crate) fn are_readable(&self) -> bool {
        self.opened.as_ref().is_some_and(|opened| !opened.secrets.is_empty())
    }

    /// The name on a ticket that was verified.
    pub(crate) fn read(&self, ticket: &VerifiedTicket) -> (SealedPart, Option<Holder>) {
        if ticket.body().sealed.is_none() {
            return (SealedPart::None, None);
        }
        let opened = self.secrets().find_map(|secret| secret.open(ticket).ok());
        let part = if opened.is_some() { SealedPart::Opened } else { SealedPart::Unreadable };
        (part, opened.map(Holder))
    }

    /// The name on half a ticket that was verified.
    pub(crate) fn read_half(&self, half: &VerifiedHalf) -> Option<Holder> {
        self.secrets().find_map(|secret| secret.open_half(half).ok()).map(Holder)
    }

    /// What an order's seats are found by: a tag for each of the event's secrets.
    pub(crate) fn tags(&self, code: OrderCode) -> Vec<[u8; ORDER_TAG_LENGTH]> {
        self.secrets().map(|secret| secret.order_tag(code)).collect()
    }

    fn secrets(&self) -> impl Iterator<Item = &EventSecret> {
        self.opened.iter().flat_map(|opened| &opened.secrets)
    }
}
