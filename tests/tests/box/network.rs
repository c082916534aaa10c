//! The box's network, which nothing of this machine's own is part of (QEMU's user networking, restricted): an address by DHCP, one way in, and
//! far away a machine that answers on two ports with what it hears.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::dialogue::Dialogue;
use crate::guest::PATIENCE;

/// The port of the box at which somebody outside knocks.
pub(crate) const DOOR: u16 = 8022;
/// Whoever answers, in the network that qemu makes.
pub(crate) const FAR: &str = "10.0.2.100";
/// Where the cloud would be, and where it never is.
pub(crate) const PORTS: [u16; 2] = [443, 8443];

/// Says what is said to it.
const ECHO: &str = "/bin/cat";
/// What somebody outside says.
const WORD: [u8; 5] = *b"knock";

/// How qemu is told.
pub(crate) fn card() -> String {
    let far: String = PORTS.map(|port| format!(",guestfwd=tcp:{FAR}:{port}-cmd:{ECHO}")).concat();
    format!("user,model=virtio-net-pci,restrict=on,hostfwd=tcp:{}:0-:{DOOR}{far}", Ipv4Addr::LOCALHOST)
}

/// The network, from outside.
pub(crate) struct Network {
    way_in: u16,
}

/// Somebody outside, who knocked once.
pub(crate) struct Caller(TcpStream);

impl Network {
    /// By qemu's own line.
    pub(crate) async fn at(socket: &Path) -> Result<Self> {
        let command = json!({ "command-line": "info usernet" });
        let said: String = Dialogue::with_qemu(socket).await?.ask("human-monitor-command", command).await?;
        // State, file descriptor, address, port.
        let line = said.lines().find(|line| line.trim_start().starts_with("TCP[HOST_FORWARD]"));
        let port = line.and_then(|line| line.split_whitespace().nth(3));
        let way_in = port.with_context(|| format!("there is no way in:\n{said}"))?.parse()?;
        Ok(Self { way_in })
    }

    /// Knocks. qemu takes the call, and tries the box until it answers.
    pub(crate) async fn knock(&self) -> Result<Caller> {
        let mut outside = TcpStream::connect((Ipv4Addr::LOCALHOST, self.way_in)).await?;
        outside.write_all(&WORD).await?;
        Ok(Caller(outside))
    }
}

impl Caller {
    /// Waits for what the box says.
    pub(crate) async fn hears_back(mut self) -> Result<()> {
        let mut heard = WORD.map(|_| 0);
        timeout(PATIENCE, self.0.read_exact(&mut heard)).await.context("the box does not answer")??;
        ensure!(heard == WORD, "the box answers {heard:?}");
        Ok(())
    }
}
