//! Documents in a file: the same bytes that a gate syncs, to be carried in on a stick.

use minicbor::bytes::ByteSlice;
use minicbor::{Decode, Encode};

use super::canonical::{canonical, claimed_items, read};
use super::refusal::Refusal;

const NAME: &str = "set of documents";
/// Bundles of two rotations, a season's steps: far fewer are carried in practice.
const MAX_DOCUMENTS: u64 = 4096;
/// The longest documents once each, and as much again.
const MAX_BYTES: usize = 96 * 1024 * 1024;

/// What kind of document an envelope holds. Nothing rests on it: a label is signed, a kind is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum DocumentKind {
    /// A trust bundle.
    #[n(0)]
    TrustBundle,
    /// An event document.
    #[n(1)]
    EventDocument,
    /// A slot list.
    #[n(2)]
    SlotList,
    /// A slot delta.
    #[n(3)]
    SlotDelta,
    /// An admission feed's batch or snapshot.
    #[n(4)]
    AdmissionFeed,
    /// An assignment.
    #[n(5)]
    Assignment,
    /// A head.
    #[n(6)]
    Head,
}

/// Envelopes in the order in which they are to be offered. Each is judged by itself, so that one that is refused spoils none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSet<'a>(Vec<(DocumentKind, &'a [u8])>);

impl<'a> DocumentSet<'a> {
    /// These envelopes.
    pub fn of(documents: impl IntoIterator<Item = (DocumentKind, &'a [u8])>) -> Self {
        Self(documents.into_iter().collect())
    }

    /// Reads a file. The envelopes stay where they are: nothing is copied.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Refusal> {
        if bytes.len() > MAX_BYTES {
            return Err(Refusal::TooLong { document: NAME, length: bytes.len() as u64 });
        }
        // Before anything is walked or allocated: so many bytes hold 33 million empty envelopes.
        let claimed = claimed_items(bytes).map_err(|defect| Refusal::of(NAME, defect))?;
        if claimed > MAX_DOCUMENTS {
            return Err(Refusal::TooLong { document: NAME, length: claimed });
        }
        let entries: Vec<(DocumentKind, &ByteSlice)> =
            read(bytes, MAX_BYTES).map_err(|defect| Refusal::of(NAME, defect))?;
        Ok(Self(entries.into_iter().map(|(kind, envelope)| (kind, &**envelope)).collect()))
    }

    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        canonical(&self.0.iter().map(|(kind, envelope)| (*kind, <&ByteSlice>::from(*envelope))).collect::<Vec<_>>())
    }

    /// The envelopes, in order.
    pub fn iter(&self) -> impl Iterator<Item = (DocumentKind, &'a [u8])> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_set_is_pairs_of_kind_and_bytes() {
        let set = DocumentSet::of([(DocumentKind::TrustBundle, &[1_u8, 2][..]), (DocumentKind::Head, &[])]);
        let bytes = [0x82, 0x82, 0, 0x42, 1, 2, 0x82, 6, 0x40];
        assert_eq!(set.encode(), bytes);
        assert_eq!(DocumentSet::decode(&bytes), Ok(set));
    }

    #[test]
    fn bounds_are_kept() {
        let entries = |count| vec![(DocumentKind::Head, &[][..]); count];
        DocumentSet::decode(&DocumentSet::of(entries(4096)).encode()).unwrap();
        let more = DocumentSet::of(entries(4097)).encode();
        assert!(matches!(DocumentSet::decode(&more), Err(Refusal::TooLong { length: 4097, .. })));
        let claim = [0x81, 0x82, 0, 0x5a, 0xff, 0xff, 0xff, 0xff];
        assert!(matches!(DocumentSet::decode(&claim), Err(Refusal::TooLong { .. })));
        assert!(matches!(DocumentSet::decode(&[0x81, 0x82, 0, 0x41]), Err(Refusal::Truncated { .. })));
        assert!(matches!(DocumentSet::decode(&[0x81, 0x82, 7, 0x40]), Err(Refusal::Malformed { .. })));
    }

    #[test]
    fn a_set_is_no_longer_than_its_bound() {
        let zeros = vec![0; 96 * 1024 * 1024];
        // Two arrays, a kind, and a length of four bytes.
        let encoded = |length: usize| DocumentSet::of([(DocumentKind::AdmissionFeed, &zeros[..length - 8])]).encode();
        let longest = encoded(zeros.len());
        assert_eq!(longest.len(), zeros.len());
        DocumentSet::decode(&longest).unwrap();
        let longer = encoded(zeros.len() + 1);
        let length = longer.len() as u64;
        assert_eq!(DocumentSet::decode(&longer), Err(Refusal::TooLong { document: NAME, length }));
    }

    #[test]
    fn the_envelopes_are_read_in_their_order() {
        let envelopes = [(DocumentKind::TrustBundle, &[1_u8, 2][..]), (DocumentKind::Head, &[])];
        assert!(DocumentSet::of(envelopes).iter().eq(envelopes));
    }

    /// The number is judged by what the array says of itself: none of the documents behind it was looked at.
    #[test]
    fn too_many_documents_are_refused_by_their_number() {
        let too_many = |bytes: &[u8]| matches!(DocumentSet::decode(bytes), Err(Refusal::TooLong { .. }));
        assert!(too_many(&[0x99, 0x10, 0x01]));
        assert!(too_many(&[&[0x99, 0x10, 0x01][..], &[0xff; 5000]].concat()));
        assert!(!too_many(&[0x99, 0x10, 0x00]));
        // In its one form alone, and of an array alone.
        assert!(matches!(DocumentSet::decode(&[0x9a, 0, 0, 0x10, 0x01]), Err(Refusal::NotCanonical { .. })));
        assert!(matches!(DocumentSet::decode(&[0x19, 0x10, 0x01]), Err(Refusal::Malformed { .. })));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_back_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(set) = DocumentSet::decode(&bytes) {
                prop_assert_eq!(set.encode(), bytes);
            }
        }
    }
}
