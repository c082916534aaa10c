//! A bare Debian becomes a gate by its package, admits a ticket once, and knows that after a power cut.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::cloud::{Cloud, Migration};
use countermark_tests::gate::Gate;
use countermark_tests::process::run_well;
use countermark_tests::season::{self, FESTIVAL, SOLO};
use countermark_tests::{binaries, clock};

use crate::disk::{Disk, stick};
use crate::guest::Guest;
use crate::image::Image;
use crate::machine::{Machine, console};

/// The scanner by the name that our udev rules give it: for its port.
const SCANNER: &str = "/dev/countermark/serial-pci-0000_00_05_0-usb-0_1_1_0-port0";
const RELAY: &str = "/dev/countermark/serial-pci-0000_00_05_0-usb-0_2_1_0-port0";

#[test]
#[ignore = "boots a virtual machine twice, for minutes: `apt-get install qemu-system-x86 mmdebstrap nbdkit`, `cargo install --locked cargo-deb`"]
fn a_box_knows_after_a_power_cut_whom_it_admitted() {
    let folder = tempfile::tempdir().unwrap();
    let told = tokio::runtime::Runtime::new().unwrap().block_on(story(folder.path()));
    if let Err(error) = told {
        let console = fs::read(console(folder.path())).unwrap_or_default();
        panic!("{error:?}\nthe console ends with:\n{}", tail(&String::from_utf8_lossy(&console)));
    }
}

async fn story(folder: &Path) -> Result<()> {
    let image = Image::make().await?;
    let brought = folder.join("brought");
    fs::create_dir(&brought)?;
    let tickets = sell(&brought).await?;
    let [first, second] = tickets.as_slice() else { anyhow::bail!("{} tickets were sold", tickets.len()) };
    fs::write(brought.join("scanner.conf"), as_standard_input(SCANNER))?;
    stick(&brought, &folder.join("stick")).await?;
    Disk::copy(&image.root, &folder.join("disk")).await?;

    let mut machine = Machine::boot(&image, folder).await?;
    set_up(&mut machine.guest).await?;
    assert_eq!(scan(&mut machine, first, 1).await?, Reason::Admitted);
    assert_eq!(scan(&mut machine, first, 2).await?, Reason::AlreadyUsed);
    machine.cut_power().await?;

    let mut machine = Machine::boot(&image, folder).await?;
    let guest = &mut machine.guest;
    guest
        .until("the agent started by itself", "systemctl is-active countermark-gate", |said| is(said, "active"))
        .await?;
    assert_eq!(rows(guest).await?, 2, "the journal is whole, as the agent checked when it opened it");
    assert_eq!(scan(&mut machine, first, 3).await?, Reason::AlreadyUsed);
    assert_eq!(scan(&mut machine, second, 4).await?, Reason::Admitted);
    stopped_agent_is_started_anew(&mut machine.guest).await?;
    assert_eq!(rows(&mut machine.guest).await?, 4);
    Ok(())
}

/// Brings the package and an enrolled gate's folder, and gives the texts of two tickets that it was told of.
async fn sell(brought: &Path) -> Result<Vec<String>> {
    let server = tokio::task::spawn_blocking(countermark_postgres::shared).await?;
    let cloud = Cloud::start(server, "box", Migration::FromTemplate, &[FESTIVAL], &|_| {}).await?;
    let now = clock::now();
    let administrator = Administrator::log_in(&cloud).await?;
    administrator.publish(&season::festival(now, now + Duration::from_hours(6))?).await?;
    let offer = administrator.offer(&SOLO).await?;
    let buyer = Buyer::arrive(&cloud).await?;
    let gate = Gate::enrol(&cloud, "gate", &administrator.gate("North", FESTIVAL).await?).await?;
    let tickets: Vec<_> = buyer.buy(&offer, 2).await?.into_iter().map(|ticket| ticket.text).collect();
    let running = gate.listen().await?;
    for ticket in &tickets {
        gate.would_say(ticket, Reason::Admitted).await?;
    }
    running.kill().await?;
    let mut copy = Command::new("/bin/cp");
    copy.arg("-r").arg(gate.folder()).arg(brought.join("gate"));
    run_well(copy).await?;
    let package = brought.join("countermark-gate.deb");
    tokio::task::spawn_blocking(move || binaries::package(&package)).await??;
    Ok(tickets)
}

/// What the unit gets from this test until a scanner can be named in gate.toml.
fn as_standard_input(device: &str) -> String {
    format!(
        "[Service]
ExecStartPre=+/usr/bin/stty -F {device} raw -echo
ExecStart=
ExecStart=/usr/bin/countermark-gate run --config /etc/countermark-gate/gate.toml --lines
StandardInput=file:{device}
"
    )
}

/// As the page for field staff has it; but the gate's folder is brought, since enrolment needs the cloud.
async fn set_up(guest: &mut Guest) -> Result<()> {
    let folder = "/var/lib/countermark-gate";
    for step in [
        "udevadm wait --timeout=120 /dev/disk/by-label/stick",
        "mount -o ro /dev/disk/by-label/stick /mnt",
        "dpkg --install /mnt/countermark-gate.deb",
        &format!("cp -r /mnt/gate/. {folder} && chown -R countermark-gate: {folder}"),
        "install -D -m 644 /mnt/scanner.conf /etc/systemd/system/countermark-gate.service.d/scanner.conf",
        "umount /mnt",
        &format!("udevadm wait --timeout=120 {SCANNER} {RELAY}"),
        "systemctl daemon-reload",
        "systemctl start countermark-gate countermark-firewall",
        // What was set up is on the disk when the power goes. What is scanned from now on, the agent sees to.
        "sync",
    ] {
        guest.run(step).await?;
    }
    Ok(())
}

/// Shows a ticket, and gives the word for what became of it, when that is row `row`.
async fn scan(machine: &mut Machine, ticket: &str, row: u64) -> Result<Reason> {
    machine.scanner.send(ticket).await?;
    let end = format!("row {row})");
    let line = machine
        .guest
        .until("the agent had said something of the scan", "journalctl --unit countermark-gate --output cat", |said| {
            said.lines().rfind(|line| line.ends_with(&end)).map(str::to_owned)
        })
        .await?;
    let word = line.split_whitespace().next().context("a verdict begins with its word")?;
    Ok(serde_json::from_value(word.into())?)
}

async fn rows(guest: &mut Guest) -> Result<u64> {
    let status = guest.run("runuser -u countermark-gate -- countermark-gate status --json").await?;
    let status: countermark_tests::gate::Status = serde_json::from_str(&status)?;
    Ok(status.rows)
}

/// The agent as a whole: nothing outside it can stop its ledger's thread alone.
async fn stopped_agent_is_started_anew(guest: &mut Guest) -> Result<()> {
    let process = "systemctl show --property=MainPID --value countermark-gate";
    let stopped = guest.run(process).await?;
    guest.run("systemctl kill --signal=STOP countermark-gate").await?;
    guest.until("systemd ended the stopped agent", process, |said| (said != stopped).then_some(())).await?;
    guest.until("it was up again", "systemctl is-active countermark-gate", |said| is(said, "active")).await
}

fn is(said: &str, expected: &str) -> Option<()> {
    (said.trim() == expected).then_some(())
}

fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
