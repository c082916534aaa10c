//! What a gate says: a reason with a stable code, a severity that drives colour and relay, a sentence for people.
//!
//! Knows nothing of how the reason was found.

mod en;
mod fr;

use core::fmt;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::GateId;
use crate::time::Timestamp;

/// The outcome of one scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// Why.
    pub reason: Reason,
    /// Persons let through by this scan, in at an entry and out at an exit; 0 exactly when it does not open.
    pub persons: u8,
    /// Persons that the same code would let in now after these; 0 at an exit and where it does not open.
    pub remaining: u8,
    /// The last admission of the seat that is known, where the reason is about entries before this one.
    pub earlier: Option<Admission>,
    pub(crate) proved: bool,
}

/// That a seat was admitted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Admission {
    /// When, by that gate's clock.
    pub at: Timestamp,
    /// Where, if that is known.
    pub gate: Option<GateId>,
}

impl Verdict {
    /// A verdict that lets nobody through.
    pub const fn refusal(reason: Reason) -> Self {
        Self { reason, persons: 0, remaining: 0, earlier: None, proved: false }
    }

    /// Whether people may pass.
    pub fn opens(&self) -> bool {
        self.reason.severity().opens() && self.persons > 0
    }

    /// Whether the ticket was proved in full: both signatures, and if it is live its holder's, fresh by a clock that can tell. Only
    /// then may its generation raise the one that a gate remembers of the seat, admitted or not: a picture of a live ticket must not
    /// lock out whoever holds the one before it.
    pub const fn remembers(&self) -> bool {
        self.proved
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
    /// All of them, from the kindest on.
    pub const ALL: &[Self] = &[Self::Admit, Self::Attention, Self::Staff, Self::Refuse, Self::Fraud];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Attention => "attention",
            Self::Staff => "staff",
            Self::Refuse => "refuse",
            Self::Fraud => "fraud",
        }
    }

    /// Whether it lets people pass.
    pub const fn opens(self) -> bool {
        match self {
            Self::Admit | Self::Attention => true,
            Self::Staff | Self::Refuse | Self::Fraud => false,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
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
        ///
        /// Their order is the order of the checks: of all that holds about a scan, the least is the answer.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize, ToSchema,
        )]
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
    /// For another event.
    5 OtherEvent "other-event" Refuse,
    /// Signed by a key that is not in the trust bundle.
    6 KeyUnknown "key-unknown" Staff,
    /// Signed by a key that was revoked.
    7 KeyRevoked "key-revoked" Refuse,
    /// The issuer never signed this.
    8 IssuerForged "issuer-forged" Fraud,
    /// The authority never signed this.
    9 AuthorityForged "authority-forged" Fraud,
    /// The holder never signed this moment.
    10 LiveProofForged "live-proof-forged" Fraud,
    /// The holder signed too long ago: a screenshot, or a slow hand.
    11 LiveProofStale "live-proof-stale" Refuse,
    /// A newer ticket of this seat exists.
    12 OutdatedGeneration "outdated-generation" Refuse,
    /// Its time has not come.
    13 NotYetValid "not-yet-valid" Refuse,
    /// Its time is over.
    14 NoLongerValid "no-longer-valid" Refuse,
    /// It does not lead here.
    15 WrongZone "wrong-zone" Refuse,
    /// Withdrawn.
    16 Revoked "revoked" Refuse,
    /// It may enter again, but all its places are inside.
    17 AlreadyInside "already-inside" Refuse,
    /// Its one entry was used: what a copied ticket reads.
    18 AlreadyUsed "already-used" Refuse,
    /// Each of its places was admitted once.
    19 PlacesUsedUp "places-used-up" Refuse,
    /// Each of its places was admitted as often as it may be.
    20 EntriesUsedUp "entries-used-up" Refuse,
    /// Each of its places was admitted as often as it may be before the next reset.
    21 EntriesTodayUsedUp "entries-today-used-up" Refuse,
    /// It was admitted a moment ago.
    22 PassBack "pass-back" Refuse,
    /// The cloud has suspended this gate.
    23 Suspended "suspended" Refuse,
    /// The gate's assignment is over.
    24 LeaseEnded "lease-ended" Staff,
    /// A live ticket without its holder's proof: a printout, or a picture of one.
    25 LiveProofMissing "live-proof-missing" Staff,
    /// The holder signed ahead of this clock: one of the two is wrong.
    26 LiveProofFromTheFuture "live-proof-from-the-future" Staff,
    /// A product that the event document does not name.
    27 ProductUnknown "product-unknown" Staff,
    /// A fresh list does not know the seat.
    28 NotIssued "not-issued" Staff,
    /// Held back.
    29 Blocked "blocked" Staff,
    /// It counts as inside, but its exit may have gone unseen.
    30 ExitMissing "exit-missing" Staff,
    /// Admitted here, but the gate stopped before it opened, and nothing tells whether anybody passed.
    31 Interrupted "interrupted" Staff,
    /// Used up by the word of other gates alone, which is old or contested.
    32 UsedElsewhere "used-elsewhere" Staff,
    /// The policy is strict, and the other gates cannot be asked.
    33 OthersUnreachable "others-unreachable" Staff,
    /// The holder is to be checked, and the name cannot be read.
    34 CheckId "check-id" Staff,
    /// What it depends on is a time that this clock cannot tell.
    35 ClockUnsure "clock-unsure" Staff,
    /// The policy trusts no list of that age.
    36 ListTooOld "list-too-old" Staff,
    /// The trust bundle ended more than seven days ago.
    37 BundleTooOld "bundle-too-old" Staff,
    /// Admitted before, but the turnstile never turned: let in once more, not counted twice.
    38 Forgiven "forgiven" Attention,
    /// Good; an old list does not know it yet.
    39 NewerThanList "newer-than-list" Attention,
    /// Good; there is no list that could say otherwise.
    40 NoList "no-list" Attention,
    /// Good, as far as an old list can tell.
    41 ListOld "list-old" Attention,
    /// Good; its window has begun, and the clock cannot tell whether it has ended.
    42 ClockUnset "clock-unset" Attention,
    /// Good; the trust bundle has ended.
    43 BundleExpired "bundle-expired" Attention,
    /// Leaves; no entry is known.
    44 ExitWithoutEntry "exit-without-entry" Attention,
    /// Leaves.
    45 Exit "exit" Admit,
    /// Good.
    46 Admitted "admitted" Admit,
    /// Shown on the way out, and no ticket that this gate can prove: staff let the person out.
    47 ExitUnread "exit-unread" Staff,
    /// A supervisor let in whom the gate had not.
    48 Overruled "overruled" Attention,
    /// Nothing was shown: staff found the seat by its order's code. A supervisor decides.
    49 FoundByOrder "found-by-order" Staff,
}

impl Reason {
    /// Whether it lets people out rather than in.
    pub const fn leaves(self) -> bool {
        matches!(self, Self::Exit | Self::ExitWithoutEntry)
    }

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

    /// The screen is laid out for that much.
    #[test]
    fn a_sentence_fits_the_screen() {
        for (language, most) in [(Language::En, 65), (Language::Fr, 80)] {
            for sentence in Reason::ALL.iter().map(|reason| reason.sentence(language)) {
                assert!(sentence.chars().count() <= most, "{sentence}");
            }
        }
    }

    #[test]
    fn a_refusal_never_opens() {
        for reason in Reason::ALL {
            assert!(!Verdict::refusal(*reason).opens(), "{reason}");
        }
    }

    /// What the specification has between two marks.
    fn table(name: &str) -> Vec<&'static str> {
        let specification = include_str!("../../README.md");
        let (_, rest) = specification.split_once(&format!("<!-- {name} -->\n")).unwrap();
        rest.split_once(&format!("<!-- /{name} -->")).unwrap().0.lines().collect()
    }

    const LANGUAGES: [Language; 2] = [Language::En, Language::Fr];

    /// The specification's table is the code's.
    #[test]
    fn the_specification_lists_every_reason() {
        let row = |(number, reason): (usize, &Reason)| {
            // The number that journals carry.
            assert_eq!(minicbor::decode::<usize>(&minicbor::to_vec(reason).unwrap()).unwrap(), number);
            let [english, french] = LANGUAGES.map(|language| reason.sentence(language));
            format!("| {number} | `{reason}` | {} | {english} | {french} |", reason.severity())
        };
        assert_eq!(table("reasons"), Reason::ALL.iter().enumerate().map(row).collect::<Vec<_>>());
    }

    #[test]
    fn the_specification_says_which_severities_open() {
        let row = |severity: &Severity| {
            format!("| `{severity}` | {} |", if severity.opens() { "opens" } else { "stays shut" })
        };
        assert_eq!(table("severities"), Severity::ALL.iter().map(row).collect::<Vec<_>>());
    }

    /// What is certain goes before what staff may waive, that before what is only to be told.
    #[test]
    fn the_order_of_the_checks_goes_from_certain_to_kind() {
        let rank = |reason: &Reason| match reason.severity() {
            Severity::Fraud | Severity::Refuse => 0,
            Severity::Staff => 1,
            Severity::Attention => 2,
            Severity::Admit => 3,
        };
        let decided = Reason::ALL.iter().filter(|reason| (Reason::LiveProofStale..=Reason::Admitted).contains(reason));
        assert!(decided.map(rank).is_sorted());
    }
}
