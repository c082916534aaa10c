//! What becomes of a damaged ledger. It is moved aside whole, as `ledger.sqlite.damaged-1`, and stays until names have to go ([`aside`](super::aside)); its documents, and its rows from the first on
//! for as long as each continues the chain, begin a new one. Where the last of them is not the one that was noted as the last, rows are lost, and
//! the new journal takes none: one that used their numbers again would be another journal under this gate's name.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use countermark_shared::id::GateId;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

use super::open::{OpenError, connect, explain, following};
use super::remains;
use super::store::{self, Head};
use crate::documents::Record;
use crate::retire::ENROL_ANEW;

/// What SQLite keeps beside a database.
pub(super) const COMPANIONS: [&str; 3] = ["-wal", "-journal", "-shm"];

/// Puts a new ledger with all that can be saved in the damaged one's place.
pub(super) fn salvage(file: &Path, gate: GateId) -> Result<(), OpenError> {
    let unwritable = |source| OpenError::Write { file: file.to_owned(), source };
    let new = beside(file, ".new");
    for suffix in ["", COMPANIONS[0], COMPANIONS[1], COMPANIONS[2]] {
        remove(&beside(&new, suffix)).map_err(unwritable)?;
    }
    save(file, &new, gate)?;
    // From here on the new one stands for the old one, however often the power goes.
    fs::rename(&new, saved(file)).and_then(|()| sync_folder(file)).map_err(unwritable)?;
    finish(file)
}

/// Ends what a power cut may have interrupted: the damaged ledger moves aside with all that belongs to it, and the new one to its place.
pub(super) fn finish(file: &Path) -> Result<(), OpenError> {
    let saved = saved(file);
    if !saved.exists() {
        return Ok(());
    }
    let exchange = || {
        let aside = aside(file);
        // The database last: without it nobody knows whose the others are.
        for suffix in COMPANIONS.into_iter().chain([""]) {
            match fs::rename(beside(file, suffix), beside(&aside, suffix)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        sync_folder(file)?;
        fs::rename(&saved, file)?;
        sync_folder(file)
    };
    exchange().map_err(|source| OpenError::Write { file: file.to_owned(), source })
}

/// Whether a damaged ledger lies beside this one.
pub(super) fn has_left_one_aside(file: &Path) -> bool {
    numbered(file, 1).exists()
}

/// Writes all that can be saved of the one into the other, as one file.
pub(super) fn save(damaged: &Path, new: &Path, gate: GateId) -> Result<(), OpenError> {
    let explain = |error| explain(error, new);
    let mut new_ledger = connect(new)?;
    let transaction = new_ledger.transaction_with_behavior(TransactionBehavior::Immediate).map_err(explain)?;
    // Of what SQLite cannot open at all, nothing can be saved.
    let last = match read_only(damaged) {
        Ok(damaged) => copy(&damaged, &transaction, gate).map_err(explain)?,
        Err(_) => None,
    };
    if let Some(rows) = last {
        tracing::warn!(rows, "every row of the damaged ledger was saved");
    } else {
        store::close_journal(&transaction).map_err(explain)?;
        tracing::error!("rows of the damaged ledger are lost; {ENROL_ANEW}");
    }
    transaction.commit().map_err(explain)?;
    // One file, so that it can be moved as one.
    new_ledger.pragma_update(None, "journal_mode", "DELETE").map_err(explain)
}

/// The number of the last row if every row was copied, as far as one can know. What validation answered for is offered to it again.
fn copy(damaged: &Connection, new: &Connection, gate: GateId) -> rusqlite::Result<Option<u64>> {
    // Without it, only a journal that was never pruned is found to continue it.
    let anchor = store::anchor(damaged).ok().filter(|anchor| anchor.sequence > 0);
    if let Some(anchor) = anchor {
        store::begin_after(new, anchor)?;
    }
    let Head { sequence: mut last, hash: mut chain } = store::head(new)?;
    remains::rows(damaged, |stored| {
        let Some(row) = following(&stored, gate, last + 1, chain) else { return Ok(false) };
        store::append(new, &row, chain, stored.ticket.as_deref())?;
        (last, chain) = (row.sequence, stored.hash);
        Ok(true)
    })?;
    for sequence in remains::unfinished(damaged).into_iter().filter(|sequence| *sequence <= last) {
        store::put_unfinished(new, sequence)?;
    }
    remains::copy_supervisors(damaged, new)?;
    for (event, until) in store::leases(damaged).unwrap_or_default() {
        store::put_lease(new, event, until)?;
    }
    for stored in remains::documents(damaged) {
        let record = Record { record: stored.record, content: stored.content };
        store::put_document(new, stored.kind, stored.sequence, &stored.envelope, &record)?;
    }
    if let Ok(floor) = store::clock_floor(damaged) {
        store::raise_clock_floor(new, floor)?;
    }
    Ok(store::noted_head(damaged).ok().flatten().filter(|noted| *noted == last))
}

/// Reads a database and leaves it as it is.
fn read_only(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "query_only", "ON")?;
    Ok(connection)
}

fn saved(file: &Path) -> PathBuf {
    beside(file, ".saved")
}

/// The first name that nothing has. By number, since whoever has a damaged disk may have a wrong clock, too.
fn aside(file: &Path) -> PathBuf {
    (1..u32::MAX)
        .map(|number| numbered(file, number))
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| numbered(file, 0))
}

pub(super) fn numbered(file: &Path, number: u32) -> PathBuf {
    beside(file, &format!(".damaged-{number}"))
}

pub(super) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    PathBuf::from(name)
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn sync_folder(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
