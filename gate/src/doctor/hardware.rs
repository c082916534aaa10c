//! Inputs and outputs: as the running agent has them, or as `gate.toml` names them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use countermark_shared::id::LaneId;
use nix::unistd::{AccessFlags, access};

use super::{Finding, Standing};
use crate::config::{Config, Entry};
use crate::devices::{Device, DeviceKind, DeviceStatus};
use crate::documents::DocumentKind;
use crate::local::{LedgerStatus, Status};

pub(super) fn examine(config: Option<&Config>, status: Option<&Status>) -> Vec<Finding> {
    let mut findings = devices(config, status);
    if let (Some(config), Some(status)) = (config, status) {
        findings.extend(unassigned(&config.lanes(), &status.ledger));
    }
    findings
}

/// Lanes of `gate.toml` at which nothing can be decided, ever.
fn unassigned(lanes: &BTreeSet<LaneId>, ledger: &LedgerStatus) -> Vec<Finding> {
    if !ledger.documents.contains_key(&DocumentKind::Assignment) {
        return Vec::new();
    }
    let missing = lanes.iter().filter(|lane| !ledger.lanes.contains(lane));
    let finding = |lane: &LaneId| {
        let says = format!("lane {lane} is in gate.toml and not in the assignment: nothing can be decided there");
        Finding::bad(Standing::Wrong, "lane", says, "correct gate.toml, or ask the administrator for the lane")
    };
    missing.map(finding).collect()
}

fn devices(config: Option<&Config>, status: Option<&Status>) -> Vec<Finding> {
    match (status.filter(|status| status.running), config) {
        (Some(status), _) => status.devices.iter().map(as_the_agent_says).collect(),
        (None, Some(config)) => as_written(config),
        (None, None) => {
            let says = "no devices were looked at";
            vec![Finding::bad(Standing::Warning, "gate.toml", says, "name it: `countermark-gate doctor --config FILE`")]
        }
    }
}

fn as_the_agent_says(device: &DeviceStatus) -> Finding {
    let DeviceStatus { device: name, lane, ready, trouble, failures, .. } = device;
    let times = if *failures > 0 { format!("; failed {failures} times since the start") } else { String::new() };
    match trouble {
        None if *ready => Finding::good(name, format!("works at lane {lane}{times}")),
        None => {
            let says = format!("is being opened, for lane {lane}");
            Finding::bad(Standing::Warning, name, says, "ask again in a moment; restart the agent if it stays so")
        }
        Some(trouble) => {
            let remedy = "see to it; the agent takes it when it is back";
            Finding::bad(Standing::Wrong, name, format!("{}{times}", trouble.detail), remedy)
        }
    }
}

/// Whether what the file names is there, and may be used. Nothing is opened: a serial board may act on that.
fn as_written(config: &Config) -> Vec<Finding> {
    let mut findings: Vec<_> =
        config.files().into_iter().map(|(kind, entry, file)| device_file(kind, entry, file)).collect();
    if !config.has_inputs() {
        let says = "nothing is scanned here";
        let remedy = "name a scanner, a keyboard, a camera or a folder of pictures";
        findings.push(Finding::bad(Standing::Wrong, "gate.toml", says, remedy));
    }
    findings
}

fn device_file(kind: DeviceKind, entry: &Entry, file: &Path) -> Finding {
    let part = Device::named(kind, &entry.name).to_string();
    let wrong = |says: String, remedy: String| Finding::bad(Standing::Wrong, part.clone(), says, remedy);
    let named = format!("{} ({})", file.display(), entry.place);
    match fs::metadata(file) {
        Ok(metadata) if !metadata.file_type().is_char_device() => {
            wrong(format!("{named} is no device"), format!("correct {}", entry.place))
        }
        Ok(_) => match access(file, AccessFlags::R_OK | AccessFlags::W_OK) {
            Ok(()) => Finding::good(part, format!("{named} is there, for lane {}", entry.lane)),
            Err(error) => wrong(
                format!("{named}: {error}"),
                "run this as the gate's user, which is in the device's group (`ls -l`)".to_owned(),
            ),
        },
        Err(error) => {
            let remedy = format!(
                "look at its cable and power; `ls /dev/countermark /dev/serial/by-id` shows what is there; or correct {}",
                entry.place
            );
            wrong(format!("{named}: {error}"), remedy)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::config::Config;
    use crate::samples;
    use std::path::PathBuf;
    use std::time::Duration;

    fn examined(device: &str) -> Finding {
        let folder = tempfile::tempdir().unwrap();
        let file: PathBuf = folder.path().join("gate.toml");
        let text = format!("[[keyboard]]\nname = \"left\"\nlane = 1\ndevice = {device:?}\n");
        fs::write(&file, text).unwrap();
        let [finding] = examine(Some(&Config::load(&file).unwrap()), None).try_into().unwrap();
        finding
    }

    #[test]
    fn a_lane_that_the_cloud_did_not_assign_is_told() {
        let now = Moment { battery: samples::DOORS, uptime: Duration::ZERO };
        let lanes = [1, 2].map(LaneId).into();
        let mut report = samples::report();
        assert!(unassigned(&lanes, &LedgerStatus::new(&report, now)).is_empty(), "before there is an assignment");
        let assignment = samples::documents_in_force().standing(DocumentKind::Assignment).unwrap();
        report.documents.insert(DocumentKind::Assignment, assignment);
        let [finding] = unassigned(&lanes, &LedgerStatus::new(&report, now)).try_into().unwrap();
        assert!(finding.standing == Standing::Wrong && finding.says.starts_with("lane 2 is in gate.toml"));
    }

    #[test]
    fn a_device_is_there_or_it_is_said_which_line_names_it() {
        let there = examined("/dev/null");
        assert_eq!((there.part.as_str(), there.standing), ("keyboard/left", Standing::Good), "{}", there.says);
        for (device, expected) in [("/dev/countermark-nothing", "No such file"), ("/etc/hostname", "is no device")] {
            let finding = examined(device);
            assert_eq!(finding.standing, Standing::Wrong);
            assert!(finding.says.contains(expected) && finding.says.contains("gate.toml:2"), "{}", finding.says);
        }
    }
}
