//! Trust bundles: the first, the next, its round among the roots, and what one says.

mod draft;
mod standing;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use countermark_service::clock::Clock;
use countermark_service::secret_file;
use countermark_shared::documents::{Signed, TrustBundle, accept_bundle, unfinished_bundle};
use countermark_shared::keys::SigningKey;
use countermark_shared::time::Timestamp;

use super::file;
use draft::{Changes, Keys};
use standing::Standing;

/// What to do with a trust bundle.
#[derive(Subcommand)]
pub(crate) enum Bundle {
    /// Write the first bundle, of active keys.
    New(Box<New>),
    /// Write the bundle after another: with more keys, with other roots, and with less trust in some key.
    ///
    /// To rotate a service's key: `countermark-cloud key SERVICE --next`; a bundle with that key beside the old one; restart the service once
    /// its gates have the bundle; a bundle with the old key verify-only. Of a key that was stolen, what it signed is believed only where the
    /// slot list knows the ticket (listed-only), or never (revoked: validation's and an organiser's always); the next key comes with the same
    /// bundle. No key is trusted more than before.
    Next(Box<Next>),
    /// Sign a bundle with a root's key, on the machine where that key is.
    Sign(Sign),
    /// Say what a bundle says, and which of its roots have signed it.
    Show(Show),
}

#[derive(Args)]
pub(crate) struct New {
    #[command(flatten)]
    keys: Keys,
    /// How many roots must sign.
    #[arg(long, default_value_t = 1)]
    threshold: u8,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    made: Made,
}

#[derive(Args)]
pub(crate) struct Next {
    /// The bundle that is in force.
    #[arg(long)]
    from: PathBuf,
    #[command(flatten)]
    changes: Changes,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    made: Made,
}

#[derive(Args)]
pub(crate) struct Sign {
    /// The bundle to sign. What it says is printed.
    bundle: PathBuf,
    /// File of a root key that signs; one for each root.
    #[arg(long = "root-key", required = true, value_parser = secret_file::signing_key)]
    roots: Vec<SigningKey>,
    #[command(flatten)]
    made: Made,
}

#[derive(Args)]
pub(crate) struct Show {
    /// The bundle.
    bundle: PathBuf,
    /// Print a line of JSON.
    #[arg(long)]
    json: bool,
}

/// Who signs at once, and until when the bundle is fresh.
#[derive(Args)]
struct Signing {
    /// File of a root key that signs; one for each root. Roots that are elsewhere sign by `bundle sign`.
    #[arg(long = "root-key", value_parser = secret_file::signing_key)]
    signers: Vec<SigningKey>,
    /// When readers begin to warn that the bundle is old, such as 2027-01-01T00:00:00Z.
    #[arg(long)]
    not_after: Timestamp,
}

/// Where it is put.
#[derive(Args)]
struct Made {
    /// The file to make. It must not exist.
    #[arg(long)]
    out: PathBuf,
    /// Print a line of JSON.
    #[arg(long)]
    json: bool,
}

impl Bundle {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::New(command) => command.run(),
            Self::Next(command) => command.run(),
            Self::Sign(command) => command.run(),
            Self::Show(Show { bundle, json }) => {
                let bytes = read(&bundle)?;
                let (bundle, signed) = unfinished_bundle(&bytes)?;
                Standing { bundle: &bundle, signed: &signed }.say(json)
            }
        }
    }
}

impl New {
    fn run(self) -> anyhow::Result<()> {
        let now = Clock::system().now();
        let here = self.signing.signers.iter().map(SigningKey::verifying_key);
        let bundle = self.keys.bundle(here, self.threshold, self.signing.not_after, now);
        self.made.seal(&bundle, &self.signing.signers)
    }
}

impl Next {
    fn run(self) -> anyhow::Result<()> {
        let now = Clock::system().now();
        let name = self.from.display();
        let bytes = read(&self.from)?;
        let (before, _) = unfinished_bundle(&bytes)?;
        accept_bundle(&bytes, before.root_fingerprint(), None, now)
            .with_context(|| format!("{name} is not in force anywhere"))?;
        let bundle = self.changes.of(before, self.signing.not_after, now)?;
        self.made.seal(&bundle, &self.signing.signers)
    }
}

impl Sign {
    fn run(self) -> anyhow::Result<()> {
        let bytes = read(&self.bundle)?;
        // Roots that are replaced sign, too, and the bundle does not name them any more.
        let signers: Vec<_> = self.roots.iter().collect();
        let signed = Signed::<TrustBundle>::decode(&bytes)?.countersign(&signers);
        self.made.write(&signed)
    }
}

impl Made {
    fn seal(self, bundle: &TrustBundle, signers: &[SigningKey]) -> anyhow::Result<()> {
        let signers: Vec<_> = signers.iter().collect();
        let signed = Signed::seal(bundle, &signers).context("the bundle would not be accepted")?;
        self.write(&signed)
    }

    fn write(self, bytes: &[u8]) -> anyhow::Result<()> {
        let (bundle, signed) = unfinished_bundle(bytes)?;
        file::write_public(&self.out, bytes)?;
        Standing { bundle: &bundle, signed: &signed }.say(self.json)
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
