//! The event of every run: its keys, documents and tickets. Refuses to know what happens at it.

use std::num::NonZeroU8;
use std::time::Duration;

use anyhow::Context;
use countermark_shared::documents::{
    Assignment, Authentic, Direction, EventDocument, KeyRole, KeyStatus, Lane, Lease, Product, Signed, Text,
    TrustBundle, TrustedKey, Window, accept_bundle,
};
use countermark_shared::id::{EventId, GateId, Generation, LaneId, ProductId, Slot, Zones};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::SigningKey;
use countermark_shared::money::{Currency, Money};
use countermark_shared::ticket::{TicketBody, UnverifiedTicket, Validity};
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

const PRODUCT: ProductId = ProductId(1);
const ZONE: Zones = Zones(1);
/// More than any clock is put forward or back in a run: what the windows make of a clock is told elsewhere.
const MARGIN: Duration = Duration::from_hours(96);

/// Who signs what, and what they signed before the doors opened.
pub(super) struct Venue {
    issuer: SigningKey,
    authority: SigningKey,
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
        let [root, issuer, authority, organiser, list_key] = [1, 2, 3, 4, 5].map(signing_key);
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
        Ok(Self { issuer, authority, list_key, keys: KeyRing::of(bundle.document()), bundle, event })
    }

    /// A gate's first assignment: a lane in, a lane out.
    pub(super) fn assignment(&self, gate: GateId) -> anyhow::Result<Authentic<Assignment>> {
        let lane = |lane, direction| Lane { lane, direction, zones: ZONE };
        let until = BEGIN + 2 * MARGIN;
        let assignment = Assignment {
            gate,
            version: 1,
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

    /// The text of a seat's issue: one person, one entry.
    pub(super) fn ticket(&self, slot: Slot, generation: Generation) -> anyhow::Result<String> {
        let body = TicketBody {
            issuing_key: self.issuer.verifying_key().id(),
            authority_key: self.authority.verifying_key().id(),
            event: EVENT,
            slot,
            generation,
            places: NonZeroU8::MIN,
            entries: 1,
            product: PRODUCT,
            zones: ZONE,
            validity: Validity::between(BEGIN - MARGIN, BEGIN + MARGIN).context("a window has a length")?,
            live: None,
            sealed: None,
        };
        let (issuer, authority) = (body.issue(&self.issuer), body.authorise(&self.authority));
        Ok(UnverifiedTicket::new(body, issuer, authority).to_text())
    }
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
    let window = Window { from: BEGIN - MARGIN, until: BEGIN + MARGIN };
    let product = Product::new(PRODUCT, text("Standing"), ZONE, window, 1000, price);
    Ok(EventDocument::new(EVENT, 1, issued, text("Rehearsal"), 1000, vec![product]))
}
