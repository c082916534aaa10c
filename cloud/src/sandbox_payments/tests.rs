//! The provider's interface, called as the ticket service and a buyer call it.

use axum::body::Body;
use axum::http::Request;
use countermark_shared::id::OrderId;
use countermark_shared::money::{Currency, Money};
use countermark_shared::time::Timestamp;
use http_body_util::BodyExt;
use tower::ServiceExt;
use zeroize::Zeroizing;

use super::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

fn sandbox(clock: &Clock) -> Router {
    let key = SigningKey::from_seed(&Zeroizing::new([1; 32]));
    router(Sandbox {
        payments: Arc::default(),
        webhooks: Webhooks::new(http_client().unwrap(), Vec::new(), key, clock.clone()),
        secret: SecretString::from("merchant's secret"),
        public_url: Url::parse("https://pay.example/").unwrap(),
        clock: clock.clone(),
        randomness: Randomness::seeded([2; 32]),
    })
}

fn open_request(minor: u64) -> OpenPayment {
    let amount = Money { minor, currency: Currency::parse("EUR").unwrap() };
    OpenPayment { reference: OrderId(uuid::Uuid::nil()), amount, expires: NOW + core::time::Duration::from_mins(1) }
}

async fn call(router: &Router, request: Request<Body>) -> (StatusCode, String) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn open(router: &Router, secret: &str, request: &OpenPayment) -> (StatusCode, String) {
    let body = Body::from(serde_json::to_vec(request).unwrap());
    let request = Request::post(PAYMENTS_PATH)
        .header("authorization", format!("Bearer {secret}"))
        .header("content-type", "application/json");
    call(router, request.body(body).unwrap()).await
}

#[tokio::test]
async fn a_payment_is_opened_once_and_paid_once() {
    let clock = Clock::fixed(NOW);
    let router = sandbox(&clock);
    let (status, body) = open(&router, "merchant's secret", &open_request(100)).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(open(&router, "merchant's secret", &open_request(100)).await.1, body);
    let opened: OpenedPayment = serde_json::from_str(&body).unwrap();
    let path = Url::parse(&opened.page).unwrap().path().to_owned();

    let page = call(&router, Request::get(&path).body(Body::empty()).unwrap()).await;
    assert!(page.1.contains("1.00 EUR") && page.1.contains("<form"), "{}", page.1);
    for _ in 0..2 {
        let (status, page) = call(&router, Request::post(&path).body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::OK);
        assert!(page.contains("Paid."), "{page}");
    }
}

#[tokio::test]
async fn strangers_other_amounts_and_late_payers_are_refused() {
    let clock = Clock::fixed(NOW);
    let router = sandbox(&clock);
    assert_eq!(open(&router, "another secret", &open_request(100)).await.0, StatusCode::UNAUTHORIZED);
    let (_, body) = open(&router, "merchant's secret", &open_request(100)).await;
    assert_eq!(open(&router, "merchant's secret", &open_request(1)).await.0, StatusCode::CONFLICT);

    let opened: OpenedPayment = serde_json::from_str(&body).unwrap();
    let path = Url::parse(&opened.page).unwrap().path().to_owned();
    clock.advance(core::time::Duration::from_mins(1));
    let (status, _) = call(&router, Request::post(&path).body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::GONE);
}
