//! Questions and answers as lines of JSON, as both qemu (QMP) and the guest agent in the machine speak them.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// A line to somebody who answers.
pub(crate) struct Dialogue(BufReader<UnixStream>);

/// An event or a greeting has neither.
#[derive(Deserialize)]
struct Answer<T> {
    #[serde(rename = "return")]
    returned: Option<T>,
    error: Option<Value>,
}

impl Dialogue {
    /// Opens the line.
    pub(crate) async fn open(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket).await.with_context(|| format!("nobody is at {}", socket.display()))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Opens a line to qemu, which begins with what either side can do.
    pub(crate) async fn with_qemu(socket: &Path) -> Result<Self> {
        let mut qemu = Self::open(socket).await?;
        let _: IgnoredAny = qemu.ask("qmp_capabilities", json!({})).await?;
        Ok(qemu)
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask<T: DeserializeOwned>(&mut self, what: &str, arguments: Value) -> Result<T> {
        let question = json!({ "execute": what, "arguments": arguments });
        self.0.write_all(format!("{question}\n").as_bytes()).await?;
        loop {
            let mut line = String::new();
            ensure!(self.0.read_line(&mut line).await? > 0, "the machine has ended");
            let answer: Answer<T> =
                serde_json::from_str(&line).with_context(|| format!("{what} is answered {line}"))?;
            match (answer.returned, answer.error) {
                (Some(returned), _) => return Ok(returned),
                (None, Some(error)) => bail!("{what} is refused: {error}"),
                (None, None) => {}
            }
        }
    }
}
