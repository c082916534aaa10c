//! One box: its gate, its folder, its power and its clocks. Refuses to know who comes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use countermark_gate::rehearsal::{Gate, Identity, Moment};
use countermark_shared::documents::RootFingerprint;
use countermark_shared::id::{GateId, Slot};
use countermark_shared::journal::BootId;
use countermark_shared::time::Timestamp;
use tempfile::TempDir;

use super::happening::Shown;
use super::venue::{BEGIN, ENTRY, gate_key};

/// How often it asks for a newer head.
pub(super) const POLL: Duration = Duration::from_secs(30);
/// Memory that looks like a disk: what a sync costs is measured elsewhere.
const MEMORY: &str = "/dev/shm";

/// A box at an entrance.
pub(super) struct Entrance {
    /// Its gate's number.
    pub(super) id: GateId,
    root: RootFingerprint,
    folder: TempDir,
    gate: Option<Gate>,
    boots: u8,
    booted: Duration,
    /// How much its crystal is wrong, in millionths.
    pub(super) drift: i64,
    /// How far its battery clock is off, in milliseconds.
    pub(super) offset: i64,
    /// Whether no network reaches it.
    pub(super) cut_off: bool,
    /// Since when it has run and been connected without a break; none while it is not.
    in_touch_since: Option<Duration>,
    /// When somebody last came in here with a seat.
    pub(super) came_in: BTreeMap<Slot, Duration>,
    /// Whether its calendar was ever moved by more than a hand does.
    pub(super) jumped: bool,
    /// The poll that counts: an earlier one was overtaken.
    pub(super) wake: u64,
    /// The exchange under way.
    pub(super) under_way: Option<u64>,
    /// How often it was started: what was asked by another run is for nobody.
    pub(super) runs: u64,
    /// Who was shown and has no answer, since the others are asked, by the rows that ask.
    pub(super) asked: BTreeMap<u64, Shown>,
    /// Whether it is here, and not carried off.
    pub(super) is_here: bool,
    /// How it is set up.
    pub(super) outfit: Outfit,
    image: Option<Image>,
}

/// How a box is set up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outfit {
    /// An arm tells whether somebody went through.
    pub(super) has_arm: bool,
    /// The others are asked about every ticket.
    pub(super) asks_others: bool,
}

/// What was on a box's disk at some moment.
struct Image {
    folder: TempDir,
    rows: u64,
}

/// How a gate ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The process, on a machine that goes on.
    Process,
    /// The machine, and with it all that was not on the disk.
    Power,
}

impl Entrance {
    /// A box that was enrolled and never switched on.
    pub(super) fn new(id: GateId, root: RootFingerprint, drift: i64, offset: i64) -> anyhow::Result<Self> {
        Ok(Self {
            id,
            root,
            folder: folder()?,
            gate: None,
            boots: 0,
            booted: Duration::ZERO,
            drift,
            offset,
            cut_off: false,
            in_touch_since: None,
            came_in: BTreeMap::new(),
            jumped: false,
            wake: 0,
            under_way: None,
            runs: 0,
            asked: BTreeMap::new(),
            is_here: true,
            outfit: Outfit::default(),
            image: None,
        })
    }

    /// Its gate and what its clocks say, while it runs.
    pub(super) fn running(&mut self, now: Duration) -> Option<(&mut Gate, Moment)> {
        let moment = self.moment(now);
        self.gate.as_mut().map(|gate| (gate, moment))
    }

    /// Starts it, unless it runs or is not here.
    pub(super) fn start(&mut self, now: Duration) -> anyhow::Result<()> {
        if self.gate.is_some() || !self.is_here {
            return Ok(());
        }
        let identity =
            Identity { gate: self.id, root: self.root, key: gate_key(self.id), unwrapping_key: None, poll: POLL };
        let (boot, moment) = (BootId::new([self.boots; 16]), self.moment(now));
        let gate = Gate::open(self.folder.path(), identity, boot, moment);
        let mut gate = gate.with_context(|| format!("gate {} does not start", self.id))?;
        if self.outfit.has_arm {
            gate.has_outputs_at(BTreeSet::from([ENTRY]));
        }
        gate.asks_others(self.outfit.asks_others);
        self.gate = Some(gate);
        self.runs += 1;
        self.in_touch_since = Some(now).filter(|_| !self.cut_off);
        (self.under_way, self.wake) = (None, self.wake + 1);
        Ok(())
    }

    /// Ends it. Where the power goes, what was in the files then is what the next start finds; nothing was closed.
    pub(super) fn end(&mut self, how: End, now: Duration) -> anyhow::Result<()> {
        if how == End::Power {
            let survived = folder()?;
            copy(self.folder.path(), survived.path()).context("the disk cannot be copied")?;
            self.gate = None;
            self.folder = survived;
            (self.boots, self.booted) = (self.boots + 1, now);
        }
        self.gate = None;
        self.in_touch_since = None;
        self.asked.clear();
        self.under_way = None;
        Ok(())
    }

    /// Cuts it off from the network, or connects it again.
    pub(super) fn cut(&mut self, cut: bool, now: Duration) {
        self.cut_off = cut;
        let again = self.in_touch_since.or_else(|| self.gate.as_ref().map(|_| now));
        self.in_touch_since = again.filter(|_| !cut);
    }

    /// The cloud begins anew: what it knew of this box may be gone.
    pub(super) fn is_forgotten(&mut self, now: Duration) {
        self.in_touch_since = self.in_touch_since.map(|_| now);
    }

    /// Whether it has been in touch with the cloud, without a break and by a right clock, since then.
    pub(super) fn is_in_touch_since(&self, when: Duration) -> bool {
        self.is_here && !self.jumped && self.in_touch_since.is_some_and(|since| since <= when)
    }

    /// Takes an image of its disk, while it runs.
    pub(super) fn copy_disk(&mut self) -> anyhow::Result<()> {
        if let Some(gate) = &self.gate {
            let (folder, rows) = (folder()?, gate.view()?.rows);
            copy(self.folder.path(), folder.path()).context("the disk cannot be copied")?;
            self.image = Some(Image { folder, rows });
        }
        Ok(())
    }

    /// Ends it, and puts the image of its disk back, if there is one; the answer is how many rows that has.
    pub(super) fn put_back(&mut self, now: Duration) -> anyhow::Result<Option<u64>> {
        let Some(Image { folder, rows }) = self.image.take().filter(|_| self.is_here) else { return Ok(None) };
        self.end(End::Power, now)?;
        self.folder = folder;
        Ok(Some(rows))
    }

    /// What its clocks say.
    pub(super) fn moment(&self, now: Duration) -> Moment {
        let uptime = by_crystal(now.saturating_sub(self.booted), self.drift);
        Moment { battery: shifted(BEGIN + by_crystal(now, self.drift), self.offset), uptime }
    }

    /// How long it takes by a right clock until its uptime is that.
    pub(super) fn until(&self, uptime: Duration, now: Duration) -> Duration {
        let wait = by_crystal(uptime.saturating_sub(self.moment(now).uptime), -self.drift);
        // A crystal's error of its error is less than a microsecond in a second.
        wait + wait / 1_000_000 + Duration::from_millis(1)
    }
}

/// An instant, so many milliseconds later, or earlier.
pub(super) fn shifted(at: Timestamp, milliseconds: i64) -> Timestamp {
    let by = Duration::from_millis(milliseconds.unsigned_abs());
    if milliseconds < 0 { at - by } else { at + by }
}

fn by_crystal(elapsed: Duration, drift: i64) -> Duration {
    let error = elapsed.mul_f64(f64::from(u32::try_from(drift.unsigned_abs()).unwrap_or(u32::MAX)) / 1e6);
    if drift < 0 { elapsed.saturating_sub(error) } else { elapsed + error }
}

fn folder() -> anyhow::Result<TempDir> {
    let memory = Path::new(MEMORY);
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.context("a gate's folder cannot be made")
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
