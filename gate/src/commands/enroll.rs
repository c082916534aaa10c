//! `enroll`: where the address and the code come from.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{ArgGroup, Args};
use countermark_shared::enrolment::EnrolmentCode;
use countermark_shared::invitation::Invitation;

use super::{Common, text_of};
use crate::clock::Clock;
use crate::cloud::CloudAddress;
use crate::config::Config;
use crate::enroll::enroll;
use crate::input::{RawScan, ScannedText};
use crate::listening::{Heard, Listening};
use crate::printer::Printer;

#[derive(Args)]
#[command(group(ArgGroup::new("invited").args(["cloud", "picture", "scan"]).required(true)))]
pub(super) struct Enroll {
    #[command(flatten)]
    common: Common,
    /// Where the cloud answers gates; https, or http on this machine itself.
    #[arg(long, value_name = "URL", requires = "code")]
    cloud: Option<CloudAddress>,
    /// The enrolment code, as the administrator gave it: 14 groups of four.
    #[arg(long, env = "COUNTERMARK_ENROLMENT_CODE", hide_env_values = true)]
    code: Option<EnrolmentCode>,
    /// Read the invitation from a PNG or JPEG file: it has address and code in one.
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Wait for the invitation to be shown to this gate's own camera or scanner.
    #[arg(long, requires = "config")]
    scan: bool,
    /// What stands at this entrance.
    #[arg(long, value_name = "FILE", env = "COUNTERMARK_GATE_CONFIG")]
    config: Option<PathBuf>,
}

impl Enroll {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common: Common { data, json }, cloud, code, picture, scan, config } = self;
        let (cloud, code) = match (cloud, code, picture, config) {
            (Some(cloud), Some(code), _, _) => (cloud, code),
            (_, _, Some(picture), _) => invited(&text_of(&picture)?)?,
            (_, _, None, Some(config)) if scan => shown(&Config::load(&config)?)?,
            (_, _, None, _) => bail!("name the cloud and the code, or show an invitation"),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let identity = runtime.block_on(enroll(&data, cloud, &code, Clock::start().now().battery))?;
        let words = || format!("enrolled as gate {} (“{}”) for event {}", identity.gate, identity.name, identity.event);
        Printer { json }.line(&identity, words);
        Ok(ExitCode::SUCCESS)
    }
}

/// Waits for an invitation at the devices; what is none is told, and the next one is waited for.
fn shown(config: &Config) -> anyhow::Result<(CloudAddress, EnrolmentCode)> {
    let mut listening = Listening::at(config, Printer::default(), Clock::start()).context("cannot start to read")?;
    tracing::info!("show the invitation to this gate's camera or scanner");
    loop {
        match listening.next().context("every reader has ended")? {
            // Each says itself what is wrong with it.
            Heard::Devices(_) => {}
            Heard::Scan(RawScan { text: ScannedText::Damaged(_), .. }) => {
                tracing::warn!("what was shown is damaged; show it once more");
            }
            Heard::Scan(RawScan { text: ScannedText::Whole(text), .. }) => match invited(&text) {
                Ok(invited) => return Ok(invited),
                Err(error) => tracing::warn!("{error:#}"),
            },
        }
    }
}

/// Where to enrol and with what, as an invitation says it.
fn invited(text: &str) -> anyhow::Result<(CloudAddress, EnrolmentCode)> {
    let invitation: Invitation = text.parse()?;
    let address =
        invitation.address().parse().context("the invitation's address is of no use; tell the administrator")?;
    Ok((address, invitation.code().clone()))
}
