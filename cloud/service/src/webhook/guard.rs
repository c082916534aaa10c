//! What stands before a route for the provider's webhooks. Owns that no body reaches a handler that [`verify`] does not believe;
//! refuses to know what the handler does.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use countermark_shared::keys::VerifyingKey;
use http::StatusCode;
use http::request::Parts;
use utoipa::IntoParams;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};

use super::{PaymentEvent, SIGNATURE, verify};
use crate::clock::Clock;
use crate::problem::Problem;

/// What the OpenAPI document calls the provider's signature.
pub const SCHEME: &str = "payment-provider";

/// The longest body that is read, in bytes: many times what a payment event needs.
pub const LONGEST_BODY: usize = 16 * 1024;

/// The headers of a webhook, for the OpenAPI document.
#[derive(IntoParams)]
#[into_params(names("webhook-id", "webhook-timestamp", "webhook-signature"), parameter_in = Header)]
pub struct Headers(
    /// The message's identity: the same for each repetition.
    pub String,
    /// When this repetition was sent, Unix seconds; at most five minutes away from the service's clock.
    pub i64,
    /// Space-separated signatures, of which one of scheme `v1a` is the provider's.
    pub String,
);

/// How the OpenAPI document describes the provider's signature.
pub fn scheme() -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
        SIGNATURE,
        "The payment provider's signature over id, time and body (Standard Webhooks, v1a).",
    )))
}

/// Lets through what `provider` signed lately by `clock`, and nothing else. Handlers extract the [`PaymentEvent`].
pub fn guard<S: Clone + Send + Sync + 'static>(router: Router<S>, provider: VerifyingKey, clock: Clock) -> Router<S> {
    router.layer(middleware::from_fn_with_state((provider, clock), only_provider))
}

async fn only_provider(
    State((provider, clock)): State<(VerifyingKey, Clock)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, LONGEST_BODY).await.map_err(|_| Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE))?;
    let event = verify(provider, &parts.headers, &body, clock.now())?;
    parts.extensions.insert(event);
    Ok(next.run(Request::from_parts(parts, Body::empty())).await)
}

/// As an extractor it works behind the [`guard`]; elsewhere it answers 401.
impl<S: Send + Sync> FromRequestParts<S> for PaymentEvent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.remove().ok_or_else(Problem::unauthenticated)
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::post;
    use countermark_shared::keys::SigningKey;
    use countermark_shared::time::Timestamp;
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    use zeroize::Zeroizing;

    use super::super::{ID, TIMESTAMP, sign};
    use super::*;
    use crate::problem::ProblemDocument;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
    const EVENT: &str = r#"{"type":"payment.succeeded","timestamp":"2027-01-15T08:00:00Z","data":{"payment":"p1",
        "reference":"00000000-0000-0000-0000-000000000001","amount":{"minor":100,"currency":"EUR"}}}"#;

    fn key(byte: u8) -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([byte; 32]))
    }

    /// A handler that answers with the payment's name, as `signer` asks for it.
    async fn ask(signer: &SigningKey, body: String) -> (StatusCode, String) {
        let routes = Router::new().route("/", post(async |event: PaymentEvent| event.data.payment));
        let request = Request::post("/")
            .header(ID, "m1")
            .header(TIMESTAMP, NOW.unix_seconds())
            .header(SIGNATURE, sign(signer, "m1", NOW, body.as_bytes()))
            .body(Body::from(body))
            .unwrap();
        let answer = guard(routes, key(8).verifying_key(), Clock::fixed(NOW)).oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        (parts.status, String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn only_what_the_provider_signed_reaches_the_handler() {
        let slug = |body: &str| serde_json::from_str::<ProblemDocument>(body).unwrap().slug().unwrap().to_owned();
        assert_eq!(ask(&key(8), EVENT.to_owned()).await, (StatusCode::OK, "p1".to_owned()));
        let (status, body) = ask(&key(9), EVENT.to_owned()).await;
        assert_eq!((status, slug(&body).as_str()), (StatusCode::UNAUTHORIZED, "webhook-refused"));
        let padding = " ".repeat(LONGEST_BODY - EVENT.len());
        assert_eq!(ask(&key(8), format!("{EVENT}{padding}")).await.0, StatusCode::OK);
        let (status, body) = ask(&key(8), format!("{EVENT}{padding} ")).await;
        assert_eq!((status, slug(&body).as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
    }

    #[tokio::test]
    async fn without_the_guard_there_is_no_event() {
        let routes = Router::new().route("/", post(async |_: PaymentEvent| ()));
        let answer = routes.oneshot(Request::post("/").body(Body::from(EVENT)).unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
}
