//! `cargo prepare`: writes, for each service crate, the description of its queries that builds without a database read
//! (`.sqlx`). Links no service crate, so that it still builds when their queries do not.

mod descriptions;
mod output;
mod recording;
mod service;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use countermark_postgres::Server;

use crate::service::Service;

/// Checks every SQL query of the services against a private, migrated PostgreSQL, and writes each crate's `.sqlx`.
#[derive(Parser)]
#[command(bin_name = "cargo prepare")]
struct Arguments {
    /// Write nothing; exit with 1 where a committed `.sqlx` differs from what the queries need.
    #[arg(long)]
    check: bool,
    /// Print the settings with which cargo checks queries against a running server, and keep that server until Ctrl-C.
    #[arg(long, conflicts_with = "check")]
    serve: bool,
}

fn main() -> ExitCode {
    run().unwrap_or_else(|error| output::failed(&error))
}

fn run() -> Result<ExitCode> {
    if let Some(invocation) = recording::Invocation::of_this_process() {
        return invocation.run();
    }
    let arguments = Arguments::parse();
    let server = Server::start()?;
    let services = Service::all(&server)?;
    if arguments.serve { serve(&services) } else { prepare(&services, &server, arguments.check) }
}

fn serve(services: &[Service]) -> Result<ExitCode> {
    output::settings(services)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(tokio::signal::ctrl_c())
        .context("could not wait for Ctrl-C")?;
    Ok(ExitCode::SUCCESS)
}

fn prepare(services: &[Service], server: &Server, check: bool) -> Result<ExitCode> {
    // In the server's folder, which is removed even after Ctrl-C.
    let recorded = server.folder().join("queries");
    fs::create_dir(&recorded).context("could not make a folder for the descriptions of the queries")?;
    recording::record(services, &recorded)?;
    let mut verdict = ExitCode::SUCCESS;
    for service in services {
        let needed = descriptions::read(&service.recorded_in(&recorded))?;
        let committed = service.folder().join(".sqlx");
        if descriptions::read(&committed)? == needed {
            output::current(service, needed.len())?;
        } else if check {
            output::outdated(service)?;
            verdict = ExitCode::FAILURE;
        } else {
            descriptions::replace(&committed, &needed)?;
            output::written(service, needed.len())?;
        }
    }
    Ok(verdict)
}
