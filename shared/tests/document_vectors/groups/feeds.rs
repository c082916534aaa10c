//! Admission feeds: chains of batches, snapshots, what they make of a seat, and each refusal.

mod rules;
mod sums;

use std::collections::BTreeMap;

use countermark_shared::documents::{
    AdmissionFeed, DocumentHash, FeedBatch, FeedContent, FeedRow, FeedSnapshot, FoldedGate, FoldedPassages,
    GateStanding, Passage,
};
use countermark_shared::id::{EventId, GateId, Slot};
use countermark_shared::label::Label;
use countermark_shared::time::Timestamp;

use super::documents;
use crate::file::{After, Case, File, PassagesOf, Step};
use crate::world::{
    EVENT, INSTANT, LIST, NOW, ORGANISER, STOLEN, case, envelope, hash, payload, refused, replaced, revoking, sealed,
    take_bundle, taken, trust,
};

const NORTH: GateId = GateId(11);
const SOUTH: GateId = GateId(12);
const SEAT: Slot = Slot(42);

pub(crate) fn file() -> File {
    let mut cases = counts();
    cases.extend(standings());
    cases.extend(sums::cases());
    cases.extend(refusals());
    cases.extend(rules::cases());
    documents("Admission feeds: what rows and sums make of a seat, gates' standings, refusals, rules.", cases)
}

/// Minutes after the usual instant.
fn minute(minutes: i64) -> Timestamp {
    Timestamp::from_unix_millis(NOW.unix_millis() + minutes * 60_000)
}

fn feed((epoch, sequence): (u32, u64), content: FeedContent) -> AdmissionFeed {
    AdmissionFeed { event: EVENT, epoch, sequence, issued: NOW, content }
}

fn empty() -> FeedSnapshot {
    let (folded, gates) = (BTreeMap::new(), BTreeMap::new());
    let reset = Timestamp::from_unix_millis(0);
    FeedSnapshot { hash: DocumentHash::NONE, reset, folded, passages: vec![], rows: vec![], gates }
}

fn start() -> AdmissionFeed {
    feed((1, 0), FeedContent::Snapshot(empty()))
}

/// The batch after another document, or the first.
fn batch(after: &AdmissionFeed, rows: &[FeedRow], gates: &[(GateId, GateStanding)]) -> AdmissionFeed {
    let before = match &after.content {
        FeedContent::Batch(_) => hash(after),
        FeedContent::Snapshot(snapshot) => snapshot.hash,
    };
    let content = FeedBatch { before, rows: rows.to_vec(), gates: gates.iter().copied().collect() };
    feed((after.epoch, after.sequence + 1), FeedContent::Batch(content))
}

fn row(gate: GateId, sequence: u64, passage: Passage) -> FeedRow {
    FeedRow { gate, sequence, slot: SEAT, persons: 2, at: minute(sequence.cast_signed()), passage }
}

fn take_by(feed: &AdmissionFeed, seed: u8) -> Step {
    let stands = match &feed.content {
        FeedContent::Batch(_) => hash(feed),
        FeedContent::Snapshot(snapshot) => snapshot.hash,
    };
    taken("admission-feed", &sealed(feed, &[seed]), (feed.epoch, feed.sequence), stands.0)
}

fn take(feed: &AdmissionFeed) -> Step {
    take_by(feed, LIST)
}

fn refuse(feed: &AdmissionFeed, code: &str) -> Step {
    refused("admission-feed", &sealed(feed, &[LIST]), code)
}

/// Of the usual seat: admitted, of these since the reset, left, inside; last entry and exit by minute.
#[derive(Clone, Copy)]
struct Told {
    counts: [u32; 4],
    last_entry: Option<(i64, GateId)>,
    last_exit: Option<i64>,
}

const NOBODY: Told = Told { counts: [0; 4], last_entry: None, last_exit: None };

fn told(told: Told) -> PassagesOf {
    let [admitted, since_reset, left, inside] = told.counts;
    PassagesOf {
        slot: SEAT.0,
        except: None,
        reset: None,
        admitted,
        since_reset,
        left,
        inside,
        last_entry: told.last_entry.map(|(at, gate)| (minute(at).unix_millis(), gate.0)),
        last_exit: told.last_exit.map(|at| minute(at).unix_millis()),
        contested: false,
    }
}

fn says(passages: impl IntoIterator<Item = PassagesOf>) -> After {
    After { passages: passages.into_iter().collect(), ..After::default() }
}

fn counts() -> Vec<Case> {
    let after = |rows: &[FeedRow], passages: Vec<PassagesOf>| {
        [trust(), take(&start()), take(&batch(&start(), rows, &[])).then(says(passages))]
    };
    let entered = Told { counts: [2, 2, 0, 2], last_entry: Some((1, NORTH)), last_exit: None };
    let both = [row(NORTH, 1, Passage::Entry), row(NORTH, 3, Passage::Exit), row(SOUTH, 2, Passage::Entry)];
    let all = Told { counts: [4, 4, 2, 2], last_entry: Some((2, SOUTH)), last_exit: Some(3) };
    let by = |gate: GateId, of: Told| PassagesOf { except: Some(gate.0), ..told(of) };
    let of_north = Told { counts: [2, 2, 2, 0], last_entry: Some((1, NORTH)), last_exit: Some(3) };
    let of_south = Told { counts: [2, 2, 0, 2], last_entry: Some((2, SOUTH)), last_exit: None };
    let since =
        |reset: Timestamp, since_reset| PassagesOf { reset: Some(reset.unix_millis()), since_reset, ..told(all) };
    let resets =
        vec![since(minute(1), 4), since(minute(1) + INSTANT, 2), since(minute(2), 2), since(minute(2) + INSTANT, 0)];
    vec![
        case("nobody", "an empty feed", [trust(), take(&start()).then(says([told(NOBODY)]))]),
        case("entries and an exit", "of two gates", after(&both, vec![told(all)])),
        case(
            "without one's own",
            "a gate knows its own rows better",
            after(&both, vec![by(NORTH, of_south), by(SOUTH, of_north)]),
        ),
        case("since a reset", "rows at its instant count", after(&both, resets)),
        case(
            "an undone admission",
            "nobody went through",
            after(&[row(NORTH, 1, Passage::Entry), row(NORTH, 2, Passage::Undo { of: 1 })], vec![told(NOBODY)]),
        ),
        case(
            "a forgiven admission",
            "it adds nobody, and is the last entry",
            after(
                &[row(NORTH, 1, Passage::Entry), row(NORTH, 2, Passage::Forgiven)],
                vec![
                    told(Told { last_entry: Some((2, NORTH)), ..entered }),
                    PassagesOf {
                        reset: Some(minute(2).unix_millis()),
                        since_reset: 0,
                        ..told(Told { last_entry: Some((2, NORTH)), ..entered })
                    },
                ],
            ),
        ),
        case(
            "an exit without entry",
            "it takes nobody away, and is the last exit: or a second scan on the way out would buy a second entry",
            after(
                &[
                    row(NORTH, 1, Passage::Entry),
                    row(NORTH, 2, Passage::Exit),
                    row(SOUTH, 3, Passage::ExitWithoutEntry),
                    row(SOUTH, 4, Passage::ExitWithoutEntry),
                ],
                vec![told(Told { counts: [2, 2, 2, 0], last_entry: Some((1, NORTH)), last_exit: Some(4) })],
            ),
        ),
        case(
            "an exit without entry alone",
            "nobody passed, and an exit was seen",
            after(&[row(NORTH, 1, Passage::ExitWithoutEntry)], vec![told(Told { last_exit: Some(1), ..NOBODY })]),
        ),
        case(
            "another gate's undo",
            "a gate takes back its own rows alone",
            after(&[row(NORTH, 1, Passage::Entry), row(SOUTH, 2, Passage::Undo { of: 1 })], vec![told(entered)]),
        ),
        case(
            "two undos of one admission",
            "it is taken back once",
            after(
                &[
                    row(NORTH, 1, Passage::Entry),
                    row(NORTH, 2, Passage::Entry),
                    row(NORTH, 3, Passage::Undo { of: 2 }),
                    row(NORTH, 4, Passage::Undo { of: 2 }),
                ],
                vec![told(entered)],
            ),
        ),
        case(
            "an exit alone",
            "inside is nobody",
            after(
                &[row(NORTH, 1, Passage::Exit)],
                vec![told(Told { counts: [0, 0, 2, 0], last_entry: None, last_exit: Some(1) })],
            ),
        ),
    ]
}

fn standings() -> Vec<Case> {
    let one = batch(
        &start(),
        &[row(NORTH, 1, Passage::Entry), row(NORTH, 2, Passage::Entry), row(SOUTH, 3, Passage::Entry)],
        &[],
    );
    let retract = |from| [(NORTH, GateStanding::Retracted { from })];
    let two = batch(&one, &[], &retract(2));
    let late = batch(&two, &[row(NORTH, 4, Passage::Entry)], &[]);
    let trusted = batch(&late, &[], &[(NORTH, GateStanding::Trusted)]);
    let grown = batch(&trusted, &[], &retract(1));
    let shrunk = batch(&grown, &[], &retract(3));
    let told = |counts| says([told(Told { counts, last_entry: Some((3, SOUTH)), last_exit: None })]);
    let contested = batch(&start(), &[row(NORTH, 1, Passage::Entry)], &[(NORTH, GateStanding::Contested)]);
    let cleared = batch(&contested, &[], &[(NORTH, GateStanding::Trusted)]);
    let word = |contested| {
        says([PassagesOf {
            contested,
            ..self::told(Told { counts: [2, 2, 0, 2], last_entry: Some((1, NORTH)), last_exit: None })
        }])
    };
    let judged =
        |gates: core::ops::Range<u32>| gates.map(|gate| (GateId(gate), GateStanding::Contested)).collect::<Vec<_>>();
    let all_but_one = FeedSnapshot { gates: judged(1..1024).into_iter().collect(), ..empty() };
    let crowded = feed((1, 0), FeedContent::Snapshot(all_but_one));
    let full = batch(&crowded, &[], &judged(1024..1025));
    let exchange = [(GateId(1), GateStanding::Trusted), (GateId(1025), GateStanding::Contested)];
    let undone = batch(&start(), &[row(NORTH, 1, Passage::Entry), row(NORTH, 2, Passage::Undo { of: 1 })], &[]);
    let given_back = batch(&undone, &[], &retract(2));
    vec![
        case(
            "a stolen gate's rows are retracted",
            "whenever they come; a retraction only grows",
            [
                trust(),
                take(&start()),
                take(&one).then(told([6, 6, 0, 6])),
                take(&two).then(told([4, 4, 0, 4])),
                take(&late).then(told([4, 4, 0, 4])),
                take(&trusted).then(told([4, 4, 0, 4])),
                take(&grown).then(told([2, 2, 0, 2])),
                take(&shrunk).then(told([2, 2, 0, 2])),
            ],
        ),
        case(
            "a retracted undo",
            "the admission counts again",
            [
                trust(),
                take(&start()),
                take(&undone).then(says([self::told(NOBODY)])),
                take(&given_back).then(word(false)),
            ],
        ),
        case(
            "a contested gate",
            "its rows count, and the word is told to be contested",
            [trust(), take(&start()), take(&contested).then(word(true)), take(&cleared).then(word(false))],
        ),
        case(
            "1,024 gates that are not trusted, and one more",
            "no snapshot could name them; one that is trusted again makes room",
            [
                trust(),
                take(&crowded),
                take(&full),
                refuse(&batch(&full, &[], &judged(1025..1026)), "full"),
                take(&batch(&full, &[], &exchange)),
            ],
        ),
    ]
}

fn refusals() -> Vec<Case> {
    let one = batch(&start(), &[row(NORTH, 1, Passage::Entry)], &[]);
    let two = batch(&one, &[row(NORTH, 2, Passage::Exit)], &[]);
    let three = batch(&two, &[], &[]);
    let rewritten = batch(&one, &[FeedRow { persons: 1, ..row(NORTH, 1, Passage::Entry) }], &[]);
    let again = batch(&one, &[row(NORTH, 1, Passage::Entry)], &[]);
    let other = batch(&start(), &[row(SOUTH, 1, Passage::Entry)], &[]);
    let later_epoch = AdmissionFeed { epoch: 2, ..two.clone() };
    let elsewhere = AdmissionFeed { event: EventId(8), ..start() };
    let restored = feed((2, 0), FeedContent::Snapshot(empty()));
    let begun = || vec![trust(), take(&start()), take(&one)];
    let then = |steps: Vec<Step>| begun().into_iter().chain(steps).collect::<Vec<_>>();
    let undo = row(NORTH, 2, Passage::Undo { of: 1 });
    let of_one_person = FeedRow { persons: 1, ..undo };
    let undone_first = batch(&start(), &[undo], &[]);
    let counted = says([told(Told { counts: [2, 2, 0, 2], last_entry: Some((1, NORTH)), last_exit: None })]);
    vec![
        case("without a snapshot", "nothing to start from", [trust(), refuse(&one, "no-snapshot")]),
        case("a gap", "batch 3 on 1", then(vec![refuse(&three, "gap"), take(&two), take(&three)])),
        case("older", "batch 1 on 2", then(vec![take(&two), refuse(&one, "older")])),
        case("the same batch again", "it is what is in force", then(vec![take(&one).then(counted.clone())])),
        case("a row told again", "it counts once", then(vec![take(&again).then(counted)])),
        case("conflicting", "another batch 1", then(vec![refuse(&other, "conflicting")])),
        case(
            "on another batch",
            "the hash before is not that in force",
            then(vec![refuse(&batch(&other, &[], &[]), "wrong-before")]),
        ),
        case("a row told otherwise", "a journal's row never changes", then(vec![refuse(&rewritten, "row-conflict")])),
        case(
            "an undo of other persons than its row",
            "it takes back the whole row",
            then(vec![refuse(&batch(&one, &[of_one_person], &[]), "row-conflict")]),
        ),
        case(
            "an undo of another seat than its row",
            "it takes back the whole row",
            then(vec![refuse(&batch(&one, &[FeedRow { slot: Slot(43), ..undo }], &[]), "row-conflict")]),
        ),
        case(
            "an undo of what is no entry",
            "an exit is not taken back",
            then(vec![
                take(&two),
                refuse(&batch(&two, &[row(NORTH, 3, Passage::Undo { of: 2 })], &[]), "row-conflict"),
            ]),
        ),
        case(
            "a row of other persons than its undo",
            "the undo came first",
            [
                trust(),
                take(&start()),
                take(&undone_first),
                refuse(
                    &batch(&undone_first, &[FeedRow { persons: 1, ..row(NORTH, 1, Passage::Entry) }], &[]),
                    "row-conflict",
                ),
                take(&batch(&undone_first, &[row(NORTH, 1, Passage::Entry)], &[])).then(says([told(NOBODY)])),
            ],
        ),
        case("of a later epoch", "no batch leads there", then(vec![refuse(&later_epoch, "other-epoch")])),
        case(
            "a later epoch's snapshot",
            "it replaces everything",
            then(vec![take(&restored).then(says([told(NOBODY)])), refuse(&two, "older")]),
        ),
        case("an older snapshot", "the beginning again", then(vec![refuse(&start(), "older")])),
        case("another event's", "rightly signed", [trust(), refuse(&elsewhere, "other-subject")]),
        case(
            "signed by the organiser",
            "who signs no feeds",
            [trust(), refused("admission-feed", &sealed(&start(), &[ORGANISER]), "not-signed")],
        ),
        case(
            "a feed raised by a stolen key",
            "its floor falls with the key",
            [
                trust(),
                take(&start()),
                take(&one),
                take_by(&feed((9, 0), FeedContent::Snapshot(empty())), STOLEN),
                refuse(&two, "older"),
                take_bundle(&revoking()),
                refuse(&start(), "older"),
                take(&feed(
                    (1, 1),
                    FeedContent::Snapshot(FeedSnapshot {
                        hash: hash(&one),
                        rows: vec![row(NORTH, 1, Passage::Entry)],
                        ..empty()
                    }),
                )),
                take(&two),
            ],
        ),
    ]
}
