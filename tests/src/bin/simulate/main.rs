//! `cargo run -p countermark-tests --bin simulate -- --seeds 1000`: many nights at the doors in virtual time; `--seed N --trace` tells one again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use countermark_tests::simulation::{run, run_all};

/// Runs nights at the doors in virtual time, each from its seed.
#[derive(Parser)]
struct CommandLine {
    /// How many seeds to run.
    #[arg(long, default_value_t = 200, conflicts_with = "seed")]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// The one seed to run.
    #[arg(long)]
    seed: Option<u64>,
    /// Tell what happens in it.
    #[arg(long, requires = "seed")]
    trace: bool,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "what happened is what this program is for")]
fn main() -> anyhow::Result<()> {
    let CommandLine { seeds, from, seed, trace } = CommandLine::parse();
    let mut tell = |when: Duration, what: &str| println!("{:>9.3} {what}", when.as_secs_f64());
    let held = AtomicU64::new(0);
    let done = |seed| {
        let held = held.fetch_add(1, Ordering::Relaxed) + 1;
        eprintln!("seed {seed} held: {held} of {seeds}");
    };
    let counts = match seed {
        Some(seed) => run(seed, trace.then_some(&mut tell))?.counts,
        None => run_all(from..from + seeds, done)?,
    };
    ensure!(counts.scans > 0, "nothing happened");
    println!("everything held: {counts:?}");
    Ok(())
}
