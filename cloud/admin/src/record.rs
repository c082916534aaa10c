//! The record of what administrators do. Owns that the intent is written before the act and the outcome after it; refuses to know
//! any act.

use std::future::Future;

use countermark_service::caller::Caller;
use countermark_service::problem::chain;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::{Instrument, Span};
use utoipa::ToSchema;

use crate::error::Error;
use crate::state::State;
use crate::store::audit;

/// What an administrator can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Act {
    /// Bring an organiser's document to all services.
    PublishEventDocument,
    /// Have tickets sell something.
    PublishOffer,
    /// Have tickets sell no more of something.
    CloseOffer,
    /// Have validation expect a gate.
    CreateGate,
    /// Have validation give a gate another event or other lanes.
    AssignGate,
    /// Have tickets withdraw a ticket.
    RevokeTicket,
    /// Have validation hold a seat back.
    BlockSeat,
    /// Have validation let a seat in again.
    UnblockSeat,
    /// Have validation take a gate out of service.
    SuspendGate,
    /// Have validation put a gate back into service.
    ResumeGate,
    /// Look after a finding.
    AcknowledgeFinding,
    /// Say what explains a finding.
    ResolveFinding,
}

/// What became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// Nothing yet: it is about to be tried.
    Intended,
    /// It is done.
    Done,
    /// It was not done.
    Refused,
    /// Another service was asked and did not answer: it may be done or not.
    Unknown,
}

/// An act as it is written down before it is tried.
pub(crate) struct Intent {
    pub(crate) act: Act,
    /// What it is about, for people: nobody reads it back.
    pub(crate) subject: String,
    /// What was asked for, whole, as a service that lost it is told again. It holds no secret.
    pub(crate) detail: Value,
}

/// What an act brought: the answer to the request, and what the record says of it.
pub(crate) struct Done<T> {
    pub(crate) answer: T,
    pub(crate) detail: Value,
}

impl Act {
    /// As the database spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::PublishEventDocument => "publish-event-document",
            Self::PublishOffer => "publish-offer",
            Self::CloseOffer => "close-offer",
            Self::CreateGate => "create-gate",
            Self::AssignGate => "assign-gate",
            Self::RevokeTicket => "revoke-ticket",
            Self::BlockSeat => "block-seat",
            Self::UnblockSeat => "unblock-seat",
            Self::SuspendGate => "suspend-gate",
            Self::ResumeGate => "resume-gate",
            Self::AcknowledgeFinding => "acknowledge-finding",
            Self::ResolveFinding => "resolve-finding",
        }
    }
}

impl Outcome {
    /// As the database spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

const LONGEST_SENTENCE: usize = 500;

/// Why somebody does what they do, in their own words, without the space around them: 1 to 500 characters.
pub(crate) fn sentence(words: &str) -> Result<&str, Error> {
    let words = words.trim();
    if words.is_empty() || words.chars().count() > LONGEST_SENTENCE {
        return Err(Error::Invalid { why: "Say why, in 1 to 500 characters." });
    }
    Ok(words)
}

/// Writes the intent, tries the act, writes the outcome.
///
/// The act goes on when the caller hangs up, so that it is never left without its outcome while this process lives.
pub(crate) async fn on_record<T, W>(state: &State, caller: Caller, intent: Intent, work: W) -> Result<T, Error>
where
    T: Send + 'static,
    W: Future<Output = Result<Done<T>, Error>> + Send + 'static,
{
    let mut connection = state.pool.acquire().await?;
    let entry = audit::intend(&mut connection, caller.account, &intent, state.clock.now()).await?;
    drop(connection);
    let state = state.clone();
    let act = async move {
        let result = work.await;
        let (outcome, detail) = match &result {
            Ok(done) => (Outcome::Done, done.detail.clone()),
            Err(error) if error.leaves_open() => (Outcome::Unknown, json!({ "why": error.sentence() })),
            Err(error) => (Outcome::Refused, json!({ "why": error.sentence() })),
        };
        // The act stands whether or not this can be written: an answer such as a gate's code is not given twice.
        if let Err(error) = conclude(&state, entry, outcome, &detail).await {
            tracing::error!(error = %chain(&error), entry, "the outcome of an act is not on the record");
        }
        result.map(|done| done.answer)
    };
    tokio::spawn(act.instrument(Span::current())).await.map_err(|source| Error::Stopped { source })?
}

async fn conclude(state: &State, entry: i64, outcome: Outcome, detail: &Value) -> Result<(), Error> {
    let mut connection = state.pool.acquire().await?;
    audit::conclude(&mut connection, entry, outcome, detail, state.clock.now()).await
}

#[cfg(test)]
mod tests {
    use sqlx::postgres::PgListener;
    use tokio::sync::oneshot;

    use super::*;
    use crate::testing::Bench;

    #[tokio::test]
    async fn an_act_whose_caller_hangs_up_gets_its_outcome() {
        let bench = Bench::new().await;
        let mut listener = PgListener::connect_with(&bench.state.pool).await.unwrap();
        listener.listen("audited").await.unwrap();
        sqlx::raw_sql(
            "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN PERFORM pg_notify('audited', NEW.outcome); RETURN NULL; END $$;
             CREATE TRIGGER tell AFTER INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION tell();",
        )
        .execute(&bench.state.pool)
        .await
        .unwrap();
        let (go_on, going_on) = oneshot::channel();
        let (started, start) = oneshot::channel();
        let intent = Intent { act: Act::RevokeTicket, subject: "seat 1 of event 7".to_owned(), detail: json!({}) };
        let state = bench.state.clone();
        let request = tokio::spawn(async move {
            let work = async move {
                started.send(()).unwrap();
                going_on.await.unwrap();
                Ok(Done { answer: (), detail: json!({ "generation": 1 }) })
            };
            on_record(&state, Bench::administrator(), intent, work).await
        });
        assert_eq!(listener.recv().await.unwrap().payload(), "intended");
        start.await.unwrap();
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        go_on.send(()).unwrap();
        assert_eq!(listener.recv().await.unwrap().payload(), "done");
    }
}
