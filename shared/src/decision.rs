//! The decision: pure, total, the same for gate and cloud.
//!
//! [`examine`] takes text to a [`VerifiedTicket`] or the reason it is none; [`decide`] takes that and the facts that were
//! looked up to a [`Verdict`]. Together they fix the order of the checks. Knows nothing of where facts come from.

use core::time::Duration;

use crate::documents::{EventDocument, Lane, SlotState};
use crate::id::{EventId, Generation};
use crate::key_ring::{KeyRing, Unproved};
use crate::ticket::{ParseError, UnverifiedTicket, VerifiedTicket};
use crate::time::Timestamp;
use crate::verdict::{Reason, Verdict};

/// What was looked up about a ticket's slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The slot list's word.
    pub slot: SlotState,
    /// The lowest generation the slot list leaves good.
    pub least_generation: Generation,
    /// How long ago the slot list was issued.
    pub list_age: Duration,
    /// The highest generation of the slot that this gate has verified.
    pub highest_seen: Option<Generation>,
    /// When this gate admitted the slot, whatever the generation.
    pub admitted: Option<Timestamp>,
}

/// What holds at this lane.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The event in force.
    pub event: &'a EventDocument,
    /// The lane the ticket was shown at.
    pub lane: &'a Lane,
}

/// Reads and verifies what was scanned: the first half of the order.
pub fn examine(text: &str, event: EventId, keys: &KeyRing) -> Result<VerifiedTicket, Reason> {
    let ticket = UnverifiedTicket::parse(text)?;
    if ticket.body.event != event {
        return Err(Reason::OtherEvent);
    }
    Ok(keys.verify(&ticket)?)
}

/// Decides about a ticket whose signatures hold: the second half of the order.
pub fn decide(ticket: &VerifiedTicket, facts: &Facts, policy: &Policy<'_>, now: Timestamp) -> Verdict {
    match hindrance(ticket, facts, policy, now) {
        Some(Reason::AlreadyUsed) => Verdict { earlier: facts.admitted, ..Verdict::refusal(Reason::AlreadyUsed) },
        Some(reason) => Verdict::refusal(reason),
        None => Verdict { reason: admission(facts, policy), persons: ticket.body().places.get(), earlier: None },
    }
}

fn hindrance(ticket: &VerifiedTicket, facts: &Facts, policy: &Policy<'_>, now: Timestamp) -> Option<Reason> {
    let body = ticket.body();
    // Examined against another document: between the two the gate was given another event.
    if body.event != policy.event.event {
        return Some(Reason::OtherEvent);
    }
    let least = facts.highest_seen.map_or(facts.least_generation, |seen| seen.max(facts.least_generation));
    if body.generation < least {
        return Some(Reason::OutdatedGeneration);
    }
    let unlisted = facts.slot == SlotState::NotIssued;
    if unlisted && (ticket.must_be_listed() || list_is_fresh(facts, policy)) {
        return Some(Reason::NotIssued);
    }
    if now < body.validity.from() {
        return Some(Reason::NotYetValid);
    }
    if now >= body.validity.until() {
        return Some(Reason::NoLongerValid);
    }
    if !body.zones.meets(policy.lane.zones) {
        return Some(Reason::WrongZone);
    }
    match facts.slot {
        SlotState::Blocked => return Some(Reason::Blocked),
        SlotState::Revoked => return Some(Reason::Revoked),
        SlotState::NotIssued | SlotState::Good => {}
    }
    facts.admitted.map(|_| Reason::AlreadyUsed)
}

fn admission(facts: &Facts, policy: &Policy<'_>) -> Reason {
    let attention_after = Duration::from_secs(policy.event.list_age.attention_after_seconds.into());
    if facts.slot == SlotState::NotIssued {
        Reason::NewerThanList
    } else if facts.list_age > attention_after {
        Reason::ListOld
    } else {
        Reason::Admitted
    }
}

fn list_is_fresh(facts: &Facts, policy: &Policy<'_>) -> bool {
    facts.list_age <= Duration::from_secs(policy.event.list_age.warn_after_seconds.into())
}

impl From<ParseError> for Reason {
    fn from(error: ParseError) -> Self {
        match error {
            ParseError::NotOurs => Self::NotOurs,
            ParseError::UnknownVersion => Self::UnknownVersion,
            ParseError::Malformed(_) => Self::Malformed,
            ParseError::Unsupported => Self::Unsupported,
        }
    }
}

impl From<Unproved> for Reason {
    fn from(unproved: Unproved) -> Self {
        match unproved {
            Unproved::KeyUnknown => Self::KeyUnknown,
            Unproved::KeyRevoked => Self::KeyRevoked,
            Unproved::IssuerForged => Self::IssuerForged,
            Unproved::AuthorityForged => Self::AuthorityForged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::Direction;
    use crate::id::{LaneId, Zones};
    use crate::samples;
    use proptest::prelude::*;

    const LANE: Lane = Lane { lane: LaneId(1), direction: Direction::Entry, zones: Zones(0b01) };
    const GOOD: Facts = Facts {
        slot: SlotState::Good,
        least_generation: Generation(0),
        list_age: Duration::from_mins(1),
        highest_seen: None,
        admitted: None,
    };

    fn outcome(facts: Facts, now: Timestamp) -> Verdict {
        let event = samples::event();
        let ticket = examine(&samples::ticket().to_text(), event.event, &samples::key_ring()).unwrap();
        decide(&ticket, &facts, &Policy { event: &event, lane: &LANE }, now)
    }

    fn reason(facts: Facts) -> Reason {
        outcome(facts, samples::DOORS).reason
    }

    #[test]
    fn a_good_ticket_admits_all_its_places() {
        let verdict = outcome(GOOD, samples::DOORS);
        assert_eq!(verdict, Verdict { reason: Reason::Admitted, persons: 2, earlier: None });
        assert!(verdict.opens());
    }

    #[test]
    fn a_used_ticket_says_when() {
        let verdict =
            outcome(Facts { admitted: Some(samples::DOORS), ..GOOD }, samples::DOORS + Duration::from_secs(9));
        assert_eq!(verdict, Verdict { reason: Reason::AlreadyUsed, persons: 0, earlier: Some(samples::DOORS) });
    }

    #[test]
    fn the_window_holds_to_the_second() {
        let second = Duration::from_secs(1);
        for (now, expected) in [
            (samples::DOORS - second, Reason::NotYetValid),
            (samples::DOORS, Reason::Admitted),
            (samples::END - second, Reason::Admitted),
            (samples::END, Reason::NoLongerValid),
        ] {
            assert_eq!(outcome(GOOD, now).reason, expected, "{now}");
        }
    }

    #[test]
    fn the_slot_list_decides() {
        let seconds = |list_age, slot| reason(Facts { slot, list_age: Duration::from_secs(list_age), ..GOOD });
        assert_eq!(seconds(60, SlotState::Blocked), Reason::Blocked);
        assert_eq!(seconds(60, SlotState::Revoked), Reason::Revoked);
        assert_eq!(seconds(900, SlotState::NotIssued), Reason::NotIssued);
        assert_eq!(seconds(901, SlotState::NotIssued), Reason::NewerThanList);
        assert_eq!(seconds(14_400, SlotState::Good), Reason::Admitted);
        assert_eq!(seconds(14_401, SlotState::Good), Reason::ListOld);
    }

    #[test]
    fn a_lower_generation_than_listed_or_seen_is_outdated() {
        assert_eq!(reason(Facts { least_generation: Generation(2), ..GOOD }), Reason::OutdatedGeneration);
        assert_eq!(reason(Facts { highest_seen: Some(Generation(2)), ..GOOD }), Reason::OutdatedGeneration);
        assert_eq!(reason(Facts { highest_seen: Some(Generation(1)), ..GOOD }), Reason::Admitted);
    }

    #[test]
    fn a_lane_asks_for_one_zone_in_common() {
        let event = samples::event();
        let ticket = examine(&samples::ticket().to_text(), event.event, &samples::key_ring()).unwrap();
        let elsewhere = Lane { zones: Zones(0b10), ..LANE };
        let verdict = decide(&ticket, &GOOD, &Policy { event: &event, lane: &elsewhere }, samples::DOORS);
        assert_eq!(verdict, Verdict::refusal(Reason::WrongZone));
    }

    #[test]
    fn a_listed_only_key_leaves_nothing_to_an_old_list() {
        let event = samples::event();
        let mut ticket = examine(&samples::ticket().to_text(), event.event, &samples::key_ring()).unwrap();
        ticket.must_be_listed = true;
        let unlisted = Facts { slot: SlotState::NotIssued, list_age: Duration::MAX, ..GOOD };
        let verdict = decide(&ticket, &unlisted, &Policy { event: &event, lane: &LANE }, samples::DOORS);
        assert_eq!(verdict.reason, Reason::NotIssued);
    }

    /// Which reason fits a flip is known from the field it hits.
    #[test]
    fn any_flipped_bit_is_refused_with_the_reason_that_fits() {
        let bytes = samples::ticket().to_bytes();
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[index] ^= 1 << bit;
                let text = format!("CM1:{}", base45::encode(&damaged));
                let reason = examine(&text, EventId(7), &samples::key_ring()).unwrap_err();
                let fits: &[Reason] = match index {
                    0 => &[Reason::UnknownVersion],
                    1 => &[Reason::Unsupported, Reason::Malformed],
                    2..10 => &[Reason::KeyUnknown],
                    10..14 => &[Reason::OtherEvent],

                    19 | 27..35 => &[Reason::Malformed, Reason::IssuerForged],
                    14..99 => &[Reason::IssuerForged],
                    _ => &[Reason::AuthorityForged],
                };
                assert!(fits.contains(&reason), "byte {index}, bit {bit}: {reason}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_examined_without_a_panic(text in ".{0,600}") {
            prop_assert!(examine(&text, EventId(7), &samples::key_ring()).is_err());
        }

        #[test]
        fn any_base45_is_examined_without_a_panic(text in "CM1:[0-9A-Z $%*+./:-]{0,300}") {
            prop_assert!(examine(&text, EventId(7), &samples::key_ring()).is_err());
        }
    }
}
