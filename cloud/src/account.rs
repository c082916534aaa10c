//! Accounts, on the server: administrators are added, listed and removed, and a password is set for whoever forgot theirs.

use anyhow::Context;
use clap::Args;
use countermark_service::clock::Clock;
use countermark_service::randomness::Randomness;
use countermark_service::secret_file;
use countermark_service::settings::{Auth, DatabaseSettings};
use secrecy::SecretString;
use serde_json::json;

use crate::output::answer;

/// Whose password, and what it is.
#[derive(Args)]
pub(crate) struct Credentials {
    #[command(flatten)]
    database: DatabaseSettings<Auth>,
    /// The e-mail address with which they log in.
    #[arg(long)]
    email: String,
    /// File of the password: 16 to 256 visible characters, mode 600.
    #[arg(long = "password-file", value_parser = secret_file::text)]
    password: SecretString,
    /// Print a line of JSON.
    #[arg(long)]
    json: bool,
}

/// Who is one no more.
#[derive(Args)]
pub(crate) struct RemoveAdministrator {
    #[command(flatten)]
    database: DatabaseSettings<Auth>,
    /// The e-mail address with which they log in.
    #[arg(long)]
    email: String,
    /// Print a line of JSON.
    #[arg(long)]
    json: bool,
}

/// Who is one.
#[derive(Args)]
pub(crate) struct ListAdministrators {
    #[command(flatten)]
    database: DatabaseSettings<Auth>,
    /// Print a line of JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn add_administrator(settings: Credentials) -> anyhow::Result<()> {
    let pool = settings.database.open(&countermark_auth::MIGRATOR).await?;
    let (now, randomness) = (Clock::system().now(), Randomness::system());
    let added = countermark_auth::add_administrator(&pool, &settings.email, settings.password, now, &randomness);
    let account = added.await.context("no administrator was made")?;
    answer(settings.json, &json!({ "account": account }), &format!("administrator {account} can log in now"))
}

pub(crate) async fn remove_administrator(settings: RemoveAdministrator) -> anyhow::Result<()> {
    let pool = settings.database.open(&countermark_auth::MIGRATOR).await?;
    let removed = countermark_auth::remove_administrator(&pool, &settings.email, Clock::system().now());
    let account = removed.await.context("no administrator was removed")?;
    let said = format!("administrator {account} cannot log in any more; what they hold ends within 15 minutes");
    answer(settings.json, &json!({ "account": account }), &said)
}

pub(crate) async fn list_administrators(settings: ListAdministrators) -> anyhow::Result<()> {
    let pool = settings.database.open(&countermark_auth::MIGRATOR).await?;
    let administrators = countermark_auth::administrators(&pool).await?;
    let lines: Vec<_> = administrators
        .iter()
        .map(|administrator| format!("{} {} since {}", administrator.account, administrator.email, administrator.since))
        .collect();
    answer(settings.json, &json!({ "administrators": administrators }), &lines.join("\n"))
}

pub(crate) async fn set_password(settings: Credentials) -> anyhow::Result<()> {
    let pool = settings.database.open(&countermark_auth::MIGRATOR).await?;
    let (clock, randomness) = (Clock::system(), Randomness::system());
    let set = countermark_auth::set_password(&pool, &settings.email, settings.password, &clock, &randomness);
    let account = set.await.context("no password was set")?;
    answer(settings.json, &json!({ "account": account }), &format!("account {account} logs in with it from now on"))
}
