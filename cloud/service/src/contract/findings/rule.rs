//! The rules that settling holds rows against, how much each matters, and the one table of what people read about them.

use countermark_shared::documents::Text;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{en, fr};

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A seat came in more often than it may.
    DoubleAdmission,
    /// A seat came in with a ticket that was revoked or replaced.
    UsedAfterRevocation,
    /// A seat came in that nobody sold.
    NeverIssued,
    /// More left with a ticket than came in.
    ExitWithoutEntry,
    /// A supervisor let in whom a gate had not.
    Overruled,
    /// Staff took admissions of a seat back, more than one or one after which it came in again.
    TakenBack,
    /// Staff hold a seat back at one gate alone.
    Held,
    /// Rows of a gate's journal are missing.
    Gap,
    /// A gate told two stories of the same rows.
    Fork,
    /// A gate's clock jumped.
    ClockJump,
    /// A gate is not heard.
    LostGate,
    /// A gate sent what proves nothing.
    Unproved,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// For whoever wants to know.
    Notice,
    /// To be looked into before the event's figures are relied on.
    Concern,
    /// Somebody came in who should not have, or somebody lies.
    Alarm,
}

impl Weight {
    /// As addresses and files spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Concern => "concern",
            Self::Alarm => "alarm",
        }
    }
}

/// A rule in words, in English and French.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The rule.
    pub rule: Rule,
    /// How much it matters.
    pub weight: Weight,
    /// What it is called.
    pub name: Text,
    /// What it means.
    pub meaning: Text,
    /// What to do.
    pub advice: Text,
}

/// Every rule in words, in the order of [`Rule::ALL`].
pub fn explanations() -> Vec<Explanation> {
    Rule::ALL.into_iter().map(Rule::explanation).collect()
}

impl Rule {
    /// All twelve.
    pub const ALL: [Self; 12] = [
        Self::DoubleAdmission,
        Self::UsedAfterRevocation,
        Self::NeverIssued,
        Self::ExitWithoutEntry,
        Self::Overruled,
        Self::TakenBack,
        Self::Held,
        Self::Gap,
        Self::Fork,
        Self::ClockJump,
        Self::LostGate,
        Self::Unproved,
    ];

    /// As the database and addresses spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DoubleAdmission => "double-admission",
            Self::UsedAfterRevocation => "used-after-revocation",
            Self::NeverIssued => "never-issued",
            Self::ExitWithoutEntry => "exit-without-entry",
            Self::Overruled => "overruled",
            Self::TakenBack => "taken-back",
            Self::Held => "held",
            Self::Gap => "gap",
            Self::Fork => "fork",
            Self::ClockJump => "clock-jump",
            Self::LostGate => "lost-gate",
            Self::Unproved => "unproved",
        }
    }

    /// How much it matters.
    pub const fn weight(self) -> Weight {
        match self {
            Self::DoubleAdmission | Self::UsedAfterRevocation | Self::NeverIssued | Self::Unproved => Weight::Alarm,
            Self::Gap | Self::Fork | Self::LostGate => Weight::Concern,
            Self::ExitWithoutEntry | Self::Overruled | Self::TakenBack | Self::Held | Self::ClockJump => Weight::Notice,
        }
    }

    /// In words.
    pub fn explanation(self) -> Explanation {
        let both = |en: &str, fr: &str| Text { en: en.to_owned(), fr: fr.to_owned() };
        let ([name, meaning, advice], [nom, sens, conseil]) = (en::words(self), fr::words(self));
        let (name, meaning, advice) = (both(name, nom), both(meaning, sens), both(advice, conseil));
        Explanation { rule: self, weight: self.weight(), name, meaning, advice }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_is_spelled_as_json_spells_it_and_explained_in_both_languages() {
        let mut said = BTreeSet::new();
        for (rule, explanation) in Rule::ALL.into_iter().zip(explanations()) {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
            assert_eq!((explanation.rule, explanation.weight), (rule, rule.weight()));
            for text in [&explanation.name, &explanation.meaning, &explanation.advice] {
                assert!(!text.en.is_empty() && text.en != text.fr, "{rule:?}");
                assert!(!text.en.contains("  ") && !text.fr.contains("  "), "{text:?}");
                assert!(said.insert(text.en.clone()) && said.insert(text.fr.clone()), "{text:?} is said twice");
            }
        }
    }
}
