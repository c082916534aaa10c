//! The gate in the box: set up as the page for field staff has it, scanned at, and asked how it stands. Knows the command line that staff
//! type, the unit's name, and where the udev rules put what is plugged in.

use anyhow::{Context, Result, ensure};
use countermark_shared::verdict::Reason;
use countermark_tests::gate::Status;
use serde::Deserialize;

use crate::guest::Guest;
use crate::machine::{BRIDGE_PORT, CAMERA_PORT, KEYBOARD_PORT, Machine};

/// The devices, as the agent calls them.
pub(crate) const SCANNER: &str = "scanner/left";
pub(crate) const KEYBOARD: &str = "keyboard/wedge";
pub(crate) const CAMERA: &str = "camera/arch";
pub(crate) const ARM: &str = "output/arm";
pub(crate) const FLAP: &str = "output/flap";

/// Lines of the GPIO chip: the flap's drive, and its contact.
const DRIVE: u8 = 0;
const CONTACT: u8 = 7;

/// Long enough for this machine to do something in the middle of it.
const PULSE_MILLISECONDS: u32 = 10_000;
/// By the LCUS-1's protocol sheet.
const ON: [u8; 4] = [0xA0, 0x01, 0x01, 0xA2];
const OFF: [u8; 4] = [0xA0, 0x01, 0x00, 0xA1];

/// How the agent is asked, as its user.
const GATE: &str = "runuser -u countermark-gate -- countermark-gate";
/// What the agent says.
const JOURNAL: &str = "journalctl --unit countermark-gate --output cat";
const CONFIG: &str = "/etc/countermark-gate/gate.toml";

/// What stands at the entrance, each by the name that our udev rules give it: for its port.
pub(crate) fn config() -> String {
    let port = |number: u8| format!("pci-0000_00_05_0-usb-0_{number}_1_0");
    format!(
        r#"screen = "127.0.0.1:8600"

[[scanner]]
name = "left"
lane = 1
device = "/dev/countermark/serial-{scanner}-port0"
profile = "usb-cdc"

[[keyboard]]
name = "wedge"
lane = 1
device = "/dev/countermark/keyboard-{keyboard}"

[[camera]]
name = "arch"
lane = 2
device = "/dev/countermark/camera-{camera}"
resolution = [1280, 720]

[[output]]
name = "arm"
lane = 1
profile = "lcus"
device = "/dev/countermark/serial-{relay}-port0"
channel = 1
opens = {{ pulse-milliseconds = {PULSE_MILLISECONDS} }}

[[output]]
name = "flap"
lane = 2
profile = "gpio"
device = "/dev/countermark/gpio-{bridge}"
channel = {DRIVE}

[output.opens]
pulse-milliseconds = {PULSE_MILLISECONDS}
turned = {{ within-milliseconds = {PULSE_MILLISECONDS}, chip = "/dev/countermark/gpio-{bridge}", line = {CONTACT} }}
"#,
        scanner = port(1),
        relay = port(2),
        keyboard = port(KEYBOARD_PORT),
        camera = port(CAMERA_PORT),
        bridge = port(BRIDGE_PORT),
    )
}

/// From the stick, and without a cloud: the gate's folder is brought, where staff enrol.
pub(crate) async fn set_up(guest: &mut Guest) -> Result<()> {
    let folder = "/var/lib/countermark-gate";
    for step in [
        "udevadm wait --timeout=120 /dev/disk/by-label/stick",
        "mount -o ro /dev/disk/by-label/stick /mnt",
        "dpkg --install /mnt/countermark-gate.deb",
        // Made by the package, and nobody else's.
        &format!("test \"$(stat --format='%U %G %a' {folder})\" = 'countermark-gate countermark-gate 700'"),
        &format!("cp -r /mnt/gate/. {folder} && chown -R countermark-gate: {folder}"),
        &format!("cp /mnt/gate.toml {CONFIG}"),
        "umount /mnt",
        "systemctl start countermark-gate countermark-firewall",
        // What was set up is on the disk when the power goes. What is scanned from now on, the agent sees to.
        "sync",
    ] {
        guest.run(step).await?;
    }
    Ok(())
}

/// Waits until the agent runs.
pub(crate) async fn runs(guest: &mut Guest) -> Result<()> {
    let active = |said: &str| (said.trim() == "active").then_some(());
    guest.until("the agent ran", "systemctl is-active countermark-gate", active).await
}

/// Waits until the agent has noticed that a device is gone. What is plugged in after this is open as soon as it says that it is there.
pub(crate) async fn misses(guest: &mut Guest, device: &str) -> Result<()> {
    trouble(guest, device, Some("gone")).await
}

/// Waits until the agent has a device.
pub(crate) async fn has(guest: &mut Guest, device: &str) -> Result<()> {
    trouble(guest, device, None).await
}

async fn trouble(guest: &mut Guest, device: &str, cause: Option<&str>) -> Result<()> {
    let what = format!("of {device} was said: {}", cause.unwrap_or("it works"));
    let seen = |said: &str| {
        let status: Status = serde_json::from_str(said).ok()?;
        let found = status.devices.into_iter().find(|found| found.device == device)?;
        (found.trouble.map(|trouble| trouble.cause).as_deref() == cause).then_some(())
    };
    guest.until(&what, &format!("{GATE} status --json"), seen).await
}

/// Rows of the journal, as the running agent counts them.
pub(crate) async fn rows(guest: &mut Guest) -> Result<u64> {
    let status: Status = serde_json::from_str(&guest.run(&format!("{GATE} status --json")).await?)?;
    Ok(status.rows)
}

/// Asks the doctor, who must find nothing that would keep people outside.
pub(crate) async fn is_healthy(guest: &mut Guest) -> Result<()> {
    #[derive(Deserialize)]
    struct Finding {
        part: String,
        standing: String,
    }
    let said = guest.run(&format!("{GATE} doctor --json --config {CONFIG} || test $? -eq 3")).await?;
    let findings: Vec<Finding> = said.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    // How fast the disk is, is this machine's matter.
    let wrong = findings.iter().filter(|finding| finding.standing == "wrong" && finding.part != "disk speed");
    ensure!(wrong.count() == 0, "something is wrong with the box:\n{said}");
    for part in ["agent", "keys", SCANNER, KEYBOARD, CAMERA, ARM, FLAP] {
        ensure!(findings.iter().any(|finding| finding.part == part), "nobody looked at {part}:\n{said}");
    }
    Ok(())
}

/// Shows a ticket to the scanner, and gives what became of it, when that is row `row`.
pub(crate) async fn scan(machine: &mut Machine, ticket: &str, row: u64) -> Result<Reason> {
    machine.scanner.send(ticket).await?;
    verdict(&mut machine.guest, SCANNER, row).await
}

/// Waits for the row of what a device read.
pub(crate) async fn verdict(guest: &mut Guest, device: &str, row: u64) -> Result<Reason> {
    let end = format!("({device}, row {row})");
    let line = guest
        .until(&format!("the agent had said something of row {row}"), JOURNAL, |said| {
            said.lines().rfind(|line| line.ends_with(&end)).map(str::to_owned)
        })
        .await?;
    let word = line.split_whitespace().next().context("a verdict begins with its word")?;
    Ok(serde_json::from_value(word.into())?)
}

/// Waits until a device has so many tickets admitted.
pub(crate) async fn admits(guest: &mut Guest, device: &str, times: usize) -> Result<()> {
    let admitted = |line: &&str| line.starts_with("admitted ") && line.contains(&format!("({device}, row "));
    let seen = |said: &str| (said.lines().filter(admitted).count() == times).then_some(());
    guest.until(&format!("{device} had {times} tickets admitted"), JOURNAL, seen).await
}

/// Waits until an output has told how it went with whoever was admitted last, which must be by the row of that admission: in the agent's word.
pub(crate) async fn is_through(guest: &mut Guest, word: &str) -> Result<()> {
    let row = |line: &str| line.rsplit_once(", row ").map(|(_, row)| row.to_owned());
    let seen = |said: &str| {
        let is = |line: &str, word: &str| line.strip_prefix(word).is_some_and(|rest| rest.starts_with("  "));
        let mut told = said.lines().rev().filter(|line| line.starts_with("admitted ") || is(line, word));
        let passed = told.next().filter(|line| is(line, word))?;
        Some((row(told.next()?), row(passed)))
    };
    let (admitted, passed) = guest.until(&format!("of the last admission was said: {word}"), JOURNAL, seen).await?;
    ensure!(admitted.is_some() && admitted == passed, "admitted by row {admitted:?}, {word} of row {passed:?}");
    Ok(())
}

/// Starts the agent anew, for pictures of another size.
pub(crate) async fn ask_for(guest: &mut Guest, [width, height]: [u16; 2]) -> Result<()> {
    let line = format!("resolution = [{width}, {height}]");
    guest.run(&format!("sed --in-place 's/^resolution = .*/{line}/' {CONFIG}")).await?;
    guest.run("systemctl restart countermark-gate").await.map(drop)
}

/// Waits until the camera was opened for such pictures.
pub(crate) async fn gives(guest: &mut Guest, format: &str) -> Result<()> {
    let line = format!("format={format}");
    guest.until(&format!("the camera gave {format}"), JOURNAL, |said| said.contains(&line).then_some(())).await
}

/// Stops the agent, and has the devices' next scan shown to staff instead: who sent it, and what it would mean.
pub(crate) async fn listen(guest: &mut Guest) -> Result<(String, Reason)> {
    #[derive(Deserialize)]
    struct Heard {
        device: String,
        verdict: Reason,
    }
    guest.run("systemctl stop countermark-gate").await?;
    let said = guest.run(&format!("{GATE} listen --json --count 1 --config {CONFIG}")).await?;
    // Before it, how the devices are.
    let Heard { device, verdict } = serde_json::from_str(said.lines().last().unwrap_or_default())?;
    Ok((device, verdict))
}

/// Waits until the arm is opened, and no command comes before that.
pub(crate) async fn opens(machine: &mut Machine) -> Result<()> {
    hears(machine, ON).await
}

/// Waits until the arm is shut, so many times, and no other command comes before that.
pub(crate) async fn shuts(machine: &mut Machine, times: usize) -> Result<()> {
    for _ in 0..times {
        hears(machine, OFF).await?;
    }
    Ok(())
}

/// Waits until the flap is driven, or let go.
pub(crate) async fn drives(machine: &mut Machine, on: bool) -> Result<()> {
    let switched = machine.bridge.switched().await?;
    ensure!(switched == (DRIVE, on), "line {} is switched, high: {}", switched.0, switched.1);
    Ok(())
}

/// Somebody passes the flap, by whose contact the agent knows; and it is at rest again.
pub(crate) async fn pass(machine: &mut Machine) -> Result<()> {
    machine.bridge.set(CONTACT, true);
    is_through(&mut machine.guest, "turned").await?;
    machine.bridge.set(CONTACT, false);
    Ok(())
}

async fn hears(machine: &mut Machine, expected: [u8; 4]) -> Result<()> {
    let command = machine.relay.receive().await?;
    ensure!(command == expected, "the arm is told {command:02X?} where it should be {expected:02X?}");
    Ok(())
}
