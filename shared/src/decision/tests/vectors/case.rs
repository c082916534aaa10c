//! One case: what is shown, what holds, what is known, and what must come of it.

use core::num::NonZeroU8;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::decision::shown::{LiveShown, Shown};
use crate::decision::{Facts, Listing, Passages, Policy, decide_shown};
use crate::documents::LeaseState;
use crate::documents::{AdmissionPolicy, Direction, EventDocument, Lane, Product, SlotState, Window};
use crate::id::{EventId, GateId, Generation, LaneId, ProductId, Zones};
use crate::journal::ClockState;
use crate::samples;
use crate::ticket::{TicketBody, Validity};
use crate::time::Timestamp;
use crate::verdict::{Admission, Reason, Verdict};

/// A case as its file has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    ticket: Ticket,
    event: Event,
    lane: Lane,
    #[serde(with = "super::super::json::lease_state")]
    lease: LeaseState,
    bundle_not_after: Timestamp,
    facts: Facts,
    clock: Reading,
    expected: Expected,
}

/// A verified ticket, as far as the decision looks at it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ticket {
    pub(super) event: EventId,
    pub(super) generation: Generation,
    pub(super) places: NonZeroU8,
    pub(super) entries: u8,
    pub(super) product: ProductId,
    pub(super) zones: Zones,
    pub(super) valid_from: Timestamp,
    pub(super) valid_until: Timestamp,
    pub(super) live: Option<Live>,
    pub(super) check_id: bool,
    pub(super) must_be_listed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Live {
    window_seconds: NonZeroU8,
    proof: Option<Timestamp>,
}

/// The parts of an event document that a decision looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    pub(super) event: EventId,
    pub(super) policy: AdmissionPolicy,
    pub(super) resets: Vec<Timestamp>,
    pub(super) products: Vec<ProductRules>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductRules {
    pub(super) product: ProductId,
    pub(super) moved: Option<Window>,
    pub(super) policy: Option<AdmissionPolicy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading {
    state: ClockState,
    now: Timestamp,
    error_milliseconds: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    reason: Reason,
    persons: u8,
    remaining: u8,
    earlier: Option<Admission>,
    remembers: bool,
}

/// Milliseconds after the doors open.
pub(super) fn after(milliseconds: i64) -> Timestamp {
    Timestamp::from_unix_millis(samples::DOORS.unix_millis() + milliseconds)
}

pub(super) const SECOND: i64 = 1000;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
/// When the sample ticket ends, in milliseconds after the doors.
pub(super) const END: i64 = 10 * HOUR;
/// When the bundle ends, in milliseconds after the doors.
pub(super) const BUNDLE_END: i64 = 100 * HOUR;

/// That a seat passed this gate, 1, or another.
pub(super) fn at_gate(gate: u32, milliseconds: i64) -> Admission {
    Admission { at: after(milliseconds), gate: Some(GateId(gate)) }
}

/// Persons who entered, the last at a moment, and are inside.
pub(super) fn entered(persons: u32, last: Admission) -> Passages {
    Passages { admitted: persons, admitted_since_reset: persons, last_entry: Some(last), ..Passages::NONE }
}

/// Persons who left, who had entered by another count.
pub(super) fn left(persons: u32, last: Timestamp) -> Passages {
    Passages { left: persons, last_exit: Some(last), ..Passages::NONE }
}

/// A static ticket for one, good, an hour after the doors, at a gate that knows all it can know: admitted.
pub(super) fn case(name: &str) -> Case {
    Case {
        name: name.to_owned(),
        ticket: Ticket {
            event: EventId(7),
            generation: Generation(1),
            places: NonZeroU8::MIN,
            entries: 0,
            product: ProductId(1),
            zones: Zones(0b01),
            valid_from: after(0),
            valid_until: after(END),
            live: None,
            check_id: false,
            must_be_listed: false,
        },
        event: Event {
            event: EventId(7),
            policy: AdmissionPolicy::default(),
            resets: Vec::new(),
            products: vec![ProductRules { product: ProductId(1), moved: None, policy: None }],
        },
        lane: Lane { lane: LaneId(1), direction: Direction::Entry, zones: Zones(0b01) },
        lease: LeaseState::Held,
        bundle_not_after: after(BUNDLE_END),
        facts: Facts::listed(Listing {
            state: SlotState::Good,
            least_generation: Generation(0),
            age: Duration::from_mins(1),
        }),
        clock: Reading { state: ClockState::Signed, now: after(HOUR), error_milliseconds: 0 },
        expected: Expected { reason: Reason::Admitted, persons: 1, remaining: 0, earlier: None, remembers: true },
    }
}

impl Case {
    pub(super) fn ticket(mut self, change: impl FnOnce(&mut Ticket)) -> Self {
        change(&mut self.ticket);
        self
    }

    pub(super) fn places(self, places: u8) -> Self {
        self.ticket(|ticket| ticket.places = NonZeroU8::new(places).unwrap())
    }

    pub(super) fn live(self, window: u8, proof: Option<Timestamp>) -> Self {
        let live = Live { window_seconds: NonZeroU8::new(window).unwrap(), proof };
        self.ticket(|ticket| ticket.live = Some(live))
    }

    pub(super) fn event(mut self, change: impl FnOnce(&mut Event)) -> Self {
        change(&mut self.event);
        self
    }

    pub(super) fn policy(self, change: impl FnOnce(&mut AdmissionPolicy)) -> Self {
        self.event(|event| change(&mut event.policy))
    }

    /// Gives the ticket's product a policy of its own, the default one changed.
    pub(super) fn own_policy(self, change: impl FnOnce(&mut AdmissionPolicy)) -> Self {
        let mut policy = AdmissionPolicy::default();
        change(&mut policy);
        self.event(|event| event.products[0].policy = Some(policy))
    }

    pub(super) fn lane(mut self, change: impl FnOnce(&mut Lane)) -> Self {
        change(&mut self.lane);
        self
    }

    pub(super) fn exit(self) -> Self {
        self.lane(|lane| lane.direction = Direction::Exit)
    }

    pub(super) fn lease(self, lease: LeaseState) -> Self {
        Self { lease, ..self }
    }

    pub(super) fn facts(mut self, change: impl FnOnce(&mut Facts)) -> Self {
        change(&mut self.facts);
        self
    }

    pub(super) fn own(self, own: Passages) -> Self {
        self.facts(|facts| facts.own = own)
    }

    pub(super) fn listing(self, change: impl FnOnce(&mut Listing)) -> Self {
        self.facts(|facts| change(facts.listing.as_mut().unwrap()))
    }

    pub(super) fn list(self, state: SlotState, age_milliseconds: i64) -> Self {
        let age = Duration::from_millis(u64::try_from(age_milliseconds).unwrap());
        self.listing(|listing| (listing.state, listing.age) = (state, age))
    }

    /// The clock's reading, in milliseconds after the doors.
    pub(super) fn at(mut self, now: i64) -> Self {
        self.clock.now = after(now);
        self
    }

    /// The clock may be this many milliseconds off.
    pub(super) fn off_by(mut self, milliseconds: u64) -> Self {
        self.clock.error_milliseconds = milliseconds;
        self
    }

    pub(super) fn clock(mut self, state: ClockState) -> Self {
        self.clock.state = state;
        self
    }

    pub(super) fn refused(mut self, reason: Reason) -> Self {
        (self.expected.reason, self.expected.persons) = (reason, 0);
        self
    }

    pub(super) fn opens(mut self, reason: Reason, persons: u8) -> Self {
        (self.expected.reason, self.expected.persons) = (reason, persons);
        self
    }

    pub(super) fn remaining(mut self, remaining: u8) -> Self {
        self.expected.remaining = remaining;
        self
    }

    pub(super) fn earlier(mut self, earlier: Admission) -> Self {
        self.expected.earlier = Some(earlier);
        self
    }

    pub(super) fn nothing_earlier(mut self) -> Self {
        self.expected.earlier = None;
        self
    }

    /// Expects that the generation is not to be remembered.
    pub(super) fn forgets(mut self) -> Self {
        self.expected.remembers = false;
        self
    }

    pub(super) fn reason(&self) -> Reason {
        self.expected.reason
    }

    pub(super) fn verdict(&self) -> Verdict {
        let body = TicketBody {
            event: self.ticket.event,
            generation: self.ticket.generation,
            places: self.ticket.places,
            entries: self.ticket.entries,
            product: self.ticket.product,
            zones: self.ticket.zones,
            validity: Validity::between(self.ticket.valid_from, self.ticket.valid_until).unwrap(),
            ..samples::body()
        };
        let shown = Shown {
            body: &body,
            must_be_listed: self.ticket.must_be_listed,
            live: self.ticket.live.map(|live| LiveShown { window: live.window_seconds, proof: live.proof }),
            check_id: self.ticket.check_id,
        };
        let event = self.document();
        let policy = Policy { lease: self.lease, ..Policy::at(&event, &self.lane, self.bundle_not_after) };
        decide_shown(
            &shown,
            &self.facts,
            &policy,
            Clock {
                state: self.clock.state,
                now: self.clock.now,
                error: Duration::from_millis(self.clock.error_milliseconds),
            },
        )
    }

    pub(super) fn expected(&self) -> Verdict {
        let Expected { reason, persons, remaining, earlier, remembers } = self.expected;
        Verdict { reason, persons, remaining, earlier, proved: remembers }
    }

    /// The document whose rules these are; everything else in it is the sample's.
    pub(super) fn document(&self) -> EventDocument {
        let sample = samples::event();
        let product = |rules: &ProductRules| Product {
            product: rules.product,
            moved: rules.moved,
            policy: rules.policy,
            ..sample.products[0].clone()
        };
        EventDocument {
            event: self.event.event,
            policy: self.event.policy,
            resets: self.event.resets.clone(),
            products: self.event.products.iter().map(product).collect(),
            ..sample.clone()
        }
    }
}
