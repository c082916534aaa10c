//! The write-ahead log as it lies on the disk. Owns that a start believes the disk and not what the system remembers of it; refuses to know what is
//! in it.

use std::fs::File;
use std::io;
use std::path::Path;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use super::salvage::{COMPANIONS, beside};

/// Has the log of a database be read from the disk itself when it is read next.
pub(super) type Reread = fn(database: &Path) -> io::Result<()>;

/// A log whose sync failed under the agent before reads well and is not on the disk, and no later sync says so (`fsync(2)`; Rebello et al., "Can
/// Applications Recover from fsync Failures?", USENIX ATC 2020): what was appended to it would be lost with it. So the system forgets what it has of
/// it (`posix_fadvise(2)`), which it does of what was written back alone, hence the sync before. Nothing is written: a log that is written again in
/// its place can lose what was safe in it, where the power goes while a sector is half written. Nor is it checkpointed before:
/// a cut would leave pages in the database of which the log on the disk knows nothing.
pub(super) fn reread(database: &Path) -> io::Result<()> {
    let log = match File::open(beside(database, COMPANIONS[0])) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        log => log?,
    };
    log.sync_all()?;
    Ok(posix_fadvise(&log, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    use std::fs;
    use std::io::IoSliceMut;

    /// Whether its beginning can be read without a disk.
    fn is_remembered(file: &Path) -> bool {
        let file = File::open(file).unwrap();
        match preadv2(file, &mut [IoSliceMut::new(&mut [0])], 0, ReadWriteFlags::NOWAIT) {
            Ok(read) => read == 1,
            Err(Errno::AGAIN) => false,
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn what_the_system_remembers_of_a_log_is_forgotten_and_nothing_else() {
        // Beside the program: `/tmp` may be a disk that is memory.
        let folder = tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap();
        let database = folder.path().join("ledger.sqlite");
        reread(&database).unwrap();
        let log = beside(&database, "-wal");
        for file in [&database, &log] {
            fs::write(file, [7; 10_000]).unwrap();
        }
        assert!(is_remembered(&log));
        reread(&database).unwrap();
        assert_eq!([&log, &database].map(|file| is_remembered(file)), [false, true]);
        assert_eq!(fs::read(&log).unwrap(), [7; 10_000]);
    }
}
