//! What is done inside the machine, as root, by the guest agent (`qemu-ga`): commands, with what they say and how they end. Knows its
//! protocol (QEMU Guest Agent Protocol Reference), and nothing of gates.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use countermark_tests::wait::until;
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use crate::dialogue::Dialogue;

/// For anything that happens at all in a machine that computes in software, on a machine that has much else to do. Nothing that goes well waits for
/// its end.
pub(crate) const PATIENCE: Duration = Duration::from_mins(30);

/// Between two looks: each is some programs that the machine starts, and keeps it from what is waited for.
const PACE: Duration = Duration::from_millis(500);

/// The way into a running machine.
pub(crate) struct Guest(Dialogue);

#[derive(Deserialize)]
struct Started {
    pid: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Ran {
    exited: bool,
    #[serde(rename = "exitcode")]
    exit_code: Option<i32>,
    out_data: Option<String>,
    err_data: Option<String>,
}

impl Guest {
    /// Waits until the machine has booted as far as its agent.
    pub(crate) async fn reach(socket: &Path) -> Result<Self> {
        let mut agent = Dialogue::open(socket).await?;
        // The line keeps the question until somebody in there reads it.
        let booted = agent.ask::<u32>("guest-sync", json!({ "id": 1 }));
        tokio::time::timeout(PATIENCE, booted).await.context("the machine does not boot")??;
        Ok(Self(agent))
    }

    /// Runs a shell command that must succeed; the answer is what it said.
    pub(crate) async fn run(&mut self, command: &str) -> Result<String> {
        let Outcome { status, said, complained } = self.try_run(command).await?;
        ensure!(status == Some(0), "in the box, `{command}` ended with {status:?}:\n{said}{complained}");
        Ok(said)
    }

    /// Runs a shell command until it says what somebody waits for.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        command: &str,
        mut seen: impl FnMut(&str) -> Option<T>,
    ) -> Result<T> {
        let mut said = String::new();
        let waited = until(what, PATIENCE, async || {
            said = self.try_run(command).await?.said;
            let seen = seen(&said);
            if seen.is_none() {
                sleep(PACE).await;
            }
            Ok(seen)
        });
        waited.await.with_context(|| format!("in the box, `{command}` ends with:\n{}", tail(&said)))
    }

    /// Runs a shell command to its end, whatever that is.
    async fn try_run(&mut self, command: &str) -> Result<Outcome> {
        let arguments = json!({ "path": "/bin/sh", "arg": ["-c", command], "capture-output": true });
        let Started { pid } = self.0.ask("guest-exec", arguments).await?;
        let what = format!("`{command}` had ended in the box");
        let Ran { exited: _, exit_code, out_data, err_data } = until(what, PATIENCE, async || {
            let ran: Ran = self.0.ask("guest-exec-status", json!({ "pid": pid })).await?;
            Ok(ran.exited.then_some(ran))
        })
        .await?;
        Ok(Outcome { status: exit_code, said: text(out_data)?, complained: text(err_data)? })
    }
}

struct Outcome {
    status: Option<i32>,
    said: String,
    complained: String,
}

/// The last of what was said, for whoever looks for what went wrong.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

fn text(data: Option<String>) -> Result<String> {
    let bytes = BASE64.decode(data.unwrap_or_default().as_bytes())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
