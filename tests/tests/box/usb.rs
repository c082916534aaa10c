//! The host's end of a USB serial line (an FTDI chip, as qemu has it). qemu plugs it in when somebody connects to its socket, and pulls it when they go.

use std::path::Path;

use anyhow::{Context, Result};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;

/// A device that is plugged in; dropping it pulls it.
pub(crate) struct UsbSerial(UnixStream);

impl UsbSerial {
    /// Plugs it in.
    pub(crate) async fn plug(socket: &Path) -> Result<Self> {
        Ok(Self(UnixStream::connect(socket).await.with_context(|| format!("{} is no line", socket.display()))?))
    }

    /// Sends a line, ended as scanners end it.
    pub(crate) async fn send(&mut self, text: &str) -> Result<()> {
        self.0.write_all(format!("{text}\r").as_bytes()).await?;
        Ok(())
    }
}
