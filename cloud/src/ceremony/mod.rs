//! `countermark-cloud ceremony`: keys that no service may hold, and what they sign. Works on files alone; refuses to know
//! any network or database.

mod bundle;
mod event;
mod file;
mod local_time;

use std::path::PathBuf;

use clap::Subcommand;
use countermark_service::randomness::Randomness;
use countermark_shared::keys::SigningKey;
use data_encoding::HEXLOWER;
use serde_json::json;
use zeroize::Zeroizing;

use crate::output::answer;

/// What to make or sign.
#[derive(Subcommand)]
pub(crate) enum Ceremony {
    /// Make an Ed25519 key: of a root, an organiser, a service's calls, a payment provider. Prints its public half.
    Key {
        /// The file to make: PKCS#8 PEM, mode 600. It must not exist.
        #[arg(long)]
        out: PathBuf,
        /// Print a line of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make 32 random bytes: a service's master key, or the secret for a payment provider.
    Secret {
        /// The file to make: 64 hexadecimal digits, mode 600. It must not exist.
        #[arg(long)]
        out: PathBuf,
    },
    /// Write, sign and read trust bundles.
    #[command(subcommand)]
    Bundle(bundle::Bundle),
    /// Sign an event document with an organiser's key.
    Event(event::Event),
}

pub(crate) fn run(command: Ceremony) -> anyhow::Result<()> {
    match command {
        Ceremony::Key { out, json } => {
            let key = SigningKey::from_seed(&Zeroizing::new(Randomness::system().bytes()));
            file::write_secret(&out, key.to_pem()?.as_bytes())?;
            let public = key.verifying_key();
            answer(json, &json!({ "key": public }), &format!("{public}  {}", out.display()))
        }
        Ceremony::Secret { out } => {
            let secret = Zeroizing::new(Randomness::system().bytes::<32>());
            let text = Zeroizing::new(HEXLOWER.encode(&secret[..]));
            Ok(file::write_secret(&out, text.as_bytes())?)
        }
        Ceremony::Bundle(command) => command.run(),
        Ceremony::Event(command) => command.run(),
    }
}
