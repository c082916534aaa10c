//! The host's end of a USB serial line (an FTDI chip, as qemu has it). qemu plugs it in when somebody connects to its socket, and pulls it when they go.

use std::path::PathBuf;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::guest::PATIENCE;

/// A device on a serial line.
pub(crate) struct UsbSerial {
    socket: PathBuf,
    line: Option<UnixStream>,
}

impl UsbSerial {
    /// One that lies beside the machine.
    pub(crate) fn at(socket: PathBuf) -> Self {
        Self { socket, line: None }
    }

    /// Plugs it in.
    pub(crate) async fn plug(&mut self) -> Result<()> {
        let line = UnixStream::connect(&self.socket).await;
        self.line = Some(line.with_context(|| format!("{} is no line", self.socket.display()))?);
        Ok(())
    }

    /// Pulls it out.
    pub(crate) fn pull(&mut self) {
        self.line = None;
    }

    /// Sends a line, ended as scanners end it.
    pub(crate) async fn send(&mut self, text: &str) -> Result<()> {
        self.line()?.write_all(format!("{text}\r").as_bytes()).await?;
        Ok(())
    }

    /// Waits for the next bytes that the box sends.
    pub(crate) async fn receive<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH]> {
        let mut bytes = [0; LENGTH];
        let read = timeout(PATIENCE, self.line()?.read_exact(&mut bytes)).await;
        read.context("the box sends nothing")??;
        Ok(bytes)
    }

    fn line(&mut self) -> Result<&mut UnixStream> {
        self.line.as_mut().context("it is not plugged in")
    }
}
