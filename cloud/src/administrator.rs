//! `countermark-cloud add-administrator`: the first administrator, and any other, is made on the server.

use anyhow::Context;
use clap::Args;
use countermark_service::clock::Clock;
use countermark_service::randomness::Randomness;
use countermark_service::secret_file;
use countermark_service::settings::{Auth, DatabaseSettings};
use secrecy::SecretString;
use serde_json::json;

use crate::output::answer;

/// Whom to make one.
#[derive(Args)]
pub(crate) struct AddAdministrator {
    #[command(flatten)]
    database: DatabaseSettings<Auth>,
    /// Their e-mail address, with which they log in.
    #[arg(long)]
    email: String,
    /// File of their first password: 16 to 256 visible characters, mode 600.
    #[arg(long = "password-file", value_parser = secret_file::text)]
    password: SecretString,
    /// Print a line of JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn add(settings: AddAdministrator) -> anyhow::Result<()> {
    let pool = settings.database.open(&countermark_auth::MIGRATOR).await?;
    let account = countermark_auth::add_administrator(
        &pool,
        &settings.email,
        settings.password,
        Clock::system().now(),
        &Randomness::system(),
    )
    .await
    .context("no administrator was made")?;
    answer(settings.json, &json!({ "account": account }), &format!("administrator {account} can log in now"))
}
