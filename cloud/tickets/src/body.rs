//! What a ticket says: the first issue of a seat from what was bought, the next from the one before. Pure: refuses to know who
//! signs, and what a sealed part holds.

use core::num::NonZeroU8;

use countermark_service::contract::Terms;
use countermark_shared::documents::TicketForm;
use countermark_shared::id::{Generation, Slot};
use countermark_shared::keys::KeyId;
use countermark_shared::ticket::{Live, TicketBody, Validity};

const FIRST_GENERATION: Generation = Generation(1);

/// The keys that are to sign a body, as it names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) issuing: KeyId,
    pub(crate) authority: KeyId,
}

/// Which issue of which seat a body is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    pub(crate) slot: Slot,
    pub(crate) generation: Generation,
}

impl Issue {
    /// The first of a seat.
    pub(crate) const fn first(slot: Slot) -> Self {
        Self { slot, generation: FIRST_GENERATION }
    }

    /// The one that replaces this body; none after generation 255.
    pub(crate) fn after(body: &TicketBody) -> Option<Self> {
        Some(Self { slot: body.slot, generation: Generation(body.generation.0.checked_add(1)?) })
    }
}

impl Keys {
    /// Whether the body names these.
    pub(crate) fn are_named_by(self, body: &TicketBody) -> bool {
        self == Self { issuing: body.issuing_key, authority: body.authority_key }
    }
}

/// For how many seconds a holder's proof of a ticket of this form is fresh; nothing for a static ticket.
pub(crate) fn window(form: TicketForm) -> Option<NonZeroU8> {
    NonZeroU8::new(form.live_window_seconds)
}

/// The first issue of a seat, not sealed yet. None when the terms' window is empty.
pub(crate) fn first(terms: &Terms, keys: Keys, issue: Issue, live: Option<Live>) -> Option<TicketBody> {
    Some(TicketBody {
        issuing_key: keys.issuing,
        authority_key: keys.authority,
        event: terms.event,
        slot: issue.slot,
        generation: issue.generation,
        places: terms.places,
        entries: terms.entries,
        product: terms.product,
        zones: terms.zones,
        validity: Validity::between(terms.valid_from, terms.valid_until)?,
        live,
        sealed: None,
    })
}

/// The issue that replaces `old`, not sealed yet: the same in every field but its keys, its generation and who holds it.
pub(crate) fn next(old: &TicketBody, keys: Keys, issue: Issue, live: Option<Live>) -> TicketBody {
    TicketBody {
        issuing_key: keys.issuing,
        authority_key: keys.authority,
        generation: issue.generation,
        live,
        sealed: None,
        ..old.clone()
    }
}
