//! The programs that the machine is made of, and what to install where one is missing.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use countermark_tests::process;

/// Debian's folders of programs.
const FOLDERS: [&str; 2] = ["/usr/bin", "/usr/sbin"];

/// A program of a Debian package.
pub(crate) fn program(name: &str, package: &str) -> Result<Command> {
    let found = FOLDERS.map(|folder| Path::new(folder).join(name)).into_iter().find(|path| path.is_file());
    ensure!(found.is_some(), "the box is booted with {name}, which is not here: `apt-get install {package}`");
    let mut command = process::command(&found.unwrap_or_default());
    command.env("PATH", FOLDERS.join(":")).env("LC_ALL", "C.UTF-8");
    Ok(command)
}
