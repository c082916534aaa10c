//! The calling side.

use std::sync::Arc;
use std::time::Duration;

use countermark_shared::keys::SigningKey;
use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::{Claims, LIFETIME, LONGEST_BODY, TYPE, body_digest};
use crate::clock::Clock;
use crate::problem::{Problem, ProblemDocument};
use crate::randomness::Randomness;
use crate::service_name::ServiceName;
use crate::token::{self, SigningError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const WHOLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The client for services' addresses: no redirects, no proxy from the environment, short time-outs.
pub fn http_client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(WHOLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
}

/// Who a service is when it calls others. Clones share the key.
#[derive(Clone)]
pub struct ServiceIdentity(Arc<Identity>);

struct Identity {
    name: ServiceName,
    key: SigningKey,
    http: reqwest::Client,
    clock: Clock,
    randomness: Randomness,
}

impl ServiceIdentity {
    /// The service `name`, which signs with `key`.
    pub fn new(
        name: ServiceName,
        key: SigningKey,
        clock: Clock,
        randomness: Randomness,
    ) -> Result<Self, reqwest::Error> {
        let http = http_client()?;
        Ok(Self(Arc::new(Identity { name, key, http, clock, randomness })))
    }

    /// A client of the service `audience` at `base`.
    pub fn client(&self, audience: ServiceName, base: Url) -> ServiceClient {
        ServiceClient { identity: self.clone(), audience, base }
    }
}

/// Calls one other service.
#[derive(Clone)]
pub struct ServiceClient {
    identity: ServiceIdentity,
    audience: ServiceName,
    base: Url,
}

/// Why a call brought no answer to work with.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The other service answered with a problem.
    #[error("{service} refused {path}: {} ({})", problem.title, problem.kind)]
    Refused {
        /// Who refused.
        service: ServiceName,
        /// What was asked.
        path: String,
        /// The status.
        status: StatusCode,
        /// Its words.
        problem: Box<ProblemDocument>,
    },
    /// It did not answer in time, or at all. Whether it acted is not known: calls are idempotent, so try again.
    #[error("{service} cannot be reached for {path}")]
    Unreachable {
        /// Who was asked.
        service: ServiceName,
        /// What was asked.
        path: String,
        /// What the network said.
        source: reqwest::Error,
    },
    /// It answered something that the contract does not foresee.
    #[error("{service} answered {path} with {status} and not as agreed")]
    Malformed {
        /// Who answered.
        service: ServiceName,
        /// What was asked.
        path: String,
        /// The status.
        status: StatusCode,
        /// Why the body cannot be read; nothing when it was too long.
        source: Option<serde_json::Error>,
    },
    /// The call was not sent.
    #[error("the call of {path} to {service} cannot be put together")]
    Unsendable {
        /// Who was to be asked.
        service: ServiceName,
        /// What was to be asked.
        path: String,
        /// What failed.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl CallError {
    /// The slug of the problem that the other service answered with.
    pub fn slug(&self) -> Option<&str> {
        match self {
            Self::Refused { problem, .. } => problem.slug(),
            Self::Unreachable { .. } | Self::Malformed { .. } | Self::Unsendable { .. } => None,
        }
    }

    /// Whether the same call may succeed later: the other service was away or said that it could not answer now.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } | Self::Malformed { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Unsendable { .. } => false,
        }
    }
}

impl From<CallError> for Problem {
    /// For a caller who can do nothing about it but try again.
    fn from(error: CallError) -> Self {
        if error.is_passing() {
            tracing::warn!(error = %crate::problem::chain(&error), "another service cannot answer");
            Self::of_status(StatusCode::SERVICE_UNAVAILABLE)
        } else {
            Self::internal(&error)
        }
    }
}

impl ServiceClient {
    /// Asks for `path` (with its query).
    pub async fn get<R: DeserializeOwned>(&self, path: &str) -> Result<R, CallError> {
        self.call(Method::GET, path, Vec::new()).await
    }

    /// Sends `body` as JSON to `path`. An answer without a body reads as `()` or `None`.
    pub async fn post<B: Serialize + ?Sized, R: DeserializeOwned>(&self, path: &str, body: &B) -> Result<R, CallError> {
        let body = serde_json::to_vec(body).map_err(|error| self.unsendable(path, error))?;
        self.call(Method::POST, path, body).await
    }

    async fn call<R: DeserializeOwned>(&self, method: Method, path: &str, body: Vec<u8>) -> Result<R, CallError> {
        let url = self.base.join(path).map_err(|error| self.unsendable(path, error))?;
        let token = self.token(&method, &url, &body).map_err(|error| self.unsendable(path, error))?;
        let unreachable = |source: reqwest::Error| CallError::Unreachable {
            service: self.audience,
            path: path.to_owned(),
            // The address may name an internal host; the path is in the error already.
            source: source.without_url(),
        };
        let request = self.identity.0.http.request(method, url).bearer_auth(token);
        let request = if body.is_empty() {
            request
        } else {
            request.header(http::header::CONTENT_TYPE, "application/json").body(body)
        };
        let mut response = request.send().await.map_err(unreachable)?;

        let status = response.status();
        let malformed = |source| CallError::Malformed { service: self.audience, path: path.to_owned(), status, source };
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if answer.len() + chunk.len() > LONGEST_BODY {
                return Err(malformed(None));
            }
            answer.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            let problem = serde_json::from_slice(&answer).map_err(|error| malformed(Some(error)))?;
            return Err(CallError::Refused { service: self.audience, path: path.to_owned(), status, problem });
        }
        let answer = if answer.is_empty() { b"null" } else { answer.as_slice() };
        serde_json::from_slice(answer).map_err(|error| malformed(Some(error)))
    }

    fn token(&self, method: &Method, url: &Url, body: &[u8]) -> Result<String, SigningError> {
        let identity = &self.identity.0;
        let now = identity.clock.now().unix_seconds();
        let claims = Claims {
            iss: identity.name,
            aud: self.audience,
            iat: now,
            exp: now.saturating_add(LIFETIME),
            jti: identity.randomness.uuid(),
            method: method.to_string(),
            path: match url.query() {
                Some(query) => format!("{}?{query}", url.path()),
                None => url.path().to_owned(),
            },
            body: body_digest(body),
        };
        token::sign(TYPE, &identity.key, &claims)
    }

    fn unsendable(&self, path: &str, error: impl std::error::Error + Send + Sync + 'static) -> CallError {
        CallError::Unsendable { service: self.audience, path: path.to_owned(), source: Box::new(error) }
    }
}
