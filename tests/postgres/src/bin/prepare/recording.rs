//! Owns the one cargo run in which sqlx's macros describe every query. Knows nothing of what becomes of the descriptions.
//!
//! The macros write into `SQLX_OFFLINE_DIR`, one folder for a whole cargo run, under the hash of the SQL text alone, while
//! the same text may mean another thing in another service's database. So this program also stands between cargo and
//! rustc (`RUSTC_WORKSPACE_WRAPPER`), where each package gets a folder of its own. Cargo keeps what a wrapper compiled
//! apart from other builds and shares the dependencies from outside the workspace.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};

use crate::service::{Service, workspace};

/// Says to this program that cargo runs it in rustc's place, and where the packages' folders are.
const FOLDER: &str = "COUNTERMARK_PREPARE_FOLDER";

/// Checks all `services` against their databases and leaves each one's descriptions in its folder inside `folder`.
pub(crate) fn record(services: &[Service], folder: &Path) -> Result<()> {
    for service in services {
        fs::create_dir(service.recorded_in(folder))
            .context("could not make a folder for the descriptions of the queries")?;
    }
    let _newer = services
        .iter()
        .map(|service| Newer::than_any_build(service.folder().join("src/lib.rs"), folder))
        .collect::<Result<Vec<_>>>()?;
    let mut check = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".into()));
    check
        .args(["check", "--all-targets"])
        .current_dir(workspace())
        .env(FOLDER, folder)
        .env("RUSTC_WORKSPACE_WRAPPER", env::current_exe()?)
        // A caching wrapper would answer in place of the macros.
        .env("RUSTC_WRAPPER", "")
        .env("SQLX_OFFLINE", "false")
        .env_remove("SQLX_OFFLINE_DIR");
    for service in services {
        check.args(["--package", &service.package()]).env(service.variable(), &service.url);
    }
    let status = check.status().context("could not run cargo")?;
    ensure!(
        status.success(),
        "the services do not compile against their databases: correct what cargo says above; nothing was written"
    );
    Ok(())
}

/// One run of rustc that cargo hands to this program.
pub(crate) struct Invocation {
    folder: PathBuf,
}

impl Invocation {
    /// The run that this process was started for, unless a person started it.
    pub(crate) fn of_this_process() -> Option<Self> {
        variable(FOLDER).map(|folder| Self { folder: folder.into() })
    }

    /// Becomes rustc; returns only where that fails.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let mut arguments = env::args_os().skip(1);
        let mut rustc = Command::new(arguments.next().context("cargo names no rustc")?);
        rustc.args(arguments);
        // Other packages of the workspace have no folder, and leave no descriptions.
        let descriptions = self.folder.join(variable("CARGO_PKG_NAME").unwrap_or_default());
        if descriptions != self.folder && descriptions.is_dir() {
            rustc.env("SQLX_OFFLINE_DIR", descriptions);
        }
        Err(rustc.exec()).context("could not run rustc")
    }
}

/// A source file that looks newer than any build for as long as this lives. Cargo does not see that a database differs,
/// and would not run the macros of an unchanged crate again. Afterwards the file has its old time: other builds of it
/// stay fresh.
struct Newer {
    source: PathBuf,
    before: SystemTime,
    meanwhile: SystemTime,
}

impl Newer {
    /// `fresh` is a file or folder made just now, and thus has the time to give.
    fn than_any_build(source: PathBuf, fresh: &Path) -> Result<Self> {
        let touch = || {
            let before = modified(&source)?;
            modify(&source, modified(fresh)?)?;
            Ok((before, modified(&source)?))
        };
        let (before, meanwhile) = touch()
            .map_err(|error: io::Error| error)
            .with_context(|| format!("could not touch {}", source.display()))?;
        Ok(Self { source, before, meanwhile })
    }
}

impl Drop for Newer {
    fn drop(&mut self) {
        // Who saved the file meanwhile wants the next build to see it.
        if modified(&self.source).is_ok_and(|time| time == self.meanwhile) {
            let _ = modify(&self.source, self.before);
        }
    }
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

fn modify(path: &Path, time: SystemTime) -> io::Result<()> {
    File::options().write(true).open(path)?.set_modified(time)
}

#[expect(clippy::disallowed_methods, reason = "cargo speaks to the programs it runs through the environment")]
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name)
}
