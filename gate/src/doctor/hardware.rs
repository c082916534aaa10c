//! Inputs and outputs: as the running agent has them, or as `gate.toml` names them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use countermark_shared::id::LaneId;
use nix::unistd::{AccessFlags, access};

use super::{Finding, Standing};
use crate::config::{CameraConfig, CameraSource, Config, Entry, OutputConfig, PicturesConfig};
use crate::devices::{Device, DeviceKind, DeviceStatus};
use crate::documents::DocumentKind;
use crate::local::{LedgerStatus, Status};
use crate::outputs::{Sensor, Wiring, answers};

/// The service's own folder, which it makes when it starts and takes away when it ends.
const RUNTIME: &str = "/run/countermark-gate";

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
        (Some(status), config) => {
            let changed = config.map_or_else(Vec::new, |config| changed_since(config, &status.devices));
            status.devices.iter().map(as_the_agent_says).chain(changed).collect()
        }
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

/// What the file names and the agent does not have, and the reverse: the agent reads it when it starts.
fn changed_since(config: &Config, devices: &[DeviceStatus]) -> Vec<Finding> {
    let written: BTreeSet<_> = config.devices().map(|(device, lane)| (device.to_string(), lane)).collect();
    // Without a name it is the command line's.
    let used = devices.iter().filter(|status| status.device.contains('/'));
    let used: BTreeSet<_> = used.map(|status| (status.device.clone(), status.lane)).collect();
    let new = written
        .difference(&used)
        .map(|(device, lane)| (device, format!("is in gate.toml at lane {lane}, and not in use")));
    let old = used
        .difference(&written)
        .map(|(device, lane)| (device, format!("is in use at lane {lane}, and not in gate.toml")));
    let remedy = "restart the agent: `systemctl restart countermark-gate`";
    new.chain(old).map(|(device, says)| Finding::bad(Standing::Wrong, device, says, remedy)).collect()
}

/// Whether what the file names is there, and may be used. No file of `/dev` is opened: a serial board may act on that.
fn as_written(config: &Config) -> Vec<Finding> {
    let scanners = config.scanners.iter().map(|one| device_file(DeviceKind::Scanner, &one.entry, &one.device));
    let keyboards = config.keyboards.iter().map(|one| device_file(DeviceKind::Keyboard, &one.entry, &one.device));
    let cameras = config.cameras.iter().map(|CameraConfig { entry, source }| match source {
        CameraSource::Device { device, resolution: _ } => device_file(DeviceKind::Camera, entry, device),
        CameraSource::Clip { folder: clip } => {
            folder(&Device::named(DeviceKind::Camera, &entry.name), entry.lane, clip)
        }
    });
    let pictures = config.pictures.iter().map(|PicturesConfig { name, lane, folder: pictures }| {
        folder(&Device { kind: DeviceKind::Pictures, name: name.clone() }, *lane, pictures)
    });
    let outputs = config.outputs.iter().flat_map(output_as_written);
    let mut findings: Vec<_> = scanners.chain(keyboards).chain(cameras).chain(pictures).chain(outputs).collect();
    if !config.has_inputs() {
        let says = "nothing is scanned here";
        let remedy = "name a scanner, a keyboard, a camera or a folder of pictures";
        findings.push(Finding::bad(Standing::Wrong, "gate.toml", says, remedy));
    }
    findings
}

/// Its device, and what tells of the arm.
fn output_as_written(OutputConfig { entry, wiring, sensor, duty: _ }: &OutputConfig) -> Vec<Finding> {
    let part = Device::named(DeviceKind::Output, &entry.name).to_string();
    let device = match wiring {
        Wiring::Serial { device, .. } => device_file(DeviceKind::Output, entry, device),
        Wiring::Line(line) => device_file(DeviceKind::Output, entry, &line.chip),
        Wiring::Http { device, .. } => match answers(wiring) {
            Ok(()) => Finding::good(part, format!("{device} answers, for lane {}", entry.lane)),
            Err(trouble) => {
                Finding::bad(Standing::Wrong, part, trouble.detail, format!("see to it, or correct {}", entry.place))
            }
        },
        Wiring::Nothing => Finding::good(part, format!("no device, for lane {}", entry.lane)),
    };
    let sensor = match sensor {
        Some(Sensor::Line(line)) => Some(device_file(DeviceKind::Output, entry, &line.chip)),
        Some(Sensor::Board(_)) | None => None,
    };
    [device].into_iter().chain(sensor).collect()
}

fn folder(device: &Device, lane: LaneId, folder: &Path) -> Finding {
    let (part, named) = (device.to_string(), folder.display());
    match fs::read_dir(folder) {
        Ok(_) => Finding::good(part, format!("{named} is there, for lane {lane}")),
        Err(_) if folder.starts_with(RUNTIME) => {
            let says = format!("{named} was not looked at: it is there while the agent runs");
            Finding::bad(Standing::Warning, part, says, "start the agent: `systemctl start countermark-gate`")
        }
        Err(error) => {
            Finding::bad(Standing::Wrong, part, format!("{named}: {error}"), "make that folder, or correct gate.toml")
        }
    }
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
    use crate::devices::Post;
    use crate::samples;
    use std::io::{BufRead, BufReader, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::thread::JoinHandle;
    use std::time::Duration;
    use tokio::sync::watch;

    const PROFILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware-config/profiles");

    /// What is said of these devices while no agent runs.
    fn written(devices: &str) -> Vec<Finding> {
        let text = format!("profiles = {PROFILES:?}\n{devices}");
        examine(Some(&Config::of_text("gate.toml", text).unwrap()), None)
    }

    fn examined(device: &str) -> Finding {
        let text = format!("[[keyboard]]\nname = \"left\"\nlane = 1\ndevice = {device:?}\n");
        let [finding] = written(&text).try_into().unwrap();
        finding
    }

    /// A relay on the network that takes one call; the answer is what it heard.
    fn relay() -> (SocketAddr, JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut call = String::new();
            BufReader::new(&stream).read_line(&mut call).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            call
        });
        (address, heard)
    }

    #[test]
    fn whatever_gate_toml_names_is_looked_at_though_no_agent_runs() {
        let here = tempfile::tempdir().unwrap();
        let (there, gone) = (here.path(), here.path().join("gone"));
        let folders = |folder: &Path| {
            format!(
                "[[camera]]\nname = \"porch\"\nlane = 1\nclip = {folder:?}\n[[pictures]]\nname = \"box\"\nlane = 1\nfolder = {folder:?}\n"
            )
        };
        let output = |rest: &str| format!("[[output]]\nname = \"arm\"\nlane = 1\n{rest}\n");
        let opens = "opens = { pulse-milliseconds = 500 }";
        let shelly =
            |address| output(&format!("profile = \"shelly\"\ndevice = \"http://{address}\"\nchannel = 0\n{opens}"));
        let (address, heard) = relay();
        let nothing = output(&format!("profile = \"nothing\"\n{opens}")).replace("arm", "folded");
        let said = written(&format!("{}{}{nothing}", folders(there), shelly(address)));
        let parts: Vec<_> = said.iter().map(|finding| (&*finding.part, finding.standing)).collect();
        let good = ["camera/porch", "pictures/box", "output/arm", "output/folded"];
        assert_eq!(parts, good.map(|part| (part, Standing::Good)), "{said:?}");
        assert_eq!(heard.join().unwrap(), "GET /rpc/Switch.GetStatus?id=0 HTTP/1.1\r\n", "nothing is switched");

        // Nobody listens there any more.
        let said = written(&format!("{}{}", folders(&gone), shelly(address)));
        let parts: Vec<_> = said.iter().map(|finding| (&*finding.part, finding.standing)).collect();
        let bad = ["camera/porch", "pictures/box", "output/arm"];
        assert_eq!(parts, bad.map(|part| (part, Standing::Wrong)), "{said:?}");
        let arm = said.last().unwrap();
        assert!(arm.says.contains("does not answer") && arm.remedy.as_ref().unwrap().contains("gate.toml:"), "{arm:?}");

        let [_, pictures] = written(&folders(Path::new("/run/countermark-gate/none"))).try_into().unwrap();
        assert_eq!(pictures.standing, Standing::Warning);
        assert!(pictures.says.contains("was not looked at"), "{pictures:?}");

        let turned = "profile = \"gpio\"\ndevice = \"/dev/null\"\nchannel = 1\nopens = { pulse-milliseconds = 500, turned = { within-milliseconds = 900, chip = \"/dev/gpiochip99\", line = 2 } }";
        let said = written(&format!("{}{}", folders(there), output(turned)));
        let [.., chip, sensor] = &*said else { panic!("{said:?}") };
        assert_eq!((chip.standing, sensor.standing), (Standing::Good, Standing::Wrong), "{said:?}");
        assert!(sensor.says.contains("/dev/gpiochip99"), "{sensor:?}");
    }

    #[test]
    fn a_file_that_was_changed_since_the_agent_read_it_is_told_by_each_device() {
        let devices = watch::Sender::default();
        let works = |device, lane| Post::new(device, LaneId(lane), devices.clone()).works();
        works(Device::named(DeviceKind::Scanner, "desk"), 1);
        works(Device::named(DeviceKind::Keyboard, "moved"), 1);
        works(Device::named(DeviceKind::Lamp, "red"), 1);
        // What only the command line names is in no file.
        works(Device::only(DeviceKind::Lines), 1);
        works(Device::only(DeviceKind::Pictures), 1);
        let status = Status { devices: devices.borrow().statuses(), ..samples::status() };
        let desk = "[[scanner]]\nname = \"desk\"\nlane = 1\ndevice = \"/dev/x\"\nprofile = \"usb-cdc\"\n";
        let moved = |lane| format!("[[keyboard]]\nname = \"moved\"\nlane = {lane}\ndevice = \"/dev/y\"\n");
        let output = |name, duty| {
            format!(
                "[[output]]\nname = {name:?}\nlane = 1\nprofile = \"lcus\"\ndevice = \"/dev/z\"\nchannel = 1\n{duty}\n"
            )
        };
        let wrong = |text: String| {
            let config = Config::of_text("gate.toml", format!("profiles = {PROFILES:?}\n{text}")).unwrap();
            let found = examine(Some(&config), Some(&status)).into_iter();
            let wrong = found.filter(|finding| finding.standing == Standing::Wrong);
            wrong.map(|Finding { part, says, remedy, .. }| (part, says, remedy.unwrap())).collect::<Vec<_>>()
        };
        let unchanged = wrong(desk.to_owned() + &moved(1) + &output("red", "shows = {}"));
        assert!(unchanged.is_empty(), "{unchanged:?}");

        let arm = output("arm", "opens = { pulse-milliseconds = 500 }");
        let said = |part: &str, says: &str| {
            (part.to_owned(), says.to_owned(), "restart the agent: `systemctl restart countermark-gate`".to_owned())
        };
        assert_eq!(
            wrong(desk.to_owned() + &moved(2) + &arm),
            [
                said("keyboard/moved", "is in gate.toml at lane 2, and not in use"),
                said("output/arm", "is in gate.toml at lane 1, and not in use"),
                said("keyboard/moved", "is in use at lane 1, and not in gate.toml"),
                said("output/red", "is in use at lane 1, and not in gate.toml"),
            ]
        );
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
            assert!(finding.says.contains(expected) && finding.says.contains("gate.toml:3"), "{}", finding.says);
        }
    }
}
