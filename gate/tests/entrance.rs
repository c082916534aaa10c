//! The program itself, as staff have it at an entrance without a network: two agents on one folder, and what is done about scans from the
//! command line.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::net::TcpListener;
use std::num::NonZeroU8;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use countermark_gate::rehearsal::{Gate, Identity, Moment, Reply, Request, Step};
use countermark_shared::documents::{
    Assignment, Direction, DocumentKind, DocumentSet, EventDocument, KeyRole, KeyStatus, Lane, Lease, Product,
    Revision, Signed, SlotEntry, SlotList, SlotReason, SlotState, Text, TrustBundle, TrustedKey, Window,
};
use countermark_shared::id::{EventId, GateId, Generation, LaneId, ProductId, Slot, Zones};
use countermark_shared::journal::BootId;
use countermark_shared::keys::SigningKey;
use countermark_shared::money::{Currency, Money};
use countermark_shared::ticket::{TicketBody, UnverifiedTicket, Validity};
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{RowOutcome, RowResult, Uploaded};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use serde_json::{Value, json};
use zeroize::Zeroizing;

const GATE: GateId = GateId(3);
const EVENT: EventId = EventId(7);
const SIGNED: Timestamp = Timestamp::from_unix_seconds(1_577_836_800);
const YEARS_AGO: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
/// The doors are open for as long as anybody runs this.
const LATEST: Timestamp = Timestamp::from_unix_seconds(4_000_000_000);
const PIN: &str = "273940";
/// What ends a program there, and what stops it.
const FROM_A_TERMINAL: [Signal; 7] = [
    Signal::SIGTSTP,
    Signal::SIGTTIN,
    Signal::SIGTTOU,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGHUP,
    Signal::SIGTERM,
];

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}

fn ticket(slot: u32) -> Result<String> {
    let body = TicketBody {
        issuing_key: key(2).verifying_key().id(),
        authority_key: key(3).verifying_key().id(),
        event: EVENT,
        slot: Slot(slot),
        generation: Generation(1),
        places: NonZeroU8::MIN,
        entries: 1,
        product: ProductId(1),
        zones: Zones(1),
        validity: Validity::between(SIGNED, LATEST).context("a window")?,
        live: None,
        sealed: None,
    };
    let (issuer, authority) = (body.issue(&key(2)), body.authorise(&key(3)));
    Ok(UnverifiedTicket::new(body, issuer, authority).to_text())
}

/// A folder that is a gate, whose cloud nobody reaches.
struct Folder(tempfile::TempDir);

impl Folder {
    fn enrolled() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let identity = json!({
            "cloud": "http://127.0.0.1:1", "gate": GATE, "event": EVENT, "name": "North",
            "root": bundle().root_fingerprint(),
        });
        fs::write(folder.path().join("identity.json"), identity.to_string())?;
        let file = folder.path().join("gate.key");
        fs::write(&file, key(20).to_pem()?.as_bytes())?;
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
        Ok(Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countermark-gate"));
        command.args(arguments).arg("--data").arg(self.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.command(arguments).arg("--json").output()?)
    }

    /// What a command says that does what it is told.
    fn done(&self, arguments: &[&str]) -> Result<Value> {
        let Output { status, stdout, stderr } = self.run(arguments)?;
        ensure!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
        Ok(serde_json::from_slice(&stdout)?)
    }

    /// Why a command does not do what it is told.
    fn refused(&self, arguments: &[&str]) -> Result<String> {
        let Output { status, stdout: _, stderr } = self.run(arguments)?;
        ensure!(status.code() == Some(1), "{arguments:?} ended with {status}");
        Ok(String::from_utf8(stderr)?)
    }

    fn pin(&self, pin: &str) -> Result<PathBuf> {
        let file = self.path().join("pin");
        fs::write(&file, format!("{pin}\n"))?;
        Ok(file)
    }

    /// A `gate.toml` with an arm at lane 1 whose pulses are that long.
    fn arm(&self, pulse_milliseconds: u32) -> Result<PathBuf> {
        self.opener("nothing", "", pulse_milliseconds)
    }

    /// The same, of a profile, with what that wants of the device.
    fn opener(&self, profile: &str, device: &str, pulse_milliseconds: u32) -> Result<PathBuf> {
        let profiles = concat!(env!("CARGO_MANIFEST_DIR"), "/../firmware-config/profiles");
        let config = self.path().join("gate.toml");
        let arm = format!("name = \"arm\"\nlane = 1\nprofile = {profile:?}\n{device}");
        let opens = format!("opens = {{ pulse-milliseconds = {pulse_milliseconds} }}");
        fs::write(&config, format!("profiles = {profiles:?}\n[[output]]\n{arm}\n{opens}\n"))?;
        Ok(config)
    }

    fn start(&self) -> Result<Agent> {
        self.start_with(&[])
    }

    fn start_with(&self, more: &[&str]) -> Result<Agent> {
        let mut command = self.command(&["run", "--lines"]);
        command.args(more).arg("--json").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let lines = BufReader::new(child.stdout.take().context("its standard output")?).lines();
        let input = child.stdin.take().context("its standard input")?;
        let mut agent = Agent { child, lines, input };
        agent.line()?;
        Ok(agent)
    }

    fn import(&self) -> Result<()> {
        let envelopes = documents()?;
        let file = self.path().join("stick");
        let set = DocumentSet::of(envelopes.iter().map(|(kind, bytes)| (*kind, bytes.as_slice())));
        fs::write(&file, set.encode())?;
        let output = self.command(&["import"]).arg(file).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// A trial years ago: three rows about no ticket, which the cloud has.
    fn worked(&self) -> Result<()> {
        let mut now = Moment { battery: YEARS_AGO, uptime: Duration::ZERO };
        let (root, poll) = (bundle().root_fingerprint(), Duration::from_secs(5));
        let identity = Identity { gate: GATE, root, key: key(20), unwrapping_key: None, poll };
        let mut gate = Gate::open(self.path(), identity, BootId::new([1; 16]), now)?;
        for (kind, bytes) in documents()? {
            gate.take(kind, &bytes, now)?;
        }
        for text in ["is", "this", "on?"] {
            now.uptime += Duration::from_mins(1);
            ensure!(gate.scan(&[(LaneId(1), text)], now).len() == 1, "it was not judged");
        }
        while gate.view()?.unsettled > 0 {
            let reply = match gate.poll(now)? {
                Step::Wait { until } => {
                    now.uptime = until;
                    continue;
                }
                Step::Send(Request::LogIn { .. }) => {
                    Reply::LoggedIn { session: "nobody asks".into(), known_up_to: None }
                }
                Step::Send(Request::Fetch { .. } | Request::AskTime { .. }) => Reply::Refused,
                Step::Send(Request::Upload { upload, session: _ }) => {
                    let rows = upload.rows.iter().map(|row| row.sequence);
                    let results = rows.map(|sequence| RowResult { sequence, outcome: RowOutcome::Stored });
                    Reply::Uploaded(Uploaded { results: results.collect() })
                }
            };
            gate.on(reply, now, 0.5)?;
        }
        Ok(())
    }
}

/// An agent at work. Dropped, it is killed.
struct Agent {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    input: ChildStdin,
}

impl Agent {
    fn line(&mut self) -> Result<Value> {
        Ok(serde_json::from_str(&self.lines.next().context("the agent ended")??)?)
    }

    fn scan(&mut self, text: &str) -> Result<Value> {
        writeln!(self.input, "{text}")?;
        self.line()
    }

    /// Ends as a service is told to, and is waited for.
    fn end(mut self) -> Result<()> {
        kill(Pid::from_raw(self.child.id().try_into()?), Signal::SIGTERM)?;
        let ended = self.child.wait()?;
        ensure!(ended.success(), "it ended with {ended}");
        Ok(())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

fn documents() -> Result<[(DocumentKind, Vec<u8>); 4]> {
    let good = SlotEntry { state: SlotState::Good, least_generation: Generation(0), reason: SlotReason::Unspecified };
    let seats = (0..9).map(|slot| (Slot(slot), good));
    let list = SlotList::snapshot(EVENT, Revision { epoch: 0, sequence: 1 }, SIGNED, seats);
    Ok([
        (DocumentKind::TrustBundle, Signed::seal(&bundle(), &[&key(1)])?),
        (DocumentKind::Assignment, Signed::seal(&assignment(), &[&key(5)])?),
        (DocumentKind::EventDocument, Signed::seal(&event()?, &[&key(4)])?),
        (DocumentKind::SlotList, Signed::seal(&list.context("a list")?, &[&key(5)])?),
    ])
}

fn bundle() -> TrustBundle {
    let trusted =
        |seed, role, events| TrustedKey { key: key(seed).verifying_key(), role, status: KeyStatus::Active, events };
    TrustBundle {
        version: 1,
        issued: SIGNED,
        not_after: LATEST,
        roots: vec![key(1).verifying_key()],
        threshold: 1,
        keys: vec![
            trusted(2, KeyRole::Issuing, vec![]),
            trusted(3, KeyRole::Authority, vec![]),
            trusted(4, KeyRole::Organiser, vec![EVENT]),
            trusted(5, KeyRole::List, vec![]),
        ],
    }
}

fn assignment() -> Assignment {
    Assignment {
        gate: GATE,
        version: 1,
        issued: SIGNED,
        event: EVENT,
        name: "North".into(),
        lanes: vec![Lane { lane: LaneId(1), direction: Direction::Entry, zones: Zones(1) }],
        lease: Lease { until: LATEST, names_until: LATEST - Duration::from_hours(1), suspended: false },
        secrets: Vec::new(),
    }
}

fn event() -> Result<EventDocument> {
    let product = Product::new(
        ProductId(1),
        Text { en: "Standing".into(), fr: "Debout".into() },
        Zones(1),
        Window { from: SIGNED, until: LATEST },
        1000,
        Money { minor: 2000, currency: Currency::parse("EUR").context("a currency")? },
    );
    let name = Text { en: "Summer Night".into(), fr: "Nuit d'été".into() };
    Ok(EventDocument::new(EVENT, 1, SIGNED, name, 1000, vec![product]))
}

#[test]
fn a_second_agent_on_the_same_folder_does_not_start() {
    let folder = Folder::enrolled().unwrap();
    let first = folder.start().unwrap();
    let second = folder.command(&["run", "--lines"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let why = String::from_utf8(second.stderr).unwrap();
    assert!(why.contains("ledger.sqlite is in use: another countermark-gate runs on this folder"), "{why}");
    assert_eq!(folder.done(&["status"]).unwrap()["running"], true, "the first one goes on");
    drop(first);
    folder.start().unwrap();
}

#[test]
fn staff_do_their_work_from_the_command_line() {
    let folder = Folder::enrolled().unwrap();
    let mut agent = folder.start().unwrap();
    folder.import().unwrap();
    let text = ticket(1).unwrap();

    // With a remark: the list is years old, as it is on a stick that was forgotten in a drawer.
    assert_eq!(agent.scan(&text).unwrap()["verdict"], "list-old");
    let undone = folder.done(&["undo", "1"]).unwrap();
    assert_eq!((&undone["deed"], &undone["sequence"], &undone["slot"]), (&json!("undo"), &json!(2), &json!(1)));
    let why = folder.refused(&["undo", "1"]).unwrap();
    assert!(why.contains("Row 1 was taken back already. / La ligne 1 a déjà été annulée."), "{why}");

    let entered = folder.done(&["enter", "1", &text]).unwrap();
    assert_eq!((&entered["verdict"], &entered["sequence"]), (&json!("list-old"), &json!(3)));
    let said = agent.line().unwrap();
    assert_eq!((&said["source"], &said["sequence"]), (&json!("typed"), &json!(3)), "and announced as any scan");
    assert_eq!(folder.run(&["enter", "1", &text]).unwrap().status.code(), Some(3));
    agent.line().unwrap();

    let pin = folder.pin(PIN).unwrap();
    let pin = pin.to_str().unwrap();
    let overrule = ["overrule", "4", "--why", "organisers-decision", "--pin-file", pin];
    assert!(folder.refused(&overrule).unwrap().contains("This gate has no supervisor."));
    assert_eq!(folder.done(&["supervisor", "add", "Ada", "--pin-file", pin]).unwrap()["number"], 1);
    let taken = folder.refused(&["supervisor", "add", "Bo", "--pin-file", pin]).unwrap();
    assert!(taken.contains("another supervisor of this gate has this PIN"), "{taken}");
    let overruled = folder.done(&overrule).unwrap();
    assert_eq!((&overruled["verdict"], &overruled["opens"]), (&json!("overruled"), &json!(true)));
    assert_eq!(agent.line().unwrap()["source"], "supervisor");
    folder.pin("555123").unwrap();
    assert!(folder.refused(&overrule).unwrap().contains("Wrong PIN. / Code PIN erroné."));

    folder.done(&["hold", "1"]).unwrap();
    assert_eq!(folder.done(&["status"]).unwrap()["recent"][0]["may"], json!(["undo", "release"]));
    folder.done(&["release", "1"]).unwrap();
    assert_eq!(folder.done(&["supervisor", "list"]).unwrap(), json!({ "number": 1, "name": "Ada" }));
    drop(agent);

    // Without an agent, on the folder itself.
    folder.done(&["supervisor", "remove", "1"]).unwrap();
    assert!(folder.refused(&["supervisor", "remove", "1"]).unwrap().contains("nobody is supervisor 1"));
    assert!(folder.refused(&["undo", "5"]).unwrap().contains("no agent runs"));
    assert_eq!(folder.done(&["supervisor", "add", "Bo", "--pin-file", pin]).unwrap()["number"], 2);
}

#[test]
fn a_gate_that_was_killed_asks_staff_about_whom_it_admitted_last() {
    let folder = Folder::enrolled().unwrap();
    let mut agent = folder.start().unwrap();
    folder.import().unwrap();
    let (first, last) = (ticket(1).unwrap(), ticket(2).unwrap());
    agent.scan(&first).unwrap();
    agent.scan(&last).unwrap();
    // `kill -9`: whether the last verdict was shown, the disk does not know.
    drop(agent);

    let mut agent = folder.start().unwrap();
    assert_eq!(agent.scan(&first).unwrap()["verdict"], "already-used");
    assert_eq!(agent.scan(&last).unwrap()["verdict"], "interrupted");
    folder.done(&["confirm", "4", "nobody"]).unwrap();
    assert_eq!(agent.scan(&last).unwrap()["verdict"], "forgiven");
    assert_eq!(agent.scan(&last).unwrap()["verdict"], "already-used");
}

#[test]
fn what_an_output_told_of_an_admission_outlives_the_agent() {
    let folder = Folder::enrolled().unwrap();
    let config = folder.arm(50).unwrap();
    let config = ["--config", config.to_str().unwrap()];
    let mut agent = folder.start_with(&config).unwrap();
    folder.import().unwrap();
    let text = ticket(1).unwrap();
    agent.scan(&text).unwrap();
    assert_eq!(agent.line().unwrap()["passage"], "opened");
    // The ledger was told before that was printed, and writes it before it answers anything that is asked later.
    let rows = folder.done(&["status"]).unwrap()["rows"].clone();
    assert_eq!(rows, 2, "the admission, and what became of it");
    drop(agent);
    let mut agent = folder.start_with(&config).unwrap();
    assert_eq!(agent.scan(&text).unwrap()["verdict"], "already-used");
}

#[test]
fn an_agent_that_is_told_to_end_in_the_middle_of_a_pulse_writes_down_what_became_of_it() {
    let folder = Folder::enrolled().unwrap();
    let config = folder.arm(3000).unwrap();
    let config = ["--config", config.to_str().unwrap()];
    let mut agent = folder.start_with(&config).unwrap();
    folder.import().unwrap();
    let text = ticket(1).unwrap();
    assert_eq!(agent.scan(&text).unwrap()["verdict"], "list-old");
    agent.end().unwrap();
    let mut agent = folder.start_with(&config).unwrap();
    assert_eq!(agent.scan(&text).unwrap()["verdict"], "already-used");
    assert_eq!(folder.done(&["status"]).unwrap()["rows"], 3);
}

#[test]
fn a_trial_is_neither_ended_nor_stopped_from_a_terminal_in_the_middle_of_its_pulse() {
    let relay = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = Folder::enrolled().unwrap();
    let device = format!("device = \"http://{}\"\nchannel = 0", relay.local_addr().unwrap());
    let config = folder.opener("shelly", &device, 100).unwrap();
    let mut command = folder.command(&["outputs", "try", "arm", "--config", config.to_str().unwrap()]);
    // As a shell starts it: the kernel stops no group from a terminal that has nobody to continue it.
    let mut child = command.process_group(0).stdout(Stdio::null()).spawn().unwrap();
    let trial = Pid::from_raw(child.id().try_into().unwrap());
    let (heard, calls) = channel();
    std::thread::spawn(move || {
        for stream in relay.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let Some(call) = lines.next() else { continue };
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            // It is on, and the trial does not know yet.
            for signal in FROM_A_TERMINAL.into_iter().filter(|_| call.contains("on=true")) {
                kill(trial, signal).unwrap();
            }
            heard.send(call).unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap_or_default();
        }
    });
    let ended = waitid(Id::Pid(trial), WaitPidFlag::WEXITED | WaitPidFlag::WSTOPPED | WaitPidFlag::WNOWAIT).unwrap();
    // One that was stopped would stay.
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(ended, WaitStatus::Exited(trial, 0));
    let calls: Vec<_> = calls.try_iter().collect();
    assert!(calls.iter().any(|call| call.contains("on=true")), "{calls:?}");
    assert!(calls.last().unwrap().contains("on=false"), "{calls:?}");
}

#[test]
fn what_the_agent_had_is_switched_off_though_gate_toml_has_a_mistake_by_now() {
    let folder = Folder::enrolled().unwrap();
    let config = folder.opener("lcus", "device = \"/dev/countermark-nothing\"\nchannel = 1", 500).unwrap();
    let config = config.to_str().unwrap();
    // `kill -9`, and its guard finds no more than this does.
    drop(folder.start_with(&["--config", config]).unwrap());
    fs::write(config, "[[output").unwrap();
    let off = folder.command(&["outputs", "off", "--config", config]).output().unwrap();
    assert_eq!(off.status.code(), Some(1), "nothing is plugged in");
    let said = String::from_utf8(off.stderr).unwrap();
    assert!(said.contains("gate.toml:1: "), "{said}");
    assert!(said.contains("gate-as-read.toml:3: /dev/countermark-nothing"), "{said}");
}

#[test]
fn old_rows_go_and_what_is_left_is_a_journal_for_an_auditor() {
    let folder = Folder::enrolled().unwrap();
    folder.worked().unwrap();
    let mut agent = folder.start().unwrap();
    // Of today, and the cloud has it not.
    assert_eq!(agent.scan("junk").unwrap()["sequence"], 4);
    let file = folder.path().join("journal.jsonl");
    let file = file.to_str().unwrap();
    let (export, prune) = (["journal", "export", file], ["journal", "prune", "--keep-days", "1"]);
    assert_eq!(folder.done(&export).unwrap()["rows"], 4);
    assert_eq!(folder.done(&prune).unwrap(), json!({ "rows": 3, "after": 3 }));
    assert_eq!(folder.done(&prune).unwrap(), json!({ "rows": 0, "after": 3 }));
    assert_eq!(folder.done(&export).unwrap()["rows"], 1);
    drop(agent);

    let key = key(20).verifying_key().to_string();
    for of_what in [&["journal", "verify", "--key", &key, file][..], &["journal", "verify", "--key", &key]] {
        let found = folder.done(of_what).unwrap();
        assert_eq!((&found["sound"], &found["after"], &found["last"]), (&json!(true), &json!(3), &json!(4)));
    }
    let lines = fs::read_to_string(file).unwrap();
    // As if the journal began later.
    fs::write(file, lines.replacen("\"after\":3", "\"after\":2", 1)).unwrap();
    let output = folder.run(&["journal", "verify", file]).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["sound"], false);
    let mut agent = folder.start().unwrap();
    assert_eq!(agent.scan("junk").unwrap()["sequence"], 5);
}
