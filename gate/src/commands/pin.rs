//! Where a PIN comes from: the terminal, which does not show it, or a file for scripts. Never the command line, which every user of the
//! machine can read.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use secrecy::{ExposeSecret, SecretString};

/// A longer line is no PIN.
const LONGEST_LINE: u64 = 64;

#[derive(Args)]
pub(super) struct PinSource {
    /// Read the PIN from the first line of a file, or of standard input (`-`); else it is asked for.
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

impl PinSource {
    /// The PIN of somebody who has one.
    pub(super) fn ask(&self) -> anyhow::Result<SecretString> {
        self.written()?.map_or_else(|| typed("PIN: "), Ok)
    }

    /// The PIN of somebody who is to have one: typed twice, since nobody sees what they type.
    pub(super) fn choose(&self) -> anyhow::Result<SecretString> {
        if let Some(pin) = self.written()? {
            return Ok(pin);
        }
        let pin = typed("New PIN, 6 to 12 digits: ")?;
        let again = typed("The same once more: ")?;
        ensure!(pin.expose_secret() == again.expose_secret(), "these were two PINs; run the same command again");
        Ok(pin)
    }

    /// What a file says, where one is named.
    pub(super) fn written(&self) -> anyhow::Result<Option<SecretString>> {
        let Some(file) = &self.pin_file else { return Ok(None) };
        let pin = if file.as_os_str() == "-" {
            first_line(io::stdin().lock())
        } else {
            File::open(file).and_then(|file| first_line(BufReader::new(file)))
        };
        pin.map(Some).with_context(|| format!("cannot read a PIN from {}", file.display()))
    }
}

fn first_line(reader: impl BufRead) -> io::Result<SecretString> {
    let mut line = String::new();
    reader.take(LONGEST_LINE).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).into())
}

fn typed(prompt: &str) -> anyhow::Result<SecretString> {
    let pin = rpassword::prompt_password(prompt).context("there is no terminal to ask for a PIN; name a --pin-file")?;
    Ok(pin.into())
}
