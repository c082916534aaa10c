//! The other gates' word, the venue's answer, and admissions that were cut off.

use core::num::NonZeroU8;
use core::time::Duration;

use super::case::{Case, HOUR, MINUTE, SECOND, after, at_gate, case, entered, left};
use crate::decision::{Claim, Feed, Passages, Turn, Unfinished, Wanted};
use crate::documents::{Alone, SlotState};
use crate::journal::ClockState;
use crate::verdict::Reason::{
    AlreadyInside, AlreadyUsed, EntriesTodayUsedUp, ExitMissing, Forgiven, Interrupted, OthersUnreachable, PassBack,
    PlacesUsedUp, Revoked, UsedElsewhere,
};
use crate::verdict::{Admission, Reason};

pub(super) fn cases() -> Vec<Case> {
    [feed(), reentry(), venue(), strict(), cut_off(), cut_off_otherwise()].concat()
}

const FRESH: i64 = 15 * MINUTE;
const STALE: i64 = FRESH + 1;

fn there() -> Admission {
    at_gate(2, 40 * MINUTE)
}

fn here() -> Admission {
    at_gate(1, 50 * MINUTE)
}

impl Case {
    fn feed(self, passages: Passages, age: i64) -> Self {
        let age = Duration::from_millis(u64::try_from(age).unwrap());
        self.facts(|facts| facts.feed = Some(Feed { passages, age, contested: false }))
    }

    fn contested(self) -> Self {
        self.facts(|facts| facts.feed.as_mut().unwrap().contested = true)
    }

    fn claim(self, claim: Claim) -> Self {
        self.facts(|facts| facts.claim = claim)
    }

    fn unfinished(self, persons: u8, turn: Turn) -> Self {
        let persons = NonZeroU8::new(persons).unwrap();
        self.facts(|facts| facts.unfinished = Some(Unfinished { at: here().at, persons, turn }))
    }

    fn free(self) -> Self {
        self.policy(|policy| (policy.entries, policy.exit_before_reentry) = (0, false))
    }
}

fn feed() -> Vec<Case> {
    let used = |name, age| case(name).feed(entered(1, there()), age).earlier(there());
    let pair = |name, age| case(name).places(2).own(entered(1, here())).feed(entered(1, there()), age).earlier(here());
    let three = |name, age| pair(name, age).places(3);
    vec![
        used("used elsewhere by a feed just fresh", FRESH).refused(AlreadyUsed),
        used("used elsewhere by a feed no longer fresh", STALE).refused(UsedElsewhere),
        used("used elsewhere by a contested feed", 0).contested().refused(UsedElsewhere),
        used("used elsewhere by a contested, old feed", STALE).contested().refused(UsedElsewhere),
        used("a feed's freshness by a clock that tells no time", 0).clock(ClockState::Unknown).refused(UsedElsewhere),
        used("a live ticket's feed is as fresh as a live ticket's list", MINUTE + 1)
            .live(30, Some(after(HOUR)))
            .policy(|policy| policy.list_age_live.warn_after_seconds = 60)
            .refused(UsedElsewhere),
        case("unused by a fresh feed").feed(Passages::NONE, 0),
        case("unused by an old feed").feed(Passages::NONE, 9 * HOUR),
        case("unused by a contested feed").feed(Passages::NONE, 0).contested(),
        pair("one here, one there by a fresh feed", FRESH).refused(PlacesUsedUp),
        pair("one here, one there by an old feed", STALE).refused(UsedElsewhere),
        pair("one here, one there by a contested feed", 0).contested().refused(UsedElsewhere),
        three("of three, one here, one there by a fresh feed", FRESH),
        three("of three, one here, one there by an old feed: not more than all say", STALE),
        three("of three, one here, one there by a contested feed: not more than all say", 0).contested(),
        case("used here, whatever an old feed says")
            .own(entered(1, here()))
            .feed(Passages::NONE, STALE)
            .refused(AlreadyUsed)
            .earlier(here()),
        case("used here and there: the later is told")
            .own(entered(1, at_gate(1, 30 * MINUTE)))
            .feed(entered(1, there()), STALE)
            .refused(AlreadyUsed)
            .earlier(there()),
        case("used here and there at once: here is told")
            .own(entered(1, at_gate(1, 40 * MINUTE)))
            .feed(entered(1, there()), STALE)
            .refused(AlreadyUsed)
            .earlier(at_gate(1, 40 * MINUTE)),
        case("used at a gate that is not known")
            .feed(entered(1, Admission { gate: None, ..there() }), 0)
            .refused(AlreadyUsed)
            .earlier(Admission { gate: None, ..there() }),
        case("pass-back by a fresh feed")
            .free()
            .policy(|policy| policy.pass_back_seconds = 20 * 60 + 1)
            .feed(entered(1, there()), FRESH)
            .refused(PassBack)
            .earlier(there()),
        case("pass-back by an old feed")
            .free()
            .policy(|policy| policy.pass_back_seconds = 20 * 60 + 1)
            .feed(entered(1, there()), STALE)
            .refused(UsedElsewhere)
            .earlier(there()),
        case("today's entry elsewhere by a fresh feed")
            .free()
            .policy(|policy| policy.entries_between_resets = 1)
            .event(|event| event.resets = vec![after(0)])
            .feed(entered(1, there()), FRESH)
            .refused(EntriesTodayUsedUp)
            .earlier(there()),
    ]
}

fn reentry() -> Vec<Case> {
    let out = after(55 * MINUTE);
    let entered_here = |name, passages, age| {
        case(name).policy(|policy| policy.entries = 0).own(entered(1, here())).feed(passages, age).earlier(here())
    };
    let inside_there =
        |name, age| case(name).policy(|policy| policy.entries = 0).feed(entered(1, there()), age).earlier(there());
    let both = |out_there| Passages { left: out_there, last_exit: Some(after(45 * MINUTE)), ..entered(1, there()) };
    vec![
        entered_here("entered here, left there by a fresh feed", left(1, out), FRESH),
        entered_here("entered here, left there by an old feed: it happened", left(1, out), STALE),
        entered_here("entered here, left there by a contested feed", left(1, out), 0).contested().refused(ExitMissing),
        entered_here("entered here, entered and left there before, by an old feed", both(1), STALE)
            .refused(AlreadyInside),
        entered_here(
            "entered here and there, left there once since, by an old feed",
            Passages { last_exit: Some(out), ..both(1) },
            STALE,
        )
        .refused(ExitMissing),
        entered_here("entered here, left twice there, entered once, by an old feed", both(2), STALE),
        inside_there("inside by a fresh feed", FRESH).refused(AlreadyInside),
        inside_there("inside by an old feed", STALE).refused(UsedElsewhere),
        inside_there("inside by a contested feed", 0).contested().refused(UsedElsewhere),
        inside_there("entered there by a fresh feed, left here", FRESH).own(left(1, here().at)),
        inside_there("entered there by an old feed, left here", STALE).own(left(1, here().at)),
    ]
}

fn venue() -> Vec<Case> {
    let used = entered(1, there());
    vec![
        case("the venue grants").claim(Claim::Granted(Passages::NONE)),
        case("the venue grants, and counts an entry").claim(Claim::Granted(used)).refused(AlreadyUsed).earlier(there()),
        case("the venue grants: what a contested feed says is settled")
            .feed(used, 0)
            .contested()
            .claim(Claim::Granted(Passages::NONE)),
        case("the venue grants, and has not heard of what the feed says")
            .feed(used, FRESH)
            .claim(Claim::Granted(Passages::NONE))
            .refused(UsedElsewhere)
            .earlier(there()),
        case("the venue grants, and knows of a later exit than the feed")
            .policy(|policy| policy.entries = 0)
            .feed(used, FRESH)
            .claim(Claim::Granted(Passages { left: 1, last_exit: Some(after(55 * MINUTE)), ..used }))
            .earlier(there()),
        case("the venue grants, but it was used here")
            .own(entered(1, here()))
            .claim(Claim::Granted(Passages::NONE))
            .refused(AlreadyUsed)
            .earlier(here()),
        case("the venue grants, and knows of an exit")
            .policy(|policy| policy.entries = 0)
            .own(entered(1, here()))
            .claim(Claim::Granted(left(1, after(55 * MINUTE))))
            .earlier(here()),
        case("the venue refuses, and says why").claim(Claim::Refused(used)).refused(AlreadyUsed).earlier(there()),
        case("the venue refuses, and does not say why").claim(Claim::Refused(Passages::NONE)).refused(UsedElsewhere),
        case("the venue refuses a group with places left")
            .places(4)
            .claim(Claim::Refused(entered(2, there())))
            .refused(UsedElsewhere)
            .earlier(there()),
        case("the venue refuses, by a clock that tells no time")
            .clock(ClockState::Unknown)
            .claim(Claim::Refused(used))
            .refused(AlreadyUsed)
            .earlier(there()),
        case("the venue does not answer").claim(Claim::Unreachable),
        case("the venue does not answer, an old feed says used")
            .feed(used, STALE)
            .claim(Claim::Unreachable)
            .refused(UsedElsewhere)
            .earlier(there()),
        case("the venue does not answer, a fresh feed says used")
            .feed(used, FRESH)
            .claim(Claim::Unreachable)
            .refused(AlreadyUsed)
            .earlier(there()),
    ]
}

fn strict() -> Vec<Case> {
    let strict = |name| case(name).policy(|policy| policy.alone = Alone::Staff);
    vec![
        strict("strict: nothing heard").refused(OthersUnreachable),
        strict("strict: a feed just fresh").feed(Passages::NONE, FRESH),
        strict("strict: a feed no longer fresh").feed(Passages::NONE, STALE).refused(OthersUnreachable),
        strict("strict: a contested feed").feed(Passages::NONE, 0).contested().refused(OthersUnreachable),
        strict("strict: a fresh feed by a clock that tells no time")
            .feed(Passages::NONE, 0)
            .clock(ClockState::Unknown)
            .refused(OthersUnreachable),
        strict("strict: the venue grants").claim(Claim::Granted(Passages::NONE)),
        strict("strict: the venue does not answer, and the feed is fresh")
            .feed(Passages::NONE, 0)
            .claim(Claim::Unreachable)
            .refused(OthersUnreachable),
        strict("strict: used here").own(entered(1, here())).refused(AlreadyUsed).earlier(here()),
        strict("strict, but not for this product").own_policy(|_| ()),
        case("strict for this product").own_policy(|policy| policy.alone = Alone::Staff).refused(OthersUnreachable),
    ]
}

/// This gate admitted at 50 minutes, and was cut off.
fn admitted(name: &str, persons: u32) -> Case {
    case(name).own(entered(persons, here())).earlier(here())
}

fn cut_off() -> Vec<Case> {
    vec![
        admitted("cut off, and never turned", 1).unfinished(1, Turn::NotTurned).opens(Forgiven, 1),
        admitted("cut off, and nobody knows", 1).unfinished(1, Turn::Unknown).refused(Interrupted),
        admitted("cut off, but admitted before, too", 2).unfinished(1, Turn::NotTurned).refused(AlreadyUsed),
        admitted("cut off with places left: nothing to forgive", 2)
            .places(4)
            .unfinished(1, Turn::NotTurned)
            .opens(Reason::Admitted, 2),
        admitted("cut off with four", 4).places(4).unfinished(4, Turn::NotTurned).opens(Forgiven, 4),
        admitted("cut off with the last two of four", 4).places(4).unfinished(2, Turn::NotTurned).opens(Forgiven, 2),
        admitted("cut off with two: a forgiveness is for both, whoever asks", 2)
            .places(2)
            .unfinished(2, Turn::NotTurned)
            .facts(|facts| facts.wanted = Wanted::One)
            .opens(Forgiven, 2),
        admitted("cut off, nobody knows, with four", 4).places(4).unfinished(4, Turn::Unknown).refused(Interrupted),
        admitted("cut off, cancelled since", 1)
            .unfinished(1, Turn::NotTurned)
            .list(SlotState::Revoked, 0)
            .refused(Revoked),
        admitted("cut off, by an old list", 1)
            .unfinished(1, Turn::NotTurned)
            .list(SlotState::Good, 5 * HOUR)
            .opens(Forgiven, 1),
        admitted("cut off, by a clock that tells no time", 1)
            .unfinished(1, Turn::NotTurned)
            .clock(ClockState::Unknown)
            .opens(Forgiven, 1),
    ]
}

fn cut_off_otherwise() -> Vec<Case> {
    let cut = |name| admitted(name, 1).unfinished(1, Turn::NotTurned);
    vec![
        cut("cut off, and used there by a fresh feed").feed(entered(1, there()), FRESH).refused(AlreadyUsed),
        cut("cut off, and used there by an old feed").feed(entered(1, there()), STALE).refused(AlreadyUsed),
        cut("cut off, and unused there").feed(Passages::NONE, FRESH).opens(Forgiven, 1),
        cut("cut off, and the venue refuses").claim(Claim::Refused(Passages::NONE)).refused(UsedElsewhere),
        cut("cut off, and strict").policy(|policy| policy.alone = Alone::Staff).refused(OthersUnreachable),
        cut("cut off: inside is forgiven").policy(|policy| policy.entries = 0).opens(Forgiven, 1),
        cut("cut off: inside, and nobody knows")
            .policy(|policy| policy.entries = 0)
            .unfinished(1, Turn::Unknown)
            .refused(Interrupted),
        cut("cut off: pass-back is forgiven")
            .free()
            .policy(|policy| policy.pass_back_seconds = 3600)
            .opens(Forgiven, 1),
        cut("cut off: today's entry is forgiven")
            .free()
            .policy(|policy| policy.entries_between_resets = 1)
            .event(|event| event.resets = vec![here().at])
            .opens(Forgiven, 1),
        cut("cut off before the reset: today's entry is another")
            .free()
            .policy(|policy| policy.entries_between_resets = 1)
            .event(|event| event.resets = vec![after(50 * MINUTE + 1)])
            .own(Passages { admitted: 2, ..entered(1, at_gate(1, 50 * MINUTE + SECOND)) })
            .refused(EntriesTodayUsedUp)
            .earlier(at_gate(1, 50 * MINUTE + SECOND)),
    ]
}
