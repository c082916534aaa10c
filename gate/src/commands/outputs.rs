//! `outputs`: what field staff, systemd and the guard do with the outputs while no agent has them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use serde_json::json;

use super::Common;
use crate::clock::Clock;
use crate::config::{Config, FileError};
use crate::data_folder::DataFolder;
use crate::ledger::is_in_use;
use crate::outputs::{Passage, Tried, hear_the_agents_file, switch_off, try_once, wait_for_the_agents_end};
use crate::printer::Printer;

#[derive(Args)]
pub(super) struct OutputsCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Switch every output off, as after an agent that was killed.
    Off(Off),
    /// Switch one output on for its pulse and off again: whether the right arm opens, and turns. For nobody: no row is written.
    Try(Try),
}

#[derive(Args)]
struct Try {
    #[command(flatten)]
    common: Common,
    /// Its name in gate.toml.
    name: String,
    /// What stands at this entrance.
    #[arg(long, value_name = "FILE", env = "COUNTERMARK_GATE_CONFIG")]
    config: PathBuf,
}

#[derive(Args)]
struct Off {
    /// What stands at this entrance.
    #[arg(long, value_name = "FILE", env = "COUNTERMARK_GATE_CONFIG")]
    config: PathBuf,
    /// The gate's folder: what the agent read last is there, for where that file has a mistake by now.
    #[arg(long, value_name = "DIR", env = "COUNTERMARK_GATE_DATA", default_value = "/var/lib/countermark-gate")]
    data: PathBuf,
    /// Wait for the end of the agent that holds the other end of standard input, through which the file's text comes.
    #[arg(long, hide = true)]
    when_the_agent_ends: bool,
}

impl OutputsCommand {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        match self.what {
            What::Off(off) => off.perform(),
            What::Try(trial) => trial.perform(),
        }
    }
}

impl Off {
    fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { config, data, when_the_agent_ends } = self;
        let config = if when_the_agent_ends {
            let mut agent = io::stdin().lock();
            let text = hear_the_agents_file(&mut agent).context("the agent does not say what its gate.toml says")?;
            let read = Config::of_text(&config.to_string_lossy(), text)?;
            wait_for_the_agents_end(&mut agent).context("cannot wait for the agent's end")?;
            read
        } else {
            load(&config, &DataFolder::at(&data))?
        };
        let troubles = switch_off(config.outputs, Clock::start());
        if troubles.is_empty() { Ok(ExitCode::SUCCESS) } else { bail!(troubles.join("; ")) }
    }
}

/// What the file says; where it has a mistake, what it said to the agent: a relay that is on does not wait for who corrects it.
fn load(config: &Path, folder: &DataFolder) -> Result<Config, FileError> {
    let error = match Config::load(config) {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    match Config::load(&folder.config_as_read()) {
        Ok(read) => {
            tracing::warn!("{error}; what the agent read last is switched off");
            Ok(read)
        }
        Err(_) => Err(error),
    }
}

impl Try {
    fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common: Common { data, json }, name, config } = self;
        let outputs = Config::load(&config)?.outputs;
        let names = outputs.iter().map(|output| output.entry.name.clone()).collect::<Vec<_>>().join(", ");
        let output = outputs.into_iter().find(|output| output.entry.name == name);
        let output =
            output.with_context(|| format!("{} names no output {name}; it names: {names}", config.display()))?;
        ensure!(
            !is_in_use(&DataFolder::at(&data).ledger()),
            "an agent runs, and has the outputs; `systemctl stop countermark-gate` ends it, then run the same command again"
        );
        let Tried { passage, trouble } = try_once(output, Clock::start()).context("cannot put signals off")?;
        let detail = trouble.map(|trouble| trouble.detail);
        if let Some(detail) = detail.clone().filter(|_| matches!(passage, None | Some(Passage::NotOpened))) {
            bail!(detail)
        }
        let how = match passage {
            None => "it showed its first pattern",
            Some(Passage::Opened) => "it was opened for its pulse; nothing tells whether an arm turned",
            Some(Passage::Turned) => "it was opened, and the arm turned",
            Some(Passage::NotTurned) => "it was opened, and the arm did not turn in time",
            Some(Passage::NotOpened) => bail!("it was not opened"),
        };
        let said = json!({ "output": name, "passage": passage, "trouble": detail });
        let trouble = detail.map(|detail| format!("\n{detail}")).unwrap_or_default();
        Printer { json }.line(&said, || format!("{name}: {how}{trouble}"));
        Ok(ExitCode::SUCCESS)
    }
}
