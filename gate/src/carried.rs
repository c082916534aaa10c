//! Documents in a file: carried in on a stick where no network reaches, or given on. Owns the words on what became of each; the file's form is
//! `shared`'s.

use countermark_shared::documents::{DocumentSet, Refusal};
use serde::{Deserialize, Serialize};

use crate::documents::{DocumentKind, Envelopes};
use crate::ledger::{TakeError, Taken};

/// A longer file is no set of documents: the specification's limit.
pub(crate) const MAX_SET: u64 = 100_663_296;

/// A document of a file, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offered {
    /// What it is, as the file says.
    pub(crate) kind: DocumentKind,
    pub(crate) outcome: Outcome,
    /// Of a refused one, the reason.
    pub(crate) why: Option<String>,
}

/// What became of an offered document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// In force now.
    Taken,
    /// It was in force already.
    Held,
    /// Not taken; what was in force stays.
    Refused,
}

impl Offered {
    /// What the ledger made of it.
    pub(crate) fn new(kind: DocumentKind, outcome: Result<Taken, TakeError>) -> Self {
        match outcome {
            Ok(Taken::New) => Self { kind, outcome: Outcome::Taken, why: None },
            Ok(Taken::Held | Taken::Folded) => Self { kind, outcome: Outcome::Held, why: None },
            Err(error) => Self { kind, outcome: Outcome::Refused, why: Some(error.to_string()) },
        }
    }
}

/// The documents of a file.
pub(crate) fn unpack(set: &[u8]) -> Result<Envelopes, Refusal> {
    let set = DocumentSet::decode(set)?;
    Ok(set.iter().map(|(kind, envelope)| (kind.into(), envelope.to_vec())).collect())
}

/// A file of documents.
pub(crate) fn pack(documents: &[(DocumentKind, Vec<u8>)]) -> Vec<u8> {
    DocumentSet::of(documents.iter().map(|(kind, envelope)| ((*kind).into(), envelope.as_slice()))).encode()
}
