//! Signing an event document.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use countermark_service::secret_file;
use countermark_shared::documents::{EventDocument, Signed};
use countermark_shared::keys::SigningKey;
use serde_json::json;

use super::{file, local_time};
use crate::output::answer;

/// An event document, written as JSON, and the organiser who signs it.
#[derive(Args)]
pub(crate) struct Event {
    /// File of the organiser's key.
    #[arg(long = "organiser-key", value_parser = secret_file::signing_key)]
    organiser: SigningKey,
    /// File of the document as JSON; its members are those of `EventDocument` in the OpenAPI document of admin.
    ///
    /// With a member `time_zone` ("Europe/Paris"), windows may be local times ("2026-06-05T18:00"), and `nightly_reset` ("04:00")
    /// makes the `resets` of every night between them.
    #[arg(long)]
    document: PathBuf,
    /// The file to make. It must not exist.
    #[arg(long)]
    out: PathBuf,
    /// Print a line of JSON.
    #[arg(long)]
    json: bool,
}

impl Event {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let name = self.document.display();
        let text = std::fs::read(&self.document).with_context(|| format!("{name} cannot be read"))?;
        let draft = serde_json::from_slice(&text).with_context(|| format!("{name} is no JSON"))?;
        let document = local_time::resolve(draft).with_context(|| format!("{name} is no event document"))?;
        let event: EventDocument =
            serde_json::from_value(document).with_context(|| format!("{name} is no event document"))?;
        let bytes = Signed::seal(&event, &[&self.organiser]).with_context(|| format!("{name} is not signed"))?;
        let signed = Signed::<EventDocument>::decode(&bytes)?.open(&[self.organiser.verifying_key()], 1)?;
        file::write_public(&self.out, &bytes)?;
        answer(
            self.json,
            &json!({ "event": event.event, "version": event.version, "hash": signed.hash() }),
            &format!("{}: event {}, version {}", self.out.display(), event.event, event.version),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_for_those_who_run_the_cloud_has_a_document_that_can_be_signed() {
        let page = include_str!("../../deploying.md");
        let (_, rest) = page.split_once("```json\n").unwrap();
        let (written, _) = rest.split_once("```").unwrap();
        let document = local_time::resolve(serde_json::from_str(written).unwrap()).unwrap();
        let event: EventDocument = serde_json::from_value(document).unwrap();
        let organiser = SigningKey::from_seed(&zeroize::Zeroizing::new([5; 32]));
        assert!(Signed::seal(&event, &[&organiser]).is_ok());
    }
}
