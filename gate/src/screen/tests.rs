use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::ORIGIN;
use countermark_shared::clock::GateClock;
use countermark_shared::documents::{Lease, Needs, Signed};
use countermark_shared::id::{Generation, LaneId, Slot};
use countermark_shared::journal::{BootId, Subject};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::{Reason, Verdict};
use countermark_shared::wire::GuestPage;
use http_body_util::BodyExt;
use tokio::sync::{mpsc, watch};
use tower::ServiceExt;

use super::stream::Heard;
use super::*;
use crate::announcement::{Announcement, Ruling, Sentence};
use crate::clock::Moment;
use crate::devices::Devices;
use crate::documents::DocumentKind;
use crate::input::{RawScan, ScannedText, Source};
use crate::ledger::{Defect, Delivery, Ledger, Persons, Report, Word, Work};
use crate::samples::{self, DOORS, END, EVENT, report};
use crate::sync::Contact;

struct Bench {
    screen: Arc<Screen>,
    contact: watch::Sender<Contact>,
    work: mpsc::Receiver<Work>,
    report: watch::Sender<Report>,
    _devices: watch::Sender<Devices>,
}

impl Bench {
    fn new() -> Self {
        let (report_sender, report) = watch::channel(report());
        let (contact_sender, contact) = watch::channel(Contact::default());
        let (ledger, work) = mpsc::channel(8);
        let (devices_sender, devices) = watch::channel(Devices::default());
        let screen = Screen { ledger, report, contact, devices, ..samples::screen() };
        Self {
            screen: Arc::new(screen),
            contact: contact_sender,
            work,
            report: report_sender,
            _devices: devices_sender,
        }
    }

    fn heartbeat(&self, now: Moment) -> Heartbeat {
        self.screen.heartbeat(now, Shown::ALL)
    }

    async fn ask(&self, method: &str, path: &str, host: &str) -> Response {
        let request = Request::builder().method(method).uri(path).header(HOST, host).body(Body::empty()).unwrap();
        router(Arc::clone(&self.screen), "127.0.0.1:7000".parse().unwrap()).oneshot(request).await.unwrap()
    }
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let bench = Bench::new();
    for path in [
        "/",
        "/screen.css",
        "/screen.js",
        "/connection.js",
        "/time.js",
        "/verdict.js",
        "/regions.js",
        "/notices.js",
        "/sound.js",
        "/words.js",
        "/menu.js",
        "/find.js",
        "/menu.css",
    ] {
        let response = bench.ask("GET", path, "127.0.0.1:7000").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let policy = response.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains("://"), "{path}");
    }
}

/// By staff alone, whose page shows it and keeps no copy.
#[tokio::test]
async fn an_orders_code_brings_names_to_the_page_that_asked() {
    let mut bench = Bench::new();
    let post = |path: &str, origin: &str, body: &str| {
        let request = Request::builder().method("POST").uri(path).header(HOST, "127.0.0.1:7000");
        let request = request.header(ORIGIN, origin).header(CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(body.to_owned())).unwrap();
        router(Arc::clone(&bench.screen), "127.0.0.1:7000".parse().unwrap()).oneshot(request)
    };
    let own = "http://127.0.0.1:7000";
    let typed = r#"{"lane":1,"code":"7kq2m 4xd9p"}"#;
    let elsewhere = post("/acts/find", "http://evil.example", typed).await.unwrap();
    assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN);
    for (path, mistyped) in
        [("/acts/find", r#"{"lane":1,"code":"7KQ2M"}"#), ("/acts/choose", r#"{"lane":1,"code":"7KQ2M","slot":1}"#)]
    {
        let none = post(path, own, mistyped).await.unwrap();
        assert_eq!(none.status(), StatusCode::CONFLICT, "{path}");
        let said = none.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(
            serde_json::from_slice::<Sentence>(&said).unwrap().fr,
            "Ce n'est pas un code de commande : il a dix lettres et chiffres, comme 7KQ2M-4XD9P."
        );
    }
    let (folder, mut ledger) = entrusted();
    let page = GuestPage { guests: vec![samples::guest(42, 1, samples::ORDER, DOORS)], next: None };
    ledger.deliver(Delivery::Guests { event: EVENT, page }, moment(DOORS, 0)).unwrap();
    let answering = async {
        let Some(Work::Find { lane, code, reply }) = bench.work.recv().await else {
            panic!("something else was asked")
        };
        drop(reply.send(ledger.find(lane, code, moment(DOORS, 0))));
    };
    let (answer, ()) = tokio::join!(post("/acts/find", own, typed), answering);
    let answer = answer.unwrap();
    assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let found: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(found[0]["holder"], serde_json::json!({ "name": samples::NAME, "seat": samples::SEAT }));
    assert_eq!((&found[0]["slot"], &found[0]["standing"]), (&42.into(), &"admitted".into()));
    drop(folder);
}

#[tokio::test]
async fn other_hosts_and_other_methods_are_refused() {
    let bench = Bench::new();
    for host in ["evil.example:7000", "127.0.0.1", "127.0.0.1:7001", "gate.local:7000", ""] {
        for path in ["/", "/events"] {
            assert_eq!(bench.ask("GET", path, host).await.status(), StatusCode::MISDIRECTED_REQUEST, "{host}{path}");
        }
    }
    for host in ["localhost:7000", "[::1]:7000"] {
        assert_eq!(bench.ask("GET", "/", host).await.status(), StatusCode::OK, "{host}");
    }
    assert_eq!(bench.ask("POST", "/", "127.0.0.1:7000").await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(bench.ask("GET", "/other", "127.0.0.1:7000").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_open_page_hears_heartbeats_and_each_verdict_once() {
    let mut bench = Bench::new();
    let early = announcement(1);
    // Nobody listens yet, so nobody ever sees it.
    assert!(bench.screen.verdicts.send(early).is_err());
    let response = bench.ask("GET", "/events", "127.0.0.1:7000").await;
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
    bench.screen.verdicts.send(announcement(2)).unwrap();

    let mut body = response.into_body();
    let mut heard = hear(&mut body).await;
    assert!(heard.starts_with("event: verdict"), "{heard}");
    let journal = hear(&mut body).await;
    assert!(journal.starts_with("event: journal") && journal.contains("\"entered\":0"), "{journal}");

    // The heartbeat is the ledger's: without its answer the page hears nothing.
    let asked = tokio::select! {
        heard = hear(&mut body) => panic!("heard without the ledger: {heard}"),
        asked = bench.work.recv() => asked,
    };
    let Some(Work::Reach { reply }) = asked else { panic!("a heartbeat asks for nothing else") };
    reply.send(()).unwrap();
    heard.push_str(&hear(&mut body).await);
    assert!(heard.contains("\"sequence\":2") && !heard.contains("\"sequence\":1,"), "{heard}");
    assert!(heard.contains("\"announced\":1234") && heard.contains("\"uptime_milliseconds\":"), "{heard}");
    assert!(heard.contains("\"severity\":\"admit\"") && heard.contains("\"unsettled\":5"), "{heard}");
}

fn moment(at: Timestamp, uptime: u64) -> Moment {
    Moment { battery: at, uptime: Duration::from_secs(uptime) }
}

/// By uptime: a clock that is set back must not make the last contact look young.
#[test]
fn silence_of_the_cloud_is_said_after_a_minute_whatever_the_clock_says() {
    let bench = Bench::new();
    assert!(bench.heartbeat(moment(DOORS, 0)).offline);
    bench.contact.send_modify(|contact| contact.heard = Some(Duration::from_secs(10)));
    assert!(!bench.heartbeat(moment(END, 70)).offline);
    assert!(bench.heartbeat(moment(Timestamp::from_unix_seconds(0), 71)).offline);
}

#[test]
fn a_trust_bundle_past_its_end_and_an_old_list_are_said_and_the_gate_stays_ready() {
    let bench = Bench::new();
    let documents = samples::documents_in_force();
    let standing = |kind| documents.standing(kind).map(|standing| (kind, standing));
    let until = samples::bundle().not_after;
    bench.report.send_modify(|report| {
        report.documents = DocumentKind::HELD.into_iter().filter_map(standing).collect();
        report.documents.insert(DocumentKind::AdmissionFeed, report.documents[&DocumentKind::SlotList]);
        (report.trust_until, report.list_warning) = (documents.trust_until(), documents.list_warning());
    });
    // The sample's list was issued a minute before the doors open; its event warns after fifteen.
    let young = bench.heartbeat(moment(DOORS + Duration::from_mins(14), 0));
    assert!(young.ready && !young.list_old && young.feed_old_seconds.is_none() && young.trust_warning.is_none());
    assert!(bench.heartbeat(moment(until, 0)).trust_warning.is_none());
    let late = bench.heartbeat(moment(until + Duration::from_millis(1), 0));
    assert!(late.ready && late.list_old);
    assert_eq!(late.feed_old_seconds, late.list_age_seconds);
    assert_eq!(late.trust_warning, Some(Sentence::trust_ended()));
}

/// Whatever else is amiss, nobody is told to go on: whom the gate lets in, nobody hears of.
#[test]
fn a_gate_that_the_cloud_does_not_know_says_that_and_nothing_that_follows_from_it() {
    let bench = Bench::new();
    let documents = samples::documents_in_force();
    let standing = |kind| documents.standing(kind).map(|standing| (kind, standing));
    bench.report.send_modify(|report| {
        report.documents = DocumentKind::HELD.into_iter().filter_map(standing).collect();
        report.documents.insert(DocumentKind::AdmissionFeed, report.documents[&DocumentKind::SlotList]);
        (report.trust_until, report.list_warning) = (documents.trust_until(), documents.list_warning());
    });
    bench.contact.send_modify(|contact| contact.out_of_date = true);
    let late = moment(samples::bundle().not_after + Duration::from_millis(1), 0);
    let said = |log_in_refused| {
        bench.contact.send_modify(|contact| contact.log_in_refused = log_in_refused);
        let beat = bench.heartbeat(late);
        assert_eq!(beat.log_in_warning.is_some(), log_in_refused);
        let (feed, trust) = (beat.feed_old_seconds.is_some(), beat.trust_warning.is_some());
        [beat.offline, beat.list_old, feed, trust, beat.certificate_warning.is_some()]
    };
    assert_eq!([said(false), said(true)], [[true; 5], [false; 5]]);
    assert!(bench.heartbeat(late).ready, "tickets are decided all the same");
}

#[test]
fn a_clock_a_lease_and_a_conflict_are_said_in_both_languages() {
    let bench = Bench::new();
    let said = |now| bench.heartbeat(moment(now, 0));
    assert!(said(DOORS).clock_warning.is_none() && said(DOORS).lease_warning.is_none());
    let needs = Needs { fetch: Vec::new(), conflicts: vec![countermark_shared::documents::DocumentKind::SlotList] };
    bench.report.send_modify(|report| {
        report.clock = GateClock::new(DOORS, Duration::ZERO);
        report.lease = Some(samples::assignment().lease);
        report.needs = Some((EVENT, needs));
    });
    let fell_back = said(Timestamp::from_unix_seconds(0));
    assert!(fell_back.clock_warning.is_some_and(|Sentence { en, fr }| en != fr));
    assert_eq!(fell_back.conflicts, [DocumentKind::SlotList]);
    let ended = said(END + Duration::from_hours(12));
    let date = (END + Duration::from_hours(12)).to_string();
    assert!(ended.lease_warning.is_some_and(|Sentence { en, fr }| en.contains(&date) && fr.contains(&date)));
    assert!(ended.certificate_warning.is_none());
    bench.contact.send_modify(|contact| contact.out_of_date = true);
    let refused = said(DOORS).certificate_warning.unwrap();
    assert!(refused.en.contains("date is wrong: it says 20") && refused.fr.contains("elle dit 20"));
    bench.report.send_modify(|report| report.clock.held_back(END));
    let asked = said(DOORS).clock_warning.unwrap();
    let french = END.to_string().replace('T', " à ").replace('Z', "");
    assert!(asked.en.contains(&format!("is it {END} (UTC, ")) && asked.en.contains("MENU"), "{}", asked.en);
    assert!(asked.fr.contains(&format!("sommes-nous le {french} (UTC, ")) && asked.fr.contains("MENU"), "{}", asked.fr);
    assert_eq!(said(DOORS).clock_waiting, Some(END));
}

/// A ledger with a guest list to be, and with the secret that opens names.
fn entrusted() -> (tempfile::TempDir, Ledger) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.sqlite");
    let mut ledger = Ledger::open(&file, samples::owner(), BootId::new([0; 16]), Duration::ZERO).unwrap();
    let now = moment(DOORS, 0);
    for (kind, bytes) in samples::documents() {
        ledger.take(kind, &bytes, now).unwrap();
    }
    let mut assignment = samples::assignment();
    (assignment.version, assignment.secrets) = (2, vec![samples::wrapped_secret()]);
    ledger.take(DocumentKind::Assignment, &samples::assignment_bytes(&assignment), now).unwrap();
    let event = Signed::seal(&samples::event_with_guests(2, true), &[&samples::signing_key(4)]).unwrap();
    ledger.take(DocumentKind::EventDocument, &event, now).unwrap();
    (folder, ledger)
}

/// With its verdict alone, of a ticket that was shown.
#[test]
fn the_page_hears_whom_a_ticket_names_and_what_is_left_on_it() {
    let (_folder, mut ledger) = entrusted();
    let now = moment(DOORS, 0);
    let text = ScannedText::Whole(samples::sealed_ticket(42, true).to_text());
    let scan = RawScan { lane: LaneId(1), source: Source::Lines, text, at: Duration::ZERO, in_sight_since: None };
    let said = ledger.scan(&[scan], now).remove(0);
    let heard = serde_json::to_value(Heard::of(&said)).unwrap();
    assert_eq!(heard["holder"], serde_json::json!({ "name": samples::NAME, "seat": samples::SEAT }));
    assert_eq!((&heard["remaining"], &heard["announced"]), (&0.into(), &0.into()));
    let printed = serde_json::to_string(&said).unwrap();
    assert!(!printed.contains(samples::NAME) && !printed.contains("holder"));
}

#[test]
fn a_lane_that_was_not_assigned_is_not_ready() {
    let bench = Bench::new();
    let documents = samples::documents_in_force();
    let standing = |kind| documents.standing(kind).map(|standing| (kind, standing));
    bench.report.send_modify(|report| {
        report.documents = DocumentKind::HELD.into_iter().filter_map(standing).collect();
    });
    assert!(bench.heartbeat(moment(DOORS, 0)).ready);
    bench.report.send_modify(|report| report.lanes.clear());
    let heartbeat = bench.heartbeat(moment(DOORS, 0));
    let [lane] = heartbeat.lanes.try_into().unwrap();
    assert!(!heartbeat.ready && !lane.ready);
    assert!(lane.stopped_by.unwrap().en.starts_with("Lane 1 is in gate.toml and not in the assignment"));
    bench.report.send_modify(|report| report.documents.retain(|kind, _| *kind != DocumentKind::Assignment));
    assert_eq!(bench.heartbeat(moment(DOORS, 0)).lanes[0].stopped_by, None, "it is waited for");
}

/// Leaving never depends on a lease.
#[test]
fn a_gate_that_is_suspended_or_whose_lease_is_over_is_ready_on_the_way_out_alone() {
    let documents = samples::documents_in_force();
    let standing = |kind| documents.standing(kind).map(|standing| (kind, standing));
    let mut bench = Bench::new();
    let lanes = vec![LaneId(1), LaneId(2)];
    bench.screen = Arc::new(Screen { lanes, ..Arc::into_inner(bench.screen).unwrap() });
    let lease = samples::assignment().lease;
    bench.report.send_modify(|report| {
        report.documents = DocumentKind::HELD.into_iter().filter_map(standing).collect();
        (report.lanes, report.lease) = (samples::assignment().lanes, Some(lease));
    });
    assert!(bench.heartbeat(moment(DOORS, 0)).ready);
    let suspended = Lease { suspended: true, ..lease };
    for (lease, now, said) in [(suspended, DOORS, "SUSPENDED"), (lease, lease.until, "ASSIGNMENT HAS ENDED")] {
        bench.report.send_modify(|report| report.lease = Some(lease));
        let heartbeat = bench.heartbeat(moment(now, 0));
        let [entry, exit] = &*heartbeat.lanes else { panic!("two lanes are shown") };
        assert!(!heartbeat.ready && !entry.ready && exit.ready, "{said}");
        assert!(entry.stopped_by.as_ref().unwrap().en.contains(said) && exit.stopped_by.is_none());
        assert_eq!(entry.stopped_by, heartbeat.lease_warning);
    }
}

#[tokio::test]
async fn how_many_each_scan_lets_through_is_said_at_the_gate_itself() {
    let mut bench = Bench::new();
    let ask = |screen: Arc<Screen>, lane: u8| async move {
        let request = Request::builder()
            .method("POST")
            .uri("/acts/persons")
            .header(HOST, "127.0.0.1:7000")
            .header("origin", "http://127.0.0.1:7000")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(format!(r#"{{"lane":{lane},"persons":"one"}}"#)))
            .unwrap();
        let answer = router(screen, "127.0.0.1:7000".parse().unwrap()).oneshot(request).await.unwrap();
        (answer.status(), answer.into_body().collect().await.unwrap().to_bytes())
    };
    let heard = async {
        let Some(Work::LetThrough { lane, persons, reply }) = bench.work.recv().await else {
            panic!("something else is asked")
        };
        reply.send(()).unwrap();
        (lane, persons)
    };
    let (heard, (status, body)) = tokio::join!(heard, ask(Arc::clone(&bench.screen), 1));
    assert_eq!((heard, status), ((LaneId(1), Persons::One), StatusCode::OK));
    assert!(String::from_utf8_lossy(&body).contains("LANE 1: each scan lets ONE person through"));
    assert_eq!(ask(Arc::clone(&bench.screen), 9).await.0, StatusCode::NOT_FOUND);
}

/// An instant that waits is confirmed or dismissed; one that waits no more is said to.
#[tokio::test]
async fn staff_say_at_the_screen_whether_the_clock_is_right() {
    let mut bench = Bench::new();
    for (word, waits, status, said) in [
        (Word::Confirm, Some(END), StatusCode::OK, "the clock was set to it"),
        (Word::Dismiss, Some(END), StatusCode::OK, "the clock stays as it is"),
        (Word::Confirm, None, StatusCode::CONFLICT, "No clock change is waiting"),
    ] {
        let request = Request::builder()
            .method("POST")
            .uri("/acts/clock")
            .header(HOST, "127.0.0.1:7000")
            .header("origin", "http://127.0.0.1:7000")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(serde_json::json!({ "word": word }).to_string()))
            .unwrap();
        let asked = router(Arc::clone(&bench.screen), "127.0.0.1:7000".parse().unwrap()).oneshot(request);
        let heard = async {
            let Some(Work::Hear { word, reply }) = bench.work.recv().await else { panic!("something else is asked") };
            drop(reply.send(Ok(waits)));
            word
        };
        let (heard, answer) = tokio::join!(heard, asked);
        let answer = answer.unwrap();
        assert_eq!((heard, answer.status()), (word, status));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(String::from_utf8_lossy(&body).contains(said), "{body:?}");
    }
}

#[test]
fn a_lane_where_each_scan_is_for_one_is_said_on_its_own_page() {
    let bench = Bench::new();
    assert_eq!(bench.heartbeat(moment(DOORS, 0)).one_by_one, []);
    bench.report.send_modify(|report| report.one_by_one = vec![LaneId(1), LaneId(9)]);
    let said = bench.heartbeat(moment(DOORS, 0)).one_by_one;
    assert_eq!(said.iter().map(|said| &*said.en).collect::<Vec<_>>(), ["LANE 1: each scan lets ONE person through"]);
}

#[test]
fn what_is_wrong_with_the_ledger_is_said_and_a_gate_that_it_stops_is_not_ready() {
    let bench = Bench::new();
    let documents = samples::documents_in_force();
    let standing = |kind| documents.standing(kind).map(|standing| (kind, standing));
    bench.report.send_modify(|report| {
        report.documents = DocumentKind::HELD.into_iter().filter_map(standing).collect();
    });
    let stopping = [Defect::Full, Defect::Unwritable, Defect::Incomplete, Defect::Forked, Defect::Unopened];
    for defect in stopping.into_iter().chain([Defect::Damaged, Defect::Replaced]) {
        bench.report.send_modify(|report| report.defects = vec![defect]);
        let heartbeat = bench.heartbeat(moment(DOORS, 0));
        let sentence = defect.sentence();
        assert_eq!(heartbeat.ready, !stopping.contains(&defect), "{defect:?}");
        assert_eq!(heartbeat.lanes[0].stopped_by, Some(sentence.clone()).filter(|_| !heartbeat.ready), "{defect:?}");
        assert_ne!(sentence.en, sentence.fr);
        assert_eq!(heartbeat.ledger_warnings, [sentence]);
    }
}

async fn hear(body: &mut Body) -> String {
    let frame = body.frame().await.unwrap().unwrap();
    String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
}

fn announcement(sequence: u64) -> Arc<Announcement> {
    let subject = Subject::Ticket { event: EVENT, slot: Slot(42), generation: Generation(1) };
    let mut verdict = Verdict::refusal(Reason::Admitted);
    verdict.persons = 2;
    Arc::new(Announcement {
        sequence: Some(sequence),
        lane: LaneId(1),
        source: Source::Lines,
        at: DOORS,
        ruling: Ruling::new(verdict, &subject),
        announced: Duration::from_millis(1234),
        holder: None,
    })
}
