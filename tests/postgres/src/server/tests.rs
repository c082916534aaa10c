//! How a server ends: tests that start and end whole processes.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;
use crate::{Leash, TestDatabase};

/// What is left of a server in `folder` after ten seconds at most: nothing, one hopes.
fn left_over(folder: &Path, postmaster: &str) -> Option<String> {
    let processes = || fs::read(format!("/proc/{postmaster}/cmdline")).is_ok_and(|command| !command.is_empty());
    blocking(async || {
        for _ in 0..1_000 {
            if !folder.exists() && !processes() {
                return Ok(None);
            }
            tokio::time::sleep(READY_POLL).await;
        }
        Ok(Some(format!("folder: {}, process: {}", folder.exists(), processes())))
    })
    .unwrap()
}

fn postmaster_in(folder: &Path) -> String {
    fs::read_to_string(folder.join("data/postmaster.pid")).unwrap().lines().next().unwrap().to_owned()
}

#[test]
fn a_dropped_server_leaves_nothing_though_someone_is_connected() {
    let server = Server::start().unwrap();
    let (folder, postmaster) = (server.folder().to_path_buf(), postmaster_in(server.folder()));
    let url = server.url("postgres");
    blocking(async || {
        let _connected = PgConnection::connect(&url).await.unwrap();
        drop(server);
        Ok(())
    })
    .unwrap();
    assert!(!folder.exists(), "dropping returned before the folder was removed");
    assert_eq!(left_over(&folder, &postmaster), None);
}

/// These tests play two parts: each starts itself again as the process whose end is watched.
#[expect(clippy::disallowed_methods, reason = "the part to play cannot come as an argument of a test")]
fn nothing_is_left_of(test: &str, owner: impl FnOnce(), end: impl FnOnce(&mut LeashedChild)) {
    const OWNER: &str = "SERVER_TEST_OWNER";
    if std::env::var_os(OWNER).is_some() {
        return owner();
    }
    let mut owner = Leash::spawn(
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("server::tests::{test}")])
            .env(OWNER, "")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped()),
    )
    .unwrap();
    let mut folder = String::new();
    BufReader::new(owner.take_stderr().unwrap()).read_line(&mut folder).unwrap();
    let folder = Path::new(folder.trim_end());
    let postmaster = postmaster_in(folder);
    end(&mut owner);
    assert_eq!(left_over(folder, &postmaster), None);
}

fn say_folder(server: &Server) {
    writeln!(io::stderr(), "{}", server.folder().display()).unwrap();
}

#[test]
fn a_server_ends_when_its_owner_is_killed() {
    nothing_is_left_of(
        "a_server_ends_when_its_owner_is_killed",
        || {
            let server = Server::start().unwrap();
            say_folder(&server);
            loop {
                std::thread::park();
            }
        },
        |owner| owner.kill().unwrap(),
    );
}

#[test]
fn the_shared_server_ends_with_its_executable() {
    nothing_is_left_of(
        "the_shared_server_ends_with_its_executable",
        || {
            let _database = TestDatabase::new(Schema::Service);
            say_folder(crate::shared());
            // Until the test has read who the postmaster is.
            let _ = io::stdin().read_line(&mut String::new());
        },
        |owner| assert!(owner.wait().unwrap().success()),
    );
}

#[test]
fn the_durable_server_is_durable_and_the_fast_one_is_not() {
    let parent = tempfile::Builder::new().prefix("a b&c%").tempdir().unwrap();
    fs::set_permissions(parent.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    let setting = |server: &Server, name: &str| {
        let url = server.url("postgres");
        blocking(async || {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let value: String =
                sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&mut connection).await.unwrap();
            Ok(value)
        })
        .unwrap()
    };
    let durable = Server::start_with(parent.path(), Durability::Full).unwrap();
    assert!(durable.folder().starts_with(parent.path().canonicalize().unwrap()));
    let fast = Server::start_in(parent.path()).unwrap();
    for name in ["fsync", "synchronous_commit", "full_page_writes"] {
        assert_eq!((setting(&durable, name), setting(&fast, name)), ("on".to_owned(), "off".to_owned()), "{name}");
    }
    assert_eq!(setting(&fast, "listen_addresses"), "");
    assert_eq!(setting(&fast, "lc_collate"), "C.UTF-8");
    drop((durable, fast));
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0, "something is left in the folder");
}
