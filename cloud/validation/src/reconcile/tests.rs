//! What is found, told by hand and by chance.

mod gates;
mod order;
mod seats;

use std::num::NonZeroU8;
use std::time::Duration;

use countermark_service::contract::findings::{Evidence, Objection, Rule};
use countermark_shared::decision::Terms;
use countermark_shared::documents::{AdmissionPolicy, Direction, EventDocument};
use countermark_shared::id::{GateId, Generation, LaneId, ProductId, Slot};
use countermark_shared::journal::{Act, Actor, BootId, ClockState, DocumentRevisions, JournalRow, Subject};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;

use super::*;
use crate::testing::{self, EVENT};

const SEAT: Slot = Slot(42);
const NOON: Timestamp = Timestamp::from_unix_seconds(1_800_010_000);

fn at(seconds: u64) -> Timestamp {
    NOON + Duration::from_secs(seconds)
}

/// A row of the seat; the number is the second, so that each gate's rows are in their order.
fn row(gate: u32, seconds: u64, reason: Reason, persons: u8) -> JournalRow {
    JournalRow {
        gate: GateId(gate),
        sequence: seconds + 1,
        boot: BootId::new([1; 16]),
        at: at(seconds),
        clock: ClockState::Signed,
        lane: LaneId(1),
        direction: if reason.leaves() { Direction::Exit } else { Direction::Entry },
        subject: Subject::Ticket { event: EVENT, slot: SEAT, generation: Generation(1) },
        persons,
        actor: Actor::Gate,
        reason,
        proved: true,
        documents: DocumentRevisions::NONE,
        act: None,
    }
}

fn act(row: JournalRow, act: Act) -> JournalRow {
    JournalRow { persons: if matches!(act, Act::Overrule { .. }) { row.persons } else { 0 }, act: Some(act), ..row }
}

fn terms(places: u8, entries: u8) -> Terms {
    Terms { places: NonZeroU8::new(places).unwrap(), entries, product: ProductId(1) }
}

fn event(policy: AdmissionPolicy, resets: &[u64]) -> EventDocument {
    EventDocument { policy, resets: resets.iter().map(|seconds| at(*seconds)).collect(), ..testing::event(1) }
}

fn told(terms: Terms, rows: &[JournalRow]) -> Vec<Told> {
    rows.iter().map(|row| Told { row: row.clone(), believed: true, aside: false, terms: Some(terms) }).collect()
}

fn sold() -> Issued {
    Issued { generation: Generation(1), since: NOON - Duration::from_hours(24), revoked: None }
}

fn history(event: &EventDocument, told: Vec<Told>) -> SeatHistory<'_> {
    SeatHistory { event, slot: SEAT, issued: Some(sold()), blocked: false, told }
}

/// The rules found, each with the numbers of the rows and what a gate would have said.
type Rules = Vec<(Rule, Vec<(u64, Option<Reason>)>)>;

fn found(history: &SeatHistory<'_>) -> Rules {
    let told = |found: Found| {
        let Evidence::Scans { scans, count } = found.evidence else { panic!("{found:?}") };
        assert_eq!(scans.len() as u64, count);
        let say = |objection| match objection {
            Objection::PassedBefore { would_say, .. } => Some(would_say),
            Objection::Revoked { .. }
            | Objection::Replaced { .. }
            | Objection::NotIssued
            | Objection::NoEntry
            | Objection::Overruled { .. }
            | Objection::TakenBack { .. }
            | Objection::Held => None,
        };
        (found.rule, scans.iter().map(|doubt| (doubt.scan.row, say(doubt.objection))).collect())
    };
    history.findings().into_iter().map(told).collect()
}
