//! What an entrance costs: `cargo bench -p countermark-tests --bench gate` prints lines `figure NAME VALUE UNIT`.
//!
//! Everything is on one disk, in the folder for temporary files of cargo's target; ratios are of things that were done in turns. `-- --quick`
//! takes a tenth.

mod disk;
#[expect(dead_code, reason = "the reading's benchmark draws them in more ways")]
#[path = "../reading/frames.rs"]
mod frames;
mod measure;
mod started;
mod uploaded;
mod world;

use std::path::Path;

use clap::Parser;
use countermark_postgres::{Durability, Server};
use countermark_tests::{binaries, clock};
use tempfile::TempDir;

use world::Event;

/// What the design asks to be held, and shown, at once.
const TEN_MILLION: u32 = 10_000_000;
/// 72 hours at 11 scans a minute.
const THREE_DAYS: u32 = 47_520;

#[derive(Parser)]
struct Arguments {
    /// A tenth of the work.
    #[arg(long)]
    quick: bool,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let Arguments { quick, bench: _ } = Arguments::parse();
    let share = if quick { 10 } else { 1 };
    // Not a memory disk, as `/tmp` may be.
    let disk = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = || TempDir::new_in(disk);
    let event = Event::of(60_000, clock::now())?;
    disk::verdicts(folder()?.path(), &event, 2_000 / share)?;
    disk::pictures(folder()?.path(), &event, 500 / share)?;
    let programs = binaries::build()?;
    let large = Event::of(TEN_MILLION, clock::now())?;
    started::starts(&programs.gate, folder()?.path(), &large)?;
    let server = Server::start_with(disk, Durability::Full)?;
    tokio::runtime::Runtime::new()?.block_on(uploaded::uploads(&server, THREE_DAYS / share))
}
