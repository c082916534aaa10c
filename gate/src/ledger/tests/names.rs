//! Names are read for the screen, and are nowhere else.

use super::*;
use countermark_shared::documents::Lease;

/// A gate that was given the event's secret.
fn entrusted(change: impl FnOnce(&mut countermark_shared::documents::Assignment)) -> Bench {
    let mut bench = Bench::synced();
    assign(&mut bench, 2, change);
    bench
}

fn read(said: &Announcement) -> Option<(&str, &str)> {
    said.holder.as_ref().map(|holder| (holder.name(), holder.seat()))
}

#[test]
fn a_name_comes_with_the_verdict_on_a_verified_ticket_and_with_nothing_else() {
    let mut bench = entrusted(|_| {});
    let genuine = samples::sealed_ticket(42, true);
    let forged = UnverifiedTicket::new(genuine.body().clone(), genuine.issuer(), genuine.issuer());
    let texts = [genuine.to_text(), genuine.to_text(), forged.to_text(), ticket(43, 1)];
    let said = bench.scan(&texts);
    let expected = [Reason::Admitted, Reason::PlacesUsedUp, Reason::AuthorityForged, Reason::Admitted];
    assert_eq!(said.iter().map(|said| said.ruling.verdict).collect::<Vec<_>>(), expected);
    let whole = Some((samples::NAME, samples::SEAT));
    assert_eq!(said.iter().map(read).collect::<Vec<_>>(), [whole, whole, None, None]);
    let exit = RawScan { lane: LaneId(2), ..scan(&texts[0]) };
    assert_eq!(read(&bench.ledger().scan(&[exit], moment(DOORS))[0]), None, "nobody is asked on the way out");
}

#[test]
fn a_live_sealed_ticket_is_read_while_its_proof_is_fresh_and_stored_as_it_was_sold() {
    let mut bench = entrusted(|_| {});
    let (stored, shown) = samples::shown_ticket(42, DOORS);
    let texts = [stored.to_text(), shown.to_text()];
    // A battery clock may be a minute off.
    for (later, expected) in [(90_001, Reason::LiveProofStale), (90_000, Reason::ClockUnsure)] {
        let said = bench.ledger().scan(&[scan(&texts[1])], moment(DOORS + Duration::from_millis(later))).remove(0);
        assert_eq!(said.ruling.verdict, expected);
    }
    let said = bench.scan(&texts);
    let verdicts: Vec<_> = said.iter().map(|said| said.ruling.verdict).collect();
    assert_eq!(verdicts, [Reason::LiveProofMissing, Reason::Admitted]);
    assert_eq!(read(&said[1]), Some((samples::NAME, samples::SEAT)));
    let kept: Vec<_> =
        bench.ledger().batch(MAX_ROWS_PER_UPLOAD).unwrap().unwrap().rows.into_iter().map(|row| row.ticket).collect();
    assert_eq!(kept, [Some(stored.to_text()), None, None, None]);
}

#[test]
fn who_must_be_checked_and_cannot_be_named_is_for_staff() {
    let mut bench = Bench::synced();
    let texts = [samples::sealed_ticket(42, true).to_text(), samples::sealed_ticket(43, false).to_text()];
    assert_eq!(bench.verdicts(&texts), [Reason::CheckId, Reason::Admitted]);
    assign(&mut bench, 2, |assignment| assignment.secrets[0].generation = 2);
    assert_eq!(bench.verdicts(&texts[..1]), [Reason::CheckId], "wrapped for another generation than it says");
    assign(&mut bench, 3, |_| {});
    assert_eq!(bench.verdicts(&texts[..1]), [Reason::Admitted]);
}

#[test]
fn names_leave_with_the_lease_and_come_back_with_it() {
    let names_until = DOORS + Duration::from_mins(10);
    let mut bench = entrusted(|assignment| assignment.lease.names_until = names_until);
    let reads = |bench: &mut Bench| bench.ledger().report().unwrap().reads_names;
    assert!(reads(&mut bench));
    // Nobody scans: time alone does it.
    bench.ledger().pass_time(moment(names_until)).unwrap();
    assert!(!reads(&mut bench));
    let late = moment(names_until);
    let text = samples::sealed_ticket(42, true).to_text();
    assert_eq!(bench.ledger().scan(&[scan(&text)], late)[0].ruling.verdict, Reason::CheckId);

    bench.reopen().unwrap();
    bench.ledger().pass_time(late).unwrap();
    assert!(!reads(&mut bench));
    assign(&mut bench, 3, |assignment| assignment.lease = Lease { suspended: true, ..assignment.lease });
    assert!(!reads(&mut bench));
    assign(&mut bench, 4, |_| {});
    assert!(reads(&mut bench));
}

/// The bytes of every file of the folder, the write-ahead log among them, and all that is said but to the screen.
#[test]
fn a_name_is_in_no_file_no_row_no_line_and_no_answer() {
    let mut bench = entrusted(|_| {});
    let text = samples::sealed_ticket(42, true).to_text();
    let said = bench.scan(&[text.clone(), text.clone()]);
    assert_eq!(read(&said[0]), Some((samples::NAME, samples::SEAT)));
    let checked = bench.ledger().check(LaneId(1), &text, moment(DOORS)).unwrap();
    let batch = bench.ledger().batch(MAX_ROWS_PER_UPLOAD).unwrap().unwrap();
    let mut told = vec![
        format!("{said:?} {checked:?} {batch:?}").into_bytes(),
        serde_json::to_vec(&said).unwrap(),
        serde_json::to_vec(&checked).unwrap(),
        serde_json::to_vec(&batch.rows).unwrap(),
        format!("{:?}", bench.ledger().report().unwrap()).into_bytes(),
    ];
    for file in std::fs::read_dir(bench.folder.path()).unwrap() {
        told.push(std::fs::read(file.unwrap().path()).unwrap());
    }
    assert!(told.len() > 5, "there is no file to look into");
    for hidden in [samples::NAME.as_bytes(), samples::SEAT.as_bytes(), samples::event_secret().bytes()] {
        assert!(!told.iter().any(|bytes| bytes.windows(hidden.len()).any(|window| window == hidden)));
    }
}

/// What is deleted is overwritten: a document that was replaced, as a wrapped secret in an assignment, is not read off the disk later.
#[test]
fn what_is_deleted_is_overwritten() {
    let mut bench = Bench::synced();
    let overwrites: i64 = bench.ledger().connection.query_row("PRAGMA secure_delete", [], |row| row.get(0)).unwrap();
    assert_eq!(overwrites, 1);
}

/// Every file of the ledger's, as somebody with the disk reads it.
fn on_disk(bench: &Bench) -> Vec<u8> {
    let files = std::fs::read_dir(bench.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    files.flat_map(|file| std::fs::read(file).unwrap()).collect()
}

fn holds(disk: &[u8], text: &str) -> bool {
    disk.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn names_leave_the_disk_once_the_cloud_has_them_and_the_gate_still_admits() {
    let mut bench = entrusted(|_| {});
    let texts = [samples::sealed_ticket(42, false).to_text(), samples::sealed_ticket(43, false).to_text()];
    bench.verdicts(&texts);
    let stored = RowResult { sequence: 1, outcome: RowOutcome::Stored };
    bench.ledger().settle(&[stored]).unwrap();
    let on_disk_at = |bench: &mut Bench, at| {
        bench.ledger().pass_time(moment(at)).unwrap();
        let disk = on_disk(bench);
        [0, 1].map(|text: usize| holds(&disk, &texts[text]))
    };
    assert_eq!(on_disk_at(&mut bench, END - Duration::from_millis(1)), [true, true]);
    assert_eq!(on_disk_at(&mut bench, END), [false, true], "the cloud does not have the second yet");
    // It keeps what it disputes.
    bench.ledger().settle(&[RowResult { sequence: 2, outcome: RowOutcome::Unproved }]).unwrap();
    assert_eq!(on_disk_at(&mut bench, END), [false, false]);
    // The seat is used, and the journal whole.
    bench.reopen().unwrap();
    let again = bench.ledger().scan(&[scan(&texts[0])], moment(DOORS)).remove(0);
    assert_eq!(again.ruling.verdict, Reason::PlacesUsedUp);
}

/// The lease of the next event would keep them for as long as that lasts.
#[test]
fn names_of_the_event_before_leave_when_the_gate_is_moved() {
    let mut bench = entrusted(|_| {});
    let texts = [42, 43].map(|seat| samples::sealed_ticket(seat, false).to_text());
    bench.verdicts(&texts);
    let settle = |bench: &mut Bench, sequence| {
        bench.ledger().settle(&[RowResult { sequence, outcome: RowOutcome::Stored }]).unwrap();
    };
    settle(&mut bench, 1);
    let left = |bench: &mut Bench| {
        bench.ledger().pass_time(moment(DOORS)).unwrap();
        let disk = on_disk(bench);
        [0, 1].map(|text: usize| holds(&disk, &texts[text]))
    };
    assert_eq!(left(&mut bench), [true, true]);
    assign(&mut bench, 3, |assignment| {
        assignment.event = EventId(8);
        assignment.secrets = vec![];
    });
    assert!(!bench.ledger().report().unwrap().reads_names);
    assert_eq!(left(&mut bench), [false, true], "the cloud does not have the second yet");
    bench.reopen().unwrap();
    assert_eq!(left(&mut bench), [false, true]);
    settle(&mut bench, 2);
    assert_eq!(left(&mut bench), [false, false]);
}

/// Found in review: a validation that was restored from a backup was sent all rows again without a ticket's text, and could believe none of them.
#[test]
fn what_names_nobody_is_shown_again_to_a_cloud_that_was_restored() {
    let mut bench = entrusted(|_| {});
    let texts = [ticket(41, 1), samples::sealed_ticket(42, false).to_text()];
    assert_eq!(bench.verdicts(&texts), [Reason::Admitted; 2]);
    let stored = [1, 2].map(|sequence| RowResult { sequence, outcome: RowOutcome::Stored });
    bench.ledger().settle(&stored).unwrap();
    bench.ledger().pass_time(moment(END)).unwrap();
    let disk = on_disk(&bench);
    assert_eq!([0, 1].map(|text: usize| holds(&disk, &texts[text])), [true, false]);

    assert_eq!(bench.ledger().unsettle(0).unwrap(), 2);
    let again = bench.ledger().batch(MAX_ROWS_PER_UPLOAD).unwrap().unwrap().rows;
    let [unsealed, _] = texts;
    assert_eq!(again.into_iter().map(|row| row.ticket).collect::<Vec<_>>(), [Some(unsealed), None]);
}

/// Found in review: what was overwritten stayed in the write-ahead log of a gate that was cut off before it emptied that.
#[test]
fn names_leave_the_log_even_after_a_cut_between() {
    let mut bench = entrusted(|_| {});
    let text = samples::sealed_ticket(42, true).to_text();
    bench.verdicts(std::slice::from_ref(&text));
    bench.ledger().settle(&[RowResult { sequence: 1, outcome: RowOutcome::Stored }]).unwrap();
    assert_eq!(store::drop_texts(&bench.ledger().connection, None).unwrap(), 1);
    assert!(holds(&on_disk(&bench), &text), "the log has it still");
    bench.ledger().pass_time(moment(END)).unwrap();
    assert!(!holds(&on_disk(&bench), &text));
}

/// A page of the journal's index was damaged: every row is saved, and what was damaged lies aside with all that it held.
#[test]
fn a_damaged_ledger_that_lies_aside_is_emptied_once_names_are_over_and_its_rows_are_settled() {
    let mut bench = entrusted(|_| {});
    let text = samples::sealed_ticket(42, false).to_text();
    bench.verdicts(std::slice::from_ref(&text));
    bench.tamper("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'journal_seats'");
    bench.ledger = Some(Ledger::open_saving(&bench.file(), samples::owner(), BootId::new([9; 16]), UPTIME).unwrap());
    let file = bench.folder.path().join("ledger.sqlite.damaged-1");
    let whole = std::fs::read(&file).unwrap();
    // A second name of the same bytes: what was there is overwritten, and not left behind under no name.
    let same = bench.folder.path().join("same-bytes");
    std::fs::hard_link(&file, &same).unwrap();
    let wrapped = samples::wrapped_secret();
    let secret = |disk: &[u8]| disk.windows(48).any(|window| wrapped.ciphertext.as_slice() == window);
    assert!(holds(&whole, &text) && secret(&whole));

    let stored = RowResult { sequence: 1, outcome: RowOutcome::Stored };
    bench.ledger().pass_time(moment(END)).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), whole, "the cloud does not have its row yet");
    bench.ledger().settle(&[stored]).unwrap();
    bench.ledger().pass_time(moment(END - Duration::from_millis(1))).unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), whole, "names are not over");
    for _ in 0..2 {
        bench.ledger().pass_time(moment(END)).unwrap();
        assert_eq!((std::fs::read(&file).unwrap().len(), std::fs::read(&same).unwrap().len()), (0, 0));
    }
    assert!(!holds(&on_disk(&bench), &text));
    bench.reopen().unwrap();
    assert_eq!(bench.ledger().report().unwrap().defects, [Defect::Replaced], "the disk is no better for it");
}
