//! A scanner as a box sees it: a name under `/dev` that comes and goes, and a serial line behind it. A pseudo-terminal stands for the cable;
//! of the gate nothing does.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Result;
use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};

use crate::wait::{PATIENCE, until};

/// A scanner that is plugged in. Dropping it pulls it out.
pub struct Scanner {
    name: PathBuf,
    line: PtyMaster,
    heard: Vec<u8>,
}

impl Scanner {
    /// Plugs a scanner in under a name that nothing has.
    pub fn plug_in(name: &Path) -> Result<Self> {
        let line = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        grantpt(&line)?;
        unlockpt(&line)?;
        symlink(ptsname_r(&line)?, name)?;
        Ok(Self { name: name.to_owned(), line, heard: Vec::new() })
    }

    /// Sends what it read.
    pub fn send(&mut self, line: &str) -> Result<()> {
        Ok(self.line.write_all(line.as_bytes())?)
    }

    /// Waits until it was told this, and nothing else before it since it was asked last.
    pub async fn hears(&mut self, expected: &[u8]) -> Result<()> {
        until(format_args!("the scanner heard {expected:02x?}"), PATIENCE, async || {
            let mut buffer = [0; 64];
            match self.line.read(&mut buffer) {
                Ok(length) => self.heard.extend(buffer.iter().take(length)),
                // Nobody has opened it yet, or nothing has come.
                Err(error) if error.kind() == ErrorKind::WouldBlock || error.raw_os_error() == Some(NOT_OPEN) => {}
                Err(error) => return Err(error.into()),
            }
            let Some(rest) = self.heard.strip_prefix(expected) else { return Ok(None) };
            self.heard = rest.to_vec();
            Ok(Some(()))
        })
        .await
    }
}

/// EIO: what a pseudo-terminal says while nobody has its other end.
const NOT_OPEN: i32 = nix::errno::Errno::EIO as i32;

impl Drop for Scanner {
    fn drop(&mut self) {
        // First the name: what it stood for may be another terminal soon. Gone already, it is gone.
        drop(fs::remove_file(&self.name));
    }
}
