//! Which issue of a document stands, who vouched for it, and what may replace it.

use core::fmt;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::hash::DocumentHash;
use super::refusal::Refusal;
use crate::keys::VerifyingKey;

/// An ordered number of issue: the epoch first, then the sequence within it. Documents without epochs leave it 0.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize, ToSchema,
)]
#[cbor(map)]
pub struct Revision {
    /// Raised when a cloud was restored from a backup.
    #[n(0)]
    pub epoch: u32,
    /// Raised by each issue.
    #[n(1)]
    pub sequence: u64,
}

impl Revision {
    /// The revision of a document that has versions only.
    pub fn version(version: u32) -> Self {
        Self { epoch: 0, sequence: version.into() }
    }

    /// Whether this is the step that follows on `other`.
    pub(super) fn follows(self, other: Self) -> bool {
        self.epoch == other.epoch && Some(self.sequence) == other.sequence.checked_add(1)
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

/// A revision and the name of what it says: enough to refuse what is older or contradicts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Standing<H = DocumentHash> {
    /// The revision.
    #[n(0)]
    pub revision: Revision,
    /// Its content's name.
    #[n(1)]
    pub hash: H,
}

/// The newest that each key has signed, of all that a reader has taken. A floor falls when its key is no longer believed, so that a
/// number raised by a thief does not outlive his key; the floors that others set stay.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Floors<H>(#[n(0)] Vec<(VerifyingKey, Standing<H>)>);

impl<H> Default for Floors<H> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<H: Copy + PartialEq> Floors<H> {
    /// The highest floor that a believed key has set.
    pub fn highest(&self, believed: &[VerifyingKey]) -> Option<Standing<H>> {
        self.0
            .iter()
            .filter(|(signer, _)| believed.contains(signer))
            .map(|(_, standing)| *standing)
            .max_by_key(|standing| standing.revision)
    }

    /// These floors, raised by what `signers` signed; floors of keys that are no longer believed are forgotten.
    #[must_use]
    pub(super) fn raised(&self, signers: &[VerifyingKey], to: Standing<H>, believed: &[VerifyingKey]) -> Self {
        let kept = self.0.iter().filter(|(signer, _)| believed.contains(signer) && !signers.contains(signer)).copied();
        Self(kept.chain(signers.iter().map(|signer| (*signer, to))).collect())
    }
}

/// Whether `offered` may come after `floor`: `Ok(true)` when it is newer, `Ok(false)` when it is the same.
pub(super) fn ascend<H: PartialEq>(
    document: &'static str,
    floor: Option<&Standing<H>>,
    offered: &Standing<H>,
) -> Result<bool, Refusal> {
    let Some(floor) = floor else { return Ok(true) };
    match offered.revision.cmp(&floor.revision) {
        core::cmp::Ordering::Less => {
            Err(Refusal::Older { document, offered: offered.revision, in_force: floor.revision })
        }
        core::cmp::Ordering::Equal if floor.hash == offered.hash => Ok(false),
        core::cmp::Ordering::Equal => Err(Refusal::Conflicting { document, revision: offered.revision }),
        core::cmp::Ordering::Greater => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each key has one floor, and who is believed no more has none: what a reader keeps does not grow with rotations.
    #[test]
    fn floors_are_replaced_and_forgotten() {
        let [one, other] = [1, 2].map(|seed| crate::samples::signing_key(seed).verifying_key());
        let at = |version| Standing { revision: Revision::version(version), hash: version };
        let first = Floors::default().raised(&[one], at(1), &[one, other]);
        assert_eq!(first.raised(&[one], at(2), &[one]), Floors::default().raised(&[one], at(2), &[one]));
        assert_eq!(first.raised(&[other], at(2), &[other]), Floors::default().raised(&[other], at(2), &[other]));
        let both = first.raised(&[other], at(2), &[one, other]);
        assert_eq!((both.highest(&[one]), both.highest(&[one, other])), (Some(at(1)), Some(at(2))));
    }

    #[test]
    fn a_revision_is_read_as_a_version_or_with_its_epoch() {
        assert_eq!(Revision::version(12).to_string(), "12");
        assert_eq!(Revision { epoch: 2, sequence: 12 }.to_string(), "2.12");
    }
}
