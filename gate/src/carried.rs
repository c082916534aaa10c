//! Documents in a file: carried in on a stick where no network reaches, or given on. Owns the words on what became of each; the file's form is
//! `shared`'s.

use countermark_shared::documents::{DocumentSet, Refusal};
use serde::{Deserialize, Serialize};

use crate::documents::{DocumentKind, Envelopes, NotTaken};
use crate::ledger::{TakeError, Taken};

const COMPARE: &str =
    "compare that with a watch (UTC); if it is that late, run `countermark-gate clock confirm`, then import again";

/// A longer file is no set of documents: the specification's limit.
pub(crate) const MAX_SET: u64 = 100_663_296;

/// A document of a file, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offered {
    /// What it is, as the file says.
    pub(crate) kind: DocumentKind,
    pub(crate) outcome: Outcome,
    /// Of one that is refused or not for this gate, the reason, and what to do.
    pub(crate) why: Option<String>,
}

/// What became of an offered document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// In force now.
    Taken,
    /// It was in force already, or something newer is.
    Held,
    /// Another gate's assignment or head: its file is of use here all the same.
    NotForThisGate,
    /// Not taken; what was in force stays.
    Refused,
}

impl Offered {
    /// What the ledger made of it.
    pub(crate) fn new(kind: DocumentKind, outcome: Result<Taken, TakeError>) -> Self {
        match outcome {
            Ok(Taken::New) => Self { kind, outcome: Outcome::Taken, why: None },
            Ok(Taken::Held | Taken::Folded) => Self { kind, outcome: Outcome::Held, why: None },
            Err(error) => {
                let (outcome, why) = judge(kind, &error);
                Self { kind, outcome, why }
            }
        }
    }
}

/// A file from another gate holds what is that gate's, and an old one what was true once: neither is anybody's mistake.
fn judge(kind: DocumentKind, error: &TakeError) -> (Outcome, Option<String>) {
    let refused = || (Outcome::Refused, Some(error.to_string()));
    let TakeError::NotTaken(NotTaken::Refused(refusal)) = error else { return refused() };
    match (refusal, kind) {
        (Refusal::Older { .. }, _) => (Outcome::Held, None),
        (Refusal::OtherSubject { .. }, DocumentKind::Assignment | DocumentKind::Head) => {
            (Outcome::NotForThisGate, Some(error.to_string()))
        }
        (Refusal::FromTheFuture { .. }, _) => (Outcome::Refused, Some(format!("{error}; {COMPARE}"))),
        (_, _) => refused(),
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
