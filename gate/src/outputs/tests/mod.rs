//! Outputs as a gate has them: by `gate.toml` and the profiles of `firmware-config`, on pseudo-terminals and real HTTP.

mod devices;
mod fake;
mod manuals;
mod trial;

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use countermark_shared::id::LaneId;
use countermark_shared::journal::Subject;
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::{Reason, Verdict};
use tokio::sync::watch;

use super::{NOTICE, Outputs, Passage, Telling, Worker};
use crate::announcement::{Announcement, Ruling};
use crate::clock::Clock;
use crate::config::Config;
use crate::devices::{Devices, Post};
use crate::input::Source;

/// What ships.
fn profiles() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware-config/profiles"))
}

/// `gate.toml` with these outputs and the profiles of a folder.
fn load(profiles: &Path, outputs: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gate.toml");
    std::fs::write(&file, format!("profiles = {:?}\n{outputs}", profiles.to_str().unwrap())).unwrap();
    let prefix = format!("{}/", folder.path().display());
    Config::load(&file).map_err(|error| error.to_string().replace(&prefix, ""))
}

/// The outputs of a gate at work.
struct Running {
    outputs: Outputs,
    clock: Clock,
    passages: Receiver<Telling>,
    devices: watch::Receiver<Devices>,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    fn start(outputs: &str) -> Self {
        let (mut running, workers) = Self::prepare(outputs, NOTICE);
        running.work(workers);
        running
    }

    /// Outputs that can be told, and threads that do not work yet.
    fn prepare(outputs: &str, tell: Duration) -> (Self, Vec<Worker>) {
        let (clock, devices_sender) = (Clock::start(), watch::Sender::default());
        let devices = devices_sender.subscribe();
        let outputs = load(profiles(), outputs).unwrap().outputs.into_iter().map(|config| {
            let post = Post::new(config.device(), config.entry.lane, devices_sender.clone());
            (config, post)
        });
        let (passage, passages) = channel();
        let (outputs, workers) = Outputs::new(outputs.collect(), None, tell, clock, passage);
        (Self { outputs, clock, passages, devices, threads: Vec::new() }, workers)
    }

    fn work(&mut self, workers: Vec<Worker>) {
        self.threads = workers.into_iter().map(|worker| std::thread::spawn(move || worker.work())).collect();
    }

    fn tell(&self, lane: u8, reason: Reason, persons: u8) {
        self.outputs.tell(&announcement(lane, reason, persons), self.clock.now().uptime);
    }

    /// Waits until some output is in such a way.
    fn until(&mut self, what: &str, condition: impl Fn(&Devices) -> bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let waited = runtime.block_on(async {
            tokio::time::timeout(fake::PATIENCE, self.devices.wait_for(|devices| condition(devices))).await.is_ok()
        });
        assert!(waited, "{what}: {:?}", self.devices.borrow());
    }

    /// Ends as the agent does. The answer is what was not heard of yet.
    fn end(self) -> Vec<Passage> {
        drop(self.outputs);
        for thread in self.threads {
            thread.join().unwrap();
        }
        self.passages.try_iter().filter_map(passed).collect()
    }
}

/// How it went, where it says that.
fn passed(telling: Telling) -> Option<Passage> {
    match telling {
        Telling::Passed(line) => Some(line.passage),
        Telling::Expected { .. } => None,
    }
}

fn announcement(lane: u8, reason: Reason, persons: u8) -> Announcement {
    let mut verdict = Verdict::refusal(reason);
    verdict.persons = persons;
    Announcement {
        sequence: Some(7),
        lane: LaneId(lane),
        source: Source::Lines,
        at: Timestamp::from_unix_seconds(0),
        ruling: Ruling::new(verdict, &Subject::Payload { hash: [0; 32].into() }),
        announced: Duration::ZERO,
        holder: None,
    }
}

fn has_trouble(devices: &Devices) -> bool {
    devices.statuses().iter().any(|status| status.trouble.is_some())
}

#[test]
fn nothing_opens_that_is_not_in_the_journal() {
    let told = |announcement: &Announcement| {
        let verdict = super::Verdict::of(announcement, Duration::ZERO);
        (verdict.persons, verdict.severity.code())
    };
    let admitted = announcement(1, Reason::Admitted, 2);
    assert_eq!(told(&admitted), (2, "admit"));
    assert_eq!(told(&Announcement { sequence: None, ..admitted }), (0, "staff"));
    assert_eq!(told(&announcement(1, Reason::Admitted, 0)), (0, "staff"));
    assert_eq!(
        told(&announcement(1, Reason::Revoked, 3)),
        (0, announcement(1, Reason::Revoked, 0).ruling.severity.code())
    );
}

#[test]
fn what_is_wrong_with_an_output_is_said_with_file_and_line() {
    let good = "[[output]]\nname = \"arm\"\nlane = 1\nprofile = \"lcus\"\ndevice = \"/dev/x\"\nchannel = 1\nopens = { pulse-milliseconds = 500 }\n";
    assert_eq!(load(profiles(), good).unwrap().outputs.len(), 1);
    for (from, to, expected) in [
        ("lane = 1", "lane = 1\ncolour = 1", "gate.toml:5: unknown field `colour`"),
        ("lcus", "lcus-9", "gate.toml:5: there is no profile"),
        ("channel = 1", "channel = 9", "gate.toml:7: this profile has the channels 1, 2, 3, 4, 5, 6, 7, 8"),
        ("channel = 1", "channel = 1\nactive-low = true", "gate.toml:8: only a GPIO line is active low"),
        ("device = \"/dev/x\"\n", "", "gate.toml:5: this profile wants a device and a channel"),
        ("500", "20000", "gate.toml:8: this is 50 to 10000 milliseconds"),
        (
            "500 }",
            "500, turned = { within-milliseconds = 900, input = 1 } }",
            "gate.toml:8: this profile has the inputs",
        ),
        (
            "500 }",
            "500, turned = { within-milliseconds = 900 } }",
            "gate.toml:8: `turned` has an input of the board, or",
        ),
        (
            "500 }",
            "900, turned = { within-milliseconds = 800, chip = \"c\", line = 1 } }",
            "gate.toml:8: an arm may turn",
        ),
        ("opens = { pulse-milliseconds = 500 }", "", "gate.toml:3: an output has one of `opens` and `shows`"),
        ("opens = { pulse-milliseconds = 500 }", "shows = { admit = [5] }", "gate.toml:8: a pattern is milliseconds"),
        ("opens = { pulse-milliseconds = 500 }", "shows = { green = [50] }", "gate.toml:8: unknown variant `green`"),
        ("\"lcus\"", "\"waveshare-modbus\"", "gate.toml:8: this board ends its pulses by itself, after 300, 500, 700"),
        ("\"lcus\"", "\"nothing\"", "gate.toml:5: this profile has neither device nor channel"),
        ("\"lcus\"", "\"shelly\"", "gate.toml:6: a device on the network is named by its IP address, as http://"),
    ] {
        let text = if expected.contains("ends its pulses") { good.replace("500", "600") } else { good.to_owned() };
        let error = load(profiles(), &text.replace(from, to)).unwrap_err();
        assert!(error.starts_with(expected), "{to}: {error}");
    }
    for secret in [
        "http://user:password@192.0.2.7",
        "http://192.0.2.7/?key=1",
        "https://192.0.2.7",
        "http://192.0.2.7/path",
        "http://relay.local",
    ] {
        let shelly = good.replace("lcus", "shelly").replace("/dev/x", secret);
        let error = load(profiles(), &shelly).unwrap_err();
        assert!(error.starts_with("gate.toml:6: ") && !error.contains("password@"), "{error}");
    }
    let shelly = good.replace("lcus", "shelly");
    for (good, first, same) in [
        (good, "/dev/x", "/dev/x"),
        (&shelly, "http://192.0.2.7", "http://192.0.2.7:80/"),
        (&shelly, "http://[::1]", "http://[::1]"),
    ] {
        let first = good.replace("/dev/x", first);
        let second = good.replace("\"arm\"", "\"lamp\"").replace("/dev/x", same);
        let error = load(profiles(), &(first.clone() + &second)).unwrap_err();
        assert!(error.starts_with("gate.toml:14: another output has this channel"), "{error}");
        let other = second.replace("channel = 1", "channel = 2");
        assert_eq!(load(profiles(), &(first + &other)).unwrap().outputs.len(), 2);
    }
}

#[test]
fn a_device_is_one_entrys_or_that_of_outputs_that_agree_about_it() {
    let input = |kind, more: &str| format!("[[{kind}]]\nname = \"desk\"\nlane = 1\ndevice = \"/dev/x\"\n{more}");
    let output = |name, profile, channel| {
        format!(
            "[[output]]\nname = {name:?}\nlane = 1\nprofile = {profile:?}\ndevice = \"/dev/x\"\nchannel = {channel}\nshows = {{}}\n"
        )
    };
    let arm = |profile| output("arm", profile, 1);
    for (first, second, expected) in [
        (input("keyboard", ""), arm("lcus"), "gate.toml:10: keyboard/desk (gate.toml:3) has this device"),
        (input("camera", ""), arm("gpio"), "gate.toml:10: camera/desk (gate.toml:3) has this device"),
        (
            input("scanner", "profile = \"usb-cdc\"\n"),
            arm("lcus"),
            "gate.toml:11: scanner/desk (gate.toml:3) has this device",
        ),
        (output("lamp", "gpio", 2), arm("lcus"), "gate.toml:13: output/lamp (gate.toml:3) has this device"),
        (
            output("lamp", "devantech-usb-rly", 2),
            arm("lcus"),
            "gate.toml:13: output/lamp (gate.toml:3) has this device at 19200 bits a second, this one at 9600",
        ),
    ] {
        let error = load(profiles(), &(first + &second)).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    }
    for (profile, same) in [("lcus", "kmtronic"), ("gpio", "gpio")] {
        assert_eq!(load(profiles(), &(output("lamp", profile, 2) + &arm(same))).unwrap().outputs.len(), 2);
    }
    let turned =
        "opens = { pulse-milliseconds = 500, turned = { within-milliseconds = 900, chip = \"/dev/x\", line = 2 } }";
    let told = arm("gpio").replace("shows = {}", turned);
    load(profiles(), &told).unwrap();
    let error = load(profiles(), &(output("lamp", "gpio", 2) + &told)).unwrap_err();
    assert!(error.starts_with("gate.toml:15: an output has this line of this chip"), "{error}");
}

#[test]
fn what_is_wrong_with_a_profile_is_said_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("outputs")).unwrap();
    let file = folder.path().join("outputs/mine.toml");
    let good = "title = \"t\"\nmanual = \"m\"\ntried = false\npulse-ends = \"by-agent\"\n[serial]\nspeed = 9600\n[[serial.channel]]\nnumber = 1\non = 'on'\noff = '\\x00'\n";
    let output = "[[output]]\nname = \"arm\"\nlane = 1\nprofile = \"mine\"\ndevice = \"/dev/x\"\nchannel = 1\nopens = { pulse-milliseconds = 500 }\n";
    for (from, to, expected) in [
        ("title = \"t\"", "title = \"t\"\nspeed = 1", ":2: unknown field `speed`"),
        ("manual = \"m\"", "manual = \"\"", ":2: say what it is, and where its commands come from"),
        ("manual = \"m\"\n", "", ":1: missing field `manual`"),
        ("by-agent", "by-board", ":4: no command of this profile tells the board how long"),
        ("by-agent", "by-luck", ":4: unknown variant `by-luck`"),
        ("9600", "96", ":6: a speed is 300 to 3000000"),
        (r"'\x00'", r"'\x0'", ":10: bytes are printable ASCII"),
        (r"'\x00'", "''", ":10: a command is 1 to 64 bytes"),
        (
            "off = ",
            "off = '0'\n[[serial.channel]]\nnumber = 1\non = '1'\noff = ",
            ":12: another channel has this number",
        ),
        ("off = ", "pulse = [{ milliseconds = 500, send = '1' }]\noff = ", ":4: this board is told how long"),
        ("[serial]", "[gpio]\n[serial]", ":1: a profile has one of [serial], [gpio], [http], [nothing]"),
    ] {
        std::fs::write(&file, good.replace(from, to)).unwrap();
        let error = load(folder.path(), output).unwrap_err();
        let expected = format!("{}{expected}", file.display());
        assert!(error.starts_with(&expected), "{to}: {error}");
    }
    std::fs::write(&file, good).unwrap();
    assert!(load(folder.path(), output).is_ok());
    let head = good.split_once("[serial]").unwrap().0;
    let http = output.replace("/dev/x", "http://192.0.2.7");
    for (check, works) in [("GET /status", true), ("POST /status", false), ("GET /off", false)] {
        let calls =
            format!("{head}[http]\nchannels = [1, 1]\non = \"GET /on\"\noff = \"GET /off\"\ncheck = \"{check}\"\n");
        std::fs::write(&file, &calls).unwrap();
        assert_eq!(load(folder.path(), &http).is_ok(), works, "{check}");
        std::fs::write(&file, calls.replace("[1, 1]", "[7, 0]")).unwrap();
        let expected = format!("{}:6: channels are the first and the last number", file.display());
        assert!(load(folder.path(), &http).unwrap_err().starts_with(&expected), "{check}");
    }
}
