//! The ceremony: keys that no service may hold, and what they sign, all made by `countermark-cloud ceremony`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use countermark_shared::documents::{EventDocument, RootFingerprint, TrustBundle, accept_bundle};
use countermark_shared::id::EventId;
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::SigningKey;
use serde::Deserialize;

use crate::clock;
use crate::process::{command, run_well};

/// A folder of keys and signed documents.
pub struct Ceremony {
    program: PathBuf,
    folder: PathBuf,
    signed: AtomicU32,
}

/// The services' signing keys, which the root is to sign.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    /// Tickets'.
    pub issuing: String,
    /// Auth's.
    pub authority: String,
    /// Validation's.
    pub list: String,
}

#[derive(Deserialize)]
struct MadeKey {
    key: String,
}

#[derive(Deserialize)]
struct SignedBundle {
    fingerprint: String,
}

impl Ceremony {
    /// A ceremony in `folder`, which exists, with the cloud's `program`.
    pub fn new(program: &Path, folder: &Path) -> Self {
        Self { program: program.to_owned(), folder: folder.to_owned(), signed: AtomicU32::new(1) }
    }

    /// Makes the Ed25519 key `name`; the answer is its public half.
    pub async fn key(&self, name: &str) -> Result<String> {
        let mut command = self.command("key");
        command.arg("--json").arg("--out").arg(self.key_file(name));
        let made: MadeKey = serde_json::from_str(&run_well(command).await?)?;
        Ok(made.key)
    }

    /// Makes the secret `name`.
    pub async fn secret(&self, name: &str) -> Result<()> {
        let mut command = self.command("secret");
        command.arg("--out").arg(self.secret_file(name));
        run_well(command).await?;
        Ok(())
    }

    /// Where the key `name` is.
    pub fn key_file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pem"))
    }

    /// Where the secret `name` is.
    pub fn secret_file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.secret"))
    }

    /// Where the trust bundle is, once it is signed.
    pub fn bundle_file(&self) -> PathBuf {
        self.folder.join("trust-bundle.cbor")
    }

    /// Has the key `root` sign a bundle of these keys, with `organiser`, a public key, for `events`. The answer is the
    /// root's fingerprint.
    pub async fn bundle(&self, keys: &SigningKeys, organiser: &str, events: &[EventId]) -> Result<String> {
        let events: Vec<_> = events.iter().map(ToString::to_string).collect();
        let not_after = clock::now() + Duration::from_hours(24 * 365);
        let mut command = self.command("bundle");
        command
            .args(["new", "--json"])
            .arg("--root-key")
            .arg(self.key_file("root"))
            .args(["--not-after", &not_after.to_string()])
            .args(["--issuing", &keys.issuing, "--authority", &keys.authority, "--list", &keys.list])
            .args(["--organiser", &format!("{organiser}:{}", events.join(","))])
            .arg("--out")
            .arg(self.bundle_file());
        let signed: SignedBundle = serde_json::from_str(&run_well(command).await?)?;
        Ok(signed.fingerprint)
    }

    /// Has the key `root` sign the bundle after this one, in which `new` of the role `role` is beside `old`, of which that `status` is said. It
    /// takes its place.
    pub async fn rotate(&self, role: &str, new: &str, old: &str, status: &str) -> Result<()> {
        let next = self.folder.join("next-bundle.cbor");
        let not_after = clock::now() + Duration::from_hours(24 * 365);
        let mut command = self.command("bundle");
        command.args(["next", "--from"]).arg(self.bundle_file()).arg("--root-key").arg(self.key_file("root"));
        command.args(["--not-after", &not_after.to_string(), &format!("--{role}"), new]);
        command.args(["--set", &format!("{old}={status}"), "--out"]).arg(&next);
        run_well(command).await?;
        Ok(tokio::fs::rename(next, self.bundle_file()).await?)
    }

    /// Has the key `organiser` sign an event document; the answer is the envelope's bytes.
    pub async fn event(&self, document: &EventDocument) -> Result<Vec<u8>> {
        let number = self.signed.fetch_add(1, Ordering::Relaxed);
        let name = format!("event-{}-{}-{number}", document.event, document.version);
        let (written, signed) = (self.folder.join(format!("{name}.json")), self.folder.join(format!("{name}.cbor")));
        tokio::fs::write(&written, serde_json::to_vec_pretty(document)?).await?;
        let mut command = self.command("event");
        command.arg("--organiser-key").arg(self.key_file("organiser"));
        command.arg("--document").arg(written).arg("--out").arg(&signed);
        run_well(command).await?;
        Ok(tokio::fs::read(signed).await?)
    }

    /// The public keys that verify tickets, from the bundle, as a gate reads it.
    pub fn key_ring(&self, fingerprint: &str) -> Result<KeyRing> {
        let fingerprint: RootFingerprint = fingerprint.parse().ok().context("the fingerprint is none")?;
        let bytes = std::fs::read(self.bundle_file())?;
        let bundle: TrustBundle = accept_bundle(&bytes, fingerprint, None, clock::now())?.into_document();
        Ok(KeyRing::of(&bundle))
    }

    /// The private key `name`, for those who forge.
    pub fn private_key(&self, name: &str) -> Result<SigningKey> {
        Ok(SigningKey::from_pem(&std::fs::read_to_string(self.key_file(name))?)?)
    }

    fn command(&self, what: &str) -> Command {
        let mut command = command(&self.program);
        command.args(["ceremony", what]);
        command
    }
}
