//! `doctor`: what is wrong with this box, in words.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Common;
use crate::data_folder::DataFolder;
use crate::doctor::{Finding, Standing, examine};
use crate::printer::Printer;

/// Where the Debian package has it.
const CONFIG: &str = "/etc/countermark-gate/gate.toml";
/// Something is wrong.
const WRONG: u8 = 3;

#[derive(Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    common: Common,
    /// What stands at this entrance; the Debian package's /etc/countermark-gate/gate.toml, where that is, when nothing is said.
    #[arg(long, value_name = "FILE", env = "COUNTERMARK_GATE_CONFIG")]
    config: Option<PathBuf>,
}

impl Doctor {
    pub(super) fn perform(self) -> ExitCode {
        let Self { common: Common { data, json }, config } = self;
        let printer = Printer { json };
        let config = config.or_else(|| Some(PathBuf::from(CONFIG)).filter(|file| file.exists()));
        let tell = |finding: &Finding| printer.line(finding, || words(finding));
        match examine(&DataFolder::at(&data), config.as_deref(), tell) {
            Standing::Good | Standing::Warning => ExitCode::SUCCESS,
            Standing::Wrong => ExitCode::from(WRONG),
        }
    }
}

fn words(finding: &Finding) -> String {
    let Finding { part, standing, says, remedy } = finding;
    let mark = match standing {
        Standing::Good => "ok",
        Standing::Warning => "look",
        Standing::Wrong => "WRONG",
    };
    let line = format!("{mark:<6}{part:<16} {says}");
    remedy.as_ref().map_or_else(|| line.clone(), |remedy| format!("{line}\n{:<23}→ {remedy}", ""))
}
