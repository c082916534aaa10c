mod claims;
mod clock;
mod cut_off;
mod disk;
mod documents;
mod feed;
mod find;
mod model;
mod names;
mod one_by_one;
mod powercut;
mod retention;
mod staff;
mod supervisors;

use super::log::{self, Reread};
use super::open::OpenError;
use super::*;
use crate::devices::{Device, DeviceKind};
use crate::documents::DocumentKind;
use crate::input::{ScannedText, Source};
use crate::samples::{self, DOORS, END, GATE};
use core::num::NonZeroU8;
use countermark_shared::documents::Assignment;
use countermark_shared::id::{EventId, Slot};
use countermark_shared::journal::{Act, Actor, ClockState, JournalRow};
use countermark_shared::ticket::{Live, TicketBody, UnverifiedTicket};
use countermark_shared::wire::{MAX_ROWS_PER_UPLOAD, RowOutcome};
use std::path::{Path, PathBuf};
use std::time::Duration;

const UPTIME: Duration = Duration::from_secs(100);

struct Bench {
    folder: tempfile::TempDir,
    ledger: Option<Ledger>,
}

impl Bench {
    fn new() -> Self {
        let mut bench = Self { folder: tempfile::tempdir().unwrap(), ledger: None };
        bench.reopen().unwrap();
        bench
    }

    fn synced() -> Self {
        let mut bench = Self::new();
        for (kind, bytes) in samples::documents() {
            bench.ledger().take(kind, &bytes, moment(DOORS)).unwrap();
        }
        bench
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ledger.sqlite")
    }

    fn ledger(&mut self) -> &mut Ledger {
        self.ledger.as_mut().unwrap()
    }

    /// Ends as an agent does that is told to, and begins anew.
    fn reopen(&mut self) -> Result<(), OpenError> {
        if let Some(ledger) = &mut self.ledger {
            ledger.write_outcomes(moment(DOORS)).unwrap();
        }
        self.crash()
    }

    /// Ends as an agent does that is killed once the last transaction was durable, and begins anew.
    fn crash(&mut self) -> Result<(), OpenError> {
        self.ledger = None;
        self.ledger = Some(open(&self.file())?);
        Ok(())
    }

    /// Every row, read again.
    fn rows(&mut self) -> Vec<JournalRow> {
        let stored = store::rows_from(&self.ledger().connection, 1, usize::MAX).unwrap();
        stored.iter().map(|stored| JournalRow::from_bytes(&stored.row).unwrap()).collect()
    }

    /// The acts, in order, with the actor of each.
    fn acts(&mut self) -> Vec<(Act, Actor)> {
        self.rows().into_iter().filter_map(|row| Some((row.act?, row.actor))).collect()
    }

    /// Changes the closed file behind the gate's back.
    fn tamper(&mut self, sql: &str) {
        self.ledger = None;
        Connection::open(self.file()).unwrap().execute_batch(sql).unwrap();
    }

    fn scan(&mut self, texts: &[String]) -> Vec<Announcement> {
        let scans: Vec<_> = texts.iter().map(|text| scan(text)).collect();
        self.ledger().scan(&scans, moment(DOORS))
    }

    fn verdicts(&mut self, texts: &[String]) -> Vec<Reason> {
        self.scan(texts).into_iter().map(|announcement| announcement.ruling.verdict).collect()
    }
}

/// A file, or one of a disk that fails.
fn open(file: &Path) -> Result<Ledger, OpenError> {
    open_by(if file.starts_with("file:") { countermark_powercut::reread_log } else { log::reread }, file)
}

fn open_by(reread: Reread, file: &Path) -> Result<Ledger, OpenError> {
    Ledger::open_by(reread, file, samples::owner(), BootId::new([9; 16]), UPTIME)
}

/// Assigns the gate anew, with the secret that opens names.
fn assign(bench: &mut Bench, version: u32, change: impl FnOnce(&mut Assignment)) {
    let mut assignment = Assignment { version, secrets: vec![samples::wrapped_secret()], ..samples::assignment() };
    change(&mut assignment);
    let bytes = samples::assignment_bytes(&assignment);
    bench.ledger().take(DocumentKind::Assignment, &bytes, moment(DOORS)).unwrap();
}

fn moment(at: Timestamp) -> Moment {
    Moment { battery: at, uptime: UPTIME }
}

fn scan(text: &str) -> RawScan {
    let text = ScannedText::Whole(text.to_owned());
    RawScan { lane: LaneId(1), source: Source::Lines, text, at: UPTIME, in_sight_since: None }
}

fn ticket(slot: u32, generation: u8) -> String {
    samples::ticket_of(slot, generation).to_text()
}

#[test]
fn a_ticket_is_admitted_once_across_batches_and_restarts() {
    let mut bench = Bench::synced();
    let twice = [ticket(42, 1), ticket(42, 1), ticket(43, 1)];
    assert_eq!(bench.verdicts(&twice), [Reason::Admitted, Reason::PlacesUsedUp, Reason::Admitted]);
    assert_eq!(bench.verdicts(&twice[..1]), [Reason::PlacesUsedUp]);
    bench.reopen().unwrap();
    let again = bench.scan(&twice[..1]).remove(0);
    assert_eq!(again.sequence, Some(5));
    assert_eq!(again.ruling.earlier, Some(DOORS));
    assert_eq!((again.ruling.slot, again.ruling.opens), (Some(Slot(42)), false));
}

#[test]
fn the_highest_verified_generation_of_a_seat_is_remembered() {
    let mut bench = Bench::synced();
    let genuine = samples::ticket_of(42, 9);
    let forged = UnverifiedTicket::new(genuine.body().clone(), genuine.issuer(), genuine.issuer());
    let texts = [forged.to_text(), ticket(42, 2), ticket(42, 1)];
    let expected = [Reason::AuthorityForged, Reason::Admitted, Reason::OutdatedGeneration];
    assert_eq!(bench.verdicts(&texts), expected);
    bench.reopen().unwrap();
    assert_eq!(bench.verdicts(&texts[2..]), [Reason::OutdatedGeneration]);
    assert_eq!(bench.verdicts(&[ticket(42, 3)]), [Reason::PlacesUsedUp]);
}

#[test]
fn only_a_fully_proved_ticket_raises_the_remembered_generation() {
    let mut bench = Bench::synced();
    let window = NonZeroU8::new(30).unwrap();
    let live = Live { window, holder: samples::holder_key().verifying_key() };
    let body = TicketBody { live: Some(live), ..samples::body_of(42, 2) };
    let printed = samples::sign(body.clone());
    let presentation = body.present(&samples::holder_key(), DOORS).unwrap();
    let shown = printed.clone().shown(presentation).unwrap();
    let texts = [printed.to_text(), ticket(42, 1), shown.to_text(), ticket(42, 1)];
    // Generation 1 is admitted though a picture of generation 2 was seen; once that one was shown live, it is outdated.
    let expected = [Reason::LiveProofMissing, Reason::Admitted, Reason::PlacesUsedUp, Reason::OutdatedGeneration];
    assert_eq!(bench.verdicts(&texts), expected);
    let batch = bench.ledger().batch(MAX_ROWS_PER_UPLOAD).unwrap().unwrap();
    let kept: Vec<_> = batch.rows.into_iter().map(|row| row.ticket).collect();
    assert_eq!(kept, [Some(printed.to_text()), Some(ticket(42, 1)), None, None], "without a presentation");
}

#[test]
fn whoever_was_seen_leaving_enters_again_after_a_restart_too() {
    let mut bench = Bench::synced();
    let body = TicketBody { entries: 2, places: NonZeroU8::MIN, ..samples::body_of(42, 1) };
    let text = samples::sign(body).to_text();
    let at = |lane, text: &str| RawScan { lane: LaneId(lane), ..scan(text) };
    let pass = |bench: &mut Bench, lane| bench.ledger().scan(&[at(lane, &text)], moment(DOORS))[0].ruling.verdict;
    assert_eq!(pass(&mut bench, 2), Reason::ExitWithoutEntry);
    assert_eq!(pass(&mut bench, 1), Reason::Admitted);
    assert_eq!(pass(&mut bench, 1), Reason::AlreadyInside);
    assert_eq!(pass(&mut bench, 2), Reason::Exit);
    bench.reopen().unwrap();
    assert_eq!(pass(&mut bench, 1), Reason::Admitted);
    assert_eq!(pass(&mut bench, 2), Reason::Exit);
    assert_eq!(pass(&mut bench, 1), Reason::EntriesUsedUp);
}

#[test]
fn a_clock_that_fell_back_is_written_down_and_judges_no_live_ticket() {
    let mut bench = Bench::synced();
    let live = Live { window: NonZeroU8::new(30).unwrap(), holder: samples::holder_key().verifying_key() };
    let body = TicketBody { live: Some(live), ..samples::body_of(42, 1) };
    let presentation = body.present(&samples::holder_key(), DOORS).unwrap();
    let shown = samples::sign(body).shown(presentation).unwrap().to_text();
    let fallen = moment(Timestamp::from_unix_seconds(0));
    let said = bench.ledger().scan(&[scan(&shown)], fallen).remove(0);
    assert_eq!(said.ruling.verdict, Reason::ClockUnsure);
    let row = bench.ledger().batch(MAX_ROWS_PER_UPLOAD).unwrap().unwrap().rows.remove(0);
    let row = JournalRow::from_bytes(&row.row.0).unwrap();
    assert_eq!((row.clock, row.at), (ClockState::RolledBack, DOORS - Duration::from_mins(1)));
    assert_eq!(bench.verdicts(&[shown]), [Reason::Admitted]);
}

#[test]
fn nobody_is_accused_on_the_way_out() {
    let mut bench = Bench::synced();
    let genuine = samples::ticket_of(42, 1);
    let forged = UnverifiedTicket::new(genuine.body().clone(), genuine.issuer(), genuine.issuer()).to_text();
    let exit = RawScan { lane: LaneId(2), ..scan(&forged) };
    let damaged = RawScan { text: ScannedText::Damaged("x".into()), ..exit.clone() };
    let said = bench.ledger().scan(&[exit, damaged], moment(DOORS));
    assert!(said.iter().all(|said| said.ruling.verdict == Reason::ExitUnread));
    assert_eq!(bench.verdicts(&[forged]), [Reason::AuthorityForged]);
    bench.reopen().unwrap();
}

#[test]
fn without_documents_nobody_is_let_in() {
    let mut bench = Bench::new();
    for (kind, bytes) in samples::documents() {
        let expected = if DocumentKind::NEEDED.contains(&kind) { Reason::CannotDecide } else { Reason::NoList };
        assert_eq!(bench.verdicts(&[ticket(42, 1)]), [expected]);
        bench.ledger().take(kind, &bytes, moment(DOORS)).unwrap();
    }
    assert_eq!(bench.verdicts(&[ticket(43, 1)]), [Reason::Admitted]);
}

#[test]
fn another_lane_than_the_assigned_ones_decides_nothing() {
    let mut bench = Bench::synced();
    let elsewhere = RawScan { lane: LaneId(9), ..scan(&ticket(42, 1)) };
    assert_eq!(bench.ledger().scan(&[elsewhere], moment(DOORS))[0].ruling.verdict, Reason::CannotDecide);
}

#[test]
fn a_scan_that_waited_too_long_is_asked_for_again() {
    let mut bench = Bench::synced();
    let aged =
        |milliseconds: u64| RawScan { at: Duration::from_millis(100_000 - milliseconds), ..scan(&ticket(42, 1)) };
    let verdicts: Vec<_> = bench.ledger().scan(&[aged(1501), aged(1500)], moment(DOORS));
    assert_eq!(verdicts[0].ruling.verdict, Reason::ScanAgain);
    assert_eq!(verdicts[1].ruling.verdict, Reason::Admitted);
}

#[test]
fn a_damaged_line_is_malformed() {
    let mut bench = Bench::synced();
    let damaged = RawScan { text: ScannedText::Damaged("x".into()), ..scan("") };
    assert_eq!(bench.ledger().scan(&[damaged], moment(DOORS))[0].ruling.verdict, Reason::Malformed);
}

#[test]
fn check_says_the_same_and_writes_nothing() {
    let mut bench = Bench::synced();
    for expected in [Reason::Admitted, Reason::Admitted] {
        assert_eq!(bench.ledger().check(LaneId(1), &ticket(42, 1), moment(DOORS)).unwrap().verdict, expected);
    }
    assert_eq!(bench.ledger().check(LaneId(1), &ticket(42, 1), moment(END)).unwrap().verdict, Reason::NoLongerValid);
    assert_eq!(bench.ledger().report().unwrap().rows, 0);
    bench.verdicts(&[ticket(42, 1)]);
    assert_eq!(bench.ledger().check(LaneId(1), &ticket(42, 1), moment(DOORS)).unwrap().verdict, Reason::PlacesUsedUp);
}

#[test]
fn a_ledger_that_cannot_write_opens_nothing_and_recovers() {
    let mut bench = Bench::synced();
    bench.verdicts(&[ticket(1, 1)]);
    let pages: u32 = bench.ledger().connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    bench.ledger().connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    let many: Vec<_> = (2..90).map(|slot| ticket(slot, 1)).collect();
    let announcements = bench.scan(&many);
    let failed: Vec<_> = announcements.iter().filter(|announcement| announcement.sequence.is_none()).collect();
    assert!(!failed.is_empty(), "the disk never filled up");
    assert!(failed.iter().all(|failed| failed.ruling.verdict == Reason::CannotDecide && !failed.ruling.opens));

    bench.ledger().connection.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(())).unwrap();
    let again = bench.verdicts(&many);
    for (first, second) in announcements.iter().zip(again) {
        let expected = if first.ruling.opens { Reason::PlacesUsedUp } else { Reason::Admitted };
        assert_eq!(second, expected);
    }
    bench.reopen().unwrap();
}

#[test]
fn rows_are_uploaded_in_order_and_stay() {
    let mut bench = Bench::synced();
    bench.verdicts(&[ticket(42, 1), ticket(42, 1), "junk".to_owned(), ticket(42, 2)]);
    let batch = bench.ledger().batch(MAX_ROWS_PER_UPLOAD).unwrap().unwrap();
    let proofs: Vec<_> = batch.rows.iter().map(|row| row.ticket.clone()).collect();
    assert_eq!(proofs, [Some(ticket(42, 1)), None, None, Some(ticket(42, 2))]);
    assert_eq!(batch.rows.iter().fold(batch.previous, |chain, row| chain.next(&row.row.0)), batch.hash);

    let result = |sequence, outcome| RowResult { sequence, outcome };
    let results = [result(1, RowOutcome::Stored), result(2, RowOutcome::Unreadable)];
    assert_eq!(bench.ledger().settle(&results).unwrap(), 2);
    assert_eq!(bench.ledger().settle(&results).unwrap(), 0, "the first answer stays");
    bench.reopen().unwrap();
    let batch = bench.ledger().batch(MAX_ROWS_PER_UPLOAD).unwrap().unwrap();
    assert_eq!((batch.rows[0].sequence, batch.last), (3, 4));
    assert_eq!(batch.rows.iter().fold(batch.previous, |chain, row| chain.next(&row.row.0)), batch.hash);

    bench.ledger().settle(&[result(3, RowOutcome::Known), result(4, RowOutcome::Unproved)]).unwrap();
    assert!(bench.ledger().batch(MAX_ROWS_PER_UPLOAD).unwrap().is_none());
    let report = bench.ledger().report().unwrap();
    assert_eq!((report.rows, report.unsettled, report.contested), (4, 0, 2));
    assert_eq!(bench.verdicts(&[ticket(42, 2)]), [Reason::PlacesUsedUp]);
}

/// Validation was restored from a backup, and has the first row alone. What it says of rows that never were changes nothing.
#[test]
fn rows_that_the_cloud_has_lost_are_uploaded_again() {
    let mut bench = Bench::synced();
    bench.verdicts(&[ticket(42, 1), "junk".to_owned(), ticket(43, 1)]);
    let results = [(1, RowOutcome::Stored), (2, RowOutcome::Stored), (3, RowOutcome::Unproved)];
    let results = results.map(|(sequence, outcome)| RowResult { sequence, outcome });
    bench.ledger().settle(&results).unwrap();
    for beyond in [3, 4, u64::MAX] {
        assert_eq!(bench.ledger().unsettle(beyond).unwrap(), 0);
    }
    assert_eq!(bench.ledger().unsettle(1).unwrap(), 2);
    assert_eq!(bench.ledger().unsettle(1).unwrap(), 0);
    let batch = bench.ledger().batch(MAX_ROWS_PER_UPLOAD).unwrap().unwrap();
    assert_eq!((batch.rows[0].sequence, batch.last), (2, 3));
    let report = bench.ledger().report().unwrap();
    assert_eq!((report.rows, report.unsettled, report.contested), (3, 2, 0));
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::PlacesUsedUp], "whoever came in came in");
}

#[test]
fn documents_come_back_after_a_restart_unless_they_were_changed() {
    let mut bench = Bench::synced();
    let before = bench.ledger().report().unwrap().documents;
    bench.reopen().unwrap();
    assert_eq!(bench.ledger().report().unwrap().documents, before);

    bench.tamper("UPDATE held_document SET record = zeroblob(100) WHERE kind = 'slot-list'");
    bench.reopen().unwrap();
    assert!(!bench.ledger().report().unwrap().documents.contains_key(&DocumentKind::SlotList));
    assert_eq!(bench.verdicts(&[ticket(42, 1)]), [Reason::NoList], "a lost list never stops the gate");
}

#[test]
fn a_refused_document_leaves_everything_in_force() {
    let mut bench = Bench::synced();
    bench.ledger().take(DocumentKind::SlotList, &samples::slots_bytes(5, DOORS), moment(DOORS)).unwrap();
    let before = bench.ledger().report().unwrap().documents;
    let refusal = bench.ledger().take(DocumentKind::SlotList, b"junk", moment(DOORS));
    assert!(matches!(refusal, Err(TakeError::NotTaken(_))));
    let older = bench.ledger().take(DocumentKind::SlotList, &samples::slots_bytes(4, DOORS), moment(DOORS));
    assert_eq!(older.unwrap(), Taken::Held);
    assert_eq!(bench.ledger().report().unwrap().documents, before);
}

#[test]
fn every_change_behind_the_gates_back_is_found() {
    for (change, broken_at) in [
        ("UPDATE journal SET persons = 0 WHERE sequence = 1", 1),
        ("UPDATE journal SET slot = 41 WHERE sequence = 1", 1),
        ("UPDATE journal SET proved = 1 WHERE sequence = 3", 3),
        ("UPDATE journal SET generation = NULL WHERE sequence = 1", 1),
        ("UPDATE journal SET row = (SELECT row FROM journal WHERE sequence = 2) WHERE sequence = 3", 3),
        ("UPDATE journal SET hash = zeroblob(32) WHERE sequence = 2", 2),
        ("DELETE FROM journal WHERE sequence = 2", 2),
        ("DELETE FROM journal WHERE sequence = 1", 1),
    ] {
        let mut bench = Bench::synced();
        bench.verdicts(&[ticket(42, 1), ticket(43, 1), "junk".to_owned()]);
        bench.tamper(change);
        let outcome = bench.reopen();
        assert!(
            matches!(&outcome, Err(OpenError::Broken { sequence, .. }) if *sequence == broken_at),
            "{change}: {:?}",
            outcome.err()
        );
    }
}

#[test]
fn a_damaged_file_is_refused_in_words() {
    let mut bench = Bench::synced();
    bench.ledger = None;
    std::fs::write(bench.file(), "this is no database, and long enough to be looked at ".repeat(100)).unwrap();
    assert!(matches!(bench.reopen(), Err(OpenError::Damaged { .. })));
}

#[test]
fn a_second_gate_on_the_same_folder_is_refused() {
    let bench = Bench::new();
    assert!(matches!(open(&bench.file()), Err(OpenError::InUse { .. })));
}

#[test]
fn another_gates_ledger_is_refused() {
    let mut bench = Bench::synced();
    bench.verdicts(&[ticket(42, 1)]);
    bench.ledger = None;
    let owner = Owner { gate: GateId(4), ..samples::owner() };
    let other = Ledger::open(&bench.file(), owner, BootId::new([9; 16]), UPTIME);
    assert!(matches!(other, Err(OpenError::Broken { sequence: 1, .. })));
}

#[test]
fn one_showing_is_one_row_and_a_scanner_that_asks_again_is_answered_again() {
    let mut bench = Bench::synced();
    let of = |kind, uptime| {
        let source = Source::Device(Device::named(kind, "left"));
        RawScan { source, at: uptime, ..scan(&ticket(42, 1)) }
    };
    let at = |uptime| Moment { battery: DOORS, uptime };
    let shortly = |milliseconds| UPTIME + Duration::from_millis(milliseconds);
    let said = bench.ledger().scan(&[of(DeviceKind::Scanner, UPTIME)], at(UPTIME));
    assert!(said[0].ruling.opens && bench.ledger().repeated().is_empty());
    let again = of(DeviceKind::Scanner, shortly(300));
    assert!(bench.ledger().scan(std::slice::from_ref(&again), at(shortly(300))).is_empty());
    assert_eq!(bench.ledger().repeated(), [Repeated { source: again.source, opens: true }]);

    // The disk stalled: what a camera sighted meanwhile is old, and nobody asks about it.
    let sightings = [of(DeviceKind::Camera, shortly(400)), of(DeviceKind::Camera, shortly(600))];
    assert!(bench.ledger().scan(&sightings, at(shortly(3000))).is_empty());
    // Whoever holds it still is not refused by what let them in.
    let held = RawScan { in_sight_since: Some(UPTIME), ..of(DeviceKind::Camera, shortly(3000)) };
    assert!(bench.ledger().scan(&[held], at(shortly(3000))).is_empty());
    assert_eq!(bench.ledger().report().unwrap().rows, 1);
}
