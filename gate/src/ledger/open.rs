//! Opening the ledger: nothing on the disk is trusted until it is checked. A ledger that does not check out is not used as it is, because
//! every gap in it would let somebody in twice.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use countermark_shared::clock::GateClock;
use countermark_shared::documents::RootFingerprint;
use countermark_shared::id::GateId;
use countermark_shared::journal::{BootId, ChainHash, JournalRow};
use countermark_shared::sealing::UnwrappingKey;
use countermark_shared::time::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use super::claim::Claims;
use super::debounce::Debounce;
use super::lanes::Lanes;
use super::log::{self, Reread};
use super::outcomes::Outcomes;
use super::store::{self, Columns, Head, Indexed, StoredRow};
use super::{Ledger, salvage};
use crate::documents::{DocumentKind, Documents};
use crate::names::Names;

const MIGRATIONS: &[M<'_>] = &[
    M::up(include_str!("../../../migrations/gate/0001_ledger.sql")),
    M::up(include_str!("../../../migrations/gate/0002_held_documents.sql")),
    M::up(include_str!("../../../migrations/gate/0003_acts.sql")),
    M::up(include_str!("../../../migrations/gate/0004_journal_head.sql")),
    M::up(include_str!("../../../migrations/gate/0005_admission_feed.sql")),
    M::up(include_str!("../../../migrations/gate/0008_journal_anchor.sql")),
    M::up(include_str!("../../../migrations/gate/0009_guest_list.sql")),
    M::up(include_str!("../../../migrations/gate/0010_wrong_pins.sql")),
    M::up(include_str!("../../../migrations/gate/0011_index_keys.sql")),
    M::up(include_str!("../../../migrations/gate/0012_leases.sql")),
];
/// How many statements stay prepared: all that the ledger has.
const STATEMENTS: usize = 64;
/// How long another process that is about to end may take.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// Why the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// Another process has it.
    #[error("{} is in use: another countermark-gate runs on this folder", file.display())]
    InUse {
        /// Which.
        file: PathBuf,
    },
    /// SQLite cannot make sense of it.
    #[error("{} is damaged; do not delete it: start the agent, which moves it aside and saves what can be saved", file.display())]
    Damaged {
        /// Which.
        file: PathBuf,
        /// What SQLite says.
        finding: String,
    },
    /// The rows do not follow from each other.
    #[error("{} was changed by something else than this gate, at row {sequence}; do not delete it: start the agent, which moves it aside and saves what can be saved", file.display())]
    Broken {
        /// Which.
        file: PathBuf,
        /// The first row that does not fit.
        sequence: u64,
    },
    /// It was written by a newer program, or cannot be brought up to date.
    #[error("{} was written by another version of countermark-gate; install the newest", file.display())]
    Version {
        /// Which.
        file: PathBuf,
        /// What went wrong.
        source: rusqlite_migration::Error,
    },
    /// A file of it cannot be written.
    #[error("{}, or what lies beside it, cannot be written; look for a full disk, or one that fails", file.display())]
    Write {
        /// Which.
        file: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// It cannot be opened at all.
    #[error("cannot open {}; look for a full disk, or for wrong permissions", file.display())]
    Open {
        /// Which.
        file: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// Whose ledger it is, and what that gate was given once.
pub(crate) struct Owner {
    /// The gate.
    pub(crate) gate: GateId,
    /// The roots that its enrolment code named.
    pub(crate) root: RootFingerprint,
    /// What event secrets are wrapped for.
    pub(crate) unwrapping_key: Option<UnwrappingKey>,
}

impl Ledger {
    /// Opens the ledger for this process alone, checks the journal's every row, and brings the stored documents into force that are as they were
    /// written. `uptime` is where the run begins.
    pub(crate) fn open(file: &Path, owner: Owner, boot: BootId, uptime: Duration) -> Result<Self, OpenError> {
        Self::open_by(log::reread, file, owner, boot, uptime)
    }

    /// The same on whatever disk, of which `reread` knows how it is read.
    pub(super) fn open_by(
        reread: Reread,
        file: &Path,
        owner: Owner,
        boot: BootId,
        uptime: Duration,
    ) -> Result<Self, OpenError> {
        Self::begin(checked(reread, file, owner.gate)?, file, owner, boot, uptime)
    }

    /// The same, after what can be saved of a damaged ledger was saved into a new one: for the agent alone, which must not stay away
    /// because of a page.
    pub(crate) fn open_saving(file: &Path, owner: Owner, boot: BootId, uptime: Duration) -> Result<Self, OpenError> {
        let connection = match checked(log::reread, file, owner.gate) {
            Err(why @ (OpenError::Damaged { .. } | OpenError::Broken { .. })) => {
                tracing::error!(%why, "the ledger is damaged: saving what can be saved");
                salvage::salvage(file, owner.gate)?;
                checked(log::reread, file, owner.gate)?
            }
            outcome => outcome?,
        };
        Self::begin(connection, file, owner, boot, uptime)
    }

    fn begin(
        connection: Connection,
        file: &Path,
        owner: Owner,
        boot: BootId,
        uptime: Duration,
    ) -> Result<Self, OpenError> {
        let Owner { gate, root, unwrapping_key } = owner;
        let explain = |error| explain(error, file);
        store::cut_off_unfinished(&connection).map_err(explain)?;
        let documents = restore(&connection, gate, root).map_err(explain)?;
        let floor = clock_floor(&connection, &documents).map_err(explain)?;
        let clock = GateClock::new(floor, uptime);
        Ok(Self {
            connection,
            gate,
            boot,
            documents,
            clock,
            names: Names::of(unwrapping_key),
            debounce: Debounce::default(),
            repeated: Vec::new(),
            outcomes: Outcomes::default(),
            claims: Claims::default(),
            lanes: Lanes::default(),
            failed: None,
            file: file.to_owned(),
            replaced: salvage::has_left_one_aside(file),
            log_is_empty: false,
            names_of: None,
        })
    }
}

/// Whether another process has it: an agent, from its start on. Nothing of it is changed, whatever is wrong with it.
pub(crate) fn is_in_use(file: &Path) -> bool {
    let ask = || {
        let mut connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.busy_timeout(LOCK_WAIT)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.transaction_with_behavior(TransactionBehavior::Immediate)?.rollback()
    };
    ask().is_err_and(|error| matches!(explain(error, file), OpenError::InUse { .. }))
}

/// The ledger of this process alone, if every page and every row of it is as it was written.
fn checked(reread: Reread, file: &Path, gate: GateId) -> Result<Connection, OpenError> {
    salvage::finish(file)?;
    reread(file).map_err(|source| OpenError::Write { file: file.to_owned(), source })?;
    let connection = connect(file)?;
    check_database(&connection, file)?;
    check_journal(&connection, gate, file)?;
    Ok(connection)
}

pub(super) fn connect(file: &Path) -> Result<Connection, OpenError> {
    let explain = |error| explain(error, file);
    let mut connection = Connection::open(file).map_err(explain)?;
    connection.busy_timeout(LOCK_WAIT).map_err(explain)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Exclusive before the journal mode: then no shared memory is needed, and no second writer can exist.
    for (pragma, value) in
        [("locking_mode", "EXCLUSIVE"), ("journal_mode", "WAL"), ("synchronous", "FULL"), ("secure_delete", "ON")]
    {
        connection.pragma_update(None, pragma, value).map_err(explain)?;
    }
    // The lock is taken by the first transaction and kept.
    connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .and_then(rusqlite::Transaction::commit)
        .map_err(explain)?;
    // What is in the log goes into the database, and the log begins anew: after a cut its last transaction may end in the middle of a sector, and would be
    // lost with that, were the power to go once more while the next is appended there.
    connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).map_err(explain)?;
    Migrations::from_slice(MIGRATIONS).to_latest(&mut connection).map_err(|error| {
        if let rusqlite_migration::Error::RusqliteError { err, .. } = error {
            return explain(err);
        }
        OpenError::Version { file: file.to_owned(), source: error }
    })?;
    Ok(connection)
}

/// Every page, and all that each table says by itself. Whether indexes say the same is asked of the small ones here, of the journal's once its rows were
/// read, and of the guests' not at all: whoever is found by one is believed for the issuer's signature, and a new list comes from the cloud.
fn check_database(connection: &Connection, file: &Path) -> Result<(), OpenError> {
    let small = "SELECT found.integrity_check
                 FROM sqlite_schema AS whole JOIN pragma_integrity_check(whole.name) AS found
                 WHERE whole.type = 'table' AND whole.name NOT IN ('journal', 'guest') AND found.integrity_check <> 'ok'";
    let finding = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map(|finding: String| Some(finding).filter(|finding| finding != "ok"))
        .and_then(|finding| match finding {
            None => connection.query_row(small, [], |row| row.get(0)).optional(),
            Some(_) => Ok(finding),
        })
        .map_err(|error| explain(error, file))?;
    finding.map_or(Ok(()), |finding| Err(OpenError::Damaged { file: file.to_owned(), finding }))
}

fn check_journal(connection: &Connection, gate: GateId, file: &Path) -> Result<(), OpenError> {
    let Head { mut sequence, hash: mut chain } = store::anchor(connection).map_err(|error| explain(error, file))?;
    let (mut indexed, mut broken) = (Indexed::default(), false);
    store::read_rows(connection, sequence, |stored| {
        indexed.add(&stored);
        sequence += 1;
        let row = following(&stored, gate, sequence, chain);
        broken = row.is_none_or(|row| stored.columns != Columns::of(&row));
        chain = stored.hash;
        !broken
    })
    .map_err(|error| explain(error, file))?;
    if broken {
        return Err(OpenError::Broken { file: file.to_owned(), sequence });
    }
    match indexed.first_wrong(connection).map_err(|error| explain(error, file))? {
        Some(index) => {
            let finding = format!("{index} does not say what the rows say");
            Err(OpenError::Damaged { file: file.to_owned(), finding })
        }
        None => Ok(()),
    }
}

/// What a row says, if it is the gate's with that number and continues the chain.
pub(super) fn following(stored: &StoredRow, gate: GateId, sequence: u64, chain: ChainHash) -> Option<JournalRow> {
    let row = JournalRow::from_bytes(&stored.row).ok()?;
    let fits = (row.gate, row.sequence, stored.sequence) == (gate, sequence, sequence);
    (fits && stored.hash == chain.next(&stored.row)).then_some(row)
}

fn restore(connection: &Connection, gate: GateId, root: RootFingerprint) -> rusqlite::Result<Documents> {
    let mut documents = Documents::none(gate, root);
    for stored in store::documents(connection)? {
        match documents.restored(&stored) {
            Ok(next) => documents = next,
            Err(why) => tracing::warn!(
                document = stored.kind.code(),
                %why,
                "a stored document does not come into force; it is fetched again"
            ),
        }
    }
    Ok(documents)
}

/// What was written down, and what the documents say by themselves: they were dated by the cloud's clock.
fn clock_floor(connection: &Connection, documents: &Documents) -> rusqlite::Result<Timestamp> {
    let dated = DocumentKind::HELD.into_iter().filter(|kind| kind.is_dated_by_the_cloud());
    let as_of = dated.filter_map(|kind| documents.standing(kind)).map(|standing| standing.as_of).max();
    Ok(store::clock_floor(connection)?.max(as_of.unwrap_or(Timestamp::from_unix_millis(0))))
}

pub(super) fn explain(error: rusqlite::Error, file: &Path) -> OpenError {
    let file = file.to_owned();
    // What was written is read as it was written, or it is damaged.
    if let rusqlite::Error::FromSqlConversionFailure(..)
    | rusqlite::Error::InvalidColumnType(..)
    | rusqlite::Error::IntegralValueOutOfRange(..)
    | rusqlite::Error::Utf8Error(..) = error
    {
        return OpenError::Damaged { file, finding: error.to_string() };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse { file },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Damaged { file, finding: error.to_string() }
        }
        _ => OpenError::Open { file, source: error },
    }
}
