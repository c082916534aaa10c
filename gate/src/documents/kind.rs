//! Kinds of documents: their stable names, and what makes which believable.

use countermark_shared::documents as law;
use serde::{Deserialize, Serialize};

/// What a gate is offered, in the order in which one makes the next believable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DocumentKind {
    TrustBundle,
    Assignment,
    EventDocument,
    SlotList,
    SlotDelta,
    AdmissionFeed,
    FeedBatch,
    Head,
}

impl DocumentKind {
    /// Those of which one is in force, in order. Deltas are part of the slot list that they led to, and batches of the admission feed.
    pub(crate) const HELD: [Self; 6] =
        [Self::TrustBundle, Self::Assignment, Self::EventDocument, Self::SlotList, Self::AdmissionFeed, Self::Head];

    /// Those without which nothing can be decided. Without a slot list or a feed the decision goes on, and says so.
    pub(crate) const NEEDED: [Self; 3] = [Self::TrustBundle, Self::Assignment, Self::EventDocument];

    /// The stable name, in the ledger and in status.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::TrustBundle => "trust-bundle",
            Self::Assignment => "assignment",
            Self::EventDocument => "event-document",
            Self::SlotList => "slot-list",
            Self::SlotDelta => "slot-delta",
            Self::AdmissionFeed => "admission-feed",
            Self::FeedBatch => "feed-batch",
            Self::Head => "head",
        }
    }

    /// The kind of that stable name.
    pub(crate) fn of_code(code: &str) -> Option<Self> {
        let all = Self::HELD.into_iter().chain([Self::SlotDelta, Self::FeedBatch]);
        all.into_iter().find(|kind| kind.code() == code)
    }

    /// What changes when such a document is taken.
    pub(crate) const fn leads_to(self) -> Self {
        match self {
            Self::SlotDelta => Self::SlotList,
            Self::FeedBatch => Self::AdmissionFeed,
            Self::TrustBundle
            | Self::Assignment
            | Self::EventDocument
            | Self::SlotList
            | Self::AdmissionFeed
            | Self::Head => self,
        }
    }

    /// What leads on from it step by step.
    pub(crate) const fn steps(self) -> Option<Self> {
        match self {
            Self::SlotList => Some(Self::SlotDelta),
            Self::AdmissionFeed => Some(Self::FeedBatch),
            Self::TrustBundle
            | Self::Assignment
            | Self::EventDocument
            | Self::SlotDelta
            | Self::FeedBatch
            | Self::Head => None,
        }
    }

    /// Whether the cloud's own clock dates it: then that instant has passed.
    pub(crate) const fn is_dated_by_the_cloud(self) -> bool {
        match self {
            Self::Assignment
            | Self::SlotList
            | Self::SlotDelta
            | Self::AdmissionFeed
            | Self::FeedBatch
            | Self::Head => true,
            Self::TrustBundle | Self::EventDocument => false,
        }
    }
}

impl From<law::DocumentKind> for DocumentKind {
    fn from(kind: law::DocumentKind) -> Self {
        match kind {
            law::DocumentKind::TrustBundle => Self::TrustBundle,
            law::DocumentKind::EventDocument => Self::EventDocument,
            law::DocumentKind::SlotList => Self::SlotList,
            law::DocumentKind::SlotDelta => Self::SlotDelta,
            law::DocumentKind::AdmissionFeed => Self::AdmissionFeed,
            law::DocumentKind::Assignment => Self::Assignment,
            law::DocumentKind::Head => Self::Head,
        }
    }
}

impl From<DocumentKind> for law::DocumentKind {
    fn from(kind: DocumentKind) -> Self {
        match kind {
            DocumentKind::TrustBundle => Self::TrustBundle,
            DocumentKind::EventDocument => Self::EventDocument,
            DocumentKind::SlotList => Self::SlotList,
            DocumentKind::SlotDelta => Self::SlotDelta,
            DocumentKind::AdmissionFeed | DocumentKind::FeedBatch => Self::AdmissionFeed,
            DocumentKind::Assignment => Self::Assignment,
            DocumentKind::Head => Self::Head,
        }
    }
}
