//! One call, one bounded answer: none grows beyond its limit, pauses longer than [`SILENCE`], or takes longer than its size allows.

use std::error::Error;
use std::io;
use std::time::Duration;

use countermark_shared::enrolment::answer_login;
use countermark_shared::id::GateId;
use countermark_shared::keys::SigningKey;
use countermark_shared::wire::{
    AskClaim, AskTime, Base64, ClaimAnswered, Enrol, Enrolled, GuestCursor, GuestPage, LoggedIn, Login, Nonce,
    RequestNonce, TimeAnswer, Upload, Uploaded, paths,
};
use reqwest::header::{ETAG, IF_NONE_MATCH};
use reqwest::{Method, RequestBuilder, Response, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::tls::{Instants, is_about_dates, tls};
use super::{CloudAddress, Wanted};

const CONNECT: Duration = Duration::from_secs(3);
/// Between two pieces of an answer, and before the first.
const SILENCE: Duration = Duration::from_secs(15);
/// Bytes in a second. A line that is slower carries no list; rows and heads still get through.
const SLOWEST: u64 = 64 * 1024;
/// A result for each of 1,000 rows takes 60 kB, a page of 500 guests 190 kB.
const MAX_ANSWER: usize = 256 * 1024;
const MAX_PROBLEM_CHARACTERS: usize = 300;
/// The type of that problem (`log_in` in validation's OpenAPI document).
const LOG_IN_REFUSED: &str = "urn:countermark:problem:login-refused";

/// Validation, as this gate reaches it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    address: CloudAddress,
}

/// Why a call brought nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// No whole answer came: whether the request arrived is unknown.
    #[error("the cloud does not answer")]
    Unreachable {
        /// What the network said.
        source: reqwest::Error,
    },
    /// The cloud's certificate is not valid yet, or no more, by this gate's clock.
    #[error("the cloud's certificate is not valid by this gate's date; tell the administrator")]
    OutOfDate {
        /// What the network said.
        source: reqwest::Error,
    },
    /// The session is over.
    #[error("the cloud asks this gate to log in again")]
    Unauthorised,
    /// Validation answers, and knows no gate of this number with this key.
    #[error("the cloud does not know this gate")]
    LogInRefused,
    /// Validation said no.
    #[error("the cloud refuses ({status}): {problem}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The problem document's words.
        problem: String,
    },
    /// More bytes than such an answer has.
    #[error("the cloud's answer is longer than {limit} bytes")]
    TooLong {
        /// The most that was allowed.
        limit: usize,
    },
    /// Not what was asked for.
    #[error("the cloud's answer cannot be read")]
    Unreadable {
        /// What is wrong.
        #[from]
        source: serde_json::Error,
    },
}

impl From<reqwest::Error> for CallError {
    fn from(source: reqwest::Error) -> Self {
        if blames_dates(&source) { Self::OutOfDate { source } } else { Self::Unreachable { source } }
    }
}

/// An I/O error is transparent: its source is what its inner error has, and the inner one must be asked for.
fn blames_dates(error: &(dyn Error + 'static)) -> bool {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.downcast_ref::<rustls::Error>().is_some_and(is_about_dates)
        || inner.is_some_and(|inner| blames_dates(inner))
        || error.source().is_some_and(blames_dates)
}

/// Why no connection can be made at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoConnection {
    /// The machine's roots cannot be read.
    #[error("the certificates of this machine cannot be used")]
    Certificates(#[from] rustls::Error),
    /// The rest of it.
    #[error("the HTTP client cannot be set up")]
    Client(#[from] reqwest::Error),
}

/// What a log-in brings.
#[derive(Debug)]
pub(crate) struct Session {
    /// What it is held by.
    pub(crate) token: SecretString,
    /// The last row of this gate's journal that the cloud has, if it says so.
    pub(crate) known_up_to: Option<u64>,
}

/// What became of asking for a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fetched {
    /// Here it is.
    New(Vec<u8>),
    /// The one that is held is the newest.
    Unchanged,
    /// There is none yet.
    Absent,
}

impl Client {
    /// A client of one address, which judges certificates as of these instants. It follows no redirection and reads no proxy from the environment.
    pub(crate) fn new(
        address: CloudAddress,
        instants: impl Fn() -> Instants + Send + Sync + 'static,
    ) -> Result<Self, NoConnection> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(instants)?)
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("countermark-gate/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, address })
    }

    /// Spends an enrolment code.
    pub(crate) async fn enrol(&self, enrol: &Enrol) -> Result<Enrolled, CallError> {
        self.exchange(paths::ENROL, enrol).await
    }

    /// Signs a nonce for a session, and says nothing of the journal.
    pub(crate) async fn log_in(&self, gate: GateId, key: &SigningKey) -> Result<Session, CallError> {
        let nonce = self.nonce(gate).await?;
        self.answer(gate, key, nonce, None).await
    }

    /// Asks for something to sign.
    pub(crate) async fn nonce(&self, gate: GateId) -> Result<Nonce, CallError> {
        self.exchange(paths::NONCE, &RequestNonce { gate }).await
    }

    /// Signs it for a session, and says how far the journal goes.
    pub(crate) async fn answer(
        &self,
        gate: GateId,
        key: &SigningKey,
        Nonce { nonce }: Nonce,
        written_up_to: Option<u64>,
    ) -> Result<Session, CallError> {
        let answer = Base64(answer_login(gate, &nonce.0, key).to_bytes());
        let login = Login { gate, nonce, answer, written_up_to };
        let LoggedIn { token, until: _, known_up_to } = self.exchange(paths::LOGIN, &login).await?;
        Ok(Session { token: token.into(), known_up_to })
    }

    /// Asks for a document.
    pub(crate) async fn fetch(&self, wanted: Wanted, session: &SecretString) -> Result<Fetched, CallError> {
        let path = wanted.path();
        let mut request = self.request(Method::GET, &path, wanted.max_bytes()).bearer_auth(session.expose_secret());
        if let Some(hash) = wanted.held() {
            request = request.header(IF_NONE_MATCH, format!("\"{hash}\""));
        }
        let response = request.send().await?;
        match response.status() {
            StatusCode::NOT_MODIFIED => Ok(Fetched::Unchanged),
            StatusCode::NOT_FOUND => Ok(Fetched::Absent),
            StatusCode::UNAUTHORIZED => Err(CallError::Unauthorised),
            _ => {
                tracing::debug!(path, etag = ?response.headers().get(ETAG), "document received");
                Ok(Fetched::New(body(response, wanted.max_bytes()).await?))
            }
        }
    }

    /// Asks for the time, for a nonce that was never used before.
    pub(crate) async fn ask_time(&self, session: &SecretString, nonce: [u8; 32]) -> Result<TimeAnswer, CallError> {
        self.exchange_in(session, paths::TIME, &AskTime { nonce: Base64(nonce) }).await
    }

    /// Reads the guest list on from there; none where the cloud serves none.
    pub(crate) async fn guests(
        &self,
        session: &SecretString,
        after: Option<GuestCursor>,
    ) -> Result<Option<GuestPage>, CallError> {
        let mut url = self.address.endpoint(paths::GUESTS);
        url.set_query(after.map(|after| format!("after={after}")).as_deref());
        let request = self.http.request(Method::GET, url).timeout(whole_call(MAX_ANSWER));
        let response = request.bearer_auth(session.expose_secret()).send().await?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::UNAUTHORIZED => Err(CallError::Unauthorised),
            _ => answer(response).await.map(Some),
        }
    }

    /// Hands over journal rows.
    pub(crate) async fn upload(&self, session: &SecretString, upload: &Upload) -> Result<Uploaded, CallError> {
        self.exchange_in(session, paths::JOURNAL, upload).await
    }

    /// Asks before it admits. Whoever asks has no time for as long as this may take.
    pub(crate) async fn claim(&self, session: &SecretString, ask: &AskClaim) -> Result<ClaimAnswered, CallError> {
        self.exchange_in(session, paths::CLAIMS, ask).await
    }

    async fn exchange_in<A: DeserializeOwned>(
        &self,
        session: &SecretString,
        path: &str,
        question: &impl Serialize,
    ) -> Result<A, CallError> {
        let request = self.request(Method::POST, path, MAX_ANSWER).bearer_auth(session.expose_secret()).json(question);
        let response = request.send().await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            return Err(CallError::Unauthorised);
        }
        answer(response).await
    }

    async fn exchange<A: DeserializeOwned>(&self, path: &str, question: &impl Serialize) -> Result<A, CallError> {
        answer(self.request(Method::POST, path, MAX_ANSWER).json(question).send().await?).await
    }

    fn request(&self, method: Method, path: &str, most: usize) -> RequestBuilder {
        self.http.request(method, self.address.endpoint(path)).timeout(whole_call(most))
    }
}

/// How long a call may take whose answer has at most so many bytes.
fn whole_call(most: usize) -> Duration {
    SILENCE + Duration::from_secs(u64::try_from(most).unwrap_or(u64::MAX) / SLOWEST)
}

async fn answer<A: DeserializeOwned>(response: Response) -> Result<A, CallError> {
    Ok(serde_json::from_slice(&body(response, MAX_ANSWER).await?)?)
}

/// The body of a success, or what the problem document says.
async fn body(response: Response, limit: usize) -> Result<Vec<u8>, CallError> {
    let status = response.status();
    let bytes = bounded(response, limit).await?;
    if status.is_success() { Ok(bytes) } else { Err(Problem::read(&bytes).refusal(status)) }
}

async fn bounded(mut response: Response, limit: usize) -> Result<Vec<u8>, CallError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if bytes.len() + chunk.len() > limit {
            return Err(CallError::TooLong { limit });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A problem document (RFC 9457), as far as it matters here. What is none says nothing.
#[derive(Default, Deserialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: Option<String>,
    title: Option<String>,
    detail: Option<String>,
}

impl Problem {
    fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// By its type where that is the log-in's: a status alone may come from something in between.
    fn refusal(self, status: StatusCode) -> CallError {
        if self.kind.as_deref() == Some(LOG_IN_REFUSED) {
            return CallError::LogInRefused;
        }
        CallError::Refused { status, problem: self.words() }
    }

    /// Title and detail, fit for one line of a screen.
    fn words(self) -> String {
        let words: Vec<_> = [self.title, self.detail].into_iter().flatten().collect();
        if words.is_empty() {
            return "no reason given".to_owned();
        }
        words.join(": ").chars().filter(|character| !character.is_control()).take(MAX_PROBLEM_CHARACTERS).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificates_dates_are_found_however_deep_they_are_wrapped() {
        let expired = || rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        assert!(blames_dates(&io::Error::other(io::Error::other(expired()))));
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        assert!(!blames_dates(&io::Error::other(unknown)));
    }

    #[test]
    fn a_call_may_take_as_long_as_its_answer_is_large() {
        use countermark_shared::documents::Revision;
        use countermark_shared::id::EventId;

        let revision = Revision { epoch: 0, sequence: 1 };
        let list = whole_call(Wanted::SlotSnapshot { event: EventId(7), up_to: revision }.max_bytes());
        let head = whole_call(Wanted::Head { held: None }.max_bytes());
        assert!(head < Duration::from_secs(20) && list > Duration::from_mins(1), "{head:?}, {list:?}");
        assert!(list < Duration::from_mins(20), "{list:?}: rows wait for it");
    }

    #[test]
    fn a_problem_becomes_one_short_line() {
        let words = |bytes: &[u8]| Problem::read(bytes).words();
        assert_eq!(words(br#"{"title":"Code spent","detail":"by\nanother","status":409}"#), "Code spent: byanother");
        assert_eq!(words(b"<html>"), "no reason given");
        let endless = format!(r#"{{"title":"{}"}}"#, "x".repeat(10_000));
        assert_eq!(words(endless.as_bytes()).len(), MAX_PROBLEM_CHARACTERS);
    }
}
