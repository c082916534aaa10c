//! The event of every run: its keys, documents and tickets. Refuses to know what happens at it.

use std::num::NonZeroU8;
use std::time::Duration;

use anyhow::Context;
use countermark_shared::documents::{
    AdmissionPolicy, Alone, Assignment, Authentic, Direction, EventDocument, KeyRole, KeyStatus, Lane, Lease, Product,
    Signed, Text, TicketForm, TrustBundle, TrustedKey, Window, accept_bundle,
};
use countermark_shared::id::{EventId, GateId, Generation, LaneId, ProductId, Slot, Zones};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::SigningKey;
use countermark_shared::money::{Currency, Money};
use countermark_shared::ticket::{Live, TicketBody, UnverifiedTicket, Validity};
use countermark_shared::time::Timestamp;
use zeroize::Zeroizing;

/// What is run.
pub(super) const EVENT: EventId = EventId(7);
/// The lane on which people come in.
pub(super) const ENTRY: LaneId = LaneId(1);
/// The lane on which they leave.
pub(super) const EXIT: LaneId = LaneId(2);
/// When a run begins.
pub(super) const BEGIN: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

const STANDING: ProductId = ProductId(1);
const LIVE: ProductId = ProductId(2);
const STRICT: ProductId = ProductId(3);
/// For how many seconds a holder's word is fresh.
pub(super) const LIVE_WINDOW: u8 = 30;
const ZONE: Zones = Zones(1);
/// More than any clock is put forward or back in a run: what the windows make of a clock is told elsewhere.
const MARGIN: Duration = Duration::from_hours(96);

/// What a seat's tickets are like; each enters once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One person.
    Single,
    /// One code for two.
    Duo,
    /// One person, whose device signs that it is shown.
    Live,
    /// One person, who comes in nowhere before all gates were asked.
    Strict,
}

/// Who signs what, and what they signed before the doors opened.
pub(super) struct Venue {
    issuer: SigningKey,
    authority: SigningKey,
    holder: SigningKey,
    /// What signs lists, heads and the time.
    pub(super) list_key: SigningKey,
    /// Whom everybody believes.
    pub(super) bundle: Authentic<TrustBundle>,
    /// Whose tickets hold.
    pub(super) keys: KeyRing,
    /// What is sold.
    pub(super) event: Authentic<EventDocument>,
}

impl Venue {
    /// Signs them.
    pub(super) fn new() -> anyhow::Result<Self> {
        let [root, issuer, authority, organiser, list_key, holder] = [1, 2, 3, 4, 5, 6].map(signing_key);
        let trusted = |key: &SigningKey, role, events| TrustedKey {
            key: key.verifying_key(),
            role,
            status: KeyStatus::Active,
            events,
        };
        let signed = BEGIN - MARGIN;
        let bundle = TrustBundle {
            version: 1,
            issued: signed,
            not_after: BEGIN + 10 * MARGIN,
            roots: vec![root.verifying_key()],
            threshold: 1,
            keys: vec![
                trusted(&issuer, KeyRole::Issuing, vec![]),
                trusted(&authority, KeyRole::Authority, vec![]),
                trusted(&organiser, KeyRole::Organiser, vec![EVENT]),
                trusted(&list_key, KeyRole::List, vec![]),
            ],
        };
        let bundle = accept_bundle(&Signed::seal(&bundle, &[&root])?, bundle.root_fingerprint(), None, BEGIN)?;
        let event = Signed::seal(&event(signed)?, &[&organiser])?;
        let event = EventDocument::accept(&event, bundle.document(), None, BEGIN)?;
        Ok(Self { issuer, authority, holder, list_key, keys: KeyRing::of(bundle.document()), bundle, event })
    }

    /// A gate's assignment: a lane in, a lane out.
    pub(super) fn assignment(&self, gate: GateId, version: u32) -> anyhow::Result<Authentic<Assignment>> {
        let lane = |lane, direction| Lane { lane, direction, zones: ZONE };
        let until = BEGIN + 2 * MARGIN;
        let assignment = Assignment {
            gate,
            version,
            issued: BEGIN - MARGIN,
            event: EVENT,
            name: format!("Gate {gate}"),
            lanes: vec![lane(ENTRY, Direction::Entry), lane(EXIT, Direction::Exit)],
            lease: Lease { until, names_until: until, suspended: false },
            secrets: Vec::new(),
        };
        let bytes = Signed::seal(&assignment, &[&self.list_key])?;
        Ok(Assignment::accept(&bytes, self.bundle.document(), gate, None, BEGIN)?)
    }

    /// The text of a seat's issue, and with it, of a live one, that its holder signed it at an instant.
    pub(super) fn ticket(
        &self,
        kind: Kind,
        (slot, generation): (Slot, Generation),
        signed: Option<Timestamp>,
    ) -> anyhow::Result<String> {
        let holder = &self.holder;
        let window = NonZeroU8::new(LIVE_WINDOW).context("a live window has a length")?;
        let body = TicketBody {
            issuing_key: self.issuer.verifying_key().id(),
            authority_key: self.authority.verifying_key().id(),
            event: EVENT,
            slot,
            generation,
            places: kind.places(),
            entries: 1,
            product: kind.product(),
            zones: ZONE,
            validity: Validity::between(hours().0, hours().1).context("a window has a length")?,
            live: (kind == Kind::Live).then(|| Live { window, holder: holder.verifying_key() }),
            sealed: None,
        };
        let (issuer, authority) = (body.issue(&self.issuer), body.authorise(&self.authority));
        let ticket = UnverifiedTicket::new(body, issuer, authority);
        Ok(match signed {
            Some(at) => {
                let presentation = ticket.body().present(holder, at)?;
                ticket.shown(presentation)?.to_text()
            }
            None => ticket.to_text(),
        })
    }
}

impl Kind {
    /// A seat's.
    pub(super) const fn of(slot: Slot) -> Self {
        match slot.0 % 5 {
            0 => Self::Duo,
            1 => Self::Live,
            2 | 3 => Self::Strict,
            _ => Self::Single,
        }
    }

    /// For how many persons.
    pub(super) const fn places(self) -> NonZeroU8 {
        match self {
            Self::Duo => NonZeroU8::MIN.saturating_add(1),
            Self::Single | Self::Live | Self::Strict => NonZeroU8::MIN,
        }
    }

    const fn product(self) -> ProductId {
        match self {
            Self::Single | Self::Duo => STANDING,
            Self::Live => LIVE,
            Self::Strict => STRICT,
        }
    }
}

/// When the first may come in, and when the last.
pub(super) fn hours() -> (Timestamp, Timestamp) {
    (BEGIN - MARGIN, BEGIN + MARGIN)
}

/// What a gate signs with.
pub(super) fn gate_key(gate: GateId) -> SigningKey {
    let [a, b, c, d] = gate.0.to_be_bytes();
    let mut seed = [200; 32];
    seed[..4].copy_from_slice(&[a, b, c, d]);
    SigningKey::from_seed(&Zeroizing::new(seed))
}

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}

fn event(issued: Timestamp) -> anyhow::Result<EventDocument> {
    let text = |text: &str| Text { en: text.into(), fr: text.into() };
    let price = Money { minor: 2000, currency: Currency::parse("EUR").context("EUR is a currency")? };
    let (from, until) = hours();
    let window = Window { from, until };
    let product = |number, name| Product::new(number, text(name), ZONE, window, 1000, price);
    let form = TicketForm { live_window_seconds: LIVE_WINDOW, ..TicketForm::default() };
    let policy = Some(AdmissionPolicy { alone: Alone::Staff, ..AdmissionPolicy::default() });
    let products = vec![
        product(STANDING, "Standing"),
        Product { form, ..product(LIVE, "Standing, live") },
        Product { policy, ..product(STRICT, "Standing, strict") },
    ];
    Ok(EventDocument::new(EVENT, 1, issued, text("Rehearsal"), 1000, products))
}
