//! Journals as files: whole, pruned, and changed in each way that a reader must notice.

use core::num::NonZeroU8;

use countermark_shared::documents::Direction;
use countermark_shared::id::{EventId, GateId, Generation, LaneId, Slot, SupervisorId};
use countermark_shared::journal::{
    Act, Actor, Actuation, Audit, BootId, ChainHash, ClockState, DocumentRevisions, ExportEnd, ExportHead, ExportedRow,
    JournalRow, LAST_SEQUENCE, OverruleReason, Subject, Unsound,
};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;
use countermark_shared::wire::{Base64, RowOutcome};
use serde::{Deserialize, Serialize};

use crate::vectors::{File, Folder, key};

const GATE: GateId = GateId(12);

#[derive(Serialize, Deserialize)]
pub(crate) struct Cases {
    pub(crate) cases: Vec<Case>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) lines: Vec<String>,
    pub(crate) expect: Expect,
}

/// The last row's number where the file holds; else the line, from 1, and what is wrong with it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Expect {
    Holds(u64),
    Wrong { line: usize, what: String },
}

pub(crate) fn folder() -> Folder {
    let about = "Journals as files for auditors: what holds, and what does not.".to_owned();
    Folder::new("journal", [("exports.json", File { about, content: Cases { cases: cases() } })])
}

/// What this crate says of a file: `line` where a line is none of its kind.
pub(crate) fn outcome(lines: &[String]) -> Expect {
    match read(lines) {
        Ok(last) => Expect::Holds(last),
        Err((line, what)) => Expect::Wrong { line: line + 1, what: what.to_owned() },
    }
}

fn read(lines: &[String]) -> Result<u64, (usize, &'static str)> {
    let parsed = |line: usize| move |_: serde_json::Error| (line, "line");
    let unsound = |line: usize| move |unsound: Unsound| (line, code(unsound));
    let (last, rest) = lines.split_last().unwrap();
    let head: ExportHead = serde_json::from_str(&lines[0]).map_err(parsed(0))?;
    let mut audit = Audit::begin(&head).map_err(unsound(0))?;
    for (number, line) in rest.iter().enumerate().skip(1) {
        audit.row(&serde_json::from_str(line).map_err(parsed(number))?).map_err(unsound(number))?;
    }
    let number = lines.len() - 1;
    audit.end(&serde_json::from_str(last).map_err(parsed(number))?).map_err(unsound(number))
}

fn code(unsound: Unsound) -> &'static str {
    match unsound {
        Unsound::Format => "format",
        Unsound::Beginning => "beginning",
        Unsound::Order { .. } => "order",
        Unsound::Row => "row",
        Unsound::Says => "says",
        Unsound::Chain => "chain",
        Unsound::Checkpoint => "checkpoint",
        Unsound::Signature => "signature",
    }
}

fn row(sequence: u64) -> JournalRow {
    JournalRow {
        gate: GATE,
        sequence,
        boot: BootId::new([0xb0; 16]),
        at: Timestamp::from_unix_millis(1_800_000_000_123 + sequence.cast_signed() * 1000),
        clock: ClockState::Signed,
        lane: LaneId(1),
        direction: Direction::Entry,
        subject: Subject::Ticket { event: EventId(2026), slot: Slot(41_327), generation: Generation(1) },
        persons: 2,
        actor: Actor::Gate,
        reason: Reason::Admitted,
        proved: true,
        documents: DocumentRevisions { bundle: 1, event: 2, list_sequence: 70_000, ..DocumentRevisions::NONE },
        act: None,
    }
}

/// Eight rows: a scan of each kind, and each act.
fn rows(after: u64) -> Vec<JournalRow> {
    let two = NonZeroU8::new(2).unwrap();
    let number = |offset: u64| row(after + offset);
    let act = |offset, act| JournalRow { persons: 0, proved: false, act: Some(act), ..number(offset) };
    let overrule =
        Act::Overrule { of: after + 5, supervisor: SupervisorId(4), why: OverruleReason::OrganisersDecision };
    vec![
        number(1),
        JournalRow { actor: Actor::Operator, ..act(2, Act::Undo { of: after + 1, persons: two }) },
        act(3, Act::Actuated { of: after + 1, actuation: Actuation::NotTurned }),
        JournalRow {
            subject: Subject::unverified("https://example.org"),
            persons: 0,
            reason: Reason::NotOurs,
            proved: false,
            clock: ClockState::RolledBack,
            ..number(4)
        },
        JournalRow { reason: Reason::Blocked, actor: Actor::Operator, ..act(5, Act::Hold) },
        JournalRow { actor: Actor::Supervisor, reason: Reason::Overruled, act: Some(overrule), ..number(6) },
        act(7, Act::Claim { attempt: [0xc1; 16].into(), persons: two }),
        JournalRow {
            act: Some(Act::Claimed { of: after + 7 }),
            direction: Direction::Exit,
            reason: Reason::Exit,
            ..number(8)
        },
    ]
}

/// A file that is written by a gate with this key.
struct Journal {
    head: ExportHead,
    rows: Vec<ExportedRow>,
    end: ExportEnd,
}

impl Journal {
    fn new(after: u64, rows: Vec<JournalRow>) -> Self {
        let start = if after == 0 { ChainHash::START } else { ChainHash([0xaa; 32]) };
        let mut hash = start;
        let mut last = after;
        let rows = rows.into_iter().map(|says| {
            let bytes = says.to_bytes();
            (hash, last) = (hash.next(&bytes), says.sequence);
            let outcome = (says.sequence % 2 == 0).then_some(RowOutcome::Stored);
            ExportedRow { sequence: says.sequence, row: Base64(bytes), hash, says, outcome, ticket: None }
        });
        let rows = rows.collect();
        let end = ExportEnd::sign(GATE, last, hash, &key(0x60));
        Self { head: ExportHead::new(GATE, key(0x60).verifying_key(), after, start), rows, end }
    }

    fn lines(&self) -> Vec<String> {
        let rows = self.rows.iter().map(|row| serde_json::to_string(row).unwrap());
        let head = serde_json::to_string(&self.head).unwrap();
        [head].into_iter().chain(rows).chain([serde_json::to_string(&self.end).unwrap()]).collect()
    }
}

fn cases() -> Vec<Case> {
    let whole = |after| Journal::new(after, rows(after));
    let changed = |change: fn(&mut Journal)| {
        let mut journal = whole(0);
        change(&mut journal);
        journal
    };
    let only = |sequence| Journal::new(sequence - 1, vec![JournalRow { sequence, ..row(1) }]);
    let wrong = |line, what: &str| Expect::Wrong { line, what: what.to_owned() };
    let ticket = |journal: &mut Journal| journal.rows[0].ticket = Some("CM1:whatever it keeps".to_owned());
    [
        ("a journal from its first row on", whole(0), Expect::Holds(8)),
        ("a journal whose oldest rows were pruned", whole(70_000), Expect::Holds(70_008)),
        ("a journal without rows", Journal::new(0, Vec::new()), Expect::Holds(0)),
        ("the last row that there can be", only(LAST_SEQUENCE), Expect::Holds(LAST_SEQUENCE)),
        ("a row that is numbered beyond it", only(LAST_SEQUENCE + 1), wrong(2, "row")),
        ("a ticket's text is no part of the chain", changed(ticket), Expect::Holds(8)),
        ("an outcome is no part of the chain", changed(|journal| journal.rows[0].outcome = None), Expect::Holds(8)),
        (
            "another format",
            changed(|journal| journal.head.format = "countermark-journal/2".to_owned()),
            wrong(1, "format"),
        ),
        (
            "the first row on, with a hash of one before",
            changed(|journal| journal.head.hash = ChainHash([1; 32])),
            wrong(1, "beginning"),
        ),
        ("after a row, with a hash of none", changed(|journal| journal.head.after = 4), wrong(1, "beginning")),
        ("another gate's rows", changed(|journal| journal.head.gate = GateId(13)), wrong(2, "row")),
        ("a row is missing", changed(|journal| drop(journal.rows.remove(3))), wrong(5, "order")),
        ("a row comes twice", changed(|journal| journal.rows.insert(3, journal.rows[2].clone())), wrong(5, "order")),
        ("bytes that are cut short", changed(|journal| journal.rows[1].row.0.truncate(40)), wrong(3, "row")),
        ("bytes of another row", changed(|journal| journal.rows[1].row = journal.rows[0].row.clone()), wrong(3, "row")),
        ("fields that say more persons", changed(|journal| journal.rows[0].says.persons = 1), wrong(2, "says")),
        ("fields without the act", changed(|journal| journal.rows[1].says.act = None), wrong(3, "says")),
        (
            "a hash that does not follow",
            changed(|journal| journal.rows[4].hash = ChainHash([2; 32])),
            wrong(6, "chain"),
        ),
        ("the last row is missing", changed(|journal| drop(journal.rows.pop())), wrong(9, "checkpoint")),
        (
            "a checkpoint with another hash",
            changed(|journal| journal.end.checkpoint.hash = ChainHash([3; 32])),
            wrong(10, "checkpoint"),
        ),
        ("another key", changed(|journal| journal.head.key = key(0x61).verifying_key()), wrong(10, "signature")),
        ("a damaged signature", changed(|journal| journal.end.checkpoint.signature.0[9] ^= 1), wrong(10, "signature")),
        (
            "a row that opens for nobody, signed all the same",
            Journal::new(0, vec![JournalRow { persons: 0, ..row(1) }]),
            wrong(2, "row"),
        ),
        ("an undo of a later row, signed all the same", Journal::new(0, vec![undo(1)]), wrong(2, "row")),
        ("a seat that was found and not shown, let in", Journal::new(0, found_and_let_in()), Expect::Holds(2)),
        (
            "a seat that was found and not shown, called proved, signed all the same",
            Journal::new(0, vec![JournalRow { proved: true, ..found() }]),
            wrong(2, "row"),
        ),
        (
            "a seat that was found and not shown, at an exit, signed all the same",
            Journal::new(0, vec![JournalRow { direction: Direction::Exit, ..found() }]),
            wrong(2, "row"),
        ),
        (
            "overruled by an operator, signed all the same",
            Journal::new(0, vec![row(1), overruled_by_an_operator()]),
            wrong(3, "row"),
        ),
    ]
    .into_iter()
    .map(|(name, journal, expect)| Case { name: name.to_owned(), lines: journal.lines(), expect })
    .collect()
}

fn found() -> JournalRow {
    JournalRow { persons: 0, actor: Actor::Operator, reason: Reason::FoundByOrder, proved: false, ..row(1) }
}

fn found_and_let_in() -> Vec<JournalRow> {
    let act = Act::Overrule { of: 1, supervisor: SupervisorId(4), why: OverruleReason::Identified };
    let (actor, reason) = (Actor::Supervisor, Reason::Overruled);
    vec![found(), JournalRow { actor, reason, proved: false, act: Some(act), ..row(2) }]
}

fn undo(of: u64) -> JournalRow {
    let act = Act::Undo { of, persons: NonZeroU8::MIN };
    JournalRow { persons: 0, proved: false, act: Some(act), ..row(1) }
}

fn overruled_by_an_operator() -> JournalRow {
    let act = Act::Overrule { of: 1, supervisor: SupervisorId(4), why: OverruleReason::Other };
    JournalRow { actor: Actor::Operator, reason: Reason::Overruled, act: Some(act), ..row(2) }
}
