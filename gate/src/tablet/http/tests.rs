use std::net::Ipv4Addr;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, LOCATION, ORIGIN};
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::*;
use crate::clock::Clock;
use crate::data_folder::DataFolder;
use crate::ledger::{Report, Work};
use crate::samples;
use core::time::Duration;
use countermark_shared::documents::Lease;
use countermark_shared::id::EventId;
use tokio::sync::watch;

const AN_HOUR: Duration = Duration::from_hours(1);
const HOST_NAME: &str = "192.168.1.20:8443";

struct Bench {
    _folder: tempfile::TempDir,
    tablets: Arc<Tablets>,
    report: watch::Sender<Report>,
    router: Router,
    /// What is asked of the ledger.
    work: mpsc::Receiver<Work>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = SocketAddr::from((Ipv4Addr::new(192, 168, 1, 20), 8443));
        let clock = Clock::start();
        let lease = Lease { until: clock.now().battery + AN_HOUR, ..samples::assignment().lease };
        let report = watch::Sender::new(Report { lease: Some(lease), ..samples::report() });
        let data = DataFolder::at(folder.path());
        let tablets = Arc::new(Tablets::load(data, address, clock, report.subscribe()).unwrap());
        let (ledger, work) = mpsc::channel(4);
        let router = router(Arc::new(Screen { ledger, ..samples::screen() }), Arc::clone(&tablets));
        Self { _folder: folder, tablets, report, router, work }
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
    }

    async fn see(&self, path: &str, cookie: &str) -> StatusCode {
        self.ask(Method::GET, path, &[(HOST.as_str(), HOST_NAME), (COOKIE.as_str(), cookie)], "").await.status()
    }

    async fn pair(&self, code: &str) -> Response {
        let headers = [(HOST.as_str(), HOST_NAME), (ORIGIN.as_str(), "https://192.168.1.20:8443")];
        self.ask(Method::POST, "/pair", &headers, &format!("{{\"code\":\"{code}\"}}")).await
    }

    /// A tablet's cookie.
    async fn paired(&self) -> String {
        let invitation = self.tablets.invite().unwrap();
        let answer = self.pair(&invitation.code).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
        for property in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
            assert!(cookie.contains(property), "{property}");
        }
        cookie.split(';').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn who_is_not_paired_reaches_the_pairing_page_alone() {
    let bench = Bench::new();
    let stranger = format!("{NAME}=AAAA");
    for cookie in ["", &stranger, "tablet=x"] {
        for path in ["/screen.js", "/screen.css", "/events", "/menu.js", "/acts/undo", "/acts/find"] {
            assert_eq!(bench.see(path, cookie).await, StatusCode::UNAUTHORIZED, "{path}");
        }
        for path in ["/pair", "/pair.js", "/pair.css"] {
            assert_eq!(bench.see(path, cookie).await, StatusCode::OK, "{path}");
        }
        assert_eq!(bench.see("/tablets/invite", cookie).await, StatusCode::NOT_FOUND);
    }
    let sent = bench.ask(Method::GET, "/", &[(HOST.as_str(), HOST_NAME)], "").await;
    assert_eq!((sent.status(), &sent.headers()[LOCATION]), (StatusCode::SEE_OTHER, &"/pair".parse().unwrap()));
    let from_here = [(HOST.as_str(), HOST_NAME), (ORIGIN.as_str(), "https://192.168.1.20:8443")];
    let act = bench.ask(Method::POST, "/acts/undo", &from_here, "{\"sequence\":1}").await;
    assert_eq!(act.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_code_makes_one_tablet_until_it_is_revoked() {
    let bench = Bench::new();
    assert_eq!(bench.pair("000000").await.status(), StatusCode::FORBIDDEN, "no code is open");
    let invitation = bench.tablets.invite().unwrap();
    assert_eq!(bench.pair("none").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(bench.pair(&invitation.code).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(bench.pair(&invitation.code).await.status(), StatusCode::FORBIDDEN, "a code is good once");

    let cookie = bench.paired().await;
    assert_eq!(bench.see("/screen.js", &format!("a=b; {cookie}")).await, StatusCode::OK);
    assert_eq!(bench.see("/", &cookie).await, StatusCode::OK);
    let numbers: Vec<_> = bench.tablets.list().iter().map(|tablet| tablet.number).collect();
    assert_eq!(numbers, [1, 2]);
    bench.tablets.revoke(2).unwrap();
    assert_eq!(bench.see("/screen.js", &cookie).await, StatusCode::UNAUTHORIZED);
    assert!(matches!(bench.tablets.revoke(2), Err(TabletError::Unknown(2))));
}

/// An hour here; the season's next event pairs anew.
#[tokio::test]
async fn a_pairing_ends_with_the_lease_of_its_assignment() {
    let bench = Bench::new();
    let invitation = bench.tablets.invite().unwrap();
    let answer = bench.pair(&invitation.code).await;
    let cookie = answer.headers()[SET_COOKIE].to_str().unwrap();
    let seconds = cookie.split("Max-Age=").nth(1).and_then(|rest| rest.split(';').next()).unwrap();
    assert!((3000..=3600).contains(&seconds.parse::<u64>().unwrap()), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let seen = async || bench.see("/screen.js", &cookie).await;
    let lease = bench.report.borrow().lease.unwrap();
    for (event, until, expected) in [
        (Some(samples::EVENT), lease.until, StatusCode::OK),
        (Some(samples::EVENT), lease.until + AN_HOUR, StatusCode::OK),
        (Some(EventId(8)), lease.until, StatusCode::UNAUTHORIZED),
        (None, lease.until, StatusCode::UNAUTHORIZED),
        (Some(samples::EVENT), samples::SIGNED, StatusCode::UNAUTHORIZED),
    ] {
        bench.report.send_modify(|report| (report.event, report.lease) = (event, Some(Lease { until, ..lease })));
        assert_eq!(seen().await, expected, "{event:?} until {until}");
        assert_eq!(bench.tablets.list().len(), usize::from(expected == StatusCode::OK));
    }
    assert!(matches!(bench.tablets.invite(), Err(TabletError::NoLease(_))));
}

#[tokio::test]
async fn a_pin_that_is_typed_at_a_tablet_is_that_tablets() {
    let mut bench = Bench::new();
    for number in [1, 2] {
        let cookie = bench.paired().await;
        let headers = [
            (HOST.as_str(), HOST_NAME),
            (ORIGIN.as_str(), "https://192.168.1.20:8443"),
            (COOKIE.as_str(), cookie.as_str()),
        ];
        for (path, body) in [
            ("/acts/overrule", r#"{"sequence":1,"pin":"273940","why":"other"}"#),
            ("/acts/undo", r#"{"sequence":1,"pin":"273940"}"#),
        ] {
            let asked = async {
                let Some(Work::Overrule { pin, .. } | Work::ByStaff { pin: Some(pin), .. }) = bench.work.recv().await
                else {
                    panic!("{path} asks something else")
                };
                pin.desk
            };
            let request = Request::builder().method(Method::POST).uri(path).header(CONTENT_TYPE, "application/json");
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let answer = bench.router.clone().oneshot(request.body(Body::from(body)).unwrap());
            assert_eq!(tokio::join!(asked, answer).0, Desk::Tablet(number), "{path}");
        }
    }
}

#[tokio::test]
async fn other_names_and_other_pages_are_refused_whoever_asks() {
    let bench = Bench::new();
    let cookie = bench.paired().await;
    for host in ["gate.example:8443", "localhost:8443", "192.168.1.20", "192.168.1.20:8444", ""] {
        let answer = bench.ask(Method::GET, "/pair", &[(HOST.as_str(), host), (COOKIE.as_str(), &cookie)], "").await;
        assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    let own = "https://192.168.1.20:8443";
    for (origin, site) in [
        (None, "same-origin"),
        (Some("https://evil.example"), "cross-site"),
        (Some("https://192.168.1.20:9000"), "same-site"),
        (Some(own), "cross-site"),
        (Some("null"), "none"),
    ] {
        let mut headers = vec![(HOST.as_str(), HOST_NAME), (COOKIE.as_str(), &*cookie), ("sec-fetch-site", site)];
        headers.extend(origin.map(|origin| (ORIGIN.as_str(), origin)));
        for path in [
            "/acts/undo",
            "/acts/overrule",
            "/acts/hold",
            "/acts/release",
            "/acts/confirm",
            "/acts/enter",
            "/acts/persons",
            "/acts/find",
            "/acts/choose",
            "/acts/clock",
            "/pair",
        ] {
            let answer = bench.ask(Method::POST, path, &headers, "{\"sequence\":1}").await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path} from {origin:?}, {site}");
        }
    }
}
