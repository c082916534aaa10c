//! The firewall at work: who gets through to the box and out of it while it is up, and once it is not. What reached the box and what left it is
//! counted by a table beside it, before and after it.

use anyhow::{Context, Result, ensure};

use crate::guest::Guest;
use crate::machine::Machine;
use crate::network::{DOOR, FAR, PORTS};

/// DHCP, as a venue has it.
const ADDRESS: &str = "printf '[Match]\\nName=en*\\n[Network]\\nDHCP=yes\\n' > /etc/systemd/network/venue.network";

/// A network from the next start on, and the firewall.
pub(crate) async fn set_up(guest: &mut Guest) -> Result<()> {
    guest.run(ADDRESS).await?;
    guest.run("systemctl enable systemd-networkd countermark-firewall").await.map(drop)
}

/// Whether it was up before the network began.
pub(crate) async fn came_first(guest: &mut Guest) -> Result<()> {
    guest.run("nft list table inet countermark").await?;
    let up = moment(guest, "ActiveEnterTimestampMonotonic", "countermark-firewall").await?;
    let network = moment(guest, "InactiveExitTimestampMonotonic", "systemd-networkd").await?;
    ensure!(0 < up && up < network, "the firewall was up at {up} µs, the network began at {network} µs");
    Ok(())
}

/// Asks it in both directions.
pub(crate) async fn keeps_out_and_in(machine: &mut Machine) -> Result<()> {
    let guest = &mut machine.guest;
    let [cloud, elsewhere] = PORTS;
    guest.run(&format!("nft '{}'", witness(elsewhere))).await?;
    start(guest, "door", &format!("systemd-socket-activate --listen={DOOR} --accept --inetd cat")).await?;
    reaches(guest, "127.0.0.1", DOOR).await?;
    reaches(guest, FAR, cloud).await?;

    let outside = machine.network.knock().await?;
    start(guest, "inside", &call(FAR, elsewhere)).await?;
    for (came, went) in [("knocked", "answered"), ("called", "left")] {
        guest.until(&format!("somebody {came}"), &count(came), |said| (packets(said)? > 0).then_some(())).await?;
        let through = guest.run(&count(went)).await?;
        ensure!(packets(&through) == Some(0), "the firewall let through what {came}: {went}, {through}");
    }
    guest.run("systemctl stop countermark-firewall").await?;
    // Both went on trying.
    outside.hears_back().await?;
    let inside = "journalctl --unit inside --output cat";
    guest.until("the call got out", inside, |said| said.contains(HEARD).then_some(())).await?;
    guest.run("systemctl start countermark-firewall").await.map(drop)
}

/// What is said in a call that was answered.
const HEARD: &str = "heard";

/// Says a word, and whether it came back.
fn call(host: &str, port: u16) -> String {
    format!("bash -c 'exec 3<>/dev/tcp/{host}/{port} && echo word >&3 && read -r word <&3 && echo {HEARD}'")
}

async fn reaches(guest: &mut Guest, host: &str, port: u16) -> Result<()> {
    let heard = |said: &str| said.contains(HEARD).then_some(());
    guest.until(&format!("{host} answered at {port}"), &call(host, port), heard).await
}

async fn start(guest: &mut Guest, unit: &str, command: &str) -> Result<()> {
    guest.run(&format!("systemd-run --unit={unit} {command}")).await.map(drop)
}

/// The kernel asks the tables in the order of their priorities; `raw` is before ours, which is a `filter`, and `security` after it.
fn witness(elsewhere: u16) -> String {
    format!(
        "table inet witness {{
            counter knocked {{ }}
            counter answered {{ }}
            counter called {{ }}
            counter left {{ }}
            chain came {{ type filter hook input priority raw; tcp dport {DOOR} iif != lo counter name knocked; }}
            chain calls {{ type filter hook output priority raw; tcp dport {elsewhere} counter name called; }}
            chain leaves {{
                type filter hook output priority security
                tcp sport {DOOR} oif != lo counter name answered
                tcp dport {elsewhere} counter name left
            }}
        }}"
    )
}

fn count(name: &str) -> String {
    format!("nft list counter inet witness {name}")
}

/// Of `packets 1 bytes 60`.
fn packets(counter: &str) -> Option<u64> {
    counter.split_whitespace().skip_while(|word| *word != "packets").nth(1)?.parse().ok()
}

async fn moment(guest: &mut Guest, what: &str, unit: &str) -> Result<u64> {
    let said = guest.run(&format!("systemctl show --value --property={what} {unit}")).await?;
    said.trim().parse().with_context(|| format!("{unit} says of {what}: {said}"))
}
