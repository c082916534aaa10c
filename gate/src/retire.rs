//! Putting a gate aside, so that its box can be enrolled anew: all that its folder holds goes into one folder of it, whole. Owns the order of the
//! steps; deletes nothing, and knows nothing of what the files say.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};

use countermark_shared::time::Timestamp;

use crate::data_folder::DataFolder;
use crate::ledger;

/// What helps where a gate cannot go on as itself.
pub(crate) const ENROL_ANEW: &str = "`countermark-gate retire` puts this gate aside, then enrol this box anew";

/// How the names begin under which gates lie aside.
const ASIDE: &str = "retired-";

/// Why a gate was not put aside.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetireError {
    /// It would lose what it is about to write.
    #[error("an agent runs on {}; `systemctl stop countermark-gate` ends it, then run the same command again", folder.display())]
    Runs {
        /// The data folder.
        folder: PathBuf,
    },
    /// Whoever mistypes a path must not move others' files.
    #[error("{} has nothing of a gate in it; name the gate's folder by --data, or enrol this box", folder.display())]
    NoGate {
        /// The folder.
        folder: PathBuf,
    },
    /// Not all of it lies aside.
    #[error("cannot put all of {} aside; run the same command again, as the gate's user or as root", folder.display())]
    Move {
        /// The data folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Puts all that a folder holds into one of it that is named by the time. The answer is which.
pub(crate) fn retire(folder: &DataFolder, at: Timestamp) -> Result<PathBuf, RetireError> {
    let path = || folder.path().to_owned();
    if ![folder.identity(), folder.key(), folder.ledger()].iter().any(|file| file.exists()) {
        return Err(RetireError::NoGate { folder: path() });
    }
    if ledger::is_in_use(&folder.ledger()) {
        return Err(RetireError::Runs { folder: path() });
    }
    let at: String = at.to_string().chars().take("2026-11-22T19:00:00".len()).collect();
    // A stick's file system takes no colon.
    let aside = folder.path().join(format!("{ASIDE}{}", at.replace(':', "-")));
    put_aside(folder, &aside).map_err(|source| RetireError::Move { folder: path(), source })?;
    Ok(aside)
}

fn put_aside(folder: &DataFolder, aside: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(aside) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    // Root may do it: what lies aside stays the gate's.
    let owner = fs::metadata(folder.path())?;
    chown(aside, Some(owner.uid()), Some(owner.gid()))?;
    let to = |name: &Path| fs::rename(folder.path().join(name), aside.join(name));
    // Who it is goes first, and for good: an agent that found this and no journal would let everybody in once more.
    let identity = folder.identity();
    if let Some(name) = identity.file_name().filter(|_| identity.exists()) {
        to(Path::new(name))?;
    }
    sync(folder.path())?;
    for entry in fs::read_dir(folder.path())? {
        let name = entry?.file_name();
        if !name.to_string_lossy().starts_with(ASIDE) {
            to(Path::new(&name))?;
        }
    }
    sync(aside)?;
    sync(folder.path())
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use countermark_shared::journal::BootId;

    use super::*;
    use crate::enroll::enroll;
    use crate::identity::{Identity, stored_key};
    use crate::ledger::Ledger;
    use crate::samples;
    use crate::stand_in::StandIn;

    /// What files say that say anything: whoever asks for SQLite's lock leaves an empty log.
    fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file());
        let files = entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()));
        files.filter(|(_, content)| !content.is_empty()).collect()
    }

    fn a_gate(parent: &Path) -> DataFolder {
        let folder = DataFolder::create(&parent.join("gate")).unwrap();
        samples::identity().store(&folder).unwrap();
        samples::store_keys(&folder);
        drop(Ledger::open(&folder.ledger(), samples::owner(), BootId::new([0; 16]), Duration::ZERO).unwrap());
        fs::write(folder.path().join("ledger.sqlite.damaged-1"), "damaged").unwrap();
        folder
    }

    #[tokio::test]
    async fn a_gate_lies_aside_whole_and_its_box_is_enrolled_anew() {
        let (stand_in, parent) = (StandIn::start().await, tempfile::tempdir().unwrap());
        let folder = a_gate(parent.path());
        let (held, old) = (files(folder.path()), stored_key(&folder).unwrap().unwrap());
        let aside = retire(&folder, samples::DOORS).unwrap();
        assert_eq!(aside.file_name().unwrap().len(), "retired-2026-11-22T19-00-00".len());
        assert!(files(&aside) == held && held.len() == 5, "{:?}", files(&aside).keys());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "it lies alone");
        assert_eq!(fs::metadata(&aside).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(matches!(retire(&folder, samples::DOORS), Err(RetireError::NoGate { .. })), "once is enough");

        let enrolled = enroll(folder.path(), stand_in.address.clone(), &StandIn::code(), samples::DOORS).await.unwrap();
        assert_eq!(Identity::load(&folder).unwrap(), enrolled);
        assert_ne!(stored_key(&folder).unwrap().unwrap().verifying_key(), old.verifying_key());
        retire(&folder, samples::DOORS + Duration::from_secs(1)).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "both lie aside, beside each other");
    }

    #[test]
    fn what_was_cut_off_is_put_aside_by_the_same_command() {
        let parent = tempfile::tempdir().unwrap();
        let folder = a_gate(parent.path());
        let held = files(folder.path());
        // In the way of the journal: a file cannot take the place of a folder.
        let aside = folder.path().join(format!("{ASIDE}{}", samples::DOORS.to_string()[..19].replace(':', "-")));
        fs::create_dir_all(aside.join("ledger.sqlite/x")).unwrap();
        assert!(matches!(retire(&folder, samples::DOORS), Err(RetireError::Move { .. })));
        assert!(!folder.identity().exists(), "no agent starts on what is left");
        fs::remove_dir_all(aside.join("ledger.sqlite")).unwrap();
        assert!(files(&retire(&folder, samples::DOORS).unwrap()) == held);
    }

    #[test]
    fn under_an_agent_that_runs_and_where_there_is_no_gate_nothing_is_moved() {
        let parent = tempfile::tempdir().unwrap();
        let folder = a_gate(parent.path());
        let ledger = Ledger::open(&folder.ledger(), samples::owner(), BootId::new([0; 16]), Duration::ZERO).unwrap();
        assert!(matches!(retire(&folder, samples::DOORS), Err(RetireError::Runs { .. })));
        assert!(folder.identity().exists());
        drop(ledger);
        fs::write(parent.path().join("mine"), "mine").unwrap();
        assert!(matches!(retire(&DataFolder::at(parent.path()), samples::DOORS), Err(RetireError::NoGate { .. })));
        assert!(parent.path().join("mine").exists());
        // However damaged it is: that may be why.
        fs::write(folder.ledger(), "no database").unwrap();
        retire(&folder, samples::DOORS).unwrap();
    }
}
