//! The disks as SQLite sees them: one VFS, whose first folder is the disk's number. Refuses to know what a cut leaves.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use sqlite_plugin::flags::{AccessFlags, LockLevel, OpenKind, OpenOpts};
use sqlite_plugin::vars;
use sqlite_plugin::vfs::{RegisterOpts, Vfs, VfsHandle, VfsResult, register_static};

use crate::disk::{Failure, Medium, SharedState, State, lock};
use crate::file::SECTOR;

pub(crate) const NAME: &str = "countermark-powercut";

#[derive(Default)]
struct Mounted {
    last: u64,
    disks: BTreeMap<u64, SharedState>,
}

fn mounted<T>(what: impl FnOnce(&mut Mounted) -> T) -> T {
    static MOUNTED: Mutex<Option<Mounted>> = Mutex::new(None);
    what(MOUNTED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// Makes it a disk that SQLite can open files of, and says its number.
pub(crate) fn mount(disk: SharedState) -> u64 {
    static REGISTERED: OnceLock<()> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        let name = CString::new(NAME).unwrap_or_default();
        // Refused, no file of it can be opened, and SQLite says why. What it gives back writes to SQLite's log.
        let _logger = register_static(name, PowerCut, RegisterOpts { make_default: false });
    });
    mounted(|mounted| {
        mounted.last += 1;
        mounted.disks.insert(mounted.last, disk);
        mounted.last
    })
}

pub(crate) fn unmount(number: u64) {
    mounted(|mounted| mounted.disks.remove(&number));
}

/// What a program does beside SQLite that trusts no memory of a database's write-ahead log: its sync, and `posix_fadvise(2)` with
/// `POSIX_FADV_DONTNEED`. The database is a [`Disk::uri`](crate::Disk::uri); one without a log has none to read.
pub fn reread_log(database: &Path) -> io::Result<()> {
    let failed = |failure| io::Error::other(format!("{failure:?}"));
    let path = database.to_str().and_then(|uri| uri.strip_prefix("file:")?.split('?').next());
    let (disk, name) = path.and_then(|path| find(path).ok()).ok_or(io::ErrorKind::NotFound)?;
    let mut state = lock(&disk);
    match state.find(&format!("{name}-wal")).map_err(failed)? {
        Some(log) => state.reread(log).map_err(failed),
        None => Ok(()),
    }
}

struct PowerCut;

struct Handle {
    disk: SharedState,
    /// Another one, and nobody has this file open any more.
    boots: u64,
    file: usize,
    read_only: bool,
    /// As SQLite's own VFS on Unix has it: the first sync of a journal or log makes its name safe, too.
    syncs_directory: bool,
}

impl VfsHandle for Handle {
    fn readonly(&self) -> bool {
        self.read_only
    }

    fn in_memory(&self) -> bool {
        false
    }
}

impl Handle {
    fn perform<T>(&self, what: impl FnOnce(&mut State) -> Result<T, Failure>) -> VfsResult<T> {
        let mut disk = lock(&self.disk);
        if disk.boots == self.boots { what(&mut disk).map_err(code) } else { Err(vars::SQLITE_IOERR) }
    }
}

/// The disk, and what the file is called on it.
fn find(path: &str) -> VfsResult<(SharedState, &str)> {
    let (number, name) = path.trim_start_matches('/').split_once('/').ok_or(vars::SQLITE_CANTOPEN)?;
    let number: u64 = number.parse().map_err(|_| vars::SQLITE_CANTOPEN)?;
    let disk = mounted(|mounted| mounted.disks.get(&number).cloned()).ok_or(vars::SQLITE_CANTOPEN)?;
    Ok((disk, name))
}

fn code(failure: Failure) -> i32 {
    match failure {
        Failure::NoPower => vars::SQLITE_IOERR,
        Failure::Full => vars::SQLITE_FULL,
        // What a write gets once the system has taken the disk's right to be written away.
        Failure::ReadOnly => vars::SQLITE_IOERR_WRITE,
        Failure::NotSynced => vars::SQLITE_IOERR_FSYNC,
        Failure::NoSuchFile => vars::SQLITE_IOERR_DELETE_NOENT,
    }
}

impl Vfs for PowerCut {
    type Handle = Handle;

    fn canonical_path<'a>(&self, path: Cow<'a, str>) -> VfsResult<Cow<'a, str>> {
        Ok(path)
    }

    fn open(&self, path: Option<&str>, opts: OpenOpts) -> VfsResult<Handle> {
        // A file without a name is SQLite's own scratch, of which nothing here should need any.
        let path = path.ok_or(vars::SQLITE_CANTOPEN)?;
        let (disk, name) = find(path)?;
        let mut state = lock(&disk);
        let makes = opts.flags() & vars::SQLITE_OPEN_CREATE != 0;
        let file = match state.find(name).map_err(code)? {
            Some(file) => file,
            None if makes => state.make(name).map_err(code)?,
            None => return Err(vars::SQLITE_CANTOPEN),
        };
        let syncs_directory = makes && matches!(opts.kind(), OpenKind::MainJournal | OpenKind::Wal);
        let (boots, read_only) = (state.boots, state.is_read_only());
        drop(state);
        Ok(Handle { disk, boots, file, read_only, syncs_directory })
    }

    /// Without a sync of the directory: SQLite asks for one where several databases are written together, or with `synchronous` EXTRA.
    fn delete(&self, path: &str) -> VfsResult<()> {
        let (disk, name) = find(path)?;
        lock(&disk).delete(name).map_err(code)
    }

    fn access(&self, path: &str, flags: AccessFlags) -> VfsResult<bool> {
        let (disk, name) = find(path)?;
        let state = lock(&disk);
        let exists = state.find(name).map_err(code)?.is_some();
        Ok(match flags {
            AccessFlags::Exists | AccessFlags::Read => exists,
            AccessFlags::ReadWrite => exists && !state.is_read_only(),
        })
    }

    fn file_size(&self, handle: &mut Handle) -> VfsResult<usize> {
        handle.perform(|disk| disk.len(handle.file))
    }

    fn truncate(&self, handle: &mut Handle, size: usize) -> VfsResult<()> {
        handle.perform(|disk| disk.resize(handle.file, size))
    }

    fn write(&self, handle: &mut Handle, offset: usize, data: &[u8]) -> VfsResult<usize> {
        handle.perform(|disk| disk.write(handle.file, offset, data))?;
        Ok(data.len())
    }

    fn read(&self, handle: &mut Handle, offset: usize, data: &mut [u8]) -> VfsResult<usize> {
        handle.perform(|disk| disk.read(handle.file, offset, data))
    }

    fn sync(&self, handle: &mut Handle) -> VfsResult<()> {
        handle.perform(|disk| disk.sync(handle.file))?;
        if handle.syncs_directory {
            handle.perform(State::sync_directory)?;
            handle.syncs_directory = false;
        }
        Ok(())
    }

    /// There is one program.
    fn lock(&self, _: &mut Handle, _: LockLevel) -> VfsResult<()> {
        Ok(())
    }

    fn unlock(&self, _: &mut Handle, _: LockLevel) -> VfsResult<()> {
        Ok(())
    }

    fn check_reserved_lock(&self, _: &mut Handle) -> VfsResult<bool> {
        Ok(false)
    }

    fn close(&self, handle: Handle) -> VfsResult<()> {
        drop(handle);
        Ok(())
    }

    fn sector_size(&self, handle: &mut Handle) -> VfsResult<i32> {
        Ok(match lock(&handle.disk).medium {
            // What SQLite takes it for on Unix.
            Medium::Careful => 4096,
            Medium::Careless => i32::try_from(SECTOR).unwrap_or(i32::MAX),
        })
    }

    fn device_characteristics(&self, handle: &mut Handle) -> VfsResult<i32> {
        Ok(match lock(&handle.disk).medium {
            Medium::Careful => vars::SQLITE_IOCAP_POWERSAFE_OVERWRITE,
            Medium::Careless => 0,
        })
    }
}
