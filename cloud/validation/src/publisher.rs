//! Publishing what gates are told of an event. Owns when a revision is looked for, what an event that fails costs, and that each revision
//! is made once; refuses to know who fetches it.

mod feed;
mod slot_lists;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use countermark_service::serve::Shutdown;
use countermark_service::transaction::transaction;
use countermark_shared::documents::{Document, Refusal, Revision, Signed};
use countermark_shared::id::EventId;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use tokio::time::MissedTickBehavior;

use self::feed::Feeds;
use self::slot_lists::SlotLists;
use crate::error::Error;
use crate::state::State;
use crate::store::publications;

/// Between two publications of an event, however much of it changes meanwhile.
pub(crate) const COALESCE: Duration = Duration::from_millis(500);

/// Between two attempts to publish what fails, at most.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How long a publication is kept at least: for a gate that is still fetching it, and for whoever asks what was published.
const KEPT: Duration = Duration::from_hours(3 * 24);

/// What is published of each event: revision after revision, each one stored row, signed once and served as stored.
pub(crate) trait Series: 'static {
    /// What a reader holds who takes every step.
    type InForce: Clone + Send + Sync + 'static;

    /// What it is called in the log.
    const NAME: &'static str;

    /// The events of which something is to be published.
    fn due(connection: &mut PgConnection) -> impl Future<Output = Result<Vec<EventId>, Error>> + Send;

    /// Publishes the next revision if one is due; `held` is what this copy of the service published last. Nothing when it is not the time to look.
    fn advance(
        state: &State,
        connection: &mut PgConnection,
        event: EventId,
        held: Option<Self::InForce>,
    ) -> impl Future<Output = Result<Option<Look<Self::InForce>>, Error>> + Send;
}

/// Publishes, and holds what it published, so that the next step costs what has changed and not what there is.
pub(crate) struct Publisher<S: Series> {
    state: State,
    held: HashMap<EventId, S::InForce>,
    failing: HashMap<EventId, Failing>,
}

/// An event of which nothing could be published, so many times in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Failing {
    failures: u32,
    last: Timestamp,
}

/// What is in force after a look at an event, and the revision that was published just now.
pub(crate) struct Look<T> {
    in_force: T,
    published: Option<Revision>,
}

impl Publisher<SlotLists> {
    /// A publisher of slot lists that holds none yet: it reads what was published when it is first needed.
    pub(crate) fn slot_lists(state: State) -> Self {
        Self::new(state)
    }
}

impl Publisher<Feeds> {
    /// The same of admission feeds.
    pub(crate) fn feeds(state: State) -> Self {
        Self::new(state)
    }
}

impl<S: Series> Publisher<S> {
    fn new(state: State) -> Self {
        Self { state, held: HashMap::new(), failing: HashMap::new() }
    }

    /// Publishes what is due until the shutdown.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let mut ticks = tokio::time::interval(COALESCE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.publish_all().await,
                () = shutdown.requested() => return,
            }
        }
    }

    /// One failing event does not keep the others from theirs.
    pub(crate) async fn publish_all(&mut self) {
        let document = S::NAME;
        let due = match self.due().await {
            Ok(due) => due,
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                return tracing::error!(
                    document,
                    error,
                    "it is not known of which events something is to be published"
                );
            }
        };
        let now = self.state.clock.now();
        for event in due {
            let failing = self.failing.get(&event).copied();
            if failing.is_some_and(|failing| !failing.is_over(now)) {
                continue;
            }
            match self.publish(event).await {
                Ok(_) => {
                    self.failing.remove(&event);
                }
                Err(error) => {
                    let failing = Failing { failures: failing.map_or(0, |failing| failing.failures) + 1, last: now };
                    let (failures, error): (_, &(dyn std::error::Error + 'static)) = (failing.failures, &error);
                    tracing::error!(document, %event, failures, error, "it cannot be published");
                    self.failing.insert(event, failing);
                }
            }
        }
    }

    /// What has changed; and what gates listen to and was not read yet: it may be signed by a key that nobody believes any more.
    async fn due(&self) -> Result<BTreeSet<EventId>, Error> {
        let mut connection = self.state.pool.acquire().await?;
        let changed = S::due(&mut connection).await?;
        let listened = publications::listened(&mut connection).await?;
        Ok(listened.into_iter().filter(|event| !self.held.contains_key(event)).chain(changed).collect())
    }

    /// Publishes the event's next revision if one is due; the answer is its number.
    pub(crate) async fn publish(&mut self, event: EventId) -> Result<Option<Revision>, Error> {
        let (state, held) = (&self.state, &self.held.get(&event).cloned());
        let look = transaction(&state.pool, "publish", |mut transaction| {
            Box::pin(async move { S::advance(state, &mut transaction, event, held.clone()).await })
        })
        .await?;
        // After the commit: what was rolled back was not published.
        let Some(Look { in_force, published }) = look else { return Ok(None) };
        self.held.insert(event, in_force);
        Ok(published)
    }
}

impl Failing {
    /// Whether it is time to try again; a clock that was set back does not put that off.
    fn is_over(self, now: Timestamp) -> bool {
        let wait = COALESCE.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST_WAIT);
        now < self.last || now.since(self.last) >= wait
    }
}

/// Whether enough time has passed since the last publication. A last one that was issued by a clock ahead of this one holds none back.
fn is_time(last: Timestamp, now: Timestamp) -> bool {
    last > now || now.since(last) >= COALESCE
}

fn sealed<D: Document>(state: &State, document: &D) -> Result<Vec<u8>, Error> {
    Signed::seal(document, &[&state.trust.list_key]).map_err(unsigned)
}

fn unsigned(source: Refusal) -> Error {
    Error::Unsigned { source }
}
