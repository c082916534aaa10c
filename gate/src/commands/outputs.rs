//! `outputs`: what field staff, systemd and the guard do with the outputs while no agent has them.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use crate::clock::Clock;
use crate::config::Config;
use crate::outputs::{hear_the_agents_file, switch_off, wait_for_the_agents_end};

#[derive(Args)]
pub(super) struct OutputsCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Switch every output off, as after an agent that was killed.
    Off(Off),
}

#[derive(Args)]
struct Off {
    /// What stands at this entrance.
    #[arg(long, value_name = "FILE", env = "COUNTERMARK_GATE_CONFIG")]
    config: PathBuf,
    /// Wait for the end of the agent that holds the other end of standard input, through which the file's text comes.
    #[arg(long, hide = true)]
    when_the_agent_ends: bool,
}

impl OutputsCommand {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        let What::Off(Off { config, when_the_agent_ends }) = self.what;
        let config = if when_the_agent_ends {
            let mut agent = io::stdin().lock();
            let text = hear_the_agents_file(&mut agent).context("the agent does not say what its gate.toml says")?;
            let read = Config::of_text(&config.to_string_lossy(), text)?;
            wait_for_the_agents_end(&mut agent).context("cannot wait for the agent's end")?;
            read
        } else {
            Config::load(&config)?
        };
        let troubles = switch_off(config.outputs, Clock::start());
        if troubles.is_empty() { Ok(ExitCode::SUCCESS) } else { bail!(troubles.join("; ")) }
    }
}
