//! What can happen in a night. Refuses to know what is likely, and what comes of it.

use std::time::Duration;

use countermark_shared::documents::Direction;
use countermark_shared::id::{Generation, Slot};

use super::entrance::End;

/// How bad the network is: shares of exchanges.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    /// The request is lost.
    pub(super) request_lost: f64,
    /// The reply is lost.
    pub(super) reply_lost: f64,
    /// The request arrives a second time, perhaps after later ones.
    pub(super) duplicate: f64,
    /// The request arrives when nobody waits for the answer any more.
    pub(super) late: f64,
    /// The longest way of one that is in time.
    pub(super) longest: Duration,
}

impl Faults {
    /// A network as it should be. A line on which each exchange takes a quarter of a minute stays behind for longer than anybody looks on: steps are
    /// fetched one by one.
    pub(super) const NONE: Self =
        Self { request_lost: 0.0, reply_lost: 0.0, duplicate: 0.0, late: 0.0, longest: Duration::from_millis(200) };
}

/// Something that happens at an instant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happening {
    /// Somebody shows something at a box.
    Shown(Shown),
    /// Whatever is no ticket is shown.
    Junk { at: usize },
    /// Staff do something about a row.
    Staff { at: usize, slot: Slot, row: u64, deed: Deed },
    /// A box is cut off from the network, or is not any more.
    CutOff { at: usize, cut: bool },
    /// A box ends, or starts.
    Ends { at: usize, how: End },
    /// It starts again.
    Starts { at: usize },
    /// Its battery clock is put forward by so many milliseconds, or back.
    Jumps { at: usize, by: i64 },
    /// Something becomes of a seat.
    Office { slot: Slot, act: Office },
    /// Somebody carries a box off, switched off.
    Stolen { at: usize },
    /// Whoever has it sends so many admissions that never were.
    Invents { admissions: u32 },
    /// It is missed, and suspended.
    Missed,
    /// The disk of a box is copied.
    Copied { at: usize },
    /// It is put back as it was then.
    PutBack { at: usize },
    /// Validation knows no session any more.
    Forgets,
    /// Its database is copied.
    BackedUp,
    /// It is put back as it was then.
    Restored,
    /// A box lets rows go that are older than that.
    Prunes { at: usize, keep: Duration },
}

/// A ticket that is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// Where.
    pub(super) at: usize,
    /// Which way.
    pub(super) direction: Direction,
    /// Whose seat.
    pub(super) slot: Slot,
    /// Which issue of it.
    pub(super) generation: Generation,
    /// How, where it is a live one.
    pub(super) proof: Proof,
    /// What follows.
    pub(super) then: Then,
}

/// How a live ticket is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Its holder's device signs it now, by a clock that is off by so many milliseconds.
    Signed { off: i64 },
    /// It is a picture of what a device signed so long ago.
    Picture { age: Duration },
    /// It is a printout.
    None,
}

/// What follows when the gate has said what it thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Nobody hears it: the power goes.
    PowerGoes,
    /// Whoever is let in goes through; who is not, goes away.
    Goes,
    /// Nobody goes through. Where there is an arm, it tells, and whoever it was tries again so much later, and perhaps does not go through then
    /// either. Where there is none, staff take it back then, if that is not too late.
    Stays { then: Duration, again: bool },
    /// Whoever is let in goes through, and so much later staff say that nobody did: out of their minds where an arm saw it, or after who came in has left.
    Denied { then: Duration },
    /// Whoever is let in goes through. Who is not calls staff, who do what they can so much later.
    CallsStaff { then: Duration },
}

/// What staff do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// They take an admission back by which nobody went.
    Undo,
    /// They would take one back of that run of the box, by which somebody went.
    Deny { run: u64 },
    /// They say how an admission ended that was cut off, as they saw it.
    Confirm,
    /// A supervisor lets in who was refused.
    Overrule,
}

/// What becomes of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Office {
    /// It is held back.
    Block,
    /// Not any more.
    Unblock,
    /// It is taken back for good.
    Revoke,
    /// Somebody else has it.
    Transfer,
}
