//! The operator's screen: one page on this machine, and the stream that feeds it. Owns what a browser may load and who may ask; the page
//! owns how it looks. Knows nothing of decisions.
//!
//! A verdict goes to the pages that are open when it is announced, never to one that opens later: there is no stale green to show.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use countermark_shared::id::LaneId;
use countermark_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::MissedTickBehavior;
use tokio_stream::wrappers::{BroadcastStream, IntervalStream};
use tokio_stream::{Stream, StreamExt};

use crate::announcement::{Announcement, Sentence};
use crate::clock::{Clock, Moment};
use crate::devices::Devices;
use crate::documents::DocumentKind;
use crate::ledger::{Defect, Report, Work};
use crate::sync::Contact;

/// The page says "agent stopped" after three seconds without one. The ledger answers for each, so that a page never looks ready while
/// nothing can be decided.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Silence of the cloud that an operator is told about.
const OFFLINE_AFTER: Duration = Duration::from_mins(1);
/// Everything from here, nothing inline, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What the screen shows.
#[derive(Clone)]
pub(crate) struct Screen {
    /// The entrance's name.
    pub(crate) name: String,
    /// The lanes that are scanned at.
    pub(crate) lanes: Vec<LaneId>,
    /// Verdicts as they are announced.
    pub(crate) verdicts: broadcast::Sender<Arc<Announcement>>,
    /// Answers for each heartbeat.
    pub(crate) ledger: mpsc::Sender<Work>,
    /// What the ledger holds.
    pub(crate) report: watch::Receiver<Report>,
    /// How it stands with the cloud.
    pub(crate) contact: watch::Receiver<Contact>,
    /// How it stands with inputs and outputs.
    pub(crate) devices: watch::Receiver<Devices>,
    /// For ages.
    pub(crate) clock: Clock,
}

/// The page's heartbeat: all that is not a verdict.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Heartbeat {
    /// Whose page this should be: another one loads itself anew.
    version: &'static str,
    name: String,
    /// Whether tickets can be decided at all.
    ready: bool,
    /// What keeps everybody out, if anything does.
    stopped_by: Option<Sentence>,
    list_age_seconds: Option<u64>,
    /// Whether the event's policy calls that old.
    list_old: bool,
    /// How long ago the other gates' word was known to be the newest, where the event's policy calls that old: then staff decide about what was
    /// used elsewhere.
    feed_old_seconds: Option<u64>,
    trust_warning: Option<Sentence>,
    /// What people must be told about the clock.
    clock_warning: Option<Sentence>,
    /// What staff must be told about the lease.
    lease_warning: Option<Sentence>,
    /// What people must be told about the cloud's certificate.
    certificate_warning: Option<Sentence>,
    /// What people must be told about the disk and the journal on it.
    ledger_warnings: Vec<Sentence>,
    /// What people must be told about inputs and outputs.
    device_warnings: Vec<Sentence>,
    unsettled: u64,
    contested: u64,
    offline: bool,
    /// Documents that were offered and refused.
    refused: Vec<DocumentKind>,
    /// Documents of which the cloud has another of the same number.
    conflicts: Vec<DocumentKind>,
}

/// A verdict as the page hears it.
#[derive(Serialize)]
struct Heard<'a> {
    #[serde(flatten)]
    announcement: &'a Announcement,
    /// By the system's clock, which is the page's.
    announced: Timestamp,
    /// Whom a sealed ticket names.
    holder: Option<HeardHolder<'a>>,
}

#[derive(Serialize)]
struct HeardHolder<'a> {
    name: &'a str,
    seat: &'a str,
}

impl<'a> Heard<'a> {
    fn of(announcement: &'a Announcement) -> Self {
        let holder =
            announcement.holder.as_ref().map(|holder| HeardHolder { name: holder.name(), seat: holder.seat() });
        Self { announcement, announced: announcement.announced, holder }
    }
}

/// The page and its stream, for a listener at `address`.
pub(crate) fn router(screen: Screen, address: SocketAddr) -> Router {
    Router::new()
        .route("/", get(async || asset("text/html; charset=utf-8", include_str!("page.html"))))
        .route("/screen.css", get(async || asset("text/css; charset=utf-8", include_str!("screen.css"))))
        .route("/screen.js", get(async || asset("text/javascript; charset=utf-8", include_str!("screen.js"))))
        .route("/events", get(events))
        .with_state(Arc::new(screen))
        .layer(from_fn_with_state(address.port(), only_this_machine))
}

fn asset(kind: &'static str, content: &'static str) -> impl IntoResponse {
    const HEADERS: [(HeaderName, &str); 4] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    (HEADERS, [(CONTENT_TYPE, kind)], content)
}

/// The listener is on loopback, but a web page elsewhere can name it by a host name of its own (DNS rebinding); the Host header tells.
async fn only_this_machine(State(port): State<u16>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let local = ["127.0.0.1", "localhost", "[::1]"].map(|name| format!("{name}:{port}"));
    if host.is_some_and(|host| local.iter().any(|local| local == host)) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, "open this page by its address on the gate itself\n").into_response()
    }
}

/// A page that is opened as `/?lane=2` shows one lane of several.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    lane: Option<LaneId>,
}

impl Shown {
    fn shows(self, lane: LaneId) -> bool {
        self.lane.is_none_or(|shown| shown == lane)
    }
}

async fn events(State(screen): State<Arc<Screen>>, Query(shown): Query<Shown>) -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], Sse::new(stream(&screen, shown)))
}

fn stream(screen: &Arc<Screen>, shown: Shown) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let verdicts = BroadcastStream::new(screen.verdicts.subscribe())
        // A page that cannot keep up misses verdicts rather than showing them late.
        .filter_map(move |announcement| {
            let announcement = announcement.ok().filter(|announcement| shown.shows(announcement.lane))?;
            event("verdict", &Heard::of(&announcement))
        });
    let screen = Arc::clone(screen);
    let mut interval = tokio::time::interval(HEARTBEAT);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let heartbeats = IntervalStream::new(interval)
        .then(move |_| Arc::clone(&screen).beat(shown))
        .filter_map(|heartbeat| event("heartbeat", &heartbeat?));
    verdicts.merge(heartbeats).map(Ok)
}

fn event(name: &str, data: &impl Serialize) -> Option<Event> {
    Event::default().event(name).json_data(data).inspect_err(|error| tracing::error!(%error, "screen")).ok()
}

impl Screen {
    /// A heartbeat, once the ledger has come to it; none when there is no ledger any more.
    async fn beat(self: Arc<Self>, shown: Shown) -> Option<Heartbeat> {
        let (reply, reached) = oneshot::channel();
        self.ledger.send(Work::Reach { reply }).await.ok()?;
        reached.await.ok()?;
        Some(self.heartbeat(self.clock.now(), shown))
    }

    /// Whether each lane that is shown is scanned at, and can be decided about.
    fn is_ready(&self, report: &Report, shown: Shown) -> bool {
        let mut lanes = self.lanes.iter().filter(|lane| shown.shows(**lane)).peekable();
        lanes.peek().is_some() && lanes.all(|lane| report.is_ready(*lane))
    }

    fn heartbeat(&self, now: Moment, shown: Shown) -> Heartbeat {
        let report = self.report.borrow();
        let contact = self.contact.borrow();
        let clock = report.read_clock(now);
        let age = |kind| report.documents.get(&kind).map(|standing| clock.now.since(standing.as_of));
        let (list_age, feed_age) = (age(DocumentKind::SlotList), age(DocumentKind::AdmissionFeed));
        let is_old = |age: &Duration| report.list_warning.is_some_and(|warning| *age > warning);
        Heartbeat {
            version: env!("CARGO_PKG_VERSION"),
            name: self.name.clone(),
            ready: self.is_ready(&report, shown),
            stopped_by: report.stopped_by().map(Defect::sentence),
            list_age_seconds: list_age.map(|age| age.as_secs()),
            list_old: list_age.as_ref().is_some_and(is_old),
            feed_old_seconds: feed_age.filter(is_old).map(|age| age.as_secs()),
            trust_warning: report.trust_warning(clock.now),
            clock_warning: Sentence::of_clock(clock.state, report.clock.waiting()),
            lease_warning: report.lease_warning(now),
            certificate_warning: contact.certificate_warning(&report, now),
            ledger_warnings: report.defects.iter().map(|defect| defect.sentence()).collect(),
            device_warnings: self.devices.borrow().warnings(),
            unsettled: report.unsettled,
            contested: report.contested,
            offline: contact.heard.is_none_or(|heard| now.uptime.saturating_sub(heard) > OFFLINE_AFTER),
            refused: contact.refused.keys().copied().collect(),
            conflicts: report.conflicts(),
        }
    }
}

#[cfg(test)]
mod tests;
