//! Which devices an account has, and which grants may name them.

use futures_util::future::join_all;
use serde_json::json;

use super::*;
use crate::testing::{Answer, Auth, Buyer, LIVE, event, event_of, key, order, other_device, terms_of};

async fn listed(auth: &Auth, (_, token): &Buyer) -> Vec<String> {
    let answer = auth.get("/v1/holder-keys", Some(token)).await;
    assert_eq!(answer.outcome(), (200, None));
    let keys = answer.body["keys"].as_array().unwrap();
    keys.iter().map(|key| key["key"].as_str().unwrap().to_owned()).collect()
}

async fn grant(auth: &Auth, (_, token): &Buyer, number: u128, live: bool, holder: Option<VerifyingKey>) -> Answer {
    let event = if live { event_of(LIVE) } else { event() };
    let request = json!({ "order": order(number), "terms": terms_of(&event, 1), "holder": holder });
    auth.post("/v1/grants", Some(token), request).await
}

#[tokio::test]
async fn a_device_is_registered_once_listed_and_removed() {
    let auth = Auth::without_event().await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    let device = other_device();
    let first = auth.register(&anna.1, &device, anna.0).await;
    assert_eq!(first.outcome(), (201, None));
    assert_eq!(first.body, json!({ "key": device.verifying_key(), "added": auth.state.clock.now() }));
    auth.state.clock.advance(std::time::Duration::from_secs(1));
    let again = auth.register(&anna.1, &device, anna.0).await;
    assert_eq!((again.outcome(), &again.body), ((200, None), &first.body));
    // A family's one device may hold the tickets of each.
    assert_eq!(auth.register(&bert.1, &device, bert.0).await.outcome(), (201, None));

    let path = format!("/v1/holder-keys/{}", device.verifying_key());
    for _ in 0..2 {
        assert_eq!(auth.delete(&path, Some(&anna.1)).await.outcome(), (204, None));
        assert_eq!(listed(&auth, &anna).await, [""; 0]);
    }
    assert_eq!(listed(&auth, &bert).await, [device.verifying_key().to_string()]);
}

#[tokio::test]
async fn a_key_without_its_own_proof_for_this_account_is_refused() {
    let auth = Auth::without_event().await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    let device = other_device();
    let stolen = auth.register(&bert.1, &device, anna.0).await;
    assert_eq!(stolen.outcome(), (422, Some("holder-not-proved")));
    let proof = Base64(countermark_shared::holder::prove_holder(anna.0, &device).to_bytes());
    let other = json!({ "key": key(51).verifying_key(), "proof": proof });
    assert_eq!(auth.post("/v1/holder-keys", Some(&anna.1), other).await.outcome(), (422, Some("holder-not-proved")));
    // A point of small order: anybody could sign for it.
    let weak = json!({ "key": format!("01{}", "0".repeat(62)), "proof": proof });
    assert_eq!(auth.post("/v1/holder-keys", Some(&anna.1), weak).await.outcome(), (422, Some("invalid-request")));
    assert_eq!(listed(&auth, &anna).await, [""; 0]);
}

#[tokio::test]
async fn an_account_has_ten_devices_however_it_asks() {
    let auth = Auth::without_event().await;
    let anna = auth.buyer().await;
    let devices: Vec<_> = (50..62).map(key).collect();
    let answers = join_all(devices.iter().map(|device| auth.register(&anna.1, device, anna.0))).await;
    let refused = answers.iter().filter(|answer| answer.outcome() == (409, Some("too-many-holder-keys"))).count();
    assert_eq!((refused, listed(&auth, &anna).await.len()), (2, 10));
}

#[tokio::test]
async fn a_grant_names_a_device_of_its_account_or_none() {
    let auth = Auth::with(&event_of(LIVE)).await;
    let (anna, bert) = (auth.buyer().await, auth.buyer().await);
    let device = auth.device(&anna, 50).await.verifying_key();
    let foreign = auth.device(&bert, 51).await.verifying_key();
    assert_eq!(grant(&auth, &anna, 1, true, Some(foreign)).await.outcome(), (422, Some("holder-unknown")));
    assert_eq!(grant(&auth, &anna, 1, true, Some(device)).await.outcome(), (201, None));
    assert_eq!(grant(&auth, &anna, 1, true, Some(device)).await.outcome(), (200, None));
    for other in [None, Some(foreign)] {
        assert_eq!(grant(&auth, &anna, 1, true, other).await.outcome(), (409, Some("grant-exists")));
    }
    assert_eq!(grant(&auth, &anna, 2, true, None).await.outcome(), (201, None));
    assert_eq!(grant(&auth, &anna, 2, true, Some(device)).await.outcome(), (409, Some("grant-exists")));

    // Removed, it is named by no new grant; what was granted stays.
    auth.delete(&format!("/v1/holder-keys/{device}"), Some(&anna.1)).await;
    assert_eq!(grant(&auth, &anna, 3, true, Some(device)).await.outcome(), (422, Some("holder-unknown")));
    assert_eq!(grant(&auth, &anna, 1, true, Some(device)).await.outcome(), (200, None));
}

#[tokio::test]
async fn a_static_ticket_is_held_by_no_device() {
    let auth = Auth::start().await;
    let anna = auth.buyer().await;
    let device = auth.device(&anna, 50).await.verifying_key();
    assert_eq!(grant(&auth, &anna, 1, false, Some(device)).await.outcome(), (422, Some("holder-not-needed")));
    assert_eq!(grant(&auth, &anna, 1, false, None).await.outcome(), (201, None));
}
