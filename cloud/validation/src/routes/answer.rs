//! Documents as answers: the bytes they were stored as, how long they may be kept, and nothing where the gate holds them already.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use countermark_shared::documents::DocumentHash;
use utoipa::IntoParams;

const CBOR: HeaderValue = HeaderValue::from_static("application/cbor");

/// Who may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// Anybody, for ever: the name is the content's.
    Anybody,
    /// Anybody, for a minute: the name is the content's, and its signatures may be others then.
    ForAMinute,
    /// The gate, for ever.
    TheGate,
    /// Nobody: the next answer may be another.
    Nobody,
}

impl Keep {
    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Anybody => "public, max-age=31536000, immutable",
            Self::ForAMinute => "public, max-age=60",
            Self::TheGate => "private, max-age=31536000, immutable",
            Self::Nobody => "private, no-store",
        })
    }
}

/// The documents a request says its sender holds (`If-None-Match`, RFC 9110, 13.1.2).
#[derive(IntoParams)]
#[into_params(names("If-None-Match"), parameter_in = Header)]
pub(crate) struct Held(
    /// The `ETag` of the document that the gate holds, if it holds one.
    #[param(value_type = String, required = false)]
    Vec<DocumentHash>,
);

impl Held {
    /// The document of that name, unless it is among those held.
    pub(super) fn answer(&self, hash: DocumentHash, bytes: Vec<u8>, keep: Keep) -> Response {
        let tag = [(ETAG, format!("\"{hash}\""))];
        if self.0.contains(&hash) {
            (StatusCode::NOT_MODIFIED, [(CACHE_CONTROL, keep.header())], tag).into_response()
        } else {
            (tag, document(bytes, keep)).into_response()
        }
    }

    /// Tags that are not ours are no document of ours. A proxy that re-encoded an answer has made its tag weak.
    fn of(headers: &HeaderMap) -> Self {
        let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let hash = |tag: &str| {
            let tag = tag.trim();
            let opaque = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
            DocumentHash::try_from(opaque.to_owned()).ok()
        };
        Self(tags.flat_map(|list| list.split(',')).filter_map(hash).collect())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Held {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// A document.
pub(super) fn document(bytes: Vec<u8>, keep: Keep) -> Response {
    ([(CONTENT_TYPE, CBOR), (CACHE_CONTROL, keep.header())], bytes).into_response()
}
