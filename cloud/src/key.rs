//! `countermark-cloud key`: the public halves that the root is to sign.

use clap::{Args, Subcommand};
use countermark_service::clock::Clock;
use countermark_service::keystore::Wanted;
use countermark_service::randomness::Randomness;
use countermark_service::settings::{Auth, DatabaseSettings, Seal, Sealing, Service, Tickets, Validation};
use countermark_shared::keys::VerifyingKey;
use serde_json::json;

use crate::output::answer;

/// Whose signing key.
#[derive(Subcommand)]
pub(crate) enum KeyOf {
    /// The authority key, of the account service.
    Auth(Settings<Auth>),
    /// The issuing key, of the ticket service.
    Tickets(Settings<Tickets>),
    /// The list key, of the validation service.
    Validation(Settings<Validation>),
}

/// Where the key is, or will be.
#[derive(Args)]
pub(crate) struct Settings<S: Sealing> {
    #[command(flatten)]
    database: DatabaseSettings<S>,
    #[command(flatten)]
    seal: Seal<S>,
    /// Make one more, to take the older one's place: list it in a bundle before the service is started again.
    #[arg(long)]
    next: bool,
    /// Print a line of JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(target: KeyOf) -> anyhow::Result<()> {
    let (now, randomness) = (Clock::system().now(), Randomness::system());
    match target {
        KeyOf::Auth(settings) => {
            let wanted = settings.wanted();
            let pool = settings.database.open(&countermark_auth::MIGRATOR).await?;
            let key = countermark_auth::create_keys(&pool, settings.seal.master_key, wanted, now, &randomness).await?;
            say::<Auth>(settings.json, "authority", key)
        }
        KeyOf::Tickets(settings) => {
            let wanted = settings.wanted();
            let pool = settings.database.open(&countermark_tickets::MIGRATOR).await?;
            let key =
                countermark_tickets::create_keys(&pool, settings.seal.master_key, wanted, now, &randomness).await?;
            say::<Tickets>(settings.json, "issuing", key)
        }
        KeyOf::Validation(settings) => {
            let wanted = settings.wanted();
            let pool = settings.database.open(&countermark_validation::MIGRATOR).await?;
            let key =
                countermark_validation::create_keys(&pool, settings.seal.master_key, wanted, now, &randomness).await?;
            say::<Validation>(settings.json, "list", key)
        }
    }
}

impl<S: Sealing> Settings<S> {
    fn wanted(&self) -> Wanted {
        if self.next { Wanted::Next } else { Wanted::Newest }
    }
}

fn say<S: Service>(json: bool, role: &str, key: VerifyingKey) -> anyhow::Result<()> {
    let value = json!({ "service": S::NAME, "role": role, "key": key });
    answer(json, &value, &format!("{role} key of {}: {key}", S::NAME))
}
