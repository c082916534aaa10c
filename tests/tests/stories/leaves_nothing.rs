//! The demo killed (`kill -9`) in the middle: no process and no file of it is left.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use countermark_tests::binaries;
use countermark_tests::process::{Process, command};
use countermark_tests::wait::{PATIENCE, until};

use crate::stage::runtime;

/// The demo builds the programs first, which may take its time.
const BUILDING: Duration = Duration::from_mins(10);

#[test]
fn a_killed_demo_leaves_no_process_and_no_file() {
    runtime().block_on(async {
        // Right below /tmp and enterable, as the demo's own folder must be for PostgreSQL's user.
        let folder =
            tempfile::Builder::new().prefix("story-").permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        die_in_the_middle(folder.path()).await.unwrap();
        until("all that the demo had started was gone", PATIENCE, async || {
            Ok((processes_about(folder.path()).is_empty() && fs::read_dir(folder.path())?.next().is_none())
                .then_some(()))
        })
        .await
        .unwrap_or_else(|error| {
            let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
            panic!("{error}: processes {:?}, files {files:?}", processes_about(folder.path()))
        });
    });
}

/// Runs a demo in `folder` until its gate runs, and kills it.
async fn die_in_the_middle(folder: &Path) -> Result<()> {
    let programs = tokio::task::spawn_blocking(binaries::build).await??;
    let mut command = command(&programs.demo);
    command.arg("--once").env("TMPDIR", folder).envs(for_cargo());
    let mut demo = Process::start("demo", &mut command, &folder.with_extension("log"))?;
    let mut line = demo.expect_line(BUILDING).await?;
    while !line.contains("the gate runs") {
        line = demo.expect_line(BUILDING).await?;
    }
    // Four services, a payment provider, a gate, PostgreSQL, and a watcher for each.
    let running = processes_about(folder).len();
    assert!(running >= 7, "only {running} processes are recognised as the demo's");
    demo.kill().await?;
    fs::remove_file(folder.with_extension("log"))?;
    Ok(())
}

/// What the demo's own cargo needs of this process's environment.
#[expect(clippy::disallowed_methods, reason = "cargo is told by variables")]
fn for_cargo() -> impl Iterator<Item = (&'static str, std::ffi::OsString)> {
    ["PATH", "HOME", "CARGO", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"]
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
}

/// The processes, other than this one, whose command line or environment speaks of the folder.
fn processes_about(folder: &Path) -> Vec<PathBuf> {
    let own = std::process::id().to_string();
    let speaks = |process: &Path| {
        ["cmdline", "environ"].into_iter().any(|file| {
            let said = fs::read(process.join(file)).unwrap_or_default();
            said.split(|byte| *byte == 0).any(|word| contains(word, folder.as_os_str()))
        })
    };
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|process| process.file_name().is_some_and(|name| name != own.as_str()) && speaks(process))
        .collect()
}

fn contains(word: &[u8], part: &OsStr) -> bool {
    word.windows(part.len()).any(|window| window == part.as_bytes())
}
