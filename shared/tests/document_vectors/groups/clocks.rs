//! Gates' clocks: answers, battery clocks, floors, and what waits for staff.

use countermark_shared::clock::{TimeQuestion, answer_time};
use countermark_shared::time::Timestamp;

use crate::file::{ClockCase, ClockStep, Content, File};
use crate::vectors::{distinct, hex, key};
use crate::world::{GATE, LIST, NOW, ORGANISER};

const FLOOR: i64 = NOW.unix_millis();
const SECOND: i64 = 1000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// Since boot: the run starts a second after it, and answers come ten seconds after it.
const STARTED: u64 = 1000;
const ASKED: u64 = 10_000;

pub(crate) fn file() -> File {
    let mut cases = readings();
    cases.extend(answers());
    cases.extend(floors());
    cases.extend(waits());
    distinct(cases.iter().map(|case| case.name.as_str()));
    let list_keys = vec![key(LIST).verifying_key().to_string()];
    File {
        about: "A gate's clock: answers to nonces, battery clocks, floors, jumps that wait for staff.".to_owned(),
        content: Content::Clocks { gate: GATE.0, list_keys, cases },
    }
}

fn case(name: &str, why: &str, steps: impl IntoIterator<Item = ClockStep>) -> ClockCase {
    let steps = steps.into_iter().collect();
    ClockCase { name: name.to_owned(), why: why.to_owned(), floor: FLOOR, started: STARTED, steps }
}

fn reads(since_boot: u64, battery: Option<i64>, (state, now): (&str, i64), floor: i64) -> ClockStep {
    ClockStep::Read { since_boot, battery, state: state.to_owned(), now, waiting: None, floor }
}

fn waits_for(since_boot: u64, now: i64, waiting: i64) -> ClockStep {
    ClockStep::Read { since_boot, battery: None, state: "ahead".to_owned(), now, waiting: Some(waiting), floor: now }
}

fn answer_by(seed: u8, at: i64, round_trip: u64, battery: Option<i64>, outcome: &str) -> ClockStep {
    let nonce = [7; 32];
    let signature = answer_time(&TimeQuestion { gate: GATE, nonce }, Timestamp::from_unix_millis(at), &key(seed));
    ClockStep::Answer {
        nonce: hex(&nonce),
        at,
        signature: hex(&signature.to_bytes()),
        asked: ASKED,
        answered: ASKED + round_trip,
        battery,
        outcome: outcome.to_owned(),
    }
}

fn answer(at: i64, round_trip: u64, outcome: &str) -> ClockStep {
    answer_by(LIST, at, round_trip, None, outcome)
}

fn readings() -> Vec<ClockCase> {
    vec![
        case(
            "nothing tells the time",
            "at least the floor, and the run since its start",
            [
                reads(STARTED, None, ("unknown", FLOOR), FLOOR),
                reads(STARTED + 3_600_000, None, ("unknown", FLOOR + HOUR), FLOOR + HOUR - 360),
            ],
        ),
        case(
            "a box without a battery clock",
            "its calendar says 1970; the run goes on all the same, and is stored less its drift",
            [
                reads(STARTED, Some(0), ("rolled-back", FLOOR), FLOOR),
                reads(STARTED + 3_600_000, Some(0), ("rolled-back", FLOOR + HOUR), FLOOR + HOUR - 360),
                ClockStep::Raise { issued: FLOOR + DAY, since_boot: STARTED + 3_600_000 },
                reads(STARTED + 3_600_000, Some(0), ("rolled-back", FLOOR + DAY), FLOOR + DAY),
            ],
        ),
        case(
            "a battery clock that stands still",
            "falls behind the run",
            [
                reads(STARTED + 60_000, Some(FLOOR), ("battery", FLOOR + 60 * SECOND), FLOOR + 60 * SECOND - 6),
                reads(STARTED + 70_000, Some(FLOOR), ("rolled-back", FLOOR + 70 * SECOND), FLOOR + 70 * SECOND - 7),
            ],
        ),
        case(
            "a battery clock",
            "serves while it is not below the floor by more than 65 s",
            [
                reads(STARTED, Some(FLOOR + 30 * DAY), ("battery", FLOOR + 30 * DAY), FLOOR),
                reads(STARTED, Some(FLOOR), ("battery", FLOOR), FLOOR),
                reads(STARTED, Some(FLOOR - 65 * SECOND), ("battery", FLOOR), FLOOR),
                reads(STARTED, Some(FLOOR - 65 * SECOND - 1), ("rolled-back", FLOOR), FLOOR),
                reads(STARTED, Some(0), ("rolled-back", FLOOR), FLOOR),
            ],
        ),
    ]
}

fn answers() -> Vec<ClockCase> {
    let hour = 3_600_000;
    let mut misdirected = answer(FLOOR, 0, "not-signed");
    if let ClockStep::Answer { nonce, .. } = &mut misdirected {
        *nonce = hex(&[8; 32]);
    }
    let mut later = answer(FLOOR, 0, "not-signed");
    if let ClockStep::Answer { at, .. } = &mut later {
        *at += 1;
    }
    let mut backwards = answer(FLOOR, 0, "too-slow");
    if let ClockStep::Answer { answered, .. } = &mut backwards {
        *answered = ASKED - 1;
    }
    vec![
        case(
            "an answer",
            "it counts for the middle of its exchange; the error is half of that, and drift",
            [
                answer(FLOOR + HOUR, 4000, "taken"),
                reads(ASKED + 4000, None, ("signed", FLOOR + HOUR + 2 * SECOND), FLOOR + HOUR),
                reads(ASKED + 4000 + hour, Some(0), ("signed", FLOOR + 2 * HOUR + 2 * SECOND), FLOOR + 2 * HOUR - 360),
            ],
        ),
        case("five seconds", "the slowest answer", [answer(FLOOR, 5000, "taken")]),
        case(
            "more than five seconds",
            "by a millisecond",
            [answer(FLOOR, 5001, "too-slow"), reads(STARTED, None, ("unknown", FLOOR), FLOOR)],
        ),
        case("before it was asked", "time since boot does not go back", [backwards]),
        case("to another nonce", "it was signed for this one", [misdirected]),
        case("with another instant", "a millisecond later than was signed", [later]),
        case("by the organiser", "who does not tell the time", [answer_by(ORGANISER, FLOOR, 0, None, "not-signed")]),
        case(
            "a second answer",
            "the newer one counts",
            [
                answer(FLOOR + HOUR, 0, "taken"),
                answer(FLOOR + 2 * HOUR, 0, "taken"),
                reads(ASKED, None, ("signed", FLOOR + 2 * HOUR), FLOOR + 2 * HOUR),
            ],
        ),
    ]
}

fn floors() -> Vec<ClockCase> {
    let raise = |by| ClockStep::Raise { issued: FLOOR + by, since_boot: ASKED };
    let four_hours = 4 * 3_600_000;
    let mut back = answer(FLOOR + 2 * HOUR, 0, "taken");
    if let ClockStep::Answer { asked, answered, .. } = &mut back {
        (*asked, *answered) = (*asked + four_hours, *answered + four_hours);
    }
    let reached = FLOOR + 5 * HOUR - 1440;
    let run = FLOOR + 9 * SECOND;
    vec![
        case(
            "an answer below what was surely reached",
            "a signed clock does not go back",
            [
                answer(FLOOR + HOUR, 0, "taken"),
                back,
                reads(ASKED + four_hours, None, ("rolled-back", reached), reached),
            ],
        ),
        case(
            "an answer below the floor",
            "the floor is shown until time has caught up",
            [
                answer(run - HOUR, 0, "taken"),
                reads(ASKED, None, ("rolled-back", run), run),
                reads(ASKED + 3_600_000, None, ("signed", run), run),
            ],
        ),
        case(
            "a document raises the floor",
            "of a clock that nobody signed",
            [
                raise(HOUR),
                reads(ASKED, Some(FLOOR), ("rolled-back", FLOOR + HOUR), FLOOR + HOUR),
                reads(ASKED, None, ("unknown", FLOOR + HOUR), FLOOR + HOUR),
            ],
        ),
        case(
            "an older document",
            "the floor never falls",
            [raise(-HOUR), reads(STARTED, None, ("unknown", FLOOR), FLOOR)],
        ),
        case(
            "a document and a signed time",
            "it raises nothing beyond the reading",
            [
                answer(FLOOR + HOUR, 0, "taken"),
                raise(2 * HOUR),
                reads(ASKED, None, ("signed", FLOOR + HOUR), FLOOR + HOUR),
            ],
        ),
    ]
}

fn waits() -> Vec<ClockCase> {
    // What the clock shows when the answer comes: the floor, and nine seconds of the run.
    let shown = FLOOR + 9 * SECOND;
    let (day, far) = (shown + DAY, shown + DAY + 1);
    let held_back = |issued| ClockStep::HeldBack { issued };
    vec![
        case("a day ahead", "is taken", [answer(day, 0, "taken"), reads(ASKED, None, ("signed", day), day)]),
        case(
            "more than a day ahead",
            "staff confirm it",
            [
                answer(far, 0, "ahead"),
                waits_for(ASKED, shown, far),
                ClockStep::Confirm,
                reads(ASKED, None, ("signed", far), far),
            ],
        ),
        case(
            "more than a day ahead, and wrong",
            "staff dismiss it",
            [
                answer(far, 0, "ahead"),
                waits_for(ASKED, shown, far),
                ClockStep::Dismiss,
                reads(ASKED, None, ("unknown", shown), shown),
            ],
        ),
        case(
            "the next answer is nearer",
            "it ends the wait",
            [answer(far, 0, "ahead"), answer(day, 0, "taken"), reads(ASKED, None, ("signed", day), day)],
        ),
        case(
            "a battery clock that agrees",
            "a month in storage needs no staff",
            [
                answer_by(LIST, FLOOR + 30 * DAY, 0, Some(FLOOR + 29 * DAY), "taken"),
                reads(ASKED, None, ("signed", FLOOR + 30 * DAY), FLOOR + 30 * DAY),
            ],
        ),
        case(
            "a battery clock far ahead",
            "an answer puts it right",
            [
                answer_by(LIST, FLOOR + HOUR, 0, Some(FLOOR + 300 * DAY), "taken"),
                reads(ASKED, Some(FLOOR + 300 * DAY), ("signed", FLOOR + HOUR), FLOOR + HOUR),
            ],
        ),
        case(
            "a document from the future",
            "staff are asked, and the latest waits",
            [
                held_back(FLOOR + 2 * DAY),
                held_back(FLOOR + DAY),
                waits_for(ASKED, shown, FLOOR + 2 * DAY),
                ClockStep::Confirm,
                reads(ASKED, None, ("unknown", FLOOR + 2 * DAY), FLOOR + 2 * DAY),
            ],
        ),
        case(
            "a document from the future, and a signed time",
            "the document is wrong",
            [answer(shown, 0, "taken"), held_back(FLOOR + 2 * DAY), reads(ASKED, None, ("signed", shown), shown)],
        ),
        case(
            "an answer waits, and a document",
            "the answer stays",
            [answer(far, 0, "ahead"), held_back(FLOOR + 9 * DAY), waits_for(ASKED, shown, far)],
        ),
    ]
}
