//! What the page for field staff promises of a box that stands at an entrance: nobody else has its keyboard, its agent may do no more than it has to, its
//! keys are credentials once the page's commands were typed, and it is put aside to be enrolled anew. Types what the page says.

use anyhow::{Context, Result, ensure};
use countermark_shared::verdict::Reason;

use crate::guest::Guest;
use crate::installed::{ARM, CAMERA, FLAP, KEYBOARD, SCANNER, has, is_healthy, misses, rows, runs, scan};
use crate::machine::{KEYBOARD_PORT, Machine};

/// The page.
const PAGE: &str = include_str!("../../../firmware-config/README.md");
const FOLDER: &str = "/var/lib/countermark-gate";

/// Of a machine that stands there with its agent stopped, and a ticket for its scanner.
pub(crate) async fn stands(machine: &mut Machine, ticket: &str) -> Result<()> {
    // What is held before it would be a row by itself.
    machine.camera.pull().await;
    machine.keyboard.plug(KEYBOARD_PORT).await?;
    machine.guest.run("systemctl start countermark-gate").await?;
    misses(&mut machine.guest, CAMERA).await?;
    has(&mut machine.guest, KEYBOARD).await?;
    types_for_nobody_else(&mut machine.guest).await?;
    is_confined(&mut machine.guest).await?;

    machine.guest.run(&page_block("systemd-creds encrypt")?).await?;
    let left = machine.guest.run(&format!("ls {FOLDER}")).await?;
    ensure!(!left.contains(".key") && !left.contains("keys"), "a key lies in the folder:\n{left}");
    has(&mut machine.guest, SCANNER).await?;
    let row = rows(&mut machine.guest).await? + 1;
    assert_eq!(scan(machine, ticket, row).await?, Reason::Admitted, "by an agent whose keys are credentials");
    machine.camera.plug().await?;
    for device in [ARM, FLAP, CAMERA] {
        has(&mut machine.guest, device).await?;
    }
    is_healthy(&mut machine.guest).await?;
    is_enrolled_anew(&mut machine.guest).await?;
    machine.guest.run("timedatectl set-time \"$(date --utc '+%F %T') UTC\"").await.map(drop)
}

/// The keys of a scanner that is a keyboard reach the agent alone.
async fn types_for_nobody_else(guest: &mut Guest) -> Result<()> {
    let device =
        guest.run("grep --only-matching '/dev/countermark/keyboard-[^\"]*' /etc/countermark-gate/gate.toml").await?;
    let listen = format!("countermark-gate listen --keyboard {}", device.trim());
    guest.run(&format!("systemd-run --unit=listen --uid=countermark-gate {listen}")).await?;
    let busy = |said: &str| said.contains("is in use by another program").then_some(());
    guest.until("the keyboard was the agent's alone", "journalctl --unit listen --output cat", busy).await?;
    guest.run("systemctl stop listen").await.map(drop)
}

/// The unit's sandbox, as the kernel has it (`proc_pid_status(5)`: 2 is a filter), and the limits of the log.
async fn is_confined(guest: &mut Guest) -> Result<()> {
    let pid = "$(systemctl show --property=MainPID --value countermark-gate)";
    let status = guest.run(&format!("grep -E '^(NoNewPrivs|Seccomp):' /proc/{pid}/status")).await?;
    let words: Vec<_> = status.split_whitespace().collect();
    ensure!(words == ["NoNewPrivs:", "1", "Seccomp:", "2"], "the agent is not confined:\n{status}");
    let journald = guest.run("systemd-analyze cat-config systemd/journald.conf").await?;
    ensure!(journald.contains("\nSystemMaxUse=256M\n"), "the log has no limit of ours:\n{journald}");
    Ok(())
}

/// The gate lies aside, no agent starts for want of one, and the next gate's keys come before the credentials of the last.
async fn is_enrolled_anew(guest: &mut Guest) -> Result<()> {
    let block = page_block("countermark-gate retire")?;
    let (retire, _) =
        block.split_once("runuser -u countermark-gate -- countermark-gate enroll").context("then enrol")?;
    guest.run(retire).await?;
    let left = guest.run(&format!("ls --almost-all {FOLDER}")).await?;
    ensure!(left.lines().count() == 1 && left.starts_with("retired-"), "the old gate is in the way:\n{left}");
    guest.run("systemctl start countermark-gate").await?;
    guest.run("test \"$(systemctl is-active countermark-gate)\" = inactive").await?;
    // Without a cloud the next one is brought, as the first was.
    guest.run("mount -o ro /dev/disk/by-label/stick /mnt").await?;
    guest.run(&format!("cp -r /mnt/gate/. {FOLDER} && chown -R countermark-gate: {FOLDER}; umount /mnt")).await?;
    guest.run("systemctl start countermark-gate").await?;
    runs(guest).await
}

/// The page's commands among which one is.
fn page_block(command: &str) -> Result<String> {
    let block =
        PAGE.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).find(|block| block.contains(command));
    Ok(format!("set -e\n{}", block.with_context(|| format!("the page says nothing of `{command}`"))?))
}
