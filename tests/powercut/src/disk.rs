//! A disk in memory: its files, its directory, and what goes wrong with it. Knows nothing of SQLite.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::{Rng, RngExt};

use crate::file::{File, Survival};
use crate::vfs;

/// What a medium promises of bytes beside those that are written when the power goes (SQLite, "Powersafe Overwrite").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// They stay: what SQLite's own access to files takes for granted on Unix.
    Careful,
    /// The whole sector that was being written may be garbage.
    Careless,
}

/// What goes wrong. Operations are those that change something, counted from 1: making, writing, resizing, syncing and deleting a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The power goes before this operation.
    Cut {
        /// Its number.
        before: u64,
    },
    /// This sync fails, counted from 1. As on Linux, it is not made good by the next one: what was to be synced is seen,
    /// and is safe once it is written again.
    Sync {
        /// Its number.
        number: u64,
    },
    /// No file can grow or be made.
    Full,
    /// Nothing can be changed.
    ReadOnly,
}

/// A disk, for one program at a time.
#[derive(Debug)]
pub struct Disk {
    number: u64,
    state: SharedState,
}

pub(crate) type SharedState = Arc<Mutex<State>>;

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    NoPower,
    Full,
    ReadOnly,
    NotSynced,
    NoSuchFile,
}

#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) medium: Medium,
    fault: Option<Fault>,
    operations: u64,
    syncs: u64,
    /// How often the power came back. Whoever opened a file before has nothing of it any more.
    pub(crate) boots: u64,
    /// By a number that stays when the name goes.
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    safe_names: BTreeMap<String, usize>,
    /// What each name stood for since the directory was last synced.
    renamed: BTreeMap<String, Vec<Option<usize>>>,
}

impl Disk {
    /// An empty one.
    pub fn new(medium: Medium) -> Self {
        Self::of(State {
            medium,
            fault: None,
            operations: 0,
            syncs: 0,
            boots: 0,
            files: Vec::new(),
            names: BTreeMap::new(),
            safe_names: BTreeMap::new(),
            renamed: BTreeMap::new(),
        })
    }

    /// Another disk with all that is on this one, as an image of it has: also what was not synced, and no fault.
    #[must_use]
    pub fn image(&self) -> Self {
        let state = lock(&self.state);
        Self::of(State { fault: None, boots: state.boots + 1, ..state.clone() })
    }

    fn of(state: State) -> Self {
        let state = Arc::new(Mutex::new(state));
        let number = vfs::mount(Arc::clone(&state));
        Self { number, state }
    }

    /// What kind it is.
    pub fn medium(&self) -> Medium {
        lock(&self.state).medium
    }

    /// By which SQLite opens a file of it, wherever it takes the name of a file for a URI.
    pub fn uri(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("file:/{}/{file}?vfs={}", self.number, vfs::NAME))
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        lock(&self.state).operations
    }

    /// How many of them were syncs of files.
    pub fn syncs(&self) -> u64 {
        lock(&self.state).syncs
    }

    /// From now on this goes wrong, or nothing.
    pub fn set_fault(&self, fault: Option<Fault>) {
        lock(&self.state).fault = fault;
    }

    /// The power goes, if it has not gone yet, and comes back: of what was not synced, `random` says what is there.
    pub fn reboot(&self, random: &mut impl Rng) {
        lock(&self.state).reboot(random);
    }

    /// How long a file is.
    pub fn len_of(&self, file: &str) -> Option<usize> {
        let state = lock(&self.state);
        state.number_of(file).and_then(|number| state.files.get(number)).map(File::len)
    }

    /// Whether these bytes are in a file of it.
    pub fn holds(&self, bytes: &[u8]) -> bool {
        let state = lock(&self.state);
        let mut files = state.names.values().filter_map(|number| state.files.get(*number));
        files.any(|file| file.holds(bytes))
    }

    /// Flips bits of one byte of a file.
    pub fn damage(&self, file: &str, offset: usize, flips: u8) {
        let mut state = lock(&self.state);
        let number = state.number_of(file);
        if let Some(file) = number.and_then(|number| state.files.get_mut(number)) {
            file.damage(offset, flips);
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        vfs::unmount(self.number);
    }
}

impl State {
    /// Before anything is changed.
    fn change(&mut self, grows: bool) -> Result<(), Failure> {
        self.operations += 1;
        self.powered()?;
        match self.fault {
            Some(Fault::ReadOnly) => Err(Failure::ReadOnly),
            Some(Fault::Full) if grows => Err(Failure::Full),
            Some(Fault::Full | Fault::Cut { .. } | Fault::Sync { .. }) | None => Ok(()),
        }
    }

    fn powered(&self) -> Result<(), Failure> {
        match self.fault {
            Some(Fault::Cut { before }) if self.operations >= before => Err(Failure::NoPower),
            Some(Fault::Cut { .. } | Fault::Sync { .. } | Fault::Full | Fault::ReadOnly) | None => Ok(()),
        }
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.fault == Some(Fault::ReadOnly)
    }

    /// A file's number, for as long as it is open.
    pub(crate) fn find(&self, name: &str) -> Result<Option<usize>, Failure> {
        self.powered().map(|()| self.number_of(name))
    }

    fn number_of(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    pub(crate) fn make(&mut self, name: &str) -> Result<usize, Failure> {
        self.change(true)?;
        let number = self.files.len();
        self.files.push(File::default());
        self.rename(name, Some(number));
        Ok(number)
    }

    pub(crate) fn delete(&mut self, name: &str) -> Result<(), Failure> {
        self.find(name)?.ok_or(Failure::NoSuchFile)?;
        self.change(false)?;
        self.rename(name, None);
        Ok(())
    }

    pub(crate) fn len(&self, number: usize) -> Result<usize, Failure> {
        self.powered()?;
        self.files.get(number).map(File::len).ok_or(Failure::NoSuchFile)
    }

    pub(crate) fn read(&self, number: usize, offset: usize, into: &mut [u8]) -> Result<usize, Failure> {
        self.powered()?;
        self.files.get(number).map(|file| file.read(offset, into)).ok_or(Failure::NoSuchFile)
    }

    pub(crate) fn write(&mut self, number: usize, offset: usize, data: &[u8]) -> Result<(), Failure> {
        self.change(offset + data.len() > self.len(number)?)?;
        self.open_file(number)?.write(offset, data);
        Ok(())
    }

    pub(crate) fn resize(&mut self, number: usize, length: usize) -> Result<(), Failure> {
        self.change(length > self.len(number)?)?;
        self.open_file(number)?.resize(length);
        Ok(())
    }

    pub(crate) fn sync(&mut self, number: usize) -> Result<(), Failure> {
        self.change(false)?;
        self.syncs += 1;
        let fails = self.fault == Some(Fault::Sync { number: self.syncs });
        let file = self.open_file(number)?;
        if fails {
            file.forget();
            return Err(Failure::NotSynced);
        }
        file.sync();
        Ok(())
    }

    /// Syncs it, and has the next read see what is on the medium, and that alone.
    pub(crate) fn reread(&mut self, number: usize) -> Result<(), Failure> {
        self.sync(number)?;
        self.open_file(number)?.reread();
        Ok(())
    }

    pub(crate) fn sync_directory(&mut self) -> Result<(), Failure> {
        self.change(false)?;
        self.renamed.clear();
        self.safe_names = self.names.clone();
        Ok(())
    }

    fn open_file(&mut self, number: usize) -> Result<&mut File, Failure> {
        self.files.get_mut(number).ok_or(Failure::NoSuchFile)
    }

    fn rename(&mut self, name: &str, number: Option<usize>) {
        match number {
            Some(number) => self.names.insert(name.to_owned(), number),
            None => self.names.remove(name),
        };
        self.renamed.entry(name.to_owned()).or_default().push(number);
    }

    fn reboot(&mut self, random: &mut impl Rng) {
        let survival = match random.random_range(0..6) {
            0 => Survival::Nothing,
            1 => Survival::Everything,
            _ => Survival::Some { garbage: self.medium == Medium::Careless },
        };
        for file in &mut self.files {
            file.cut(survival, random);
        }
        for (name, meanings) in std::mem::take(&mut self.renamed) {
            let meaning = match survival {
                Survival::Nothing => None,
                Survival::Everything => meanings.last(),
                Survival::Some { .. } => {
                    random.random_range(0..=meanings.len()).checked_sub(1).and_then(|n| meanings.get(n))
                }
            };
            match meaning {
                Some(Some(number)) => _ = self.safe_names.insert(name, *number),
                Some(None) => _ = self.safe_names.remove(&name),
                None => {}
            }
        }
        self.names = self.safe_names.clone();
        self.fault = None;
        self.boots += 1;
    }
}

/// A test that panicked leaves its disk as it is.
pub(crate) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
