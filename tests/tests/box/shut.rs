//! A gate whose disk takes no file more, under systemd. Owns how the disk is filled and emptied, and what the service manager makes of it.

use anyhow::{Result, ensure};

use crate::guest::Guest;

const UNIT: &str = "countermark-gate";
const FOLDER: &str = "/var/lib/countermark-gate";
/// `WatchdogSec=` of the unit.
const WATCHDOG_MICROSECONDS: u64 = 30_000_000;

/// Gives the data folder of a gate that stands still a disk of its own, without room for one file more.
pub(crate) async fn fill(guest: &mut Guest) -> Result<()> {
    for step in [
        &format!("cp --archive {FOLDER} /tmp/aside"),
        &format!("mount --types tmpfs --options size=16M,nr_inodes=64,mode=0700 none {FOLDER}"),
        &format!("chown {UNIT}: {FOLDER} && cp --archive /tmp/aside/. {FOLDER}"),
        &format!(
            "mkdir {FOLDER}/full && cd {FOLDER}/full && for number in $(seq 64); do touch $number; done 2> /dev/null; ! touch last"
        ),
    ] {
        guest.run(step).await?;
    }
    Ok(())
}

/// Makes room.
pub(crate) async fn empty(guest: &mut Guest) -> Result<()> {
    guest.run(&format!("rm --recursive {FOLDER}/full")).await.map(drop)
}

/// Waits until the screen's page is told why nobody is let in.
pub(crate) async fn says_why(guest: &mut Guest) -> Result<()> {
    let page = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/8600 && printf \"GET /events HTTP/1.1\\r\\nHost: 127.0.0.1:8600\\r\\n\\r\\n\" >&3 && grep --max-count=1 stopped_by <&3'";
    let why = |said: &str| said.contains("DISK FULL, nobody is let in").then_some(());
    guest.until("the page was told why", page, why).await
}

/// Asks the doctor, who must say of what the disk has too little.
pub(crate) async fn is_explained(guest: &mut Guest) -> Result<()> {
    let said = guest.run(&format!("runuser -u {UNIT} -- {UNIT} doctor --json || test $? -eq 3")).await?;
    let found = |line: &str| line.contains(r#""part":"disk files","standing":"wrong""#);
    ensure!(said.lines().any(found), "the doctor does not see it:\n{said}");
    Ok(())
}

/// Waits until the service manager has heard from the agent later than its watchdog would have ended one that is silent; and that it is
/// the one that was started, and no other.
pub(crate) async fn outlives_its_watchdog(guest: &mut Guest) -> Result<()> {
    let shown = format!("systemctl show {UNIT}");
    let said = guest
        .until("the agent outlived its watchdog", &shown, |said| {
            let of = |name: &str| {
                said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok())
            };
            let lived = of("WatchdogTimestampMonotonic")?.checked_sub(of("ActiveEnterTimestampMonotonic")?)?;
            (lived > WATCHDOG_MICROSECONDS).then(|| said.to_owned())
        })
        .await?;
    let is = |line: &str| said.lines().any(|said| said == line);
    ensure!(is("ActiveState=active") && is("NRestarts=0"), "the agent was started anew:\n{said}");
    Ok(())
}
