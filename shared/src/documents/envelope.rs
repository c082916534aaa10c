//! The envelope around every signed document, and the rule by which a newer one replaces an older.

use core::fmt;
use core::marker::PhantomData;
use core::time::Duration;

use data_encoding::HEXLOWER;
use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::keys::{KeyId, Signature, SigningKey, VerifyingKey, labelled_digest};
use crate::label::Label;
use crate::time::Timestamp;

/// More signatures than this are refused unread.
pub const MAX_SIGNATURES: usize = 16;
/// Envelope bytes beyond the payload: signatures and framing.
const MAX_OVERHEAD: usize = MAX_SIGNATURES * 80 + 32;
/// How far ahead of a reader's clock a document may have been issued before it is held back.
const MAX_CLOCK_LEAD: Duration = Duration::from_hours(24);

/// A kind of signed document: canonical CBOR (RFC 8949, 4.2.1) with integer keys.
pub trait Document: Encode<()> + for<'b> Decode<'b, ()> {
    /// The label of its signatures.
    const LABEL: Label;
    /// What it is called in messages.
    const NAME: &'static str;
    /// A longer payload is refused unread.
    const MAX_PAYLOAD: usize;

    /// Which issue of the document this is; a reader never goes back.
    fn revision(&self) -> Revision;

    /// When it was signed.
    fn issued(&self) -> Timestamp;

    /// What no encoding can say: rules between the fields. The answer is what is wrong.
    fn check(&self) -> Result<(), &'static str>;
}

/// An ordered number of issue: the epoch first, then the sequence within it. Documents without epochs leave it 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub struct Revision {
    /// Raised when a cloud was restored from a backup.
    pub epoch: u32,
    /// Raised by each issue.
    pub sequence: u64,
}

impl Revision {
    /// The revision of a document that has versions only.
    pub fn version(version: u32) -> Self {
        Self { epoch: 0, sequence: version.into() }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.epoch == 0 {
            write!(formatter, "{}", self.sequence)
        } else {
            write!(formatter, "{}.{}", self.epoch, self.sequence)
        }
    }
}

/// SHA-256 over label and payload: the document's name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct DocumentHash(pub [u8; 32]);

impl fmt::Display for DocumentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for DocumentHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DocumentHash({self})")
    }
}

impl TryFrom<String> for DocumentHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| "a document's hash is 64 hexadecimal digits")?;
        bytes.try_into().map(Self).map_err(|_| "a document's hash is 64 hexadecimal digits")
    }
}

impl From<DocumentHash> for String {
    fn from(hash: DocumentHash) -> Self {
        hash.to_string()
    }
}

/// Why a document was not taken; what was in force stays.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More bytes than such a document can have.
    #[error("the {document} has {length} bytes, more than such a document can have")]
    TooLong {
        /// What it should have been.
        document: &'static str,
        /// Its bytes.
        length: usize,
    },
    /// Not the one encoding its content has, or fields that contradict each other.
    #[error("the {document} is malformed: {why}")]
    Malformed {
        /// What it should have been.
        document: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Not enough of the right keys signed these bytes.
    #[error("the {document} carries {valid} valid signatures of the {threshold} it needs")]
    NotSigned {
        /// What it should have been.
        document: &'static str,
        /// Distinct accepted signers whose signature is valid.
        valid: usize,
        /// How many there must be.
        threshold: usize,
    },
    /// Another event's.
    #[error("the {document} is about another event")]
    OtherSubject {
        /// What it is.
        document: &'static str,
    },
    /// The bundle names other roots than the ones pinned at enrolment.
    #[error("the trust bundle's roots are not the ones this reader was enrolled with")]
    OtherRoot,
    /// Older than what is in force.
    #[error("the {document} is revision {offered}, older than {in_force}, which is in force")]
    Older {
        /// What it is.
        document: &'static str,
        /// The revision offered.
        offered: Revision,
        /// The revision in force.
        in_force: Revision,
    },
    /// The same revision with other content: somebody signed two.
    #[error("there are two different {document}s of revision {revision}; report this")]
    Conflicting {
        /// What it is.
        document: &'static str,
        /// The revision that exists twice.
        revision: Revision,
    },
    /// Signed further ahead of the reader's clock than clocks go wrong by themselves.
    #[error("the {document} was issued on {issued}, more than a day ahead of this clock")]
    FromTheFuture {
        /// What it is.
        document: &'static str,
        /// When it says it was issued.
        issued: Timestamp,
    },
}

/// An envelope that was decoded; nothing in it is believed yet.
#[derive(Clone, Debug)]
pub struct Signed<D> {
    envelope: Envelope,
    document: PhantomData<fn() -> D>,
}

#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct Envelope {
    #[n(0)]
    payload: ByteVec,
    #[n(1)]
    signatures: Vec<DocumentSignature>,
}

#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct DocumentSignature {
    #[n(0)]
    signer: ByteArray<4>,
    #[n(1)]
    signature: Signature,
}

/// A document whose signatures were verified. Only [`Signed::open`] makes one.
#[derive(Clone, Debug)]
pub struct Authentic<D> {
    document: D,
    hash: DocumentHash,
    bytes: Vec<u8>,
}

impl<D> Authentic<D> {
    /// The content.
    pub fn document(&self) -> &D {
        &self.document
    }

    /// The content alone.
    pub fn into_document(self) -> D {
        self.document
    }

    /// What a replacement is held against.
    pub fn standing(&self) -> Standing
    where
        D: Document,
    {
        Standing { revision: self.document.revision(), hash: self.hash }
    }

    /// The document's name.
    pub fn hash(&self) -> DocumentHash {
        self.hash
    }

    /// The envelope's bytes as received, to be stored and served as they are.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<D: Document> Signed<D> {
    /// Signs a document; the answer is the envelope's bytes.
    pub fn seal(document: &D, signers: &[&SigningKey]) -> Result<Vec<u8>, Refusal> {
        document.check().map_err(malformed::<D>)?;
        let payload = canonical(document);
        if payload.len() > D::MAX_PAYLOAD {
            return Err(Refusal::TooLong { document: D::NAME, length: payload.len() });
        }
        let signatures = signers
            .iter()
            .map(|key| DocumentSignature {
                signer: key.verifying_key().id().0.into(),
                signature: key.sign(D::LABEL, &payload),
            })
            .collect();
        Ok(canonical(&Envelope { payload: payload.into(), signatures }))
    }

    /// Reads an envelope, without looking into its payload.
    pub fn decode(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > D::MAX_PAYLOAD + MAX_OVERHEAD {
            return Err(Refusal::TooLong { document: D::NAME, length: bytes.len() });
        }
        let envelope: Envelope = from_canonical(bytes).map_err(malformed::<D>)?;
        if envelope.signatures.len() > MAX_SIGNATURES {
            return Err(malformed::<D>("it has too many signatures"));
        }
        Ok(Self { envelope, document: PhantomData })
    }

    /// Believes the content when at least `threshold` of `signers` signed it.
    pub fn open(self, signers: &[VerifyingKey], threshold: usize) -> Result<Authentic<D>, Refusal> {
        let Envelope { payload, signatures } = &self.envelope;
        let valid = signers
            .iter()
            .enumerate()
            // A key listed twice counts once.
            .filter(|(index, key)| !signers.iter().take(*index).any(|earlier| earlier == *key))
            .filter(|(_, key)| {
                signatures.iter().any(|signed| {
                    KeyId(*signed.signer) == key.id() && key.verifies(D::LABEL, payload, &signed.signature)
                })
            })
            .count();
        if valid < threshold.max(1) {
            return Err(Refusal::NotSigned { document: D::NAME, valid, threshold });
        }
        let document = self.unbelieved()?;
        Ok(Authentic { document, hash: self.hash(), bytes: canonical(&self.envelope) })
    }

    /// The content before any signature was looked at: only to learn who should have signed it.
    pub(super) fn unbelieved(&self) -> Result<D, Refusal> {
        let document: D = from_canonical(&self.envelope.payload).map_err(malformed::<D>)?;
        document.check().map_err(malformed::<D>)?;
        Ok(document)
    }

    fn hash(&self) -> DocumentHash {
        DocumentHash(labelled_digest(D::LABEL, &[&self.envelope.payload]))
    }
}

/// What is known of the document in force: enough to refuse what is older, even where its own signer is no longer believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its revision.
    pub revision: Revision,
    /// Its name.
    pub hash: DocumentHash,
}

/// Whether `offered` may replace what is in force: `Ok(true)` replaces, `Ok(false)` is what is in force already.
pub fn supersede<D: Document>(
    in_force: Option<Standing>,
    offered: &Authentic<D>,
    now: Timestamp,
) -> Result<bool, Refusal> {
    let issued = offered.document.issued();
    if issued > now + MAX_CLOCK_LEAD {
        return Err(Refusal::FromTheFuture { document: D::NAME, issued });
    }
    let Some(current) = in_force else { return Ok(true) };
    let revision = offered.document.revision();
    match revision.cmp(&current.revision) {
        core::cmp::Ordering::Less => {
            Err(Refusal::Older { document: D::NAME, offered: revision, in_force: current.revision })
        }
        core::cmp::Ordering::Equal if current.hash == offered.hash => Ok(false),
        core::cmp::Ordering::Equal => Err(Refusal::Conflicting { document: D::NAME, revision }),
        core::cmp::Ordering::Greater => Ok(true),
    }
}

fn malformed<D: Document>(why: impl fmt::Display) -> Refusal {
    Refusal::Malformed { document: D::NAME, why: why.to_string() }
}

/// The one encoding of a value.
#[expect(clippy::expect_used, reason = "memory takes every byte, and none of this crate's encodings fails by itself")]
pub(crate) fn canonical<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("encoding to memory")
}

/// Decodes the one encoding a value has: what does not encode back to the same bytes (unknown keys, trailing bytes,
/// indefinite or overlong lengths, keys out of order) is refused.
pub(crate) fn from_canonical<T: Encode<()> + for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Result<T, String> {
    let value: T = minicbor::decode(bytes).map_err(|error| error.to_string())?;
    if canonical(&value) == bytes { Ok(value) } else { Err("it is not in its canonical encoding".to_owned()) }
}
