//! What an open page hears: verdicts as they are announced, a heartbeat a second, and the journal whenever it went on.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use countermark_shared::id::LaneId;
use serde::{Deserialize, Serialize};
use tokio::time::MissedTickBehavior;
use tokio_stream::wrappers::{BroadcastStream, IntervalStream, WatchStream};
use tokio_stream::{Stream, StreamExt};

use super::Screen;
use super::heartbeat::milliseconds;
use crate::announcement::Announcement;
use crate::names::Holder;

/// The page says "agent stopped" after three seconds without one. The ledger answers for each, so that a page never looks ready while
/// nothing can be decided.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(1);

/// A page that is opened as `/?lane=2` shows one lane of several. What else stands there is the page's own.
#[derive(Clone, Copy, Deserialize)]
pub(crate) struct Shown {
    lane: Option<LaneId>,
}

impl Shown {
    /// Every lane.
    pub(crate) const ALL: Self = Self { lane: None };

    pub(super) fn shows(self, lane: LaneId) -> bool {
        self.lane.is_none_or(|shown| shown == lane)
    }
}

/// A verdict as the page hears it.
#[derive(Serialize)]
pub(super) struct Heard<'a> {
    #[serde(flatten)]
    announcement: &'a Announcement,
    /// By the machine's uptime, which heartbeats say too.
    announced: u64,
    /// Whom a sealed ticket names.
    holder: Option<HeardHolder<'a>>,
}

/// Whom a ticket names, for the page.
#[derive(Serialize)]
pub(super) struct HeardHolder<'a> {
    name: &'a str,
    seat: &'a str,
}

impl<'a> HeardHolder<'a> {
    pub(super) fn of(holder: &'a Holder) -> Self {
        Self { name: holder.name(), seat: holder.seat() }
    }
}

impl<'a> Heard<'a> {
    pub(super) fn of(announcement: &'a Announcement) -> Self {
        let holder = announcement.holder.as_ref().map(HeardHolder::of);
        Self { announcement, announced: milliseconds(announcement.announced), holder }
    }
}

/// Whether a page that came over the venue's network may still listen; asked before each thing that it is told.
#[derive(Clone)]
pub(crate) struct Welcome(pub(crate) Arc<dyn Fn() -> bool + Send + Sync>);

pub(super) async fn events(
    State(screen): State<Arc<Screen>>,
    Query(shown): Query<Shown>,
    welcome: Option<Extension<Welcome>>,
) -> impl IntoResponse {
    let is_welcome = move || welcome.as_ref().is_none_or(|Extension(Welcome(is_welcome))| is_welcome());
    ([(CACHE_CONTROL, "no-store")], Sse::new(stream(&screen, shown).take_while(move |_| is_welcome())))
}

fn stream(screen: &Arc<Screen>, shown: Shown) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let verdicts = BroadcastStream::new(screen.verdicts.subscribe())
        // A page that cannot keep up misses verdicts rather than showing them late.
        .filter_map(move |announcement| {
            let announcement = announcement.ok().filter(|announcement| shown.shows(announcement.lane))?;
            event("verdict", &Heard::of(&announcement))
        });
    let journal = WatchStream::new(screen.journal.clone()).filter_map(|journal| event("journal", &journal?));
    let screen = Arc::clone(screen);
    let mut interval = tokio::time::interval(HEARTBEAT);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let heartbeats = IntervalStream::new(interval)
        .then(move |_| Arc::clone(&screen).beat(shown))
        .filter_map(|heartbeat| event("heartbeat", &heartbeat?));
    verdicts.merge(journal).merge(heartbeats).map(Ok)
}

fn event(name: &str, data: &impl Serialize) -> Option<Event> {
    Event::default().event(name).json_data(data).inspect_err(|error| tracing::error!(%error, "screen")).ok()
}
