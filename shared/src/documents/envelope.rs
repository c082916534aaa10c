//! The envelope around every signed document, and the only way to an [`Authentic`] one.

use core::marker::PhantomData;
use core::time::Duration;

use minicbor::bytes::{ByteArray, ByteSlice, ByteVec};
use minicbor::{Decode, Encode};

use super::canonical::{canonical, read};
use super::hash::DocumentHash;
use super::refusal::Refusal;
use super::revision::{Floors, Revision, Standing, ascend};
use crate::keys::{KeyId, Signature, SigningKey, VerifyingKey, labelled_digest};
use crate::label::Label;
use crate::time::Timestamp;

/// More signatures than this are refused unread.
pub const MAX_SIGNATURES: usize = 16;
/// Envelope bytes beyond the payload: signatures and framing.
const MAX_OVERHEAD: usize = MAX_SIGNATURES * 80 + 32;
/// How far ahead of a reader's clock a document may have been issued before it is held back.
pub const MAX_CLOCK_LEAD: Duration = Duration::from_hours(24);

/// A kind of signed document: canonical CBOR (RFC 8949, 4.2.1) with integer keys.
pub trait Document: Encode<()> + for<'b> Decode<'b, ()> {
    /// The label of its signatures. Its `/1/` is the version of the encoding: another encoding has another label.
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

/// An envelope that was decoded; nothing in it is believed yet.
#[derive(Clone, Debug)]
pub struct Signed<'a, D> {
    bytes: &'a [u8],
    envelope: Envelope<'a>,
    document: PhantomData<fn() -> D>,
}

#[derive(Clone, Debug, Encode, Decode)]
#[cbor(map)]
struct Envelope<'a> {
    #[b(0)]
    payload: &'a ByteSlice,
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

impl DocumentSignature {
    fn by<D: Document>(key: &SigningKey, payload: &[u8]) -> Self {
        Self { signer: key.verifying_key().id().0.into(), signature: key.sign(D::LABEL, payload) }
    }
}

/// A document whose signatures were verified, and what was learnt from those before it. Only [`Signed::open`] makes one.
#[derive(Clone, Debug)]
pub struct Authentic<D> {
    document: D,
    hash: DocumentHash,
    bytes: Vec<u8>,
    signers: Vec<VerifyingKey>,
    floors: Floors<DocumentHash>,
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

    /// The document's name.
    pub fn hash(&self) -> DocumentHash {
        self.hash
    }

    /// The envelope's bytes as received, to be stored and served as they are.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The accepted keys that signed it.
    pub fn signers(&self) -> &[VerifyingKey] {
        &self.signers
    }

    /// The newest that each of the `believed` keys has signed: what a replacement is held against. None when whoever signed
    /// what is in force is no longer believed, and nobody else signed anything.
    pub fn floor(&self, believed: &[VerifyingKey]) -> Option<Standing> {
        self.floors.highest(believed)
    }
}

impl<D: Document> Authentic<D> {
    /// What stands with this document.
    pub fn standing(&self) -> Standing {
        Standing { revision: self.document.revision(), hash: self.hash }
    }

    /// Takes the place of what is in force, unless that is newer, or this comes from the future. `believed` are the keys that may
    /// sign such a document today.
    pub fn succeed(
        mut self,
        in_force: Option<&Self>,
        believed: &[VerifyingKey],
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        supersede(in_force.and_then(|current| current.floor(believed)), &self, now)?;
        if let Some(current) = in_force {
            self.floors = current.floors.raised(&self.signers, self.standing(), believed);
        }
        Ok(self)
    }

    /// What a reader writes to its own disk, to have the same document in force after a restart, whatever became of its signers.
    pub fn to_record(&self) -> Vec<u8> {
        canonical(&Record {
            envelope: self.bytes.clone().into(),
            signers: self.signers.clone(),
            floors: self.floors.clone(),
        })
    }

    /// Reads what [`to_record`](Self::to_record) wrote. Never for bytes from elsewhere: a record names its own signers.
    pub fn from_record(bytes: &[u8]) -> Result<Self, Refusal> {
        let record: Record = read(bytes, bytes.len()).map_err(|defect| Refusal::of(D::NAME, defect))?;
        let stored = Signed::<D>::decode(&record.envelope)?.open(&record.signers, record.signers.len())?;
        Ok(Self { floors: record.floors, ..stored })
    }
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Record {
    #[n(0)]
    envelope: ByteVec,
    #[n(1)]
    signers: Vec<VerifyingKey>,
    #[n(2)]
    floors: Floors<DocumentHash>,
}

impl<'a, D: Document> Signed<'a, D> {
    /// Signs a document; the answer is the envelope's bytes.
    pub fn seal(document: &D, signers: &[&SigningKey]) -> Result<Vec<u8>, Refusal> {
        document.check().map_err(malformed::<D>)?;
        let payload = canonical(document);
        if payload.len() > D::MAX_PAYLOAD {
            return Err(Refusal::TooLong { document: D::NAME, length: payload.len() as u64 });
        }
        let signatures = signers.iter().map(|key| DocumentSignature::by::<D>(key, &payload)).collect();
        Ok(canonical(&Envelope { payload: payload.as_slice().into(), signatures }))
    }

    /// The envelope with more signatures, one for each of `signers` who has not signed it before.
    pub fn countersign(&self, signers: &[&SigningKey]) -> Vec<u8> {
        let Envelope { payload, mut signatures } = self.envelope.clone();
        for key in signers {
            if self.valid(&[key.verifying_key()]).is_empty() {
                signatures.push(DocumentSignature::by::<D>(key, payload));
            }
        }
        canonical(&Envelope { payload, signatures })
    }

    /// Reads an envelope, without looking into its payload.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let too_long = |length| Refusal::TooLong { document: D::NAME, length };
        if bytes.len() > D::MAX_PAYLOAD + MAX_OVERHEAD {
            return Err(too_long(bytes.len() as u64));
        }
        let envelope: Envelope<'a> = read(bytes, D::MAX_PAYLOAD).map_err(|defect| Refusal::of(D::NAME, defect))?;
        if envelope.signatures.len() > MAX_SIGNATURES {
            return Err(malformed::<D>("it has too many signatures"));
        }
        Ok(Self { bytes, envelope, document: PhantomData })
    }

    /// Believes the content when at least `threshold` of `signers` signed it.
    pub fn open(self, signers: &[VerifyingKey], threshold: usize) -> Result<Authentic<D>, Refusal> {
        let signers = self.signed_by(signers, threshold)?;
        let document = self.unbelieved()?;
        let hash = DocumentHash(labelled_digest(D::LABEL, &[self.envelope.payload]));
        let standing = Standing { revision: document.revision(), hash };
        let floors = Floors::default().raised(&signers, standing, &signers);
        Ok(Authentic { document, hash, bytes: self.bytes.to_vec(), signers, floors })
    }

    /// Those of `signers` who signed the payload, if they are at least `threshold`.
    pub(super) fn signed_by(&self, signers: &[VerifyingKey], threshold: usize) -> Result<Vec<VerifyingKey>, Refusal> {
        let valid = self.valid(signers);
        match valid.len() {
            0 => Err(Refusal::NotSigned { document: D::NAME }),
            few if few < threshold => Err(Refusal::ThresholdMissed { document: D::NAME, valid: few, threshold }),
            _ => Ok(valid),
        }
    }

    /// Those of `signers` who signed the payload, each once.
    pub(super) fn valid(&self, signers: &[VerifyingKey]) -> Vec<VerifyingKey> {
        let Envelope { payload, signatures } = &self.envelope;
        let mut valid = Vec::new();
        for key in signers {
            let id = key.id();
            let signed = || {
                signatures
                    .iter()
                    .any(|signed| KeyId(*signed.signer) == id && key.verifies(D::LABEL, payload, &signed.signature))
            };
            // A key listed twice counts once.
            if !valid.contains(key) && signed() {
                valid.push(*key);
            }
        }
        valid
    }

    /// The content before any signature was looked at: only to learn who should have signed it.
    pub(super) fn unbelieved(&self) -> Result<D, Refusal> {
        let document: D = read(self.envelope.payload, D::MAX_PAYLOAD).map_err(|defect| Refusal::of(D::NAME, defect))?;
        document.check().map_err(malformed::<D>)?;
        Ok(document)
    }
}

/// Whether `offered` may come after `floor`, the highest revision that a key which is still believed has signed: `Ok(true)` when it
/// is newer, `Ok(false)` when it is the same.
pub fn supersede<D: Document>(
    floor: Option<Standing>,
    offered: &Authentic<D>,
    now: Timestamp,
) -> Result<bool, Refusal> {
    not_from_the_future(&offered.document, now)?;
    ascend(D::NAME, floor.as_ref(), &offered.standing())
}

/// Holds back what was issued more than a day ahead of the reader's clock.
pub(super) fn not_from_the_future<D: Document>(document: &D, now: Timestamp) -> Result<(), Refusal> {
    let issued = document.issued();
    if issued > now + MAX_CLOCK_LEAD { Err(Refusal::FromTheFuture { document: D::NAME, issued }) } else { Ok(()) }
}

fn malformed<D: Document>(why: &'static str) -> Refusal {
    Refusal::Malformed { document: D::NAME, why: why.to_owned() }
}

#[cfg(test)]
mod tests;
