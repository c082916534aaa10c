//! The guest list, where the event's organiser has gates find a seat by its order's code. Owns how much of it is kept and when it leaves the
//! disk; refuses to know who is found by it, and believes nothing in it: a half is verified when somebody is looked for.

use countermark_shared::id::EventId;
use countermark_shared::ticket::HalfTicket;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{Guest, GuestPage};
use rusqlite::Connection;

use super::store::{self, StoredHalf};
use super::{Ledger, LedgerError};
use crate::clock::Moment;

/// Guests that a gate keeps, chosen: with their indexes they take 60 MB. More are told, and not found.
const MOST: u64 = 200_000;

/// How many leave the disk at a time, which is a quarter of a second on the machine of the other figures: more would keep scans waiting.
const LEAVE_AT_ONCE: usize = 5_000;

/// How far the list goes that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GuestList {
    /// Whose guests they are.
    pub(crate) event: EventId,
    /// When the newest ticket on it was issued, by a clock that is ahead of this gate's when it came here; none before the first.
    pub(crate) newest: Option<Timestamp>,
    /// How many it has.
    pub(crate) held: u64,
    /// Whether there were more than a gate keeps.
    pub(crate) is_cut: bool,
}

impl GuestList {
    /// Of nobody yet.
    pub(crate) const fn of(event: EventId) -> Self {
        Self { event, newest: None, held: 0, is_cut: false }
    }

    /// Takes one more guest, or the same again. What is no half of a ticket of the event is passed over: it would find nobody.
    fn take(&mut self, connection: &Connection, guest: Guest, now: Timestamp) -> rusqlite::Result<()> {
        let Guest { issued, tag, half } = guest;
        self.newest = self.newest.max(Some(issued.min(now)));
        let Some(body) = HalfTicket::from_bytes(&half.0).ok().map(|half| half.body().clone()) else { return Ok(()) };
        if body.event != self.event {
            return Ok(());
        }
        let guest = StoredHalf { slot: body.slot, generation: body.generation, half: half.0 };
        if self.held >= MOST && !store::has_guest(connection, guest.slot, guest.generation)? {
            self.is_cut = true;
            return Ok(());
        }
        self.held += u64::from(store::put_guest(connection, &tag.0, &guest)?);
        Ok(())
    }
}

impl Ledger {
    /// The list as it is held for the event whose names can be read here and whose organiser wants it; none where there is to be none, or another
    /// one has not left the disk yet.
    pub(super) fn guest_list(&self) -> Result<Option<GuestList>, LedgerError> {
        let Some(event) = self.documents.finds_by_order().filter(|_| self.names.are_readable()) else {
            return Ok(None);
        };
        match store::guest_list(&self.connection)? {
            Some(list) => Ok(Some(list).filter(|list| list.event == event)),
            None if store::has_guests(&self.connection)? => Ok(None),
            None => Ok(Some(GuestList::of(event))),
        }
    }

    /// Takes a page of the list, if it is still the one that is wanted.
    pub(super) fn take_guests(&mut self, event: EventId, page: GuestPage, now: Moment) -> Result<(), LedgerError> {
        let Some(mut list) = self.guest_list()?.filter(|list| list.event == event) else { return Ok(()) };
        let (was_cut, now) = (list.is_cut, self.read_clock(now).now);
        self.write(|connection| {
            for guest in page.guests {
                list.take(connection, guest, now)?;
            }
            store::put_guest_list(connection, &list)
        })?;
        if list.is_cut && !was_cut {
            tracing::warn!(
                guests = list.held,
                "the guest list is longer than a gate keeps: not everybody is found by their order"
            );
        }
        Ok(())
    }

    /// A list that is not to be here leaves the disk, and the write-ahead log with it: when its names have to, when another event is served, and when
    /// the organiser does not want it any more.
    pub(super) fn drop_guests(&mut self) -> Result<(), LedgerError> {
        let is_wanted = self.guest_list()?.is_some();
        if is_wanted || (store::guest_list(&self.connection)?.is_none() && !store::has_guests(&self.connection)?) {
            return Ok(());
        }
        let mut guests = 0;
        self.write(|connection| {
            guests = store::drop_guests(connection, LEAVE_AT_ONCE)?;
            Ok(())
        })?;
        self.log_is_empty = store::empty_log(&self.connection)?;
        tracing::info!(guests, "guests have left this gate's disk");
        Ok(())
    }
}
