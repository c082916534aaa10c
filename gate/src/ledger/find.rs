//! Finding a seat by its order's code, for somebody who has no ticket with them. Only what the issuer sold is found, and by finding nobody passes:
//! staff choose a seat, which is a row, and a supervisor may overrule that. Codes are tried slowly, so that nobody fishes for names.

use countermark_shared::decision::{Outlook, outlook};
use countermark_shared::documents::Direction;
use countermark_shared::id::{GateId, Generation, LaneId, Slot};
use countermark_shared::journal::{Actor, JournalRow, Subject};
use countermark_shared::key_ring::KeyRing;
use countermark_shared::order_code::OrderCode;
use countermark_shared::ticket::{HalfTicket, VerifiedHalf};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::{Reason, Verdict};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::case::may_be_overruled;
use super::judge::{self, Grounds, Others};
use super::store::{self, StoredHalf};
use super::{ActError, Ledger};
use crate::announcement::{Announcement, Ruling, Sentence};
use crate::clock::Moment;
use crate::input::Source;
use crate::names::Holder;

/// Seats of one order that are shown: more than an order has.
const MOST_SEATS: usize = 200;

/// A seat that was found, and how it stands with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// The seat.
    pub(crate) slot: Slot,
    /// Persons it is for.
    pub(crate) places: u8,
    /// What would be said of its ticket, were it shown at that lane now.
    pub(crate) standing: Reason,
    /// Whether a supervisor may let in whom it is for.
    pub(crate) may_enter: bool,
    /// When it was last let in.
    pub(crate) earlier: Option<Timestamp>,
    /// By which gate.
    pub(crate) earlier_gate: Option<GateId>,
    /// The same in words.
    pub(crate) sentence: Sentence,
    /// Whom it is for. For the screen alone.
    #[serde(skip)]
    pub(crate) holder: Option<Holder>,
}

/// A seat of an order.
struct Seat {
    half: VerifiedHalf,
    holder: Holder,
    outlook: Outlook,
}

impl Ledger {
    /// The seats of the order with that code, as it stands with each at a lane. Nothing is written but that nobody was found.
    pub(crate) fn find(&mut self, lane: LaneId, code: OrderCode, now: Moment) -> Result<Vec<Found>, ActError> {
        Ok(self.look_up(lane, code, now)?.into_iter().map(Found::of).collect())
    }

    /// Writes down that somebody without a ticket says that a seat of the order is theirs. They stand at the lane; a supervisor decides.
    pub(crate) fn choose(
        &mut self,
        lane: LaneId,
        code: OrderCode,
        slot: Slot,
        now: Moment,
    ) -> Result<Announcement, ActError> {
        let seats = self.look_up(lane, code, now)?;
        let seat = seats.into_iter().find(|seat| seat.half.body().slot == slot).ok_or(ActError::NobodyFound)?;
        let Seat { half, holder, outlook: Outlook { reason, earlier } } = seat;
        if !may_enter(reason) {
            return Err(ActError::Final { reason });
        }
        self.transact(now, |recorder| {
            let body = half.body();
            let mut said = Verdict::refusal(Reason::FoundByOrder);
            said.earlier = earlier;
            let subject = Subject::Ticket { event: body.event, slot: body.slot, generation: body.generation };
            let mut row = JournalRow { actor: Actor::Operator, ..recorder.said(lane, subject, &said) };
            recorder.append(&mut row, None)?;
            Ok(Announcement {
                sequence: Some(row.sequence),
                lane,
                source: Source::Order,
                at: row.at,
                ruling: Ruling::new(said, &row.subject),
                announced: now.uptime,
                holder: Some(holder),
            })
        })
    }

    fn look_up(&mut self, lane: LaneId, code: OrderCode, now: Moment) -> Result<Vec<Seat>, ActError> {
        self.keep_names(now);
        if self.guest_list()?.is_none_or(|list| list.held == 0) {
            return Err(ActError::NoGuestList);
        }
        let clock = self.read_clock(now);
        let missed = store::missed_codes(&self.connection)?.at(clock.now);
        if let Some(left) = missed.wait(clock.now) {
            // A part of a second is one more.
            return Err(ActError::WaitForCode { seconds: left.as_secs() + u64::from(left.subsec_nanos() > 0) });
        }
        let Self { connection, documents, names, lanes, .. } = self;
        let seats = seats(Grounds { connection, documents, names, lanes, clock }, lane, code)?;
        if seats.is_empty() {
            store::put_missed_codes(&self.connection, missed.after_one_more(clock.now))?;
            return Err(ActError::NobodyFound);
        }
        Ok(seats)
    }
}

/// Of each seat of the order the newest issue, if it is the order's. What the issuer did not sign is not there, and what cannot be read is nobody's.
fn seats(grounds: Grounds<'_>, lane: LaneId, code: OrderCode) -> Result<Vec<Seat>, ActError> {
    let Grounds { connection, documents, names, lanes: _, clock } = grounds;
    let basis = documents.basis(lane, clock.now).filter(|basis| basis.lane.direction == Direction::Entry);
    let basis = basis.ok_or(ActError::NotAnEntry { lane })?;
    let policy = basis.policy();
    let mut seats = Vec::new();
    for tag in names.tags(code) {
        for stored in store::guests_of(connection, &tag, MOST_SEATS)? {
            let Some(half) = verified(&stored, basis.keys) else { continue };
            let Some(holder) = names.read_half(&half) else { continue };
            if is_newest(connection, &half, basis.keys)? {
                let facts = judge::facts(connection, &basis, half.body(), Others::Silent, clock)?;
                let outlook = outlook(&half, &facts, &policy, clock);
                seats.push(Seat { half, holder, outlook });
            }
        }
    }
    Ok(seats)
}

/// Whether nobody bought a later issue of the seat, as far as the list says. An issue that the issuer did not sign hides none.
fn is_newest(connection: &Connection, half: &VerifiedHalf, keys: &KeyRing) -> rusqlite::Result<bool> {
    let body = half.body();
    let issues = store::guests_at(connection, body.slot)?;
    let mut later = issues.iter().filter(|stored| stored.generation > body.generation);
    Ok(!later.any(|stored| verified(stored, keys).is_some()))
}

fn verified(stored: &StoredHalf, keys: &KeyRing) -> Option<VerifiedHalf> {
    keys.verify_half(&HalfTicket::from_bytes(&stored.half).ok()?).ok()
}

/// The half by which an issue of a seat was found, and whom it is for; none where the list has left since.
pub(super) fn half_of(
    grounds: Grounds<'_>,
    keys: &KeyRing,
    slot: Slot,
    generation: Generation,
) -> Result<Option<(VerifiedHalf, Option<Holder>)>, ActError> {
    let issues = store::guests_at(grounds.connection, slot)?;
    let Some(stored) = issues.into_iter().find(|stored| stored.generation == generation) else { return Ok(None) };
    let read = HalfTicket::from_bytes(&stored.half).map_err(Reason::from);
    let half = read.and_then(|half| Ok(keys.verify_half(&half)?)).map_err(|reason| ActError::Final { reason })?;
    let holder = grounds.names.read_half(&half);
    Ok(Some((half, holder)))
}

impl Found {
    fn of(seat: Seat) -> Self {
        let Seat { half, holder, outlook: Outlook { reason, earlier } } = seat;
        Self {
            slot: half.body().slot,
            places: half.body().places.get(),
            standing: reason,
            may_enter: may_enter(reason),
            earlier: earlier.map(|earlier| earlier.at),
            earlier_gate: earlier.and_then(|earlier| earlier.gate),
            sentence: sentence(reason, earlier.is_some()),
            holder: Some(holder),
        }
    }
}

/// Whether a supervisor may let somebody in whose ticket would be answered so.
const fn may_enter(reason: Reason) -> bool {
    reason.severity().opens() || may_be_overruled(reason)
}

/// Nobody is welcomed by it.
fn sentence(reason: Reason, was_let_in: bool) -> Sentence {
    let (en, fr) = match (reason.severity().opens(), was_let_in) {
        (true, false) => ("Not let in yet.", "Pas encore entré."),
        (true, true) => ("Let in before, and may enter again.", "Déjà entré, peut entrer de nouveau."),
        (false, _) => return Sentence::of_reason(reason),
    };
    Sentence { en: en.to_owned(), fr: fr.to_owned() }
}
