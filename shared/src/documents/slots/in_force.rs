//! The slots in force: what a reader holds, and how it moves on.

use core::time::Duration;

use minicbor::{Decode, Encode};

use super::delta::SlotDelta;
use super::entry::{SlotEntry, SlotReason, SlotState};
use super::list::SlotList;
use super::table::SlotTable;
use crate::documents::bundle::TrustBundle;
use crate::documents::canonical::{canonical, read};
use crate::documents::envelope::{Authentic, Document, Signed, not_from_the_future};
use crate::documents::hash::ContentHash;
use crate::documents::head::Head;
use crate::documents::refusal::Refusal;
use crate::documents::revision::{Floors, Revision, Standing, ascend};
use crate::id::{EventId, Generation, Slot};
use crate::keys::VerifyingKey;
use crate::time::Timestamp;

/// The table in force, its revision, who vouched for it, and when it was last said to be the newest.
///
/// Each way forward answers with the new state or a refusal, and leaves this one as it is. The two share what did not change, so that
/// a step over ten million seats copies what it touches.
#[derive(Clone, Debug)]
pub struct Slots {
    table: SlotTable,
    revision: Revision,
    confirmed: Timestamp,
    floors: Floors<ContentHash>,
}

impl Slots {
    /// Takes a snapshot if a list key signed it for this event, and it is not older than what any believed key signed. What is in force
    /// of another event does not count. Within an epoch it revives no revoked slot and lowers no generation, unless nobody
    /// who is still believed vouched for what is in force.
    pub fn accept(
        bytes: &[u8],
        bundle: &TrustBundle,
        event: EventId,
        in_force: Option<&Self>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let list_keys = bundle.list_keys();
        let offered = SlotList::open(bytes, bundle, event, now)?;
        let table = SlotTable::of(offered.document());
        let standing = Standing { revision: offered.document().revision(), hash: table.content() };
        let next = Self {
            table,
            revision: standing.revision,
            confirmed: offered.document().issued(),
            floors: Floors::default().raised(offered.signers(), standing, &list_keys),
        };
        match in_force.filter(|current| current.table.event() == event) {
            None => Ok(next),
            Some(current) => current.replaced(next, offered.signers(), &list_keys),
        }
    }

    /// Takes the step that follows on what is in force, if a list key signed it for this event, it starts from this content and leads to the
    /// content it announces. The step that led here is answered with what is in force.
    pub fn step(
        bytes: &[u8],
        bundle: &TrustBundle,
        event: EventId,
        in_force: Option<&Self>,
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let document = SlotDelta::NAME;
        let list_keys = bundle.list_keys();
        let offered = Signed::<SlotDelta>::decode(bytes)?.open(&list_keys, 1)?;
        let delta = offered.document();
        if delta.event != event {
            return Err(Refusal::OtherSubject { document });
        }
        not_from_the_future(delta, now)?;
        let current =
            in_force.filter(|current| current.table.event() == event).ok_or(Refusal::NoSnapshot { document })?;
        let table = current.followed(delta)?;
        let to = Standing { revision: delta.revision(), hash: delta.after };
        Ok(Self {
            table,
            revision: to.revision,
            confirmed: current.confirmed.max(delta.issued()),
            floors: current.floors.raised(offered.signers(), to, &list_keys),
        })
    }

    /// Notes that a head says what is in force is the newest, so that an unchanged list does not grow old while heads arrive.
    pub fn confirm(&mut self, head: &Authentic<Head>) {
        let head = head.document();
        if head.event == self.table.event() && head.slots == Some(self.standing()) {
            self.confirmed = self.confirmed.max(head.issued);
        }
    }

    /// Its revision and the name of its content.
    pub fn standing(&self) -> Standing<ContentHash> {
        Standing { revision: self.revision, hash: self.table.content() }
    }

    /// The newest that any believed key has signed: what a snapshot is held against.
    pub fn floor(&self, believed: &[VerifyingKey]) -> Option<Standing<ContentHash>> {
        self.floors.highest(believed)
    }

    /// Its revision.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// How long ago it was last said to be the newest.
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.confirmed)
    }

    /// When it was last said to be the newest.
    pub fn confirmed(&self) -> Timestamp {
        self.confirmed
    }

    /// The content.
    pub fn table(&self) -> &SlotTable {
        &self.table
    }

    /// What is known of a seat.
    pub fn state(&self, slot: Slot) -> SlotState {
        self.table.state(slot)
    }

    /// The lowest generation of a seat that is still good; 0 where nothing is said.
    pub fn least_generation(&self, slot: Slot) -> Generation {
        self.table.least_generation(slot)
    }

    /// Why a seat is blocked or revoked.
    pub fn reason(&self, slot: Slot) -> SlotReason {
        self.table.reason(slot)
    }

    /// All that is known of a seat.
    pub fn entry(&self, slot: Slot) -> SlotEntry {
        self.table.entry(slot)
    }

    /// What a reader writes to its own disk, to have the same in force after a restart, whatever became of its signers.
    pub fn to_record(&self) -> Vec<u8> {
        let list = self.table.snapshot(self.revision, self.confirmed);
        canonical(&Record { list, floors: self.floors.clone() })
    }

    /// Reads what [`to_record`](Self::to_record) wrote. Never for bytes from elsewhere: nothing in a record is signed.
    pub fn from_record(bytes: &[u8]) -> Result<Self, Refusal> {
        let document = SlotList::NAME;
        let Record { list, floors } = read(bytes, bytes.len()).map_err(|defect| Refusal::of(document, defect))?;
        list.check().map_err(|why| Refusal::Malformed { document, why: why.to_owned() })?;
        Ok(Self { table: SlotTable::of(&list), revision: list.revision(), confirmed: list.issued, floors })
    }

    /// The table after a delta.
    fn followed(&self, delta: &SlotDelta) -> Result<SlotTable, Refusal> {
        let document = SlotDelta::NAME;
        let to = Standing { revision: delta.revision(), hash: delta.after };
        if !ascend(document, Some(&self.standing()), &to)? {
            return Ok(self.table.clone());
        }
        let (offered, in_force) = (to.revision, self.revision);
        if offered.epoch != in_force.epoch {
            return Err(Refusal::OtherEpoch { document, offered, in_force });
        }
        if !offered.follows(in_force) {
            return Err(Refusal::Gap { document, offered, in_force });
        }
        if delta.before != self.table.content() {
            return Err(Refusal::WrongBefore { document });
        }
        let table = self.table.changed(delta.changes(), document)?;
        if table.content() == delta.after { Ok(table) } else { Err(Refusal::WrongAfter { document }) }
    }

    fn replaced(&self, next: Self, signers: &[VerifyingKey], list_keys: &[VerifyingKey]) -> Result<Self, Refusal> {
        let (document, standing) = (SlotList::NAME, next.standing());
        let floor = self.floor(list_keys);
        ascend(document, floor.as_ref(), &standing)?;
        let vouched = floor == Some(self.standing());
        if vouched && self.revision.epoch == next.revision.epoch {
            next.table.may_follow(&self.table, document)?;
        }
        let same = standing == self.standing();
        Ok(Self {
            confirmed: if same { next.confirmed.max(self.confirmed) } else { next.confirmed },
            floors: self.floors.raised(signers, standing, list_keys),
            ..next
        })
    }
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Record {
    #[n(0)]
    list: SlotList,
    #[n(1)]
    floors: Floors<ContentHash>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::{DocumentHash, Held, HeldOf, RootFingerprint};
    use crate::id::GateId;
    use crate::samples::{self, DOORS};

    const EVENT: EventId = EventId(7);
    const REVISION: Revision = Revision { epoch: 1, sequence: 4 };

    fn slots() -> Slots {
        let blocked =
            SlotEntry { state: SlotState::Blocked, least_generation: Generation(3), reason: SlotReason::Misconduct };
        let list = SlotList::snapshot(EVENT, REVISION, DOORS, [(Slot(42), blocked)]).unwrap();
        let bytes = Signed::seal(&list, &[&samples::list_key()]).unwrap();
        Slots::accept(&bytes, &samples::bundle(), EVENT, None, DOORS).unwrap()
    }

    fn head(event: EventId, slots: Option<Standing<ContentHash>>) -> Authentic<Head> {
        let standing = Standing { revision: Revision::version(1), hash: DocumentHash::NONE };
        let issued = DOORS + Duration::from_hours(1);
        let head = Head {
            gate: GateId(1),
            issued,
            not_after: issued + Duration::from_mins(15),
            event,
            roots: RootFingerprint([1; 32]),
            bundle: standing,
            assignment: standing,
            document: None,
            slots,
            feed: None,
        };
        let bytes = Signed::seal(&head, &[&samples::list_key()]).unwrap();
        Head::accept(&bytes, &samples::bundle(), GateId(1), None, issued).unwrap()
    }

    #[test]
    fn a_seat_is_known_by_all_that_is_said_of_it() {
        let slots = slots();
        assert_eq!((slots.state(Slot(42)), slots.reason(Slot(42))), (SlotState::Blocked, SlotReason::Misconduct));
        assert_eq!(slots.least_generation(Slot(42)), Generation(3));
        assert_eq!(slots.state(Slot(41)), SlotState::NotIssued);
    }

    #[test]
    fn only_a_head_that_names_what_is_in_force_makes_it_younger() {
        let standing = slots().standing();
        let other = Standing { hash: ContentHash([9; 32]), ..standing };
        let confirmed = |head: &Authentic<Head>| {
            let mut slots = slots();
            slots.confirm(head);
            slots.confirmed()
        };
        assert_eq!(confirmed(&head(EVENT, Some(standing))), DOORS + Duration::from_hours(1));
        for head in [head(EVENT, Some(other)), head(EVENT, None), head(EventId(8), Some(standing))] {
            assert_eq!(confirmed(&head), DOORS);
        }
    }

    #[test]
    fn what_is_held_is_what_is_in_force_and_who_vouches() {
        let slots = slots();
        let standing = slots.standing();
        let trusting = Held::of(None, None, None, Some(&slots), None);
        assert_eq!(
            trusting.slots,
            Some(HeldOf { event: EVENT, in_force: standing, floor: None }),
            "nobody is believed"
        );
        assert_eq!((trusting.bundle, trusting.assignment, trusting.feed), (None, None, None));
    }
}
