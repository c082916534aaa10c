//! The admission policy: how often a place is admitted, how long before and after its window, and what gates make of
//! what they do not know. Owns the defaults and the bounds; refuses to know tickets and time.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A day, the bound of everything that is counted from or to an entry or a window.
const MAX_MARGIN_SECONDS: u32 = 86_400;
/// Thirty days: a list older than that says so little that no policy needs to tell its ages apart.
const MAX_LIST_AGE_SECONDS: u32 = 30 * 86_400;

/// How gates admit: for the event, or in its place for one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(map)]
#[serde(deny_unknown_fields, default)]
pub struct AdmissionPolicy {
    /// Admissions in all for each place of a ticket that says 0 itself; 0: as often as one likes.
    #[n(0)]
    pub entries: u8,
    /// Admissions for each place between two reset instants of the event; 0: no limit.
    #[n(1)]
    pub entries_between_resets: u8,
    /// Whether a place that is inside must be seen leaving before it enters again.
    #[n(2)]
    pub exit_before_reentry: bool,
    /// Least seconds between two admissions of a place; at most a day.
    #[n(3)]
    pub pass_back_seconds: u32,
    /// Seconds before its window at which a ticket is admitted already; at most a day.
    #[n(4)]
    pub tolerance_before_seconds: u32,
    /// Seconds after its window for which a ticket is admitted still; at most a day.
    #[n(5)]
    pub tolerance_after_seconds: u32,
    /// What the slot list's age means for a static ticket.
    #[n(6)]
    pub list_age_static: ListAgePolicy,
    /// What the slot list's age means for a live ticket.
    #[n(7)]
    pub list_age_live: ListAgePolicy,
    /// What to do while the other gates cannot be asked.
    #[n(8)]
    pub alone: Alone,
}

/// A list's age is a fact: how old it may be before staff are told, and before each ticket wants their attention. No age refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(map)]
#[serde(deny_unknown_fields, default)]
pub struct ListAgePolicy {
    /// Seconds until the gate warns; a list no older is fresh.
    #[n(0)]
    pub warn_after_seconds: u32,
    /// Seconds until every admission asks for attention.
    #[n(1)]
    pub attention_after_seconds: u32,
    /// Seconds until every admission calls staff; never where absent.
    #[n(2)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff_after_seconds: Option<u32>,
}

/// What a gate does while it cannot learn whom the others admit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Alone {
    /// Availability first: it goes by what it knows.
    #[n(0)]
    Admit,
    /// Strict: it calls staff for every ticket.
    #[n(1)]
    Staff,
}

impl Default for AdmissionPolicy {
    /// One entry for each place, exactly within the window, and availability before everything that is not known.
    fn default() -> Self {
        Self {
            entries: 1,
            entries_between_resets: 0,
            exit_before_reentry: true,
            pass_back_seconds: 0,
            tolerance_before_seconds: 0,
            tolerance_after_seconds: 0,
            list_age_static: ListAgePolicy::default(),
            list_age_live: ListAgePolicy::default(),
            alone: Alone::Admit,
        }
    }
}

impl Default for ListAgePolicy {
    /// Warn at 15 minutes, attention at 4 hours, never staff.
    fn default() -> Self {
        Self { warn_after_seconds: 15 * 60, attention_after_seconds: 4 * 60 * 60, staff_after_seconds: None }
    }
}

impl AdmissionPolicy {
    /// The rules between the fields. The answer is what is wrong.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let margins = [self.pass_back_seconds, self.tolerance_before_seconds, self.tolerance_after_seconds];
        if margins.into_iter().any(|seconds| seconds > MAX_MARGIN_SECONDS) {
            return Err("pass-back and tolerances are at most a day");
        }
        self.list_age_static.check()?;
        self.list_age_live.check()
    }
}

impl ListAgePolicy {
    fn check(&self) -> Result<(), &'static str> {
        let last = self.staff_after_seconds.unwrap_or(MAX_LIST_AGE_SECONDS);
        if self.warn_after_seconds > self.attention_after_seconds || self.attention_after_seconds > last {
            return Err("a gate warns before it asks for attention, and asks for that before it calls staff");
        }
        if last > MAX_LIST_AGE_SECONDS {
            return Err("a list's ages are told apart up to thirty days");
        }
        Ok(())
    }
}
