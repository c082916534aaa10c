//! What the gate says of a scan, in the one shape that standard output, the screen and `check` share.

use core::time::Duration;

use countermark_shared::documents::LeaseState;
use countermark_shared::id::{EventId, GateId, LaneId, Slot};
use countermark_shared::journal::{ClockState, Subject};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::{Language, Reason, Severity, Verdict};
use serde::{Deserialize, Serialize};

use crate::input::Source;
use crate::ledger::{Persons, Word};
use crate::names::Holder;

/// A verdict that is in the journal, or that says why it is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Announcement {
    /// The journal row; none when the ledger failed, which never opens.
    pub(crate) sequence: Option<u64>,
    /// Where.
    pub(crate) lane: LaneId,
    /// What was read.
    pub(crate) source: Source,
    /// When.
    pub(crate) at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub(crate) ruling: Ruling,
    /// When, by the machine's uptime: what a page counts from, by heartbeats that say the same.
    #[serde(skip)]
    pub(crate) announced: Duration,
    /// Whom a sealed ticket names. For the screen alone: standard output ends up in a log.
    #[serde(skip)]
    pub(crate) holder: Option<Holder>,
}

/// A verdict with all that follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ruling {
    /// The stable code.
    pub(crate) verdict: Reason,
    /// How grave.
    pub(crate) severity: Severity,
    /// Whether people may pass.
    pub(crate) opens: bool,
    /// How many.
    pub(crate) persons: u8,
    /// How many more the same code would let in now.
    pub(crate) remaining: u8,
    /// When the seat was last admitted before, here or elsewhere.
    pub(crate) earlier: Option<Timestamp>,
    /// By which gate.
    pub(crate) earlier_gate: Option<GateId>,
    /// The seat, of a verified ticket.
    pub(crate) slot: Option<Slot>,
    /// Its event.
    pub(crate) event: Option<EventId>,
    /// What to tell a person.
    pub(crate) sentence: Sentence,
}

/// The same words in English and French.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sentence {
    pub(crate) en: String,
    pub(crate) fr: String,
}

impl Sentence {
    /// Of a verdict.
    pub(crate) fn of_reason(reason: Reason) -> Self {
        let [en, fr] = [Language::En, Language::Fr].map(|language| reason.sentence(language).to_owned());
        Self { en, fr }
    }

    /// Of a trust bundle past its end.
    pub(crate) fn trust_ended() -> Self {
        Self {
            en: "Trust bundle out of date: go on, tell the administrator.".to_owned(),
            fr: "Trousseau de confiance périmé : continuez, prévenez l'administrateur.".to_owned(),
        }
    }

    /// How many each scan at a lane lets through.
    pub(crate) fn of_persons(lane: LaneId, persons: Persons) -> Self {
        let (en, fr) = match persons {
            Persons::All => ("each scan lets everybody through", "chaque scan laisse passer tout le monde"),
            Persons::One => ("each scan lets ONE person through", "chaque scan laisse passer UNE personne"),
        };
        Self { en: format!("LANE {lane}: {en}"), fr: format!("COULOIR {lane} : {fr}") }
    }

    /// Of more guests than a gate keeps.
    pub(crate) fn guest_list_cut() -> Self {
        Self {
            en: "GUEST LIST TOO LONG for this gate: not everybody is found by their order. Tell the administrator.".to_owned(),
            fr: "LISTE DES PARTICIPANTS TROP LONGUE pour ce portique : certains ne sont pas trouvés par leur commande. Prévenez l'administrateur."
                .to_owned(),
        }
    }

    /// Of a clock that does not tell the time. `waiting` is the instant that waits for staff.
    pub(crate) fn of_clock(state: ClockState, waiting: Option<Timestamp>) -> Option<Self> {
        let (en, fr) = match (state, waiting) {
            (ClockState::Signed | ClockState::Battery, _) => return None,
            (ClockState::Ahead, Some(at)) => (
                format!("CLOCK, call staff: is it {at} (UTC, not local time), or later? Answer in the MENU."),
                format!(
                    "HORLOGE, appelez un responsable : sommes-nous le {} (UTC, pas l'heure locale), ou plus tard ? Répondez dans le MENU.",
                    at.to_string().replace('T', " à ").trim_end_matches('Z')
                ),
            ),
            (ClockState::RolledBack, _) => (
                "CLOCK WRONG: it fell back. Static tickets go on; connect this box, or set its time: `countermark-gate doctor` says how.".to_owned(),
                "HORLOGE FAUSSE : elle a reculé. Les billets statiques passent ; connectez l'appareil, ou réglez l'heure : `countermark-gate doctor` dit comment."
                    .to_owned(),
            ),
            (ClockState::Unknown | ClockState::Ahead, _) => (
                "CLOCK NOT SET: static tickets go on; connect this gate.".to_owned(),
                "HORLOGE NON RÉGLÉE : les billets statiques passent ; connectez le portique.".to_owned(),
            ),
        };
        Some(Self { en, fr })
    }

    /// Of an admission that was cut off, and by which somebody passed all the same.
    pub(crate) fn counts_as_used() -> Self {
        Self {
            en: "Noted: the ticket counts as used.".to_owned(),
            fr: "C'est noté : le billet compte comme utilisé.".to_owned(),
        }
    }

    /// Of an instant that waited, once staff said what they think of it.
    pub(crate) fn clock_heard(word: Word) -> Self {
        let (en, fr) = match word {
            Word::Confirm => ("Noted: the clock was set to it.", "C'est noté : l'horloge a été réglée dessus."),
            Word::Dismiss => ("Noted: the clock stays as it is.", "C'est noté : l'horloge reste telle quelle."),
        };
        Self { en: en.to_owned(), fr: fr.to_owned() }
    }

    /// Of a word on an instant that waits no more.
    pub(crate) fn no_instant_waits() -> Self {
        Self {
            en: "No clock change is waiting for confirmation.".to_owned(),
            fr: "Aucun changement d'heure n'attend de confirmation.".to_owned(),
        }
    }

    /// Of a lane that somebody is scanned at, and that the cloud did not assign.
    pub(crate) fn of_unassigned(lane: LaneId) -> Self {
        Self {
            en: format!("Lane {lane} is in gate.toml and not in the assignment: correct one of them. Admit nobody."),
            fr: format!(
                "Le couloir {lane} est dans gate.toml et pas dans l'affectation : corrigez l'un des deux. N'admettez personne."
            ),
        }
    }

    /// Of a lease that lets nobody in. `unsure` is what the box's date says, where nobody signed it.
    pub(crate) fn of_lease(state: LeaseState, unsure: Option<Timestamp>) -> Option<Self> {
        let (en, fr) = match state {
            LeaseState::Held | LeaseState::WithoutNames => return None,
            LeaseState::Ended => (
                "THIS GATE'S ASSIGNMENT HAS ENDED: send people to another entrance, tell the administrator.",
                "AFFECTATION TERMINÉE : orientez vers une autre entrée, prévenez l'administrateur.",
            ),
            LeaseState::Suspended => (
                "THIS GATE IS SUSPENDED: send people to another entrance.",
                "PORTIQUE SUSPENDU : orientez vers une autre entrée.",
            ),
        };
        let sentence = Self { en: en.to_owned(), fr: fr.to_owned() };
        Some(match (state, unsure) {
            (LeaseState::Ended, Some(shown)) => sentence.or_a_wrong_date(shown),
            (LeaseState::Ended | LeaseState::Suspended | LeaseState::Held | LeaseState::WithoutNames, _) => sentence,
        })
    }

    /// Of a cloud that answers, and does not know this gate.
    pub(crate) fn log_in_refused() -> Self {
        Self {
            en: "THE CLOUD DOES NOT KNOW THIS GATE: send people to another entrance, tell the administrator, enrol it anew.".to_owned(),
            fr: "LE SERVEUR NE CONNAÎT PAS CE PORTIQUE : orientez vers une autre entrée, prévenez l'administrateur, réenrôlez-le."
                .to_owned(),
        }
    }

    /// Of a cloud whose certificate is not valid by the date that the box says.
    pub(crate) fn certificate_out_of_date(unsure: Option<Timestamp>) -> Self {
        let sentence = Self {
            en: "THE CLOUD'S CERTIFICATE IS OUT OF DATE: go on, tell the administrator.".to_owned(),
            fr: "CERTIFICAT DU SERVEUR PÉRIMÉ : continuez, prévenez l'administrateur.".to_owned(),
        };
        match unsure {
            Some(shown) => sentence.or_a_wrong_date(shown),
            None => sentence,
        }
    }

    fn or_a_wrong_date(self, shown: Timestamp) -> Self {
        let Self { en, fr } = self;
        Self {
            en: format!("{en} Or this box's date is wrong: it says {shown}"),
            fr: format!("{fr} Ou la date de cet appareil est fausse : elle dit {shown}"),
        }
    }
}

impl Ruling {
    /// What a verdict about a subject says.
    pub(crate) fn new(verdict: Verdict, subject: &Subject) -> Self {
        let (event, slot) = match subject {
            Subject::Ticket { event, slot, generation: _ } => (Some(*event), Some(*slot)),
            Subject::Payload { hash: _ } => (None, None),
        };
        Self {
            verdict: verdict.reason,
            severity: verdict.reason.severity(),
            opens: verdict.opens(),
            persons: verdict.persons,
            remaining: verdict.remaining,
            earlier: verdict.earlier.map(|passage| passage.at),
            earlier_gate: verdict.earlier.and_then(|passage| passage.gate),
            slot,
            event,
            sentence: Sentence::of_reason(verdict.reason),
        }
    }
}
