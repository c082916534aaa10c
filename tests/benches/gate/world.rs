//! An event with keys whose private halves are here, so that as many tickets can be made as a benchmark needs.

use std::num::NonZeroU8;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use countermark_gate::rehearsal::{Gate, Identity, Moment};
use countermark_shared::documents::{
    Assignment, Direction, DocumentKind, EventDocument, KeyRole, KeyStatus, Lane, Lease, Product, Revision, Signed,
    SlotEntry, SlotList, SlotReason, SlotState, Text, TrustBundle, TrustedKey, Window, WrappedSecret,
};
use countermark_shared::id::{EventId, GateId, Generation, LaneId, ProductId, SealingGeneration, Slot, Zones};
use countermark_shared::journal::BootId;
use countermark_shared::keys::SigningKey;
use countermark_shared::money::{Currency, Money};
use countermark_shared::sealing::{EventSecret, UnwrappingKey};
use countermark_shared::ticket::{TicketBody, UnverifiedTicket, Validity};
use countermark_shared::time::Timestamp;
use rand::SeedableRng;
use rand::rngs::StdRng;
use zeroize::Zeroizing;

pub(crate) const GATE: GateId = GateId(3);
pub(crate) const LANES: u8 = 4;

/// What tickets of one event have in common.
#[derive(Clone, Copy)]
pub(crate) struct Tickets {
    pub(crate) event: EventId,
    pub(crate) product: ProductId,
    pub(crate) zones: Zones,
    pub(crate) validity: Validity,
}

/// What a benchmark signs with.
pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}

/// What the event's secret is wrapped for.
pub(crate) fn unwrapping_key() -> UnwrappingKey {
    UnwrappingKey::new(Zeroizing::new([40; 32]))
}

fn slot_list(event: EventId, slots: u32, sequence: u64, now: Timestamp) -> Result<Vec<u8>> {
    let good = SlotEntry { state: SlotState::Good, least_generation: Generation(0), reason: SlotReason::Unspecified };
    let revision = Revision { epoch: 0, sequence };
    let list = SlotList::snapshot(event, revision, now, (0..slots).map(|slot| (Slot(slot), good)))?;
    Ok(Signed::seal(&list, &[&key(5)])?)
}

/// The keys of this world that sign tickets.
pub(crate) fn ticket_keys() -> [TrustedKey; 2] {
    [trusted(2, KeyRole::Issuing, Vec::new()), trusted(3, KeyRole::Authority, Vec::new())]
}

fn trusted(seed: u8, role: KeyRole, events: Vec<EventId>) -> TrustedKey {
    TrustedKey { key: key(seed).verifying_key(), role, status: KeyStatus::Active, events }
}

impl Tickets {
    /// The text of a seat's ticket.
    pub(crate) fn text(&self, slot: u32) -> String {
        let body = TicketBody {
            issuing_key: key(2).verifying_key().id(),
            authority_key: key(3).verifying_key().id(),
            event: self.event,
            slot: Slot(slot),
            generation: Generation(1),
            places: NonZeroU8::MIN,
            entries: 1,
            product: self.product,
            zones: self.zones,
            validity: self.validity,
            live: None,
            sealed: None,
        };
        let (issuer, authority) = (body.issue(&key(2)), body.authorise(&key(3)));
        UnverifiedTicket::new(body, issuer, authority).to_text()
    }
}

/// An event without a cloud, whose doors have just opened.
pub(crate) struct Event {
    pub(crate) tickets: Tickets,
    pub(crate) bundle: TrustBundle,
    slots: u32,
    now: Timestamp,
    documents: [(DocumentKind, Vec<u8>); 4],
}

impl Event {
    /// An event of so many seats, all sold.
    pub(crate) fn of(slots: u32, now: Timestamp) -> Result<Self> {
        let event = EventId(7);
        let (from, until) = (now - Duration::from_hours(1), now + Duration::from_hours(10));
        let bundle = TrustBundle {
            version: 1,
            issued: from,
            not_after: now + Duration::from_hours(1000),
            roots: vec![key(1).verifying_key()],
            threshold: 1,
            keys: ticket_keys()
                .into_iter()
                .chain([trusted(4, KeyRole::Organiser, vec![event]), trusted(5, KeyRole::List, Vec::new())])
                .collect(),
        };
        let text = || Text { en: "Summer Night".into(), fr: "Nuit d'été".into() };
        let price = Money { minor: 2000, currency: Currency::parse("EUR")? };
        let window = Window { from, until };
        let product = Product::new(ProductId(1), text(), Zones(1), window, slots, price);
        let document = EventDocument::new(event, 1, from, text(), slots, vec![product]);
        let document = EventDocument { names_at_gates: true, find_by_order: true, ..document };
        let secret = EventSecret::new(event, SealingGeneration(1), Zeroizing::new([41; 32]));
        let wrapped = secret.wrap(GATE, unwrapping_key().wrapping_key(), &mut StdRng::seed_from_u64(42))?;
        let secret = WrappedSecret {
            generation: 1,
            encapsulated: wrapped.encapsulated.into(),
            ciphertext: wrapped.ciphertext.into(),
        };
        let lane = |lane| Lane { lane: LaneId(lane), direction: Direction::Entry, zones: Zones(1) };
        let assignment = Assignment {
            gate: GATE,
            version: 1,
            issued: from,
            event,
            name: "North".into(),
            lanes: (1..=LANES).map(lane).collect(),
            lease: Lease { until: until + Duration::from_hours(12), names_until: until, suspended: false },
            secrets: vec![secret],
        };
        let documents = [
            (DocumentKind::TrustBundle, Signed::seal(&bundle, &[&key(1)])?),
            (DocumentKind::Assignment, Signed::seal(&assignment, &[&key(5)])?),
            (DocumentKind::EventDocument, Signed::seal(&document, &[&key(4)])?),
            (DocumentKind::SlotList, slot_list(event, slots, 1, now)?),
        ];
        let validity = Validity::between(from, until).context("an empty window")?;
        let tickets = Tickets { event, product: ProductId(1), zones: Zones(1), validity };
        Ok(Self { tickets, bundle, slots, now, documents })
    }

    /// The next snapshot of its seats, in which nothing is new.
    pub(crate) fn next_list(&self) -> Result<Vec<u8>> {
        slot_list(self.tickets.event, self.slots, 2, self.now)
    }

    /// A gate in that folder that holds all of it.
    pub(crate) fn gate(&self, folder: &Path) -> Result<Gate> {
        let now = self.moment(Duration::ZERO);
        let identity = Identity {
            gate: GATE,
            root: self.bundle.root_fingerprint(),
            key: key(9),
            unwrapping_key: Some(unwrapping_key()),
            poll: Duration::from_secs(5),
        };
        let mut gate = Gate::open(folder, identity, BootId::new([1; 16]), now)?;
        for (kind, bytes) in &self.documents {
            gate.take(*kind, bytes, now)?;
        }
        Ok(gate)
    }

    /// So long after the doors opened.
    pub(crate) fn moment(&self, since: Duration) -> Moment {
        Moment { battery: self.now + since, uptime: since }
    }
}
