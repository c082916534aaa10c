use super::*;
use crate::input::{RawScan, ScannedText, Source};
use crate::ledger::{self, Ledger, Pins, Word};
use crate::samples::{self, GATE};
use crate::stand_in::StandIn;
use countermark_shared::documents::SlotState;
use countermark_shared::id::{Generation, LaneId, Slot};
use countermark_shared::journal::{BootId, ClockState};
use countermark_shared::wire::GuestCursor;
use zeroize::Zeroizing;

struct Bench {
    stand_in: StandIn,
    ledger: mpsc::Sender<Work>,
    report: watch::Receiver<Report>,
    contact: watch::Receiver<Contact>,
    finish: oneshot::Sender<()>,
    sync: tokio::task::JoinHandle<()>,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn start(poll: Duration) -> Self {
        Self::start_ahead(poll, Duration::ZERO).await
    }

    /// Beside a cloud whose clock is so much later.
    async fn start_ahead(poll: Duration, ahead: Duration) -> Self {
        let stand_in = StandIn::start().await;
        stand_in.books().ahead = ahead;
        let key = SigningKey::from_seed(&Zeroizing::new([20; 32]));
        stand_in.books().key = Some(key.verifying_key());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.sqlite");
        let clock = Clock::start();
        let uptime = clock.now().uptime;
        let opened = Ledger::open(&file, samples::owner(), BootId::new([0; 16]), uptime).unwrap();
        let (report_sender, report) = watch::channel(opened.report().unwrap());
        let (contact_sender, contact) = watch::channel(Contact::default());
        let (ledger, work) = mpsc::channel(8);
        let (finish, finishing) = oneshot::channel();
        let (pins, _) = Pins::new(&ledger);
        std::thread::spawn(move || ledger::serve(opened, work, &pins, clock, &report_sender, drop));
        let sync = Sync {
            client: Client::new(stand_in.address.clone(), move || [clock.now().battery; 2]).unwrap(),
            gate: GATE,
            key,
            ledger: ledger.clone(),
            report: report.clone(),
            contact: contact_sender,
            clock,
            poll,
        };
        let sync = tokio::spawn(sync.run(finishing));
        Self { stand_in, ledger, report, contact, finish, sync, clock, _folder: folder }
    }

    async fn scan(&mut self, text: &str) {
        let text = ScannedText::Whole(text.to_owned());
        let scan =
            RawScan { lane: LaneId(1), source: Source::Lines, text, at: self.clock.now().uptime, in_sight_since: None };
        // By the rows, which only grow: what is unsettled may be the row before, or be settled before anybody looks.
        let before = self.report.borrow().rows;
        self.ledger.send(Work::Scan(scan)).await.unwrap();
        self.report.wait_for(|report| report.rows > before).await.unwrap();
    }

    async fn settled(&mut self) {
        self.report.wait_for(|report| report.unsettled == 0).await.unwrap();
    }
}

#[tokio::test]
async fn documents_come_in_and_rows_go_out() {
    let mut bench = Bench::start(Duration::from_millis(50)).await;
    bench.report.wait_for(|report| report.documents.len() == 6).await.unwrap();
    bench.scan("a").await;
    bench.settled().await;
    assert_eq!(bench.stand_in.books().rows.len(), 1);
    assert!(bench.stand_in.books().not_modified > 0, "what is held is asked for by its name");
    assert!(bench.contact.borrow().last.is_some());

    bench.stand_in.books().session += 1;
    bench.scan("b").await;
    bench.settled().await;
    let books = bench.stand_in.books();
    assert_eq!((books.rows.len(), books.log_ins), (2, 2));
}

/// The cloud was restored from a backup, with which every session ended.
#[tokio::test]
async fn rows_that_the_cloud_has_lost_go_out_again() {
    let mut bench = Bench::start(Duration::from_millis(50)).await;
    bench.report.wait_for(|report| report.documents.len() == 5).await.unwrap();
    for text in ["a", "b", "c"] {
        bench.scan(text).await;
    }
    bench.settled().await;
    let sent = bench.stand_in.books().rows.clone();
    {
        let mut books = bench.stand_in.books();
        books.rows.truncate(1);
        books.session += 1;
    }
    bench.report.wait_for(|report| report.unsettled == 0 && bench.stand_in.books().rows == sent).await.unwrap();
}

/// What is written before the nonce is here may follow from what a restored cloud has forgotten.
#[tokio::test]
async fn a_log_in_says_how_far_the_journal_goes_once_the_nonce_has_come() {
    let mut bench = Bench::start(Duration::from_millis(50)).await;
    bench.report.wait_for(|report| report.documents.len() == 6).await.unwrap();
    bench.scan("a").await;
    let ((asked, has_asked), (give, given)) = (oneshot::channel(), oneshot::channel());
    {
        let mut books = bench.stand_in.books();
        books.nonce_waits = Some((asked, given));
        books.session += 1;
    }
    has_asked.await.unwrap();
    bench.scan("b").await;
    give.send(()).unwrap();
    bench.settled().await;
    assert_eq!(bench.stand_in.books().written_up_to, [Some(0), Some(2)]);
}

/// Rows after those that the cloud has lost would be taken for the whole. The disk is full, or broken.
#[tokio::test]
async fn where_it_cannot_be_noted_what_the_cloud_has_lost_there_is_no_session() {
    let stand_in = StandIn::start().await;
    let key = samples::signing_key(20);
    stand_in.books().key = Some(key.verifying_key());
    let clock = Clock::start();
    let (ledger, mut work) = mpsc::channel(1);
    let (_reports, report) = watch::channel(samples::report());
    let (contact, _) = watch::channel(Contact::default());
    let client = Client::new(stand_in.address.clone(), move || [clock.now().battery; 2]).unwrap();
    let (_finish, finishing) = oneshot::channel();
    let sync = Sync { client, gate: GATE, key, ledger, report, contact, clock, poll: Duration::from_millis(50) };
    tokio::spawn(sync.run(finishing));
    for log_ins in 1..=2 {
        match work.recv().await {
            Some(Work::LastRow { reply }) => reply.send(Ok(Some(3))).unwrap(),
            other => panic!("{other:?}"),
        }
        match work.recv().await {
            Some(Work::Unsettle { known_up_to: 0, reply }) => {
                reply.send(Err(rusqlite::Error::QueryReturnedNoRows.into())).unwrap();
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(stand_in.books().log_ins, log_ins);
    }
}

#[tokio::test]
async fn a_refused_document_is_shown() {
    let mut bench = Bench::start(Duration::from_millis(50)).await;
    bench.report.wait_for(|report| report.documents.len() == 6).await.unwrap();
    let list = |report: &Report| report.documents[&DocumentKind::SlotList].revision;
    let before = list(&bench.report.borrow());
    {
        let publisher = &mut bench.stand_in.books().publisher;
        publisher.junk.extend([DocumentKind::SlotList, DocumentKind::SlotDelta]);
        publisher.say([(Slot(7), SlotState::Blocked)]);
    }
    bench.contact.wait_for(|contact| contact.refused.contains_key(&DocumentKind::SlotList)).await.unwrap();
    assert!(bench.contact.borrow().problem.is_some());
    assert_eq!(list(&bench.report.borrow()), before);

    bench.stand_in.books().publisher.junk.clear();
    bench.report.wait_for(|report| list(report) > before).await.unwrap();
}

#[tokio::test]
async fn the_time_comes_signed_and_a_jump_waits_for_staff() {
    let mut bench = Bench::start(Duration::from_millis(50)).await;
    let state = |report: &Report, clock: Clock| report.read_clock(clock.now()).state;
    let clock = bench.clock;
    bench.report.wait_for(|report| state(report, clock) == ClockState::Signed).await.unwrap();

    let mut ahead = Bench::start_ahead(Duration::from_millis(50), Duration::from_hours(25)).await;
    ahead.report.wait_for(|report| report.clock.waiting().is_some()).await.unwrap();
    assert_eq!(state(&ahead.report.borrow(), ahead.clock), ClockState::Ahead);
    let (reply, answer) = oneshot::channel();
    ahead.ledger.send(Work::Hear { word: Word::Confirm, reply }).await.unwrap();
    assert!(answer.await.unwrap().unwrap().is_some());
    assert_eq!(state(&ahead.report.borrow(), ahead.clock), ClockState::Signed);
}

#[tokio::test]
async fn an_answer_for_rows_that_were_not_sent_settles_nothing() {
    let mut bench = Bench::start(Duration::from_hours(1)).await;
    bench.report.wait_for(|report| report.documents.len() == 6).await.unwrap();
    bench.stand_in.books().answers_for_others = true;
    bench.scan("a").await;
    bench.scan("b").await;
    bench.contact.wait_for(|contact| contact.problem.is_some()).await.unwrap();
    assert_eq!(bench.report.borrow().unsettled, 2);

    bench.stand_in.books().answers_for_others = false;
    bench.settled().await;
    assert_eq!(bench.stand_in.books().rows.len(), 2);
}

#[tokio::test]
async fn guests_come_page_by_page() {
    let mut bench = Bench::start(Duration::from_millis(50)).await;
    {
        let mut books = bench.stand_in.books();
        for slot in 0..5 {
            let issued = samples::SIGNED;
            let cursor = GuestCursor { issued, slot: Slot(slot), generation: Generation(1) };
            books.guests.insert(cursor, samples::guest(slot, 1, samples::ORDER, issued));
        }
        books.publisher.give_guests(true);
    }
    bench.report.wait_for(|report| report.guests.is_some_and(|guests| guests.held == 5)).await.unwrap();
    assert!(bench.contact.borrow().problem.is_none());
}

/// What stands between may answer for a cloud that is gone: 503 is no contact.
#[tokio::test]
async fn a_refusal_is_no_contact() {
    let mut bench = Bench::start(Duration::from_millis(50)).await;
    bench.report.wait_for(|report| report.documents.len() == 6).await.unwrap();
    bench.stand_in.books().unavailable = true;
    let first = bench.contact.wait_for(|contact| contact.problem.is_some()).await.unwrap().clone();
    let later = bench.contact.wait_for(|contact| contact.problem != first.problem).await.unwrap();
    assert!(later.problem.as_ref().unwrap().sentence.contains("503"));
    assert_eq!((later.last, later.heard), (first.last, first.heard));
}

/// Nor is it a cloud that does not know this gate, unless that says so of its log-in itself.
#[tokio::test]
async fn a_gate_that_the_cloud_does_not_know_says_so_until_it_is_known_again() {
    let mut bench = Bench::start(Duration::from_millis(50)).await;
    bench.report.wait_for(|report| report.documents.len() == 6).await.unwrap();
    let refuse = |kind| {
        let mut books = bench.stand_in.books();
        books.session += 1;
        books.log_in_refused = Some(kind);
    };
    refuse("about:blank");
    let problem = bench.contact.wait_for(|contact| contact.problem.is_some()).await.unwrap().clone();
    assert!(!problem.log_in_refused, "{problem:?}");
    refuse("urn:countermark:problem:login-refused");
    let unknown = bench.contact.wait_for(|contact| contact.log_in_refused).await.unwrap().clone();
    assert_eq!((unknown.last, unknown.heard), (problem.last, problem.heard));
    assert_eq!(unknown.log_in_warning(), Some(Sentence::log_in_refused()));
    bench.stand_in.books().log_in_refused = None;
    bench.contact.wait_for(|contact| !contact.log_in_refused).await.unwrap();
}

#[tokio::test]
async fn what_is_left_goes_out_before_the_end() {
    let mut bench = Bench::start(Duration::from_hours(1)).await;
    bench.report.wait_for(|report| report.documents.len() == 6).await.unwrap();
    bench.scan("a").await;
    bench.finish.send(()).unwrap();
    bench.sync.await.unwrap();
    assert_eq!(bench.stand_in.books().rows.len(), 1);
    assert_eq!(bench.report.borrow().unsettled, 0);
}
