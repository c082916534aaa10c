//! Gates, validation and people in virtual time: the real ledger, decisions, sync and settling under whatever a venue does to them. Boxes lose
//! network, process and power and have bad clocks; exchanges are lost, doubled, late and overtaken; seats are blocked, revoked and passed on
//! meanwhile. People come by trains, those who share a seat mostly to two gates and half of them at once. Tickets are for one or two, live, or strict;
//! some gates ask the others about every one, some have an arm that tells. Staff take back, confirm and overrule, and say that nobody went where
//! somebody did; boxes let old rows go. A gate is carried off, invents admissions with its key, and is suspended; the disk of another is put back as it
//! was; validation goes on from a backup that is five minutes old.
//!
//! All that happens follows from a seed: `cargo run -p countermark-tests --bin simulate -- --seed N --trace` tells it again. What must hold
//! whatever happens is `witness`'s; that it is no lie of this module's own, `cloud` keeps by asking the real law and the real `settle`.

mod asking;
mod cloud;
mod counts;
mod drought;
mod entrance;
mod feed;
mod findings;
mod happening;
mod laws;
mod list;
mod network;
mod plan;
mod replay;
mod showing;
mod staff;
mod tally;
mod thief;
mod venue;
mod witness;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use countermark_shared::id::GateId;
use countermark_shared::journal::ChainHash;
use countermark_shared::time::Timestamp;

pub use self::counts::Counts;
pub use self::drought::{Drought, SCANS, drought};
pub use self::replay::replay;

use self::cloud::{Arrived, Cloud};
use self::plan::Plan;
use self::world::World;

/// Who is told what happens: how long after the beginning, and what.
pub type Tell<'a> = Option<&'a mut dyn FnMut(Duration, &str)>;

/// A run in which everything held.
pub struct Run {
    /// How much of everything there was.
    pub counts: Counts,
    gates: u32,
    cloud: Cloud,
}

/// Runs one seed; the error says what did not hold, and how to see it again.
pub fn run(seed: u64, tell: Tell<'_>) -> anyhow::Result<Run> {
    let again = || {
        format!("seed {seed}: `cargo run -p countermark-tests --bin simulate -- --seed {seed} --trace` tells it again")
    };
    let plan = Plan::of(seed);
    let gates = plan.gates;
    let mut world = World::of(plan, tell)?;
    world.run().with_context(again)?;
    let World { cloud, witness, .. } = world;
    Ok(Run { counts: witness.counts, gates, cloud })
}

/// Runs many, on as many threads as the machine has, and says what they came to together; `done` hears of each that held. After one that failed
/// none begins.
pub fn run_all(seeds: std::ops::Range<u64>, done: impl Fn(u64) + Sync) -> anyhow::Result<Counts> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(seeds.start);
    let runs = || -> anyhow::Result<Counts> {
        let mut all = Counts::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return Ok(all);
            }
            let run = run(seed, None).inspect_err(|_| next.store(seeds.end, Ordering::Relaxed))?;
            all.add(run.counts);
            done(seed);
        }
    };
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|_| scope.spawn(runs)).collect();
        let mut all = Counts::default();
        for part in parts {
            all.add(part.join().map_err(|_| anyhow::anyhow!("a run panicked"))??);
        }
        Ok(all)
    })
}

impl Run {
    /// Whether validation forgot something in it, and went on from a backup.
    pub fn was_restored(&self) -> bool {
        self.cloud.restored.is_some()
    }

    /// Where each upload ended, in the order of their arrival.
    pub fn uploads(&self) -> impl Iterator<Item = (Timestamp, GateId, ChainHash)> {
        self.cloud.arrived.iter().filter_map(|(at, arrived)| match arrived {
            Arrived::Upload { gate, upload, answer: _ } => Some((*at, *gate, upload.checkpoint.hash)),
            Arrived::Report(_) | Arrived::Claim { .. } | Arrived::Suspend { .. } => None,
        })
    }
}
