//! What can be fetched, where validation serves it, and how long it may be.

use countermark_shared::documents::{
    AdmissionFeed, Assignment, Document, DocumentHash, EventDocument, Head, Revision, SlotDelta, SlotList, TrustBundle,
};
use countermark_shared::id::EventId;
use countermark_shared::wire::paths;

use crate::documents::DocumentKind;

/// Room for the signatures around a payload; decoding checks the exact bound.
const MAX_ENVELOPE_OVERHEAD: usize = 2048;
/// The bundles of more rotations than a gate sleeps through.
const MAX_BUNDLES: usize = 16 * 1024 * 1024;

/// 10,000 rows of 41 bytes, and what is thought of 1,024 gates. A call may take as long as its answer is large, and rows wait for it.
const MAX_BATCH: usize = 512 * 1024;

/// Something to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The newest trust bundle, for a gate that has none.
    NewestBundle,
    /// The trust bundles after a version that changed the roots, in order, and the newest: a set, not a document.
    BundlesAfter(Revision),
    /// The trust bundle of that name.
    Bundle(DocumentHash),
    /// The event document of that name.
    EventDocument(DocumentHash),
    /// This gate's newest assignment.
    Assignment,
    /// This gate's newest head, unless it is the one that is held.
    Head {
        /// The one that is held.
        held: Option<DocumentHash>,
    },
    /// The slot delta that leads to a revision.
    SlotDelta {
        /// Whose.
        event: EventId,
        /// Where it leads.
        to: Revision,
    },
    /// The last slot-list snapshot up to a revision.
    SlotSnapshot {
        /// Whose.
        event: EventId,
        /// None later than this.
        up_to: Revision,
    },
    /// The batch of the admission feed of that number.
    FeedBatch {
        /// Whose.
        event: EventId,
        /// Its number.
        to: Revision,
    },
    /// The last snapshot of the admission feed up to a batch.
    FeedSnapshot {
        /// Whose.
        event: EventId,
        /// None later than this.
        up_to: Revision,
    },
}

impl Wanted {
    /// What it is.
    pub(crate) const fn kind(self) -> DocumentKind {
        match self {
            Self::NewestBundle | Self::BundlesAfter(_) | Self::Bundle(_) => DocumentKind::TrustBundle,
            Self::EventDocument(_) => DocumentKind::EventDocument,
            Self::Assignment => DocumentKind::Assignment,
            Self::Head { held: _ } => DocumentKind::Head,
            Self::SlotDelta { .. } => DocumentKind::SlotDelta,
            Self::SlotSnapshot { .. } => DocumentKind::SlotList,
            Self::FeedBatch { .. } => DocumentKind::FeedBatch,
            Self::FeedSnapshot { .. } => DocumentKind::AdmissionFeed,
        }
    }

    /// Where validation serves it.
    pub(crate) fn path(self) -> String {
        let of_event = |path: &str, event: EventId, revision: Revision| {
            path.replace("{event}", &event.to_string())
                .replace("{epoch}", &revision.epoch.to_string())
                .replace("{sequence}", &revision.sequence.to_string())
        };
        match self {
            Self::NewestBundle => paths::BUNDLE.to_owned(),
            Self::BundlesAfter(revision) => paths::BUNDLES.replace("{version}", &revision.sequence.to_string()),
            Self::Bundle(hash) | Self::EventDocument(hash) => paths::DOCUMENT.replace("{hash}", &hash.to_string()),
            Self::Assignment => paths::ASSIGNMENT.to_owned(),
            Self::Head { held: _ } => paths::HEAD.to_owned(),
            Self::SlotDelta { event, to } => of_event(paths::SLOT_DELTA, event, to),
            Self::SlotSnapshot { event, up_to } => of_event(paths::SLOT_SNAPSHOT, event, up_to),
            Self::FeedBatch { event, to } => of_event(paths::FEED_BATCH, event, to),
            Self::FeedSnapshot { event, up_to } => of_event(paths::FEED_SNAPSHOT, event, up_to),
        }
    }

    /// The one that is not sent again.
    pub(crate) const fn held(self) -> Option<DocumentHash> {
        match self {
            Self::Head { held } => held,
            Self::NewestBundle
            | Self::BundlesAfter(_)
            | Self::Bundle(_)
            | Self::EventDocument(_)
            | Self::Assignment
            | Self::SlotDelta { .. }
            | Self::SlotSnapshot { .. }
            | Self::FeedBatch { .. }
            | Self::FeedSnapshot { .. } => None,
        }
    }

    /// More bytes are not received.
    pub(crate) const fn max_bytes(self) -> usize {
        MAX_ENVELOPE_OVERHEAD
            + match self {
                Self::NewestBundle | Self::Bundle(_) => TrustBundle::MAX_PAYLOAD,
                Self::BundlesAfter(_) => MAX_BUNDLES,
                Self::EventDocument(_) => EventDocument::MAX_PAYLOAD,
                Self::Assignment => Assignment::MAX_PAYLOAD,
                Self::Head { held: _ } => Head::MAX_PAYLOAD,
                Self::SlotDelta { .. } => SlotDelta::MAX_PAYLOAD,
                Self::SlotSnapshot { .. } => SlotList::MAX_PAYLOAD,
                Self::FeedBatch { .. } => MAX_BATCH,
                Self::FeedSnapshot { .. } => AdmissionFeed::MAX_PAYLOAD,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_is_filled_in() {
        let (event, to) = (EventId(7), Revision { epoch: 2, sequence: 41 });
        let hash = DocumentHash([0xab; 32]);
        for (wanted, expected) in [
            (Wanted::NewestBundle, "/v1/gate/trust-bundle".to_owned()),
            (Wanted::BundlesAfter(Revision::version(3)), "/v1/trust-bundles/after/3".to_owned()),
            (Wanted::Bundle(hash), format!("/v1/documents/{}", "ab".repeat(32))),
            (Wanted::EventDocument(hash), format!("/v1/documents/{}", "ab".repeat(32))),
            (Wanted::Assignment, "/v1/gate/assignment".to_owned()),
            (Wanted::Head { held: None }, "/v1/gate/head".to_owned()),
            (Wanted::SlotDelta { event, to }, "/v1/events/7/slot-list/2/41".to_owned()),
            (Wanted::SlotSnapshot { event, up_to: to }, "/v1/events/7/slot-list/2/41/snapshot".to_owned()),
            (Wanted::FeedBatch { event, to }, "/v1/events/7/admission-feed/2/41".to_owned()),
            (Wanted::FeedSnapshot { event, up_to: to }, "/v1/events/7/admission-feed/2/41/snapshot".to_owned()),
        ] {
            assert_eq!(wanted.path(), expected);
        }
    }
}
