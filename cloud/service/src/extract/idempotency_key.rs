//! What makes a request the same as one sent before. Owns the header's form and how its misuse is told; refuses to know what is
//! kept under a key.

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use utoipa::IntoParams;

use crate::problem::Problem;

const HEADER: &str = "idempotency-key";
const LONGEST: usize = 64;

/// The header `Idempotency-Key`: 1 to 64 visible ASCII characters. Without one the request is refused.
#[derive(Clone, Debug, PartialEq, Eq, IntoParams)]
#[into_params(names("Idempotency-Key"), parameter_in = Header)]
pub struct IdempotencyKey(
    /// 1 to 64 visible ASCII characters. The same key is the same request, however often it is sent; a new request takes a new key.
    #[param(min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    String,
);

impl IdempotencyKey {
    /// The key as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// 422: the key came before, with another request.
    pub fn reused() -> Problem {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "This Idempotency-Key was used for another request",
        )
        .detail("Take a new key for a new request.")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts
            .headers
            .get(HEADER)
            .and_then(|value| value.to_str().ok())
            .filter(|key| (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()))
            .map(|key| Self(key.to_owned()))
            .ok_or_else(|| Problem::invalid("Send a header Idempotency-Key of 1 to 64 visible ASCII characters."))
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request};

    use super::*;

    async fn read(value: Option<HeaderValue>) -> Result<IdempotencyKey, Problem> {
        let (mut parts, ()) = Request::new(()).into_parts();
        if let Some(value) = value {
            parts.headers.insert(HEADER, value);
        }
        IdempotencyKey::from_request_parts(&mut parts, &()).await
    }

    #[tokio::test]
    async fn a_key_has_1_to_64_visible_ascii_characters() {
        for key in ["a", "!~", &"k".repeat(64)] {
            assert_eq!(read(Some(key.parse().unwrap())).await.unwrap().as_str(), key);
        }
        let refused = ["", "two words", &"k".repeat(65)].map(|key| Some(key.parse().unwrap()));
        for value in refused.into_iter().chain([None, Some(HeaderValue::from_bytes("é".as_bytes()).unwrap())]) {
            let problem = read(value).await.unwrap_err();
            assert_eq!((problem.status(), problem.slug()), (StatusCode::BAD_REQUEST, "invalid-request"));
            assert!(problem.document().detail.unwrap().contains("Idempotency-Key"));
        }
    }
}
