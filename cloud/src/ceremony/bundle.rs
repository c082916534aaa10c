//! Signing a trust bundle.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use clap::Args;
use countermark_service::clock::Clock;
use countermark_service::secret_file;
use countermark_shared::documents::{KeyRole, KeyStatus, Signed, TrustBundle, TrustedKey, accept_bundle};
use countermark_shared::id::EventId;
use countermark_shared::keys::{SigningKey, VerifyingKey};
use countermark_shared::time::Timestamp;
use serde_json::json;

use super::file;
use crate::output::answer;

/// A bundle of active keys, and the roots that sign it.
#[derive(Args)]
pub(crate) struct Bundle {
    /// File of a root key that signs; one for each root.
    #[arg(long = "root-key", required = true, value_parser = secret_file::signing_key)]
    roots: Vec<SigningKey>,
    /// How many roots must sign.
    #[arg(long, default_value_t = 1)]
    threshold: u8,
    /// The bundle's version: one more than the last.
    #[arg(long)]
    version: u32,
    /// When readers begin to warn that the bundle is old, such as 2027-01-01T00:00:00Z.
    #[arg(long)]
    not_after: Timestamp,
    /// The ticket service's public key, as `countermark-cloud key tickets` prints it.
    #[arg(long, required = true)]
    issuing: Vec<VerifyingKey>,
    /// The account service's public key, as `countermark-cloud key auth` prints it.
    #[arg(long, required = true)]
    authority: Vec<VerifyingKey>,
    /// The validation service's public key, as `countermark-cloud key validation` prints it.
    #[arg(long, required = true)]
    list: Vec<VerifyingKey>,
    /// An organiser's public key, a colon, and the numbers of the events it may sign for: KEY:7,8.
    #[arg(long = "organiser", required = true)]
    organisers: Vec<Organiser>,
    /// The file to make. It must not exist.
    #[arg(long)]
    out: PathBuf,
    /// Print a line of JSON.
    #[arg(long)]
    json: bool,
}

/// An organiser's key and its scope.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Organiser {
    key: VerifyingKey,
    events: Vec<EventId>,
}

/// Text that names no organiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an organiser is 64 hexadecimal digits, a colon, and event numbers with commas between them")]
struct InvalidOrganiser;

impl FromStr for Organiser {
    type Err = InvalidOrganiser;

    fn from_str(text: &str) -> Result<Self, InvalidOrganiser> {
        let (key, events) = text.split_once(':').ok_or(InvalidOrganiser)?;
        let events = events.split(',').map(|event| event.trim().parse().map_err(|_| InvalidOrganiser));
        Ok(Self { key: key.parse().map_err(|_| InvalidOrganiser)?, events: events.collect::<Result<_, _>>()? })
    }
}

impl Bundle {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let now = Clock::system().now();
        let bundle = self.bundle(now);
        let fingerprint = bundle.root_fingerprint();
        let signers: Vec<_> = self.roots.iter().collect();
        let bytes = Signed::seal(&bundle, &signers)?;
        let accepted = accept_bundle(&bytes, fingerprint, None, now).context("the bundle would not be accepted")?;
        file::write_public(&self.out, &bytes)?;
        answer(
            self.json,
            &json!({ "fingerprint": fingerprint, "version": bundle.version, "hash": accepted.hash() }),
            &format!("{}: version {}, root fingerprint {fingerprint}", self.out.display(), bundle.version),
        )
    }

    fn bundle(&self, now: Timestamp) -> TrustBundle {
        let with_role = |role| {
            move |key: &VerifyingKey| TrustedKey { key: *key, role, status: KeyStatus::Active, events: Vec::new() }
        };
        let organisers = self.organisers.iter().map(|organiser| TrustedKey {
            key: organiser.key,
            role: KeyRole::Organiser,
            status: KeyStatus::Active,
            events: organiser.events.clone(),
        });
        let mut roots: Vec<_> = self.roots.iter().map(SigningKey::verifying_key).collect();
        roots.sort();
        TrustBundle {
            version: self.version,
            issued: now,
            not_after: self.not_after,
            roots,
            threshold: self.threshold,
            keys: (self.issuing.iter().map(with_role(KeyRole::Issuing)))
                .chain(self.authority.iter().map(with_role(KeyRole::Authority)))
                .chain(self.list.iter().map(with_role(KeyRole::List)))
                .chain(organisers)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn an_organiser_is_a_key_and_its_events() {
        let key = SigningKey::from_seed(&Zeroizing::new([3; 32])).verifying_key();
        let organiser: Organiser = format!("{key}:7,8").parse().unwrap();
        assert_eq!(organiser, Organiser { key, events: vec![EventId(7), EventId(8)] });
        for text in [format!("{key}"), format!("{key}:"), format!("{key}:x"), "00:7".to_owned()] {
            assert_eq!(text.parse::<Organiser>(), Err(InvalidOrganiser), "{text}");
        }
    }
}
