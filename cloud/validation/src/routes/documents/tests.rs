use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use countermark_shared::documents::{EventDocument, KeyStatus};

use super::*;
use crate::state::Trusted;
use crate::testing::{self, Bench};

fn path(hash: DocumentHash) -> String {
    paths::DOCUMENT.replace("{hash}", &hash.to_string())
}

#[tokio::test]
async fn whoever_knows_a_name_reads_the_document_and_may_keep_it() {
    let bench = Bench::new().await;
    let (bundle, now) = (testing::bundle(), bench.clock.now());
    bench.push(&testing::event(2)).await;
    let document = |version| {
        let bytes = testing::event_document(version, &testing::key(4));
        (EventDocument::accept(&bytes, &bundle, None, now).unwrap().hash(), bytes)
    };
    // One that was replaced as well.
    let trust = &bench.state.trust.bundle;
    let (for_ever, for_a_minute) = ("public, max-age=31536000, immutable", "public, max-age=60");
    for ((hash, bytes), keep) in
        [((trust.hash(), trust.bytes().to_vec()), for_a_minute), (document(1), for_ever), (document(2), for_ever)]
    {
        let answer = bench.get_freely(&path(hash), None).await;
        assert_eq!((answer.status, answer.body), (StatusCode::OK, bytes));
        assert_eq!(answer.headers[CONTENT_TYPE], "application/cbor");
        assert_eq!(answer.headers[CACHE_CONTROL], keep);
        let tag = format!("\"{hash}\"");
        assert_eq!(answer.headers[ETAG], tag.as_str());
        for held in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
            let unchanged = bench.get_freely(&path(hash), Some(&held)).await;
            assert_eq!((unchanged.status, unchanged.body.len()), (StatusCode::NOT_MODIFIED, 0), "{held}");
            assert_eq!(unchanged.headers[CACHE_CONTROL], keep);
        }
        assert_eq!(
            bench.get_freely(&path(hash), Some(&format!("\"{}\"", "0".repeat(64)))).await.status,
            StatusCode::OK
        );
    }
}

#[tokio::test]
async fn a_name_of_nothing_is_not_found_and_not_kept() {
    let bench = Bench::new().await;
    let answer = bench.get_freely(&path(DocumentHash([7; 32])), None).await;
    answer.is_problem(StatusCode::NOT_FOUND, "not-published");
    assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
    let nonsense = bench.get_freely("/v1/documents/x", None).await;
    nonsense.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
}

#[tokio::test]
async fn what_an_organiser_said_whom_nobody_believes_any_more_is_not_passed_on() {
    let bench = Bench::new().await;
    let bytes = testing::event_document(1, &testing::key(4));
    let hash = EventDocument::accept(&bytes, &testing::bundle(), None, bench.clock.now()).unwrap().hash();
    let mut bundle = testing::bundle();
    for trusted in bundle.keys.iter_mut().filter(|trusted| trusted.key == testing::key(4).verifying_key()) {
        trusted.status = KeyStatus::Revoked;
    }
    bundle.version = 2;
    let state = bench.state_with(Trusted::new(testing::authentic(&bundle), testing::key(5), vec![]));
    let mut connection = bench.state.pool.acquire().await.unwrap();
    assert!(named(&bench.state, &mut connection, hash).await.unwrap().is_some());
    assert!(named(&state, &mut connection, hash).await.unwrap().is_none());
}
