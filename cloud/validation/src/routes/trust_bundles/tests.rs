use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use countermark_shared::documents::{Authentic, Signed, TrustBundle, accept_bundle};
use countermark_shared::keys::SigningKey;

use super::*;
use crate::testing::{self, Bench, TestGate};

/// A bundle of that version, of the root that is `roots`, signed besides by the one before.
async fn keep(bench: &Bench, version: u32, root: u8, signers: &[&SigningKey]) {
    let mut bundle = TrustBundle { version, roots: vec![testing::key(root).verifying_key()], ..testing::bundle() };
    bundle.keys.retain(|trusted| !bundle.roots.contains(&trusted.key));
    let bytes = Signed::seal(&bundle, signers).unwrap();
    let bundle = accept_bundle(&bytes, bundle.root_fingerprint(), None, bench.clock.now()).unwrap();
    bundles::keep(&mut bench.state.pool.acquire().await.unwrap(), &bundle).await.unwrap();
}

async fn after(bench: &Bench, gate: &TestGate, version: u32) -> Vec<Vec<u8>> {
    let answer = bench.get(&paths::BUNDLES.replace("{version}", &version.to_string()), &gate.token).await;
    assert_eq!((answer.status, &answer.headers[CONTENT_TYPE]), (StatusCode::OK, &"application/cbor".parse().unwrap()));
    assert_eq!(answer.headers[CACHE_CONTROL], "private, no-store");
    let set = DocumentSet::decode(&answer.body).unwrap();
    set.iter()
        .inspect(|(kind, _)| assert_eq!(*kind, DocumentKind::TrustBundle))
        .map(|(_, bytes)| bytes.to_vec())
        .collect()
}

fn versions(bundles: &[Vec<u8>]) -> Vec<u32> {
    let version = |bytes: &Vec<u8>| {
        let root = countermark_shared::documents::claimed_root(bytes).unwrap();
        accept_bundle(bytes, root, None, testing::bundle().issued).unwrap().document().version
    };
    bundles.iter().map(version).collect()
}

#[tokio::test]
async fn a_gate_is_led_over_each_change_of_roots_to_the_newest() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    let [a, b, c] = [1, 61, 62].map(testing::key);
    keep(&bench, 2, 1, &[&a]).await;
    keep(&bench, 3, 61, &[&a, &b]).await;
    keep(&bench, 4, 61, &[&b]).await;
    keep(&bench, 5, 62, &[&b, &c]).await;
    keep(&bench, 6, 62, &[&c]).await;
    for (held, steps) in
        [(0, vec![1, 3, 5, 6]), (1, vec![3, 5, 6]), (2, vec![3, 5, 6]), (3, vec![5, 6]), (5, vec![6]), (6, vec![])]
    {
        assert_eq!(versions(&after(&bench, &gate, held).await), steps, "after {held}");
    }
    // As the gate takes them, from what its enrolment code pinned.
    let pinned = testing::bundle().root_fingerprint();
    let mut held: Option<Authentic<TrustBundle>> = None;
    for bytes in after(&bench, &gate, 0).await {
        held = Some(accept_bundle(&bytes, pinned, held.as_ref(), bench.clock.now()).unwrap());
    }
    assert_eq!(held.unwrap().document().version, 6);
}

#[tokio::test]
async fn one_version_has_one_content_and_its_newest_signatures() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    let [a, b] = [1, 61].map(testing::key);
    keep(&bench, 2, 61, &[&b]).await;
    let first = after(&bench, &gate, 1).await;
    keep(&bench, 2, 61, &[&a, &b]).await;
    let second = after(&bench, &gate, 1).await;
    assert!(first != second && versions(&first) == versions(&second));
    let nonsense = bench.get(&paths::BUNDLES.replace("{version}", "x"), &gate.token).await;
    nonsense.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
}

#[tokio::test]
async fn a_gate_that_has_none_is_served_the_newest() {
    let bench = Bench::new().await;
    let gate = bench.gate().await;
    let answer = bench.get(paths::BUNDLE, &gate.token).await;
    let pinned = testing::bundle().root_fingerprint();
    let bundle = accept_bundle(&answer.body, pinned, None, bench.clock.now()).unwrap();
    assert_eq!(
        (bundle.document(), answer.headers[CACHE_CONTROL].as_bytes()),
        (&testing::bundle(), &b"private, no-store"[..])
    );
    let tag = format!("\"{}\"", bundle.hash());
    assert_eq!(bench.get_unless(paths::BUNDLE, &gate.token, &tag).await.status, StatusCode::NOT_MODIFIED);
}
