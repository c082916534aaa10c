use rand::SeedableRng;
use rand::rngs::StdRng;
use rusqlite::Connection;

use super::*;

const ROWS: u32 = 12;

/// Writes rows, one transaction each, until the power goes: how many were said to be committed.
fn write(disk: &Disk, synchronous: &str) -> u32 {
    let written = std::cell::Cell::new(0);
    let outcome = Connection::open(disk.uri("data")).and_then(|connection| {
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection
            .execute_batch("CREATE TABLE IF NOT EXISTS line (number INTEGER PRIMARY KEY, content BLOB NOT NULL)")?;
        for number in 1..=ROWS {
            connection.execute("INSERT INTO line VALUES (?1, randomblob(3000))", [number])?;
            written.set(number);
        }
        connection.execute_batch("PRAGMA wal_checkpoint")
    });
    drop(outcome);
    written.get()
}

/// How many rows are there; none where SQLite cannot make sense of what is left.
fn read(disk: &Disk) -> Option<u32> {
    let connection = Connection::open(disk.uri("data")).ok()?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").ok()?;
    let finding: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).ok()?;
    let there = "SELECT count(*) FROM sqlite_schema WHERE name = 'line'";
    if finding != "ok" || connection.query_row(there, [], |row| row.get(0)) == Ok(0) {
        return (finding == "ok").then_some(0);
    }
    connection.query_row("SELECT count(*) FROM line", [], |row| row.get(0)).ok()
}

/// At every operation: the rows that were said to be written and are not there, or what is left makes no sense.
fn losses(medium: Medium, synchronous: &str) -> usize {
    let whole = Disk::new(medium);
    assert_eq!(write(&whole, synchronous), ROWS);
    let lost = |cut: u64| {
        let disk = Disk::new(medium);
        disk.set_fault(Some(Fault::Cut { before: cut }));
        let written = write(&disk, synchronous);
        disk.reboot(&mut StdRng::seed_from_u64(cut));
        read(&disk).is_none_or(|there| there < written)
    };
    (1..=whole.operations()).filter(|cut| lost(*cut)).count()
}

#[test]
fn what_was_synced_is_there_after_a_cut_at_any_operation() {
    for medium in [Medium::Careful, Medium::Careless] {
        assert_eq!(losses(medium, "FULL"), 0, "{medium:?}");
    }
}

/// Else it would be a disk that loses nothing.
#[test]
fn what_was_not_synced_is_lost() {
    for medium in [Medium::Careful, Medium::Careless] {
        assert!(losses(medium, "OFF") > 0, "{medium:?}");
        assert!(losses(medium, "NORMAL") > 0, "{medium:?}");
    }
}

#[test]
fn a_full_disk_and_one_that_cannot_be_written_say_so_until_they_can() {
    for (fault, expected) in
        [(Fault::Full, rusqlite::ErrorCode::DiskFull), (Fault::ReadOnly, rusqlite::ErrorCode::SystemIoFailure)]
    {
        let disk = Disk::new(Medium::Careful);
        write(&disk, "FULL");
        let connection = Connection::open(disk.uri("data")).unwrap();
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
        let insert = || connection.execute("INSERT INTO line (content) VALUES (randomblob(3000))", []);
        insert().unwrap();
        disk.set_fault(Some(fault));
        assert_eq!(insert().unwrap_err().sqlite_error_code(), Some(expected));
        disk.set_fault(None);
        insert().unwrap();
        drop(connection);
        assert_eq!(read(&disk), Some(ROWS + 2));
    }
}

#[test]
fn an_image_goes_its_own_way_and_damage_is_found() {
    let disk = Disk::new(Medium::Careful);
    write(&disk, "FULL");
    let image = disk.image();
    assert!(disk.len_of("data").unwrap() > 4096);
    disk.damage("data", 0, 1);
    assert_eq!((read(&disk), read(&image)), (None, Some(ROWS)));
}
