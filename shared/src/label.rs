//! The registry of labels: one for each kind of signed or hashed thing, so that no signature of one kind can pass for another.

/// What a signature or hash is about. Its 32 bytes come before the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// The issuing key's signature on a ticket: "sold".
    Issue,
    /// The authority key's signature on a ticket: "a real account was granted exactly this".
    Authorise,
    /// A holder's signature on a live ticket and the time it is shown at.
    Present,
    /// A device's proof that it has the holder key it registers.
    HolderEnrolment,
    /// The derivation of a holder key that auth keeps for an account (HKDF).
    HolderKey,
    /// The derivation of the key that seals a ticket's name and seat (HKDF).
    Seal,
    /// The wrapping of an event secret for one gate (HPKE).
    EventSecret,
    /// The derivation of the tag by which a gate finds an order's seats (HKDF).
    OrderTag,
    /// A trust bundle, by the root.
    TrustBundle,
    /// The fingerprint of a set of root keys.
    RootFingerprint,
    /// An event document, by an organiser.
    EventDocument,
    /// A slot list, by validation's list key.
    SlotList,
    /// The step from one slot list to the next, by validation's list key.
    SlotDelta,
    /// The hash of what a slot list says of every slot.
    SlotContent,
    /// What other gates admitted, by validation's list key.
    AdmissionFeed,
    /// A gate's assignment, by validation's list key.
    Assignment,
    /// The revisions a gate should have, by validation's list key.
    Head,
    /// The time, in answer to a gate's nonce, by validation's list key.
    GateTime,
    /// A row of a gate's journal, hashed onto the row before it.
    JournalRow,
    /// A gate's signature on how far its journal goes.
    JournalCheckpoint,
    /// A gate's proof of its keys at enrolment.
    GateEnrolment,
    /// A gate's answer to validation's nonce.
    GateLogin,
}

impl Label {
    /// All of them, in the order of the specification's table.
    pub const ALL: [Self; 22] = [
        Self::Issue,
        Self::Authorise,
        Self::Present,
        Self::HolderEnrolment,
        Self::HolderKey,
        Self::Seal,
        Self::EventSecret,
        Self::OrderTag,
        Self::TrustBundle,
        Self::RootFingerprint,
        Self::EventDocument,
        Self::SlotList,
        Self::SlotDelta,
        Self::SlotContent,
        Self::AdmissionFeed,
        Self::Assignment,
        Self::Head,
        Self::GateTime,
        Self::JournalRow,
        Self::JournalCheckpoint,
        Self::GateEnrolment,
        Self::GateLogin,
    ];

    /// The label's ASCII text, at most 32 bytes.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Issue => "countermark/1/issue",
            Self::Authorise => "countermark/1/authorise",
            Self::Present => "countermark/1/present",
            Self::HolderEnrolment => "countermark/1/holder-enrolment",
            Self::HolderKey => "countermark/1/holder-key",
            Self::Seal => "countermark/1/seal",
            Self::EventSecret => "countermark/1/event-secret",
            Self::OrderTag => "countermark/1/order-tag",
            Self::TrustBundle => "countermark/1/trust-bundle",
            Self::RootFingerprint => "countermark/1/root-fingerprint",
            Self::EventDocument => "countermark/1/event-document",
            Self::SlotList => "countermark/1/slot-list",
            Self::SlotDelta => "countermark/1/slot-delta",
            Self::SlotContent => "countermark/1/slot-content",
            Self::AdmissionFeed => "countermark/1/admission-feed",
            Self::Assignment => "countermark/1/assignment",
            Self::Head => "countermark/1/head",
            Self::GateTime => "countermark/1/gate-time",
            Self::JournalRow => "countermark/1/journal-row",
            Self::JournalCheckpoint => "countermark/1/journal-checkpoint",
            Self::GateEnrolment => "countermark/1/gate-enrolment",
            Self::GateLogin => "countermark/1/gate-login",
        }
    }

    /// The text, padded with zeros to 32 bytes.
    pub fn bytes(self) -> [u8; 32] {
        let mut padded = [0; 32];
        for (place, byte) in padded.iter_mut().zip(self.text().bytes()) {
            *place = byte;
        }
        padded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn labels_fit_and_differ() {
        let padded: HashSet<_> = Label::ALL.iter().map(|label| label.bytes()).collect();
        assert_eq!(padded.len(), Label::ALL.len());
        for label in Label::ALL {
            assert!(label.text().is_ascii() && label.text().len() <= 32, "{label:?}");
        }
    }

    /// The specification's table is the code's, in its order.
    #[test]
    fn the_specification_lists_every_label() {
        let listed: Vec<_> = include_str!("../README.md")
            .lines()
            .filter_map(|line| line.strip_prefix("| `countermark/"))
            .filter_map(|rest| rest.split_once('`'))
            .map(|(label, _)| format!("countermark/{label}"))
            .collect();
        assert_eq!(listed, Label::ALL.map(Label::text));
    }
}
