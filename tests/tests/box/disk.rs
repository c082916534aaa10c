//! The box's disk, and the stick that somebody brings. Owns what a power cut leaves of a disk.
//!
//! A write that a real disk said it has done may lie in the disk's own memory until the kernel asks for a flush, and is gone with the power.
//! So here: nbdkit's cache filter keeps each write to itself and brings it to the file only at a flush; killed, it takes with it all that
//! nobody flushed. Killing qemu alone would model less: what the guest wrote would be safe in this machine's memory, flushed or not.

use std::path::{Path, PathBuf};

use anyhow::Result;
use countermark_tests::process::{Process, run_well};
use countermark_tests::wait::{PATIENCE, until};

use crate::programs::program;

/// A disk at work.
pub(crate) struct Disk {
    server: Process,
    socket: PathBuf,
}

impl Disk {
    /// Copies the image to `file`.
    pub(crate) async fn copy(image: &Path, file: &Path) -> Result<()> {
        let mut copy = program("cp", "coreutils")?;
        copy.args(["--sparse=always", "--reflink=auto"]).arg(image).arg(file);
        run_well(copy).await.map(drop)
    }

    /// Starts the disk that `file` holds.
    pub(crate) async fn start(file: &Path) -> Result<Self> {
        let socket = file.with_extension("socket");
        drop(std::fs::remove_file(&socket));
        let mut server = program("nbdkit", "nbdkit")?;
        server.args(["--foreground", "--filter=cache", "--unix"]).arg(&socket);
        server.arg("file").arg(file).arg("cache=writeback");
        let server = Process::start("nbdkit", &mut server, &file.with_extension("log"))?;
        until("the disk turned", PATIENCE, async || Ok(socket.exists().then_some(()))).await?;
        Ok(Self { server, socket })
    }

    /// Where qemu finds it.
    pub(crate) fn address(&self) -> String {
        format!("nbd:unix:{}", self.socket.display())
    }

    /// Cuts its power.
    pub(crate) async fn cut(self) -> Result<()> {
        self.server.kill().await.map(drop)
    }
}

/// Writes a stick with the files of `folder`, and the label `stick`.
pub(crate) async fn stick(folder: &Path, file: &Path) -> Result<()> {
    let mut make = program("mke2fs", "e2fsprogs")?;
    make.args(["-q", "-F", "-t", "ext4", "-L", "stick", "-d"]).arg(folder).arg(file).arg("512M");
    run_well(make).await.map(drop)
}
