//! What an entrance costs: `cargo bench -p countermark-tests --bench gate` prints lines `figure NAME VALUE UNIT`.
//!
//! Everything is on one disk, in the folder for temporary files of cargo's target; ratios are of things that were done in turns. `-- --quick`
//! takes a tenth, `-- --only PART` one part.

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
    /// This part alone.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// From a text, or a picture, to a durable verdict.
    Verdicts,
    /// From the start of the program to its first verdict, and the memory it takes.
    Starts,
    /// Three days' rows, sent by a gate, and taken by validation.
    Uploads,
}

fn main() -> anyhow::Result<()> {
    let Arguments { quick, only, bench: _ } = Arguments::parse();
    let asked = |part| only.is_none_or(|only| only == part);
    let share = if quick { 10 } else { 1 };
    // Not a memory disk, as `/tmp` may be.
    let disk = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = || TempDir::new_in(disk);
    if asked(Part::Verdicts) {
        let event = Event::of(60_000, clock::now())?;
        disk::verdicts(folder()?.path(), &event, 2_000 / share)?;
        disk::pictures(folder()?.path(), &event, 500 / share)?;
    }
    if asked(Part::Starts) || asked(Part::Uploads) {
        let programs = binaries::build()?;
        if asked(Part::Starts) {
            let large = Event::of(TEN_MILLION, clock::now())?;
            started::starts(&programs.gate, folder()?.path(), &large, THREE_DAYS / share)?;
        }
        if asked(Part::Uploads) {
            let server = Server::start_with(disk, Durability::Full)?;
            tokio::runtime::Runtime::new()?.block_on(uploaded::uploads(&server, THREE_DAYS / share))?;
        }
    }
    Ok(())
}
