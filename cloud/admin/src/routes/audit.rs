//! The record, for those who want to know.

use countermark_service::extract::{Json, Query};
use countermark_service::problem::ProblemDocument;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page;
use crate::error::Error;
use crate::state::State;
use crate::store::audit::{self, AuditEntry};

/// Some of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AuditPage {
    /// The newest first.
    pub(crate) entries: Vec<AuditEntry>,
    /// Ask for the rows before this one; nothing when there are no more.
    pub(crate) next: Option<i64>,
}

/// Which rows.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Those before this one.
    before: Option<i64>,
    /// How many at most, 1 to 200; 50 unless said.
    limit: Option<u16>,
}

/// The audit log, backwards.
#[utoipa::path(
    get,
    path = "/v1/audit",
    operation_id = "list_audit_entries",
    params(AuditQuery),
    responses(
        (status = 200, description = "A page of the log.", body = AuditPage),
        (status = 400, description = "`invalid-request`: a page has 1 to 200 entries", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn list(state: State, Query(query): Query<AuditQuery>) -> Result<Json<AuditPage>, Error> {
    let limit = page::limit(query.limit)?;
    let mut connection = state.pool.acquire().await?;
    let entries = audit::page(&mut connection, query.before, limit).await?;
    let next = entries.last().map(|entry| entry.entry).filter(|_| entries.len() == usize::from(limit));
    Ok(Json(AuditPage { entries, next }))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use serde_json::json;

    use super::*;
    use crate::record::{Act, Intent, Outcome};
    use crate::testing::Bench;

    async fn write(bench: &Bench, slot: u32) -> i64 {
        let subject = format!("seat {slot} of event 7");
        let intent = Intent { act: Act::RevokeTicket, subject, detail: json!({ "reason": "stolen" }) };
        let mut connection = bench.state.pool.acquire().await.unwrap();
        let account = Bench::administrator().account;
        audit::intend(&mut connection, account, &intent, bench.clock.now()).await.unwrap()
    }

    #[tokio::test]
    async fn the_log_is_read_backwards_in_pages() {
        let bench = Bench::new().await;
        let mut written = Vec::new();
        for slot in 0..5 {
            written.push(write(&bench, slot).await);
        }
        written.reverse();
        let mut read = Vec::new();
        let mut path = "/v1/audit?limit=2".to_owned();
        loop {
            let page: AuditPage = bench.get(&path).await.json();
            assert!(page.entries.len() <= 2);
            read.extend(page.entries.iter().map(|entry| entry.entry));
            let Some(next) = page.next else { break };
            path = format!("/v1/audit?limit=2&before={next}");
        }
        assert_eq!(read, written);
        bench.get("/v1/audit?limit=0").await.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
    }

    #[tokio::test]
    async fn nothing_on_the_record_is_changed_or_removed() {
        let bench = Bench::new().await;
        let entry = write(&bench, 1).await;
        let before = bench.log().await;
        for sql in [
            "UPDATE audit_log SET subject = 'nobody'",
            "UPDATE audit_log SET subject = 'nobody' WHERE false",
            "DELETE FROM audit_log",
            "TRUNCATE audit_log",
            "TRUNCATE audit_log CASCADE",
        ] {
            let error = sqlx::query(sql).execute(&bench.state.pool).await.unwrap_err().to_string();
            assert!(error.contains("the audit log only grows"), "{sql}: {error}");
        }
        assert_eq!(bench.log().await, before);

        let mut connection = bench.state.pool.acquire().await.unwrap();
        let mut conclude =
            async |outcome| audit::conclude(&mut connection, entry, outcome, &json!({}), bench.clock.now()).await;
        conclude(Outcome::Refused).await.unwrap();
        assert!(conclude(Outcome::Done).await.is_err(), "an act has one outcome");
        assert!(conclude(Outcome::Intended).await.is_err(), "an outcome is no intent");
    }
}
