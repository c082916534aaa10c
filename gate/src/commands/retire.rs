//! `retire`: a gate is put aside, and what comes after that.

use std::process::ExitCode;

use serde_json::json;

use super::Common;
use crate::clock::Clock;
use crate::data_folder::DataFolder;
use crate::printer::Printer;
use crate::retire::retire;

pub(super) fn perform(Common { data, json }: &Common) -> anyhow::Result<ExitCode> {
    let aside = retire(&DataFolder::at(data), Clock::start().now().battery)?;
    Printer { json: *json }.line(&json!({ "aside": aside }), || {
        format!(
            "this gate lies aside, whole: keep {} for the administrator; now enrol this box, then start the agent",
            aside.display()
        )
    });
    Ok(ExitCode::SUCCESS)
}
