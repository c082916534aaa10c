//! What a gate says: a reason with a stable code, a severity that drives colour and relay, a sentence for people.
//!
//! Knows nothing of how the reason was found.

mod en;
mod fr;

use core::fmt;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// The outcome of one scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// Why.
    pub reason: Reason,
    /// Persons let in by this scan; 0 unless it opens.
    pub persons: u8,
    /// When the seat was used before, if that is the reason.
    pub earlier: Option<Timestamp>,
}

impl Verdict {
    /// A verdict that lets nobody in.
    pub const fn refusal(reason: Reason) -> Self {
        Self { reason, persons: 0, earlier: None }
    }

    /// Whether people may pass.
    pub fn opens(&self) -> bool {
        self.reason.severity().opens() && self.persons > 0
    }
}

/// What the colour, the sound and the relay follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Green: pass.
    Admit,
    /// Green with a remark: pass, and look.
    Attention,
    /// Amber: do not pass, call staff; often an honest person.
    Staff,
    /// Red: do not pass.
    Refuse,
    /// Red: somebody made this.
    Fraud,
}

impl Severity {
    /// Whether it lets people pass.
    pub const fn opens(self) -> bool {
        matches!(self, Self::Admit | Self::Attention)
    }
}

/// A language of what operators and the public read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// English.
    En,
    /// French.
    Fr,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $number:literal $name:ident $code:literal $severity:ident),+ $(,)?) => {
        /// Why a scan ended as it did, in the order of the checks. Codes and numbers are stable: they stand in journals.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize, ToSchema)]
        #[cbor(index_only)]
        pub enum Reason {
            $($(#[$doc])* #[n($number)] #[serde(rename = $code)] $name,)+
        }

        impl Reason {
            /// All of them, in the order of the checks.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// How grave it is.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),+ }
            }
        }
    };
}

reasons! {
    /// The gate could not decide: nothing synced yet, or its ledger failed.
    0 CannotDecide "cannot-decide" Staff,
    /// The scan waited too long for its turn: whoever showed it may have moved on.
    1 ScanAgain "scan-again" Refuse,
    /// Some other code.
    2 NotOurs "not-ours" Refuse,
    /// A format this gate is too old for.
    3 UnknownVersion "unknown-version" Staff,
    /// Ours, but damaged.
    4 Malformed "malformed" Refuse,
    /// A live or sealed ticket, which this gate is too old for.
    5 Unsupported "unsupported" Staff,
    /// For another event.
    6 OtherEvent "other-event" Refuse,
    /// Signed by a key that is not in the trust bundle.
    7 KeyUnknown "key-unknown" Staff,
    /// Signed by a key that was revoked.
    8 KeyRevoked "key-revoked" Refuse,
    /// The issuer never signed this.
    9 IssuerForged "issuer-forged" Fraud,
    /// The authority never signed this.
    10 AuthorityForged "authority-forged" Fraud,
    /// A newer ticket of this seat exists.
    11 OutdatedGeneration "outdated-generation" Refuse,
    /// A fresh list does not know the seat.
    12 NotIssued "not-issued" Staff,
    /// Its time has not come.
    13 NotYetValid "not-yet-valid" Refuse,
    /// Its time is over.
    14 NoLongerValid "no-longer-valid" Refuse,
    /// It does not lead here.
    15 WrongZone "wrong-zone" Refuse,
    /// Held back.
    16 Blocked "blocked" Staff,
    /// Withdrawn.
    17 Revoked "revoked" Refuse,
    /// Its persons are inside.
    18 AlreadyUsed "already-used" Refuse,
    /// Good; an old list does not know it yet.
    19 NewerThanList "newer-than-list" Attention,
    /// Good, as far as an old list can tell.
    20 ListOld "list-old" Attention,
    /// Good.
    21 Admitted "admitted" Admit,
}

impl Reason {
    /// The sentence that tells a person what to do.
    pub const fn sentence(self, language: Language) -> &'static str {
        match language {
            Language::En => en::sentence(self),
            Language::Fr => fr::sentence(self),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_and_sentences_are_distinct() {
        let codes: HashSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for language in [Language::En, Language::Fr] {
            let sentences: HashSet<_> = Reason::ALL.iter().map(|reason| reason.sentence(language)).collect();
            assert_eq!(sentences.len(), Reason::ALL.len());
        }
    }

    #[test]
    fn a_refusal_never_opens() {
        for reason in Reason::ALL {
            assert!(!Verdict::refusal(*reason).opens(), "{reason}");
        }
    }

    /// The specification's table is the code's.
    #[test]
    fn the_specification_lists_every_reason() {
        let specification = include_str!("../../README.md");
        let (_, rest) = specification.split_once("<!-- reasons -->\n").unwrap();
        let (table, _) = rest.split_once("<!-- /reasons -->").unwrap();
        let rows = table.lines().zip(Reason::ALL);
        for (number, (row, reason)) in rows.enumerate() {
            let severity = match reason.severity() {
                Severity::Admit => "admit",
                Severity::Attention => "attention",
                Severity::Staff => "staff",
                Severity::Refuse => "refuse",
                Severity::Fraud => "fraud",
            };
            // The number that journals carry: CBOR of a small integer is the integer.
            assert_eq!(minicbor::to_vec(reason).unwrap(), [u8::try_from(number).unwrap()]);
            assert_eq!(row, format!("| {number} | `{reason}` | {severity} | {} |", reason.sentence(Language::En)));
        }
        assert_eq!(table.lines().count(), Reason::ALL.len());
    }
}
