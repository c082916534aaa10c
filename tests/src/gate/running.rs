//! A gate at work: what it is shown, what it prints, how it ends. Knows nothing of how it was told to begin.

use std::path::Path;
use std::process::{ChildStdin, Command};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::screen::Screen;
use super::told::{Passage, Verdict};
use crate::process::Process;
use crate::wait::PATIENCE;

/// A gate at work. Dropping it kills it.
pub struct RunningGate {
    process: Process,
    /// Where the operator's screen is.
    pub screen: String,
}

impl RunningGate {
    pub(super) async fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let mut process = Process::start("countermark-gate", command, log)?;
        let line = process.expect_line(PATIENCE).await?;
        let Started { screen } = serde_json::from_str(&line).with_context(|| format!("the gate begins with {line}"))?;
        Ok(Self { process, screen })
    }

    /// Where to write lines, once, of a gate that listens.
    pub fn lines(&mut self) -> Result<ChildStdin> {
        self.process.take_stdin().context("this gate reads no lines, or was asked twice")
    }

    /// The next verdict.
    pub async fn verdict(&mut self) -> Result<Verdict> {
        loop {
            if let Line::Verdict(verdict) = self.line().await? {
                return Ok(*verdict);
            }
        }
    }

    /// How it went next at an output.
    pub async fn passage(&mut self) -> Result<Passage> {
        loop {
            if let Line::Passage(passage) = self.line().await? {
                return Ok(passage);
            }
        }
    }

    async fn line(&mut self) -> Result<Line> {
        let line = self.process.expect_line(PATIENCE).await?;
        serde_json::from_str(&line).with_context(|| format!("this is neither a verdict nor a passage: {line}"))
    }

    /// The next line that is not read as anything.
    pub async fn said(&mut self, patience: Duration) -> Result<String> {
        self.process.expect_line(patience).await
    }

    /// Has it hang until [`RunningGate::go_on`].
    pub fn hang(&mut self) -> Result<()> {
        self.process.hang()
    }

    /// Has it go on.
    pub fn go_on(&mut self) -> Result<()> {
        self.process.go_on()
    }

    /// Asks it to end, as systemd does; whether it ended well.
    pub async fn terminate(self) -> Result<bool> {
        Ok(self.process.terminate(PATIENCE).await?.success())
    }

    /// Opens the operator's screen, as a browser does.
    pub async fn look_at_the_screen(&self) -> Result<Screen> {
        Screen::open(&self.screen).await
    }

    /// `kill -9`; the answer is every verdict that was shown and not read yet.
    pub async fn kill(self) -> Result<Vec<Verdict>> {
        let mut verdicts = Vec::new();
        for line in self.process.kill().await? {
            match serde_json::from_str(&line) {
                Ok(Line::Verdict(verdict)) => verdicts.push(*verdict),
                Ok(Line::Passage(_)) => {}
                // Cut off in the middle of a line: nobody was shown anything.
                Err(error) if error.is_eof() => {}
                Err(error) => bail!("this is no verdict ({error}): {line}"),
            }
        }
        Ok(verdicts)
    }
}

#[derive(Deserialize)]
struct Started {
    screen: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Verdict(Box<Verdict>),
    Passage(Passage),
}
