//! Disks that are full, that cannot be written, that damage pages, and that are older than their gate: what is said, and that nobody is let in
//! by what is not known.

use super::*;
use countermark_powercut::{Disk, Fault, Medium};
use countermark_shared::decision::Passages;
use countermark_shared::wire::ClaimAnswered;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::fs;

const PAGE: usize = 4096;
const FILE: &str = "ledger.sqlite";

fn synced(disk: &Disk) -> Ledger {
    let mut ledger = open(&disk.uri(FILE)).unwrap();
    for (kind, bytes) in samples::documents() {
        ledger.take(kind, &bytes, moment(DOORS)).unwrap();
    }
    ledger
}

fn show(ledger: &mut Ledger, slot: u32) -> (Option<u64>, Reason) {
    let said = ledger.scan(&[scan(&ticket(slot, 1))], moment(DOORS)).remove(0);
    assert!(said.sequence.is_some() || !said.ruling.opens);
    (said.sequence, said.ruling.verdict)
}

fn defects(ledger: &Ledger) -> Vec<Defect> {
    let report = ledger.report().unwrap();
    assert_eq!(report.is_ready(LaneId(1)), !report.defects.iter().any(|defect| defect.stops()));
    report.defects
}

#[test]
fn a_disk_that_takes_nothing_lets_nobody_in_and_is_used_again_when_it_does() {
    for (fault, defect) in [(Fault::Full, Defect::Full), (Fault::ReadOnly, Defect::Unwritable)] {
        let disk = Disk::new(Medium::Careful);
        let mut ledger = synced(&disk);
        assert_eq!(show(&mut ledger, 1), (Some(1), Reason::Admitted));
        disk.set_fault(Some(fault));
        for slot in [1, 2] {
            assert_eq!(show(&mut ledger, slot), (None, Reason::CannotDecide));
        }
        assert_eq!(defects(&ledger), [defect]);
        ledger.take(DocumentKind::SlotList, &samples::slots_bytes(2, DOORS), moment(DOORS)).unwrap_err();
        disk.set_fault(None);
        assert_eq!(show(&mut ledger, 2), (Some(2), Reason::Admitted));
        assert_eq!(defects(&ledger), []);
        ledger.take(DocumentKind::SlotList, &samples::slots_bytes(2, DOORS), moment(DOORS)).unwrap();
        drop(ledger);
        let mut ledger = open(&disk.uri(FILE)).unwrap();
        assert_eq!(show(&mut ledger, 1), (Some(3), Reason::PlacesUsedUp));
    }
}

/// It was asked about, the answer came, and could not be written: nobody passed, and the seat is good.
#[test]
fn an_answer_that_found_no_room_shuts_its_seat_until_there_is_some_and_no_longer() {
    let disk = Disk::new(Medium::Careful);
    let mut ledger = synced(&disk);
    ledger.asks_others(true);
    assert_eq!(ledger.scan(&[scan(&ticket(1, 1))], moment(DOORS)), []);
    let question = ledger.questions().remove(0);
    disk.set_fault(Some(Fault::Full));
    let granted = ClaimAnswered { persons: 2, others: Passages::NONE };
    let said = ledger.claimed(question.sequence, Some(granted), moment(DOORS)).unwrap();
    assert_eq!((said.sequence, said.ruling.opens), (None, false));
    // There is none yet.
    ledger.pass_time(moment(DOORS)).unwrap();
    disk.set_fault(None);
    assert_eq!(show(&mut ledger, 1), (Some(2), Reason::PlacesUsedUp));
    ledger.pass_time(moment(DOORS)).unwrap();
    assert_eq!(ledger.scan(&[scan(&ticket(1, 1))], moment(DOORS)), [], "the others are asked again");
}

#[test]
fn a_ledger_is_not_opened_where_it_cannot_be_written() {
    let disk = Disk::new(Medium::Careful);
    drop(synced(&disk));
    for fault in [Fault::ReadOnly, Fault::Full] {
        disk.set_fault(Some(fault));
        let sentence = open(&disk.uri(FILE)).err().map(|error| error.to_string());
        assert!(sentence.is_some_and(|sentence| sentence.contains("look for a full disk")), "{fault:?}");
        disk.set_fault(None);
    }
    open(&disk.uri(FILE)).unwrap();
}

#[test]
fn a_page_that_is_found_damaged_at_work_lets_nobody_in_by_it_and_is_told() {
    let disk = Disk::new(Medium::Careful);
    let mut ledger = synced(&disk);
    show(&mut ledger, 1);
    ledger.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    ledger.connection.execute_batch("PRAGMA shrink_memory").unwrap();
    let last = ledger.report().unwrap();
    for page in 1..disk.len_of(FILE).unwrap() / PAGE {
        disk.damage(FILE, page * PAGE, 0xff);
    }
    let (sender, report) = tokio::sync::watch::channel(last);
    assert_eq!(show(&mut ledger, 1), (None, Reason::CannotDecide));
    thread::publish(&ledger, &sender);
    assert!(report.borrow().defects.contains(&Defect::Damaged));
}

/// As a backup is put back, or a second box made from one disk.
#[test]
fn a_gate_whose_disk_was_restored_is_told_by_validation_and_lets_nobody_in_from_then_on() {
    let disk = Disk::new(Medium::Careful);
    let mut ledger = synced(&disk);
    show(&mut ledger, 1);
    drop(ledger);
    let image = disk.image();
    let mut restored = open(&image.uri(FILE)).unwrap();
    // What the disk had afterwards is at validation: a row 2 that is not this one.
    assert_eq!(show(&mut restored, 3), (Some(2), Reason::Admitted));
    let result = |sequence, outcome| RowResult { sequence, outcome };
    restored.settle(&[result(1, RowOutcome::Known)]).unwrap();
    assert_eq!(show(&mut restored, 4), (Some(3), Reason::Admitted));
    restored.settle(&[result(2, RowOutcome::Fork)]).unwrap();
    for _ in 0..2 {
        assert_eq!(show(&mut restored, 5), (None, Reason::CannotDecide));
        assert_eq!(restored.check(LaneId(1), &ticket(5, 1), moment(DOORS)).unwrap().verdict, Reason::CannotDecide);
        assert_eq!(defects(&restored), [Defect::Forked]);
        assert_eq!(restored.batch(10).unwrap().unwrap().sequences(), 3..=3, "what it did is still told");
        drop(restored);
        restored = open(&image.uri(FILE)).unwrap();
    }
}

#[test]
fn a_tail_that_was_cut_off_is_missed() {
    for missing in ["sequence = 3", "sequence > 1", "sequence > 0"] {
        let mut bench = Bench::synced();
        bench.verdicts(&[ticket(42, 1), ticket(43, 1), "junk".to_owned()]);
        bench.tamper(&format!("DELETE FROM journal WHERE {missing}"));
        bench.reopen().unwrap();
        assert_eq!(defects(bench.ledger()), [Defect::Incomplete], "{missing}");
        assert_eq!(bench.verdicts(&[ticket(44, 1)]), [Reason::CannotDecide], "{missing}");
    }
}

/// A closed ledger of 60 rows, some of them uploaded, and its bytes.
fn filled() -> (Bench, Vec<u8>) {
    let mut bench = Bench::synced();
    for slots in (0..60).collect::<Vec<_>>().chunks(10) {
        bench.verdicts(&slots.iter().map(|slot| ticket(*slot, 1)).collect::<Vec<_>>());
    }
    let settled = (1..=20).map(|sequence| RowResult { sequence, outcome: RowOutcome::Stored });
    bench.ledger().settle(&settled.collect::<Vec<_>>()).unwrap();
    bench.ledger = None;
    let bytes = fs::read(bench.file()).unwrap();
    (bench, bytes)
}

fn save(bench: &mut Bench) -> Result<(), OpenError> {
    bench.ledger = None;
    let boot = BootId::new([9; 16]);
    bench.ledger = Some(Ledger::open_saving(&bench.file(), samples::owner(), boot, UPTIME)?);
    Ok(())
}

fn beside(bench: &Bench, suffix: &str) -> PathBuf {
    bench.folder.path().join(format!("{FILE}{suffix}"))
}

/// What is left after a damage: all of it, or what is told to be not all, and nobody is let in by that.
#[test]
fn any_page_that_is_damaged_loses_no_row_silently() {
    let (mut bench, bytes) = filled();
    let mut random = StdRng::seed_from_u64(60);
    let (mut whole, mut incomplete, mut unharmed) = (0, 0, 0);
    for page in bytes.chunks(PAGE).enumerate().map(|(page, _)| page * PAGE..(page + 1) * PAGE) {
        let byte = page.start + random.random_range(0..PAGE);
        for damage in ["zeros", "garbage", "a bit"] {
            let case = format!("page {}, {damage}, byte {byte}", page.start / PAGE + 1);
            let mut damaged = bytes.clone();
            match damage {
                "zeros" => damaged[page.clone()].fill(0),
                "garbage" => random.fill(&mut damaged[page.clone()]),
                _ => damaged[byte] ^= 1 << random.random_range(0..8),
            }
            bench.ledger = None;
            for file in fs::read_dir(bench.folder.path()).unwrap() {
                fs::remove_file(file.unwrap().path()).unwrap();
            }
            fs::write(bench.file(), &damaged).unwrap();
            save(&mut bench).unwrap_or_else(|error| panic!("{case}: {error:?}"));
            let aside = fs::read(beside(&bench, ".damaged-1")).ok();
            assert!(aside.is_none_or(|aside| aside == damaged), "{case}: what was damaged was changed");
            for _ in 0..2 {
                let report = bench.ledger().report().unwrap();
                let again = bench.verdicts(&[ticket(30, 1)])[0];
                match report.defects[..] {
                    [] => unharmed += 1,
                    [Defect::Replaced] => whole += 1,
                    [Defect::Incomplete] => incomplete += 1,
                    _ => panic!("{case}: {:?}", report.defects),
                }
                if report.stopped_by().is_some() {
                    assert_eq!(again, Reason::CannotDecide, "{case}");
                } else {
                    assert!(report.rows >= 60, "{case}: {} rows", report.rows);
                    // Documents may be missing, and are fetched again.
                    assert!([Reason::PlacesUsedUp, Reason::CannotDecide].contains(&again), "{case}: {again}");
                }
                bench.reopen().unwrap();
            }
        }
    }
    println!("saved whole {whole}, incomplete {incomplete}, unharmed {unharmed}");
    assert!(whole > 0 && incomplete > 0);
}

#[test]
fn what_is_damaged_beside_the_rows_costs_nothing_whether_or_not_some_rows_have_gone() {
    for pruned in [0, 20] {
        let (mut bench, _) = filled();
        bench.reopen().unwrap();
        if pruned > 0 {
            let late = moment(END + Duration::from_hours(13));
            bench.ledger().set_clock(&clock::answer(late.battery, 5), late).unwrap();
            assert_eq!(bench.ledger().prune(Duration::ZERO, late).unwrap().rows, pruned);
        }
        supervisors::add(bench.ledger(), "273940").unwrap();
        let before = (bench.ledger().documents_held(), bench.ledger().supervisors().unwrap());
        bench.tamper("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'journal_seats'");
        assert!(matches!(bench.reopen(), Err(OpenError::Damaged { .. })));
        save(&mut bench).unwrap();
        assert_eq!(defects(bench.ledger()), [Defect::Replaced]);
        assert_eq!((bench.ledger().documents_held(), bench.ledger().supervisors().unwrap()), before);
        // What went, went by a signed time, by which the event is over.
        let said = if pruned > 0 { [Reason::NoLongerValid; 2] } else { [Reason::PlacesUsedUp, Reason::Admitted] };
        assert_eq!(bench.verdicts(&[ticket(30, 1), ticket(90, 1)]), said);
        // Validation knows those before, and says so.
        assert_eq!(bench.ledger().batch(100).unwrap().unwrap().sequences(), pruned + 1..=62);
    }
}

/// As a page that was written back too late has it: what it says made sense once.
#[test]
fn an_index_that_says_something_else_than_the_rows_is_damage() {
    let (mut bench, _) = filled();
    bench.reopen().unwrap();
    bench.ledger().hold(30, Actor::Operator, moment(DOORS)).unwrap();
    bench.tamper("PRAGMA wal_checkpoint(TRUNCATE)");
    let bytes = fs::read(bench.file()).unwrap();
    let query = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'journal' ORDER BY name";
    let indexes: Vec<String> = {
        let connection = Connection::open(bench.file()).unwrap();
        let mut statement = connection.prepare(query).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut known = store::index_names();
    known.sort_unstable();
    assert_eq!(indexes, known);
    for index in &indexes {
        let (change, back) = match index.as_str() {
            "journal_unsettled" => ("outcome = 'known' WHERE sequence = 25", "outcome = NULL WHERE sequence = 25"),
            "journal_contested" => ("outcome = 'fork' WHERE sequence = 5", "outcome = 'stored' WHERE sequence = 5"),
            "journal_texts" => ("outcome = 'known' WHERE sequence = 5", "outcome = 'stored' WHERE sequence = 5"),
            "journal_holds" => ("slot = slot + 1 WHERE sequence = 61", "slot = slot - 1 WHERE sequence = 61"),
            _ => ("slot = slot + 1 WHERE sequence = 30", "slot = slot - 1 WHERE sequence = 30"),
        };
        for is_stale in [false, true] {
            bench.ledger = None;
            for file in fs::read_dir(bench.folder.path()).unwrap() {
                fs::remove_file(file.unwrap().path()).unwrap();
            }
            fs::write(bench.file(), &bytes).unwrap();
            let hidden = format!("name = '{index}'");
            let row = "SELECT rootpage, sql FROM sqlite_schema WHERE ";
            let (page, sql): (u32, String) = Connection::open(bench.file())
                .unwrap()
                .query_row(&format!("{row}{hidden}"), [], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            bench.tamper(&format!("UPDATE journal SET {change}"));
            if !is_stale {
                bench.tamper(&format!("UPDATE journal SET {back}"));
            }
            bench.tamper(&format!("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE {hidden}"));
            if is_stale {
                bench.tamper(&format!("UPDATE journal SET {back}"));
            }
            bench.tamper(&format!(
                "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('index', '{index}', 'journal', {page}, '{}')",
                sql.replace('\'', "''")
            ));
            match bench.reopen() {
                Err(OpenError::Damaged { finding, .. }) => {
                    assert!(is_stale && finding.starts_with(index.as_str()), "{index}: {finding}");
                }
                outcome => assert!(!is_stale && outcome.is_ok(), "{index}: {outcome:?}"),
            }
        }
    }
    save(&mut bench).unwrap();
    assert_eq!(defects(bench.ledger()), [Defect::Replaced]);
}

#[test]
fn a_rescue_that_the_power_cut_goes_on_at_the_next_start() {
    let (mut bench, bytes) = filled();
    let mut damaged = bytes.clone();
    damaged[..16].fill(0);
    let sure = b"a new ledger that is whole stands for it".to_vec();
    let [log, saved, new] = ["-wal", ".saved", ".new"].map(|suffix| beside(&bench, suffix));
    let [aside, aside_log] = [".damaged-1", ".damaged-1-wal"].map(|suffix| beside(&bench, suffix));
    // Before the new ledger is whole the old one is saved once more; afterwards each file moves to its place, whatever has moved by then.
    for interrupted in [
        "while the new one is written",
        "before the log moves",
        "before the database moves",
        "before the new one takes its place",
    ] {
        for file in fs::read_dir(bench.folder.path()).unwrap() {
            fs::remove_file(file.unwrap().path()).unwrap();
        }
        match interrupted {
            "while the new one is written" => {
                fs::write(&new, &sure).unwrap();
                fs::write(beside(&bench, ".new-wal"), &sure).unwrap();
                fs::write(bench.file(), &damaged).unwrap();
            }
            "before the log moves" => {
                fs::write(&saved, &bytes).unwrap();
                fs::write(&log, &sure).unwrap();
                fs::write(bench.file(), &damaged).unwrap();
            }
            "before the database moves" => {
                fs::write(&saved, &bytes).unwrap();
                fs::write(&aside_log, &sure).unwrap();
                fs::write(bench.file(), &damaged).unwrap();
            }
            _ => {
                fs::write(&saved, &bytes).unwrap();
                fs::write(&aside_log, &sure).unwrap();
                fs::write(&aside, &damaged).unwrap();
            }
        }
        save(&mut bench).unwrap();
        assert_eq!(fs::read(&aside).unwrap(), damaged, "{interrupted}");
        let begun_anew = interrupted == "while the new one is written";
        let expected = if begun_anew { Defect::Incomplete } else { Defect::Replaced };
        assert_eq!(defects(bench.ledger()), [expected], "{interrupted}");
        assert_eq!((saved.exists(), new.exists(), aside_log.exists()), (false, false, !begun_anew), "{interrupted}");
        bench.ledger = None;
        assert!(!log.exists());
    }
}
