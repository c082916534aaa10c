//! A box that was switched on shows the operator's screen by itself and sounds, whatever ends its browser, its agent or the room on its disk, and talks to
//! nobody but the cloud.

use std::path::Path;

use anyhow::{Result, ensure};
use countermark_shared::verdict::Reason;

use crate::display::{GREEN, Look, READY, RED, SHUT, STOPPED};
use crate::firewall;
use crate::guest::Guest;
use crate::installed::{self, SCANNER, has, runs, verdict};
use crate::machine::{Machine, Time};
use crate::shut;
use crate::story::{lay_out, tell};

/// A scanner, and nothing that would be missed: what the page says of it would take the place of what is looked at.
const CONFIG: &str = r#"screen = "127.0.0.1:8600"

[[scanner]]
name = "left"
lane = 1
device = "/dev/countermark/serial-pci-0000_00_05_0-usb-0_1_1_0-port0"
profile = "usb-cdc"
"#;

const UNIT: &str = "countermark-screen";

/// The tones of the page (`gate/src/screen/sound.js`).
const ADMITTED: [u32; 2] = [880, 1320];
const REFUSED: [u32; 1] = [330];

#[test]
#[ignore = "boots a virtual machine twice, for minutes: `apt-get install qemu-system-x86 mmdebstrap nbdkit`, `cargo install --locked cargo-deb`"]
fn a_box_shows_its_screen_by_itself_and_talks_to_nobody_but_the_cloud() {
    tell(story);
}

async fn story(folder: &Path) -> Result<()> {
    let (image, tickets) = lay_out(folder, 2, CONFIG).await?;
    let [first, second] = tickets.as_slice() else { anyhow::bail!("{} tickets were sold", tickets.len()) };

    let mut machine = Machine::boot(&image, folder, Time::Instructions).await?;
    installed::set_up(&mut machine.guest).await?;
    firewall::set_up(&mut machine.guest).await?;
    units_are_sound(&mut machine.guest).await?;
    machine.guest.run(&format!("systemctl enable {UNIT} && sync")).await?;
    machine.cut_power().await?;

    let mut machine = Machine::boot(&image, folder, Time::Instructions).await?;
    runs(&mut machine.guest).await?;
    firewall::came_first(&mut machine.guest).await?;
    firewall::keeps_out_and_in(&mut machine).await?;
    machine.scanner.plug().await?;
    has(&mut machine.guest, SCANNER).await?;
    minds_its_own_business(&mut machine.guest).await?;
    is_ready(&mut machine).await?;
    passes(&mut machine, first, 1, "pass").await?;
    shows(&mut machine, first, RED, "stop", &REFUSED).await?;
    let said = verdict(&mut machine.guest, SCANNER, 2).await?;
    ensure!(said == Reason::AlreadyUsed, "the display was red for {said:?}");

    let anew = runs_anew(&mut machine.guest, 0).await?;
    machine.guest.run("systemctl stop countermark-gate").await?;
    machine.display.shows(STOPPED, "stopped").await?;
    ensure!(runs_anew(&mut machine.guest, 0).await? == anew, "the browser ended with the agent");
    shut::fill(&mut machine.guest).await?;
    machine.guest.run("systemctl start countermark-gate").await?;
    shut::says_why(&mut machine.guest).await?;
    shut::is_explained(&mut machine.guest).await?;
    machine.display.shows(SHUT, "shut").await?;

    machine.guest.run(&format!("pkill --signal KILL --oldest --euid {UNIT} chromium")).await?;
    runs_anew(&mut machine.guest, anew + 1).await?;
    machine.loudspeaker.forget()?;
    machine.display.shows(SHUT, "shut, begun anew").await?;
    shut::outlives_its_watchdog(&mut machine.guest).await?;
    shut::empty(&mut machine.guest).await?;
    has(&mut machine.guest, SCANNER).await?;
    is_ready(&mut machine).await?;
    passes(&mut machine, second, 3, "pass, after it was shut").await?;
    shut::outlives_its_watchdog(&mut machine.guest).await
}

/// Waits until the page hears its agent and may be heard.
async fn is_ready(machine: &mut Machine) -> Result<()> {
    machine.display.shows(READY, "ready").await?;
    machine.loudspeaker.is_on().await
}

/// Shows a ticket that is admitted by row `row`.
async fn passes(machine: &mut Machine, ticket: &str, row: u64, picture: &str) -> Result<()> {
    shows(machine, ticket, GREEN, picture, &ADMITTED).await?;
    let said = verdict(&mut machine.guest, SCANNER, row).await?;
    ensure!(said == Reason::Admitted, "the display was green for {said:?}");
    Ok(())
}

/// Shows a ticket, and waits until display and loudspeaker have said so, and the display no longer does.
async fn shows(machine: &mut Machine, ticket: &str, look: Look, picture: &str, hertz: &[u32]) -> Result<()> {
    machine.scanner.send(ticket).await?;
    machine.display.shows(look, picture).await?;
    machine.display.shows(READY, "ready").await?;
    machine.loudspeaker.plays(hertz).await
}

/// All of ours, as systemd understands them.
async fn units_are_sound(guest: &mut Guest) -> Result<()> {
    let said = guest.run("systemd-analyze verify /lib/systemd/system/countermark-*.service 2>&1").await?;
    ensure!(said.is_empty(), "systemd has to say of our units:\n{said}");
    Ok(())
}

/// The browser is nobody of the gate's, and has nothing of it but its page.
async fn minds_its_own_business(guest: &mut Guest) -> Result<()> {
    let users = guest.run("ps --no-headers -o user:32= -C cage,chromium | sort --unique").await?;
    ensure!(users.trim() == UNIT, "the browser is run by:\n{users}");
    let as_it = format!("runuser --user {UNIT} -- test -r");
    for closed in ["/var/lib/countermark-gate", "/run/countermark-gate"] {
        guest.run(&format!("test -e {closed} && ! {as_it} {closed}")).await?;
    }
    Ok(())
}

/// Waits until the browser runs that was begun anew so many times at least, and gives how many times it was.
async fn runs_anew(guest: &mut Guest, times: u64) -> Result<u64> {
    let shown = format!("systemctl show --property=ActiveState,NRestarts {UNIT}");
    let seen = |said: &str| {
        let anew = said.lines().find_map(|line| line.strip_prefix("NRestarts="))?.parse().ok()?;
        (said.contains("ActiveState=active") && anew >= times).then_some(anew)
    };
    guest.until(&format!("the browser had begun anew {times} times"), &shown, seen).await
}
