//! The public interfaces over HTTP, as a front end calls them. Owns how a refusal is read; knows no route.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Longer than any service takes to answer.
const TIMEOUT: Duration = Duration::from_secs(40);
const URN: &str = "urn:countermark:problem:";

/// One service, as one person calls it.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// Why a call brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The service said no, as RFC 9457 has it.
    #[error("{path} was refused with {status}: {slug} ({problem})")]
    Refused {
        /// What was asked for.
        path: String,
        /// The HTTP status.
        status: StatusCode,
        /// The last part of the problem's type; empty when it is none of ours.
        slug: String,
        /// The whole problem.
        problem: Value,
    },
    /// No answer, or none that can be read.
    #[error("{path} was not answered")]
    Lost {
        /// What was asked for.
        path: String,
        /// What the network said.
        source: reqwest::Error,
    },
}

impl CallError {
    /// The problem's type, of a refusal.
    pub fn slug(&self) -> Option<&str> {
        match self {
            Self::Refused { slug, .. } => Some(slug),
            Self::Lost { .. } => None,
        }
    }
}

impl Api {
    /// The service at `base`, for somebody who has not logged in.
    pub fn anonymous(base: String) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        Ok(Self { http, base, token: None })
    }

    /// The same behind a gateway, which nobody vouches for: `host` is where it listens, whatever a resolver says.
    pub fn behind_gateway(base: String, host: &str, listens: SocketAddr) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).resolve(host, listens);
        let http = http.tls_danger_accept_invalid_certs(true).build()?;
        Ok(Self { http, base, token: None })
    }

    /// The same connections to the service at `base`, with an access token.
    #[must_use]
    pub fn signed_in(&self, base: String, token: &str) -> Self {
        Self { http: self.http.clone(), base, token: Some(token.to_owned()) }
    }

    /// Reads.
    pub async fn get<R: DeserializeOwned>(&self, path: &str) -> Result<R, CallError> {
        self.json(path, self.request(Method::GET, path)).await
    }

    /// Reads bytes, such as a picture.
    pub async fn bytes(&self, path: &str) -> Result<Vec<u8>, CallError> {
        let lost = |source| CallError::Lost { path: path.to_owned(), source };
        Ok(self.answer(path, self.request(Method::GET, path)).await?.bytes().await.map_err(lost)?.to_vec())
    }

    /// Sends.
    pub async fn post<R: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<R, CallError> {
        self.json(path, self.request(Method::POST, path).json(body)).await
    }

    /// Sends with an Idempotency-Key.
    pub async fn post_once<R: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Result<R, CallError> {
        self.json(path, self.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
    }

    /// Presses the button of a page: an empty form.
    pub async fn press(&self, page: &str) -> Result<(), CallError> {
        self.answer(page, self.http.post(page)).await.map(drop)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn json<R: DeserializeOwned>(&self, path: &str, request: RequestBuilder) -> Result<R, CallError> {
        let lost = |source| CallError::Lost { path: path.to_owned(), source };
        self.answer(path, request).await?.json().await.map_err(lost)
    }

    async fn answer(&self, path: &str, request: RequestBuilder) -> Result<reqwest::Response, CallError> {
        let lost = |source| CallError::Lost { path: path.to_owned(), source };
        let answer = request.send().await.map_err(lost)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = answer.text().await.map_err(lost)?;
        let problem = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let kind = problem.get("type").and_then(Value::as_str);
        let slug = kind.and_then(|kind| kind.strip_prefix(URN)).unwrap_or_default().to_owned();
        Err(CallError::Refused { path: path.to_owned(), status, slug, problem })
    }
}
