//! A bare Debian becomes a gate by its package, opens for a ticket once, knows that after a power cut, and is never left open, whoever ends it.

use std::path::Path;

use anyhow::Result;
use countermark_shared::verdict::Reason;

use crate::hardened;
use crate::installed::{
    self, ARM, CAMERA, FLAP, KEYBOARD, SCANNER, admits, drives, has, misses, opens, rows, runs, scan, shuts,
};
use crate::machine::{KEYBOARD_PORT, Machine, Time};
use crate::story::{lay_out, tell};

#[test]
#[ignore = "boots a virtual machine twice, for minutes: `apt-get install qemu-system-x86 mmdebstrap nbdkit`, `cargo install --locked cargo-deb`"]
fn a_box_knows_after_a_power_cut_whom_it_admitted_and_is_never_left_open() {
    tell(story);
}

async fn story(folder: &Path) -> Result<()> {
    let (image, tickets) = lay_out(folder, 7, &installed::config()).await?;
    let [first, second, third, large, left, small, last] = tickets.as_slice() else {
        anyhow::bail!("{} tickets were sold", tickets.len())
    };

    let mut machine = Machine::boot(&image, folder, Time::Ours).await?;
    installed::set_up(&mut machine.guest).await?;
    plug_in(&mut machine).await?;
    misses(&mut machine.guest, KEYBOARD).await?;
    machine.keyboard.plug(KEYBOARD_PORT).await?;
    has(&mut machine.guest, KEYBOARD).await?;
    watch(&mut machine).await?;
    installed::gives(&mut machine.guest, "1280x720@10FPS, MJPEG").await?;
    machine.camera.pull().await;
    watch(&mut machine).await?;
    attach(&mut machine).await?;
    installed::is_healthy(&mut machine.guest).await?;
    machine.camera.pull().await;
    machine.bridge.pull().await;
    misses(&mut machine.guest, CAMERA).await?;
    misses(&mut machine.guest, FLAP).await?;
    // Ours by its first letters, and of a format that no gate knows: each character counts.
    machine.keyboard.type_line("CM9:1").await?;
    assert_eq!(installed::verdict(&mut machine.guest, KEYBOARD, 1).await?, Reason::UnknownVersion);
    assert_eq!(scan(&mut machine, first, 2).await?, Reason::Admitted);
    opens(&mut machine).await?;
    shuts(&mut machine, 1).await?;
    installed::is_through(&mut machine.guest, "opened").await?;
    // Row 3 is what the arm told.
    assert_eq!(scan(&mut machine, first, 4).await?, Reason::AlreadyUsed);
    machine.cut_power().await?;

    let mut machine = Machine::boot(&image, folder, Time::Ours).await?;
    runs(&mut machine.guest).await?;
    plug_in(&mut machine).await?;
    assert_eq!(rows(&mut machine.guest).await?, 4, "the journal is whole, as the agent checked when it opened it");
    assert_eq!(scan(&mut machine, first, 5).await?, Reason::AlreadyUsed);
    assert_eq!(scan(&mut machine, second, 6).await?, Reason::Admitted);
    // Nothing came for the one who was refused.
    opens(&mut machine).await?;
    machine.guest.run("systemctl kill --kill-whom=main --signal=KILL countermark-gate").await?;
    // By its guard, by systemd after its end, and by the one that is started in its place.
    shuts(&mut machine, 3).await?;
    // So that it is known when the new one has it.
    machine.scanner.pull();
    misses(&mut machine.guest, SCANNER).await?;
    machine.scanner.plug().await?;
    has(&mut machine.guest, SCANNER).await?;
    assert_eq!(scan(&mut machine, third, 7).await?, Reason::Admitted);
    opens(&mut machine).await?;
    // With its guard: nothing outside the agent can stop its ledger's thread alone. The watchdog ends both.
    machine.guest.run("systemctl kill --signal=STOP countermark-gate").await?;
    shuts(&mut machine, 2).await?;
    runs(&mut machine.guest).await?;
    assert_eq!(rows(&mut machine.guest).await?, 7);

    // From here on nobody counts rows: to an agent that is started anew, what is held is shown anew.
    has(&mut machine.guest, ARM).await?;
    watch(&mut machine).await?;
    attach(&mut machine).await?;
    machine.camera.show(large)?;
    admits(&mut machine.guest, CAMERA, 1).await?;
    drives(&mut machine, true).await?;
    // Nobody else comes in by the rest of the pulse.
    installed::pass(&mut machine).await?;
    drives(&mut machine, false).await?;
    machine.camera.show(left)?;
    admits(&mut machine.guest, CAMERA, 2).await?;
    drives(&mut machine, true).await?;
    installed::is_through(&mut machine.guest, "NOT TURNED").await?;
    drives(&mut machine, false).await?;
    installed::ask_for(&mut machine.guest, [640, 360]).await?;
    installed::gives(&mut machine.guest, "640x360@10FPS, YUYV").await?;
    has(&mut machine.guest, FLAP).await?;
    machine.camera.show(small)?;
    admits(&mut machine.guest, CAMERA, 3).await?;
    drives(&mut machine, true).await?;
    // Whose the lines are then, the kernel does not say; this chip's driver leaves them as they were.
    machine.guest.run("systemctl kill --kill-whom=main --signal=KILL countermark-gate").await?;
    drives(&mut machine, false).await?;
    has(&mut machine.guest, CAMERA).await?;
    // Nobody knows whether they came through before that.
    let heard = installed::listen(&mut machine.guest).await?;
    assert_eq!(heard, (CAMERA.to_owned(), Reason::Interrupted));
    hardened::stands(&mut machine, last).await
}

/// Scanner and relay, after the agent began without them. The arm is shut first of all.
async fn plug_in(machine: &mut Machine) -> Result<()> {
    for device in [SCANNER, ARM] {
        misses(&mut machine.guest, device).await?;
    }
    machine.scanner.plug().await?;
    machine.relay.plug().await?;
    for device in [SCANNER, ARM] {
        has(&mut machine.guest, device).await?;
    }
    shuts(machine, 1).await
}

/// The chip of the flap, which the agent is without.
async fn attach(machine: &mut Machine) -> Result<()> {
    misses(&mut machine.guest, FLAP).await?;
    machine.bridge.plug().await?;
    has(&mut machine.guest, FLAP).await
}

/// The camera, which the agent is without; over an empty table.
async fn watch(machine: &mut Machine) -> Result<()> {
    misses(&mut machine.guest, CAMERA).await?;
    machine.camera.plug().await?;
    has(&mut machine.guest, CAMERA).await
}
