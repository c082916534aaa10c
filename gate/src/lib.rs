#![doc = include_str!("../README.md")]

mod agent;
mod announcement;
mod carried;
mod clock;
mod cloud;
mod commands;
mod config;
mod data_folder;
mod devices;
mod doctor;
mod documents;
mod enroll;
mod identity;
mod input;
mod ledger;
mod listening;
mod local;
mod names;
mod outputs;
mod printer;
#[cfg(test)]
mod publisher;
mod read;
pub mod rehearsal;
mod retire;
#[cfg(test)]
mod samples;
mod screen;
#[cfg(test)]
mod stand_in;
mod supervisor;
mod sync;
mod tablet;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

/// Does what the command line says, and tells how it ended.
pub fn run() -> ExitCode {
    let command_line = commands::CommandLine::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(command_line.log_filter())
        .with_target(false)
        .init();
    command_line.perform().unwrap_or_else(|error| {
        tracing::error!("{error:#}");
        ExitCode::FAILURE
    })
}
