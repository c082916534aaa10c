//! What is wrong with a gate's journal, its clock, and its silence.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use countermark_service::contract::findings::{About, Evidence, Jump, MOST_ITEMS, Rule};
use countermark_shared::id::GateId;
use countermark_shared::journal::{ChainHash, ClockState, JournalRow};
use countermark_shared::time::Timestamp;

use super::{CLOCKS_APART, Found};

/// How long a gate may be silent while the doors are open: an hour, as long as a session lasts. A gate asks every few seconds, and a
/// network that is away for minutes is no news.
pub const SILENCE: Duration = Duration::from_hours(1);

/// All that is known of one gate's journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateHistory {
    /// The gate.
    pub gate: GateId,
    /// Rows that do not follow the row before, by number.
    pub breaks: Vec<Break>,
    /// Numbers under which another row was told than the one that stands in the journal.
    pub forks: BTreeSet<u64>,
    /// Where its clock jumped, by number.
    pub jumps: Vec<Jump>,
    /// Rows that no ticket proves and that it may not vouch for, or that came while it was suspended.
    pub unproved: u64,
    /// Bytes that are no row.
    pub unreadable: u64,
}

/// A row that does not follow the row before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// Its number.
    pub row: u64,
    /// What is before it.
    pub follows: Follows,
}

/// What is before a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// The row before is not here; the last that is, 0 where there is none.
    Nothing {
        /// Its number.
        last: u64,
    },
    /// Another row than the one that its chain names.
    Another,
}

/// A row as a gate uploaded it: for whoever has a gate's rows and no database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The row.
    pub row: JournalRow,
    /// The chain before it.
    pub before: ChainHash,
    /// The chain after it.
    pub after: ChainHash,
    /// When it arrived.
    pub received: Timestamp,
    /// Whether it counts.
    pub believed: bool,
    /// Whether another row stands in the journal under its number.
    pub aside: bool,
}

/// When a gate was heard, and when people come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attendance {
    /// When it was last heard.
    pub seen: Timestamp,
    /// When the first may come in.
    pub doors: Timestamp,
    /// When the last may: a gate that was heard after that may be switched off.
    pub last_entry: Timestamp,
    /// The last row of its journal that is here.
    pub last_row: Option<u64>,
}

impl GateHistory {
    /// What those rows come to, in whatever order they are.
    pub fn of(gate: GateId, links: &[Link], unreadable: u64) -> Self {
        let mut journal = BTreeMap::<u64, &Link>::new();
        let mut forks = BTreeSet::new();
        for link in links {
            if link.aside {
                forks.insert(link.row.sequence);
            } else {
                journal.insert(link.row.sequence, link);
            }
        }
        let (mut breaks, mut found) = (Vec::new(), Vec::new());
        let mut last: Option<&Link> = None;
        for (row, link) in &journal {
            let before = last.filter(|last| last.row.sequence + 1 == *row);
            let chain = before.map_or(ChainHash::START, |before| before.after);
            let follows = match before {
                None if *row > 1 => Some(Follows::Nothing { last: last.map_or(0, |last| last.row.sequence) }),
                Some(_) | None => (link.before != chain).then_some(Follows::Another),
            };
            breaks.extend(follows.map(|follows| Break { row: *row, follows }));
            found.extend(jumps(&link.row, before.map(|before| &before.row), link.received));
            last = Some(link);
        }
        let unproved = journal.values().filter(|link| !link.believed).count() as u64;
        Self { gate, breaks, forks, jumps: found, unproved, unreadable }
    }

    /// What is wrong with it, at most one of each rule and place.
    pub fn findings(&self) -> Vec<Found> {
        let gate = self.gate;
        let about = |row| About::Gate { gate, row };
        let gaps = self.breaks.iter().filter_map(|it| match it.follows {
            Follows::Nothing { last } => Some(Found {
                about: about(Some(it.row)),
                rule: Rule::Gap,
                evidence: Evidence::Rows { first: last + 1, last: it.row - 1 },
            }),
            Follows::Another => None,
        });
        let forks = runs(&self.told_twice()).into_iter().map(|(first, last)| Found {
            about: about(Some(first)),
            rule: Rule::Fork,
            evidence: Evidence::Rows { first, last },
        });
        let jumped = (!self.jumps.is_empty()).then(|| Found {
            about: about(None),
            rule: Rule::ClockJump,
            evidence: Evidence::Jumps {
                jumps: self.jumps.iter().take(MOST_ITEMS).copied().collect(),
                count: self.jumps.len() as u64,
            },
        });
        let (unproved, unreadable) = (self.unproved, self.unreadable);
        let doubtful = (unproved > 0 || unreadable > 0).then(|| Found {
            about: about(None),
            rule: Rule::Unproved,
            evidence: Evidence::Doubtful { unproved, unreadable },
        });
        gaps.chain(forks).chain(jumped).chain(doubtful).collect()
    }

    /// A row that follows another than the one before it says that there were two of those.
    fn told_twice(&self) -> BTreeSet<u64> {
        let followed = self.breaks.iter().filter(|it| it.follows == Follows::Another);
        self.forks.iter().copied().chain(followed.map(|it| it.row.saturating_sub(1).max(1))).collect()
    }
}

/// Numbers that follow one another, by the first and the last of each run.
fn runs(numbers: &BTreeSet<u64>) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*number) => *last = *number,
            _ => runs.push((*number, *number)),
        }
    }
    runs
}

/// What is wrong with the time that a row tells, against the row before it in the journal and when it arrived. An hour without a scan
/// looks like a clock that was put forward by one, so that forward is told only where it leads beyond what the cloud's own clock says.
pub fn jumps(row: &JournalRow, before: Option<&JournalRow>, received: Timestamp) -> Vec<Jump> {
    let before = before.filter(|before| before.boot == row.boot);
    let (number, at) = (row.sequence, row.at);
    let back = before.filter(|before| before.at.since(at) > CLOCKS_APART).map(|before| Jump::Back {
        row: number,
        from: before.at,
        to: at,
    });
    let ahead = (at.since(received) > CLOCKS_APART).then_some(Jump::Ahead { row: number, at, received });
    let is_new = before.is_none_or(|before| before.clock != row.clock);
    let disowned = match row.clock {
        ClockState::RolledBack | ClockState::Ahead if is_new => Some(Jump::Disowned { row: number, state: row.clock }),
        // What was never set has not jumped.
        ClockState::RolledBack | ClockState::Ahead | ClockState::Signed | ClockState::Battery | ClockState::Unknown => {
            None
        }
    };
    [back, ahead, disowned].into_iter().flatten().collect()
}

/// Whether a gate is lost at `now`: the doors are open and it has not been heard for [`SILENCE`], not after the last could come in either.
pub fn lost(gate: GateId, attendance: &Attendance, now: Timestamp) -> Option<Found> {
    let Attendance { seen, doors, last_entry, last_row } = *attendance;
    let is_lost = seen < last_entry && now.since(seen.max(doors)) >= SILENCE;
    is_lost.then_some(Found {
        about: About::Gate { gate, row: None },
        rule: Rule::LostGate,
        evidence: Evidence::Silence { since: seen, last_row },
    })
}
