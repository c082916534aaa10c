//! What comes to the box from outside, on a stick: the package, the folder of an enrolled gate, its `gate.toml`; and tickets that the gate was told of.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Result;
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::cloud::{Cloud, Migration};
use countermark_tests::gate::Gate;
use countermark_tests::process::run_well;
use countermark_tests::season::{self, FESTIVAL, SOLO};
use countermark_tests::{binaries, clock};

/// Fills the folder that is brought, and gives the texts of so many tickets.
pub(crate) async fn sell(tickets: u8, brought: &Path) -> Result<Vec<String>> {
    static SALES: AtomicU32 = AtomicU32::new(1);
    let server = tokio::task::spawn_blocking(countermark_postgres::shared).await?;
    let name = format!("box_{}", SALES.fetch_add(1, Ordering::Relaxed));
    let cloud = Cloud::start(server, &name, Migration::FromTemplate, &[FESTIVAL], &|_| {}).await?;
    let now = clock::now();
    let administrator = Administrator::log_in(&cloud).await?;
    administrator.publish(&season::festival(now, now + Duration::from_hours(6))?).await?;
    let offer = administrator.offer(&SOLO).await?;
    let buyer = Buyer::arrive(&cloud).await?;
    let gate = Gate::enrol(&cloud, "gate", &administrator.gate_with_lanes("North", FESTIVAL, &[1, 2]).await?).await?;
    let tickets: Vec<_> = buyer.buy(&offer, tickets).await?.into_iter().map(|ticket| ticket.text).collect();
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
