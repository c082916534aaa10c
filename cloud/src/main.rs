#![doc = include_str!("../README.md")]

mod account;
mod ceremony;
mod command;
mod key;
mod migrate;
mod output;
mod recover;
mod sandbox_payments;

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use countermark_service::problem::chain;
use countermark_service::serve::Shutdown;
use countermark_service::settings::refuse_unknown;
use countermark_service::telemetry;

use crate::command::{AllSettings, Cli, Command, Document};
use crate::output::print;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::explain(&chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    refuse_unknown(&Cli::command(), std::env::vars_os().map(|(name, _)| name))?;
    telemetry::init(&cli.log)?;
    tokio::runtime::Runtime::new().context("no runtime can be started")?.block_on(carry_out(cli.command))
}

async fn carry_out(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Auth(settings) => Ok(countermark_auth::run(*settings, Shutdown::by_signal()?).await?),
        Command::Tickets(settings) => Ok(countermark_tickets::run(*settings, Shutdown::by_signal()?).await?),
        Command::Validation(settings) => Ok(countermark_validation::run(*settings, Shutdown::by_signal()?).await?),
        Command::Admin(settings) => Ok(countermark_admin::run(*settings, Shutdown::by_signal()?).await?),
        Command::All => all(Shutdown::by_signal()?).await,
        Command::Migrate(target) => migrate::run(target).await,
        Command::Recover(target) => recover::run(target).await,
        Command::Key(target) => key::run(target).await,
        Command::AddAdministrator(settings) => account::add_administrator(settings).await,
        Command::RemoveAdministrator(settings) => account::remove_administrator(settings).await,
        Command::ListAdministrators(settings) => account::list_administrators(settings).await,
        Command::SetPassword(settings) => account::set_password(settings).await,
        Command::Ceremony(command) => ceremony::run(command),
        Command::SandboxPayments(settings) => sandbox_payments::run(settings, Shutdown::by_signal()?).await,
        Command::Openapi { service } => print(&openapi(service)?),
    }
}

/// The four services in one process, each told by its own variables. There is no split between their keys then.
async fn all(shutdown: Shutdown) -> anyhow::Result<()> {
    let AllSettings { auth, tickets, validation, admin } = command::from_environment()?;
    tokio::try_join!(
        async { anyhow::Ok(Box::pin(countermark_auth::run(auth, shutdown.clone())).await?) },
        async { anyhow::Ok(Box::pin(countermark_tickets::run(tickets, shutdown.clone())).await?) },
        async { anyhow::Ok(Box::pin(countermark_validation::run(validation, shutdown.clone())).await?) },
        async { anyhow::Ok(Box::pin(countermark_admin::run(admin, shutdown.clone())).await?) },
    )?;
    Ok(())
}

fn openapi(service: Document) -> anyhow::Result<String> {
    let document = match service {
        Document::Auth => countermark_auth::api().document(),
        Document::Tickets => countermark_tickets::api().document(),
        Document::Validation => countermark_validation::api().document(),
        Document::Admin => countermark_admin::api().document(),
    };
    document.to_pretty_json().context("the document cannot be written")
}
