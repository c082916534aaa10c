//! What a gate syncs: four signed documents, served as the bytes they were stored as, under their hash.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use countermark_service::api::Binary;
use countermark_service::event_documents;
use countermark_service::problem::ProblemDocument;
use countermark_shared::documents::DocumentHash;
use countermark_shared::wire::paths;
use utoipa::IntoParams;

use crate::error::Error;
use crate::session::Gate;
use crate::state::State;
use crate::store::{gates, slot_lists};

const CBOR: HeaderValue = HeaderValue::from_static("application/cbor");
/// A gate's own cache may keep it, and must ask whether it still holds.
const CACHING: HeaderValue = HeaderValue::from_static("private, no-cache");

/// The documents a request says its sender holds (`If-None-Match`, RFC 9110, 13.1.2).
#[derive(IntoParams)]
#[into_params(names("If-None-Match"), parameter_in = Header)]
pub(crate) struct Held(
    /// The `ETag` of the document that the gate holds, if it holds one.
    #[param(value_type = String, required = false)]
    Vec<DocumentHash>,
);

/// The trust bundle that this service started with.
#[utoipa::path(
    get,
    path = paths::BUNDLE,
    operation_id = "read_trust_bundle",
    params(Held),
    responses(
        (
            status = 200,
            description = "The signed document.",
            body = inline(Binary),
            content_type = "application/cbor",
            headers(("ETag" = String, description = "The document's hash, in quotes."))
        ),
        (status = 304, description = "It is the one in `If-None-Match`."),
    )
)]
pub(crate) async fn trust_bundle(state: State, _: Gate, held: Held) -> Response {
    let bundle = &state.trust.bundle;
    held.answer(bundle.hash(), bundle.bytes().to_vec())
}

/// The gate's lanes.
#[utoipa::path(
    get,
    path = paths::ASSIGNMENT,
    operation_id = "read_assignment",
    params(Held),
    responses(
        (
            status = 200,
            description = "The signed document.",
            body = inline(Binary),
            content_type = "application/cbor",
            headers(("ETag" = String, description = "The document's hash, in quotes."))
        ),
        (status = 304, description = "It is the one in `If-None-Match`."),
        (status = 404, description = "`not-published`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn assignment(state: State, gate: Gate, held: Held) -> Result<Response, Error> {
    let mut connection = state.pool.acquire().await?;
    let (hash, bytes) =
        gates::assignment(&mut connection, gate.gate).await?.ok_or(Error::NotPublished { document: "assignment" })?;
    Ok(held.answer(hash, bytes))
}

/// The event document in force of the gate's event.
#[utoipa::path(
    get,
    path = paths::EVENT,
    operation_id = "read_event_document",
    params(Held),
    responses(
        (
            status = 200,
            description = "The signed document.",
            body = inline(Binary),
            content_type = "application/cbor",
            headers(("ETag" = String, description = "The document's hash, in quotes."))
        ),
        (status = 304, description = "It is the one in `If-None-Match`."),
        (status = 404, description = "`not-published`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn event_document(state: State, gate: Gate, held: Held) -> Result<Response, Error> {
    let mut connection = state.pool.acquire().await?;
    let bundle = state.trust.bundle.document();
    let document = event_documents::in_force(&mut connection, gate.event, bundle, state.clock.now())
        .await?
        .ok_or(Error::NotPublished { document: "event document" })?;
    Ok(held.answer(document.hash(), document.bytes().to_vec()))
}

/// The newest slot list of the gate's event.
#[utoipa::path(
    get,
    path = paths::SLOTS,
    operation_id = "read_slot_list",
    params(Held),
    responses(
        (
            status = 200,
            description = "The signed document.",
            body = inline(Binary),
            content_type = "application/cbor",
            headers(("ETag" = String, description = "The document's hash, in quotes."))
        ),
        (status = 304, description = "It is the one in `If-None-Match`."),
        (status = 404, description = "`not-published`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn slot_list(state: State, gate: Gate, held: Held) -> Result<Response, Error> {
    let not_published = Error::NotPublished { document: "slot list" };
    let mut connection = state.pool.acquire().await?;
    let Some(last) = slot_lists::last(&mut connection, gate.event).await? else { return Err(not_published) };
    // Megabytes for a large event, which most polls already hold.
    if held.contains(last.hash) {
        return Ok(unchanged(last.hash));
    }
    let bytes = slot_lists::bytes(&mut connection, gate.event, last.sequence).await?.ok_or(not_published)?;
    Ok(published(last.hash, bytes))
}

impl Held {
    fn contains(&self, hash: DocumentHash) -> bool {
        self.0.contains(&hash)
    }

    fn answer(&self, hash: DocumentHash, bytes: Vec<u8>) -> Response {
        if self.contains(hash) { unchanged(hash) } else { published(hash, bytes) }
    }

    /// Tags that are not ours are no document of ours. A proxy that re-encoded an answer has made its tag weak.
    fn of(headers: &HeaderMap) -> Self {
        let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let hash = |tag: &str| {
            let tag = tag.trim();
            let opaque = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
            DocumentHash::try_from(opaque.to_owned()).ok()
        };
        Self(tags.flat_map(|list| list.split(',')).filter_map(hash).collect())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Held {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

fn published(hash: DocumentHash, bytes: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, CBOR), (CACHE_CONTROL, CACHING)], [(ETAG, format!("\"{hash}\""))], bytes).into_response()
}

fn unchanged(hash: DocumentHash) -> Response {
    (StatusCode::NOT_MODIFIED, [(CACHE_CONTROL, CACHING)], [(ETAG, format!("\"{hash}\""))]).into_response()
}

#[cfg(test)]
mod tests {
    use countermark_service::contract::ReportedState;
    use countermark_shared::documents::{Assignment, EventDocument, SlotList, accept_bundle};

    use super::*;
    use crate::publisher;
    use crate::testing::{self, Bench, EVENT};

    #[tokio::test]
    async fn a_gate_is_served_what_it_will_accept_and_then_nothing_new() {
        let bench = Bench::new().await;
        let gate = bench.gate().await;
        bench.report(1, 1, ReportedState::Issued).await;
        publisher::publish(&bench.state, EVENT).await.unwrap();
        let (bundle, now) = (testing::bundle(), bench.clock.now());
        for path in [paths::BUNDLE, paths::ASSIGNMENT, paths::EVENT, paths::SLOTS] {
            let answer = bench.get(path, &gate.token).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            assert_eq!(answer.headers[CONTENT_TYPE], "application/cbor");
            assert_eq!(answer.headers[CACHE_CONTROL], "private, no-cache");
            let hash = match path {
                paths::BUNDLE => accept_bundle(&answer.body, bundle.root_fingerprint(), None, now).unwrap().hash(),
                paths::ASSIGNMENT => {
                    let accepted = Assignment::accept(&answer.body, &bundle, gate.gate, None, now).unwrap();
                    assert_eq!(accepted.document().lanes, testing::lanes());
                    accepted.hash()
                }
                paths::EVENT => EventDocument::accept(&answer.body, &bundle, None, now).unwrap().hash(),
                _ => SlotList::open(&answer.body, &bundle, EVENT, now).unwrap().hash(),
            };
            let tag = format!("\"{hash}\"");
            assert_eq!(answer.headers[ETAG], tag.as_str());

            for held in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
                let unchanged = bench.get_unless(path, &gate.token, &held).await;
                assert_eq!((unchanged.status, unchanged.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path} {held}");
                assert_eq!(unchanged.headers[ETAG], tag.as_str());
            }
            let other = format!("\"{}\"", "0".repeat(64));
            assert_eq!(bench.get_unless(path, &gate.token, &other).await.body, answer.body);
        }
    }

    #[tokio::test]
    async fn a_list_that_was_never_made_is_not_published() {
        let bench = Bench::new().await;
        let gate = bench.gate().await;
        bench.get(paths::SLOTS, &gate.token).await.is_problem(StatusCode::NOT_FOUND, "not-published");
    }
}
