//! What staff do about a row, and why not: the words. Nobody passes by any of it but by an overrule, which is announced as a verdict.

use countermark_shared::id::{LaneId, Slot};
use countermark_shared::order_code::InvalidOrderCode;
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::{Language, Reason};
use serde::{Deserialize, Serialize};

use super::LedgerError;
use super::pin::NotHashed;
use crate::announcement::Sentence;

/// What staff can do about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Deed {
    /// Take the admission back.
    Undo,
    /// Let in whom it refused: a supervisor.
    Overrule,
    /// Hold its seat back at this gate.
    Hold,
    /// Hold it back no longer.
    Release,
    /// Say whether anybody went through when the gate stopped.
    Confirm,
}

impl Deed {
    /// The command that does it.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Undo => "undo",
            Self::Overrule => "overrule",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Confirm => "confirm",
        }
    }
}

/// What staff did, once its row is durable. It is no verdict: nobody passes by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// What.
    pub(crate) deed: Deed,
    /// Its journal row.
    pub(crate) sequence: u64,
    /// The row that staff named.
    pub(crate) of: u64,
    /// When.
    pub(crate) at: Timestamp,
    /// Where that row was written.
    pub(crate) lane: LaneId,
    /// The seat.
    pub(crate) slot: Slot,
    /// What it means for whoever stands there.
    pub(crate) sentence: Sentence,
}

/// Why nothing was done. Its words are for staff.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// There is no such row.
    #[error("There is no row {sequence} here. Look at the number.")]
    Unknown {
        /// The number.
        sequence: u64,
    },
    /// Of what was shown only a hash is kept.
    #[error("Row {sequence} shows no ticket that this gate could prove.")]
    NoTicket {
        /// The row.
        sequence: u64,
    },
    /// It let nobody in.
    #[error("Row {sequence} let nobody in.")]
    NotAnAdmission {
        /// The row.
        sequence: u64,
    },
    /// It let somebody in, or out, or was at an exit.
    #[error("Row {sequence} is not a refusal.")]
    NotARefusal {
        /// The row.
        sequence: u64,
    },
    /// Whoever stood there has gone on.
    #[error("Row {sequence} is older than {minutes} minutes. Scan the ticket again.")]
    TooLate {
        /// The row.
        sequence: u64,
        /// For how long it can be done.
        minutes: u64,
    },
    /// It was done before.
    #[error("Row {sequence} was taken back already.")]
    TakenBack {
        /// The row.
        sequence: u64,
    },
    /// Taking it back would let somebody in who is not counted.
    #[error("Somebody passed with this ticket after row {sequence}. It cannot be taken back.")]
    PassedSince {
        /// The row.
        sequence: u64,
    },
    /// The entrance's own input says so.
    #[error("The turnstile turned after row {sequence}: somebody went through.")]
    Turned {
        /// The row.
        sequence: u64,
    },
    /// Somebody may still go through.
    #[error("The way is still open for row {sequence}. Wait, then try again.")]
    UnderWay {
        /// The row.
        sequence: u64,
    },
    /// It lets in once more whom the row before it counted.
    #[error("Row {sequence} was a second try already. Call a supervisor.")]
    Forgiven {
        /// The row.
        sequence: u64,
    },
    /// It is known how it ended, or will be told.
    #[error("There is nothing to confirm about row {sequence}.")]
    NothingToConfirm {
        /// The row.
        sequence: u64,
    },
    /// It is certain.
    #[error("Nobody may overrule this: {}", reason.sentence(Language::En))]
    Final {
        /// What the gate says now.
        reason: Reason,
    },
    /// It was done before.
    #[error("Row {sequence} was overruled already. Scan the ticket again.")]
    Overruled {
        /// The row.
        sequence: u64,
    },
    /// It was done before, or is about somebody who has gone on.
    #[error("This takes a supervisor's PIN.")]
    TakesPin,
    /// It was done twice, and there is nobody whose PIN would allow it.
    #[error("This ticket was taken back twice already. Call the administrator.")]
    TakenBackTwice,
    /// Nobody is found where people leave, or where the gate has no lane.
    #[error("Lane {lane} is no entry of this gate.")]
    NotAnEntry {
        /// The lane.
        lane: LaneId,
    },
    /// The organiser wants none, or it has not come yet, or names have left.
    #[error("There is no guest list on this gate now. Ask the administrator.")]
    NoGuestList,
    /// It cannot be one.
    #[error("This is no order's code: it has ten letters and digits, as in 7KQ2M-4XD9P.")]
    NotACode(#[from] InvalidOrderCode),
    /// None of the issuer's tickets is of such an order.
    #[error("No order has this code. Look at it again; what was bought in the last minutes may not be here yet.")]
    NobodyFound,
    /// Somebody fishes for names.
    #[error("Too many unknown codes. Wait {seconds} seconds.")]
    WaitForCode {
        /// For how long.
        seconds: u64,
    },
    /// Nobody was made one.
    #[error("This gate has no supervisor. The administrator runs `countermark-gate supervisor add`.")]
    NoSupervisor,
    /// None was shown.
    #[error("This takes a supervisor's PIN.")]
    PinMissing,
    /// Nobody has it.
    #[error("Wrong PIN.")]
    WrongPin,
    /// Somebody guesses.
    #[error("Too many wrong PINs. Wait {seconds} seconds.")]
    Wait {
        /// For how long.
        seconds: u64,
    },
    /// It cannot be said whether it is somebody's.
    #[error("The PIN could not be looked at: nothing was done. Call the administrator.")]
    NotHashed(#[from] NotHashed),
    /// It is held back.
    #[error("This ticket is on hold at this gate already.")]
    Held,
    /// It is not held back.
    #[error("This ticket is not on hold at this gate.")]
    NotHeld,
    /// It could not be written.
    #[error("The gate could not write it down: nothing was done. Call the administrator.")]
    Ledger(#[from] LedgerError),
}

impl From<rusqlite::Error> for ActError {
    fn from(error: rusqlite::Error) -> Self {
        LedgerError::from(error).into()
    }
}

impl ActError {
    /// For staff, in both languages.
    pub(crate) fn sentence(&self) -> Sentence {
        let fr = match self {
            Self::Unknown { sequence } => format!("Il n'y a pas de ligne {sequence} ici. Vérifiez le numéro."),
            Self::NoTicket { sequence } => {
                format!("La ligne {sequence} ne montre aucun billet que ce portique ait pu prouver.")
            }
            Self::NotAnAdmission { sequence } => format!("La ligne {sequence} n'a laissé entrer personne."),
            Self::NotARefusal { sequence } => format!("La ligne {sequence} n'est pas un refus."),
            Self::TooLate { sequence, minutes } => {
                format!("La ligne {sequence} date de plus de {minutes} minutes. Scannez de nouveau le billet.")
            }
            Self::TakenBack { sequence } => format!("La ligne {sequence} a déjà été annulée."),
            Self::PassedSince { sequence } => {
                format!("Quelqu'un est passé avec ce billet après la ligne {sequence}. Elle ne peut être annulée.")
            }
            Self::Turned { sequence } => {
                format!("Le tourniquet a tourné après la ligne {sequence} : quelqu'un est passé.")
            }
            Self::UnderWay { sequence } => {
                format!("Le passage est encore ouvert pour la ligne {sequence}. Attendez, puis réessayez.")
            }
            Self::Forgiven { sequence } => {
                format!("La ligne {sequence} était déjà un second essai. Appelez un superviseur.")
            }
            Self::NothingToConfirm { sequence } => {
                format!("Il n'y a rien à confirmer pour la ligne {sequence}.")
            }
            Self::Final { reason } => {
                format!("Personne ne peut passer outre : {}", reason.sentence(Language::Fr))
            }
            Self::Overruled { sequence } => {
                format!("Un superviseur a déjà autorisé la ligne {sequence}. Scannez de nouveau le billet.")
            }
            Self::TakesPin | Self::PinMissing => "Il faut le code PIN d'un superviseur.".to_owned(),
            Self::TakenBackTwice => "Ce billet a déjà été annulé deux fois. Appelez l'administrateur.".to_owned(),
            Self::NotAnEntry { lane } => format!("Le couloir {lane} n'est pas une entrée de ce portique."),
            Self::NoGuestList => {
                "Il n'y a pas de liste des participants sur ce portique à présent. Demandez à l'administrateur.".to_owned()
            }
            Self::NotACode(_) => {
                "Ce n'est pas un code de commande : il a dix lettres et chiffres, comme 7KQ2M-4XD9P.".to_owned()
            }
            Self::NobodyFound => {
                "Aucune commande ne correspond à ce code. Vérifiez-le ; les achats des dernières minutes ne sont peut-être pas encore ici."
                    .to_owned()
            }
            Self::WaitForCode { seconds } => {
                format!("Trop de codes inconnus. Attendez {seconds} secondes.")
            }
            Self::NoSupervisor => {
                "Ce portique n'a pas de superviseur. L'administrateur lance `countermark-gate supervisor add`."
                    .to_owned()
            }
            Self::WrongPin => "Code PIN erroné.".to_owned(),
            Self::Wait { seconds } => format!("Trop de codes PIN erronés. Attendez {seconds} secondes."),
            Self::NotHashed(_) => {
                "Le code PIN n'a pas pu être vérifié : rien n'a été fait. Appelez l'administrateur.".to_owned()
            }
            Self::Held => "Ce billet est déjà bloqué à ce portique.".to_owned(),
            Self::NotHeld => "Ce billet n'est pas bloqué à ce portique.".to_owned(),
            Self::Ledger(_) => {
                "Le portique n'a pas pu l'écrire : rien n'a été fait. Appelez l'administrateur.".to_owned()
            }
        };
        Sentence { en: self.to_string(), fr }
    }
}
