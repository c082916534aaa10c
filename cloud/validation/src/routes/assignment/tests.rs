use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use countermark_shared::documents::Assignment;

use super::*;
use crate::testing::{self, Bench};

#[tokio::test]
async fn a_gate_is_served_its_own_and_then_nothing_new() {
    let bench = Bench::new().await;
    let (gate, other) = (bench.gate().await, bench.gate().await);
    let answer = bench.get(paths::ASSIGNMENT, &gate.token).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers[CONTENT_TYPE], "application/cbor");
    assert_eq!(answer.headers[CACHE_CONTROL], "private, no-store");
    let accepted = Assignment::accept(&answer.body, &testing::bundle(), gate.gate, None, bench.clock.now()).unwrap();
    assert_eq!(accepted.document().lanes, testing::lanes());
    let tag = format!("\"{}\"", accepted.hash());
    assert_eq!(answer.headers[ETAG], tag.as_str());
    let unchanged = bench.get_unless(paths::ASSIGNMENT, &gate.token, &tag).await;
    assert_eq!((unchanged.status, unchanged.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(bench.get_unless(paths::ASSIGNMENT, &other.token, &tag).await.status, StatusCode::OK);
}
