//! What is wrong with a ledger, in the words that say what to do about it. Knows nothing of how it came about.

use std::io;
use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use super::{LedgerError, OpenError, store};
use crate::announcement::Sentence;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// There is no room for a row.
    Full,
    /// The disk does not take what is written.
    Unwritable,
    /// SQLite found a page that makes no sense, at work: the next start saves what can be saved.
    Damaged,
    /// Rows that this gate wrote are lost.
    Incomplete,
    /// Validation has other rows of this gate: its disk was restored, or two boxes have it.
    Forked,
    /// It was not opened, for whatever reason that is not the disk's: a newer program wrote it, or it could not be saved.
    Unopened,
    /// A damaged ledger lies aside, and every row of it was saved.
    Replaced,
}

impl Defect {
    /// What keeps the journal from taking rows for good.
    pub(super) fn of_journal(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        if store::is_whole(connection)? {
            return Ok(None);
        }
        Ok(Some(if store::is_forked(connection)? { Self::Forked } else { Self::Incomplete }))
    }

    /// What an error says of the disk, if it says anything of it.
    pub(super) fn of_error(LedgerError { source }: &LedgerError) -> Option<Self> {
        match source.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Some(Self::Full),
            Some(ErrorCode::ReadOnly | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Some(Self::Unwritable),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Some(Self::Damaged),
            _ => None,
        }
    }

    /// Why a ledger was not opened. None where another agent has it: that one goes on.
    pub(crate) fn of_opening(error: &OpenError) -> Option<Self> {
        match error {
            OpenError::InUse { .. } => None,
            OpenError::Write { file: _, source } if is_full(source) => Some(Self::Full),
            OpenError::Write { .. } => Some(Self::Unwritable),
            OpenError::Open { file, source } => Some(match source.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => Self::Full,
                Some(ErrorCode::CannotOpen) if takes_no_file(file) => Self::Full,
                Some(ErrorCode::ReadOnly | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Self::Unwritable,
                _ => Self::Unopened,
            }),
            OpenError::Damaged { .. } | OpenError::Broken { .. } | OpenError::Version { .. } => Some(Self::Unopened),
        }
    }

    /// Whether nobody is let in.
    pub(crate) fn stops(self) -> bool {
        match self {
            Self::Full | Self::Unwritable | Self::Incomplete | Self::Forked | Self::Unopened => true,
            // What rests on other pages is decided.
            Self::Damaged | Self::Replaced => false,
        }
    }

    /// What to tell people.
    pub(crate) fn sentence(self) -> Sentence {
        let (en, fr) = match self {
            Self::Full => (
                "DISK FULL, nobody is let in: make room on this box (`countermark-gate doctor` says how), it goes on by itself.",
                "DISQUE PLEIN, personne n'entre : libérez de la place (`countermark-gate doctor` dit comment), le portique reprend seul.",
            ),
            Self::Unwritable => (
                "DISK CANNOT BE WRITTEN, nobody is let in: send people to another entrance; restart this box, then replace its disk.",
                "DISQUE EN PANNE, personne n'entre : orientez vers une autre entrée ; redémarrez l'appareil, puis changez son disque.",
            ),
            Self::Damaged => (
                "DISK DAMAGED, some tickets cannot be decided: restart this box, it saves what it can.",
                "DISQUE ABÎMÉ, certains billets sont indécidables : redémarrez l'appareil, il sauve ce qu'il peut.",
            ),
            Self::Incomplete => (
                "ENTRIES OF THIS GATE ARE LOST, nobody is let in: send people to another entrance; `countermark-gate retire`, then enrol this box anew. What was used here since the last upload is not known.",
                "DES ENTRÉES DE CE PORTIQUE SONT PERDUES, personne n'entre : orientez vers une autre entrée ; `countermark-gate retire`, puis réenrôlez l'appareil. Les billets utilisés ici depuis le dernier envoi ne sont pas connus.",
            ),
            Self::Forked => (
                "THIS GATE'S DISK WAS RESTORED OR COPIED, nobody is let in: send people to another entrance; `countermark-gate retire`, then enrol this box anew.",
                "LE DISQUE DE CE PORTIQUE A ÉTÉ RESTAURÉ OU COPIÉ, personne n'entre : orientez vers une autre entrée ; `countermark-gate retire`, puis réenrôlez l'appareil.",
            ),
            Self::Unopened => (
                "LEDGER CANNOT BE OPENED, nobody is let in: send people to another entrance; `countermark-gate doctor` on this box says why.",
                "LE JOURNAL NE S'OUVRE PAS, personne n'entre : orientez vers une autre entrée ; `countermark-gate doctor` sur l'appareil dit pourquoi.",
            ),
            Self::Replaced => (
                "DISK DAMAGED, every entry was saved: go on, replace this box's disk soon.",
                "DISQUE ABÎMÉ, toutes les entrées sont sauvées : continuez, changez bientôt le disque.",
            ),
        };
        Sentence { en: en.to_owned(), fr: fr.to_owned() }
    }
}

/// Whether there was no room for what was written.
pub(crate) fn is_full(error: &io::Error) -> bool {
    [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded].contains(&error.kind())
}

/// Whether the disk has no room for one more file, be it of a byte: of why it could not make one, SQLite says nothing.
fn takes_no_file(beside: &Path) -> bool {
    beside.parent().is_some_and(|folder| tempfile::tempfile_in(folder).is_err_and(|error| is_full(&error)))
}
