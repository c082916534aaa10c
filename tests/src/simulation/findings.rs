//! What settling finds, looked at after each upload as validation's worker does: the seats and the gate that it touched, anew. Owns what must be
//! true of findings; what is found, the real `reconcile` says.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use countermark_service::contract::findings::{About, Evidence, Finding, Rule};
use countermark_shared::id::{GateId, Slot};
use countermark_validation::reconcile::{Found, GateHistory, Issued, SeatHistory};
use countermark_validation::rehearsal::Journals;

use super::cloud::Seat;
use super::tally::{Count, Tally};
use super::venue::Venue;

/// One for each thing and rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings(BTreeMap<(About, Rule), Found>);

/// What is known for certain, to hold findings against.
pub(super) struct Truth<'a> {
    /// All seats.
    pub(super) slots: Vec<Slot>,
    /// Whom the gates let in.
    pub(super) tally: &'a Tally,
    /// Boxes whose clocks may have been off by a minute.
    pub(super) wrong_clocks: &'a BTreeSet<GateId>,
    /// Seats of which an issue was taken back.
    pub(super) withdrawn: &'a BTreeSet<Slot>,
    /// Seats with which somebody was let in when the ticket had been withdrawn for a while.
    pub(super) used_late: BTreeSet<Slot>,
    /// Seats that staff took back.
    pub(super) taken_back: &'a BTreeSet<Slot>,
    /// Those of them that came in after it.
    pub(super) returned: BTreeSet<Slot>,
    /// A gate that was carried off, and whose journal goes on though nobody believes it.
    pub(super) lost: Option<GateId>,
    /// Gates that were carried off or put back, or told too late what they took back.
    pub(super) doubtful: &'a BTreeSet<GateId>,
    /// A gate whose disk was put back.
    pub(super) put_back: Option<GateId>,
    /// How many admissions it made up.
    pub(super) invented: u64,
}

impl Findings {
    /// All that follows from what is known now.
    pub(super) fn of(venue: &Venue, seats: &BTreeMap<Slot, Seat>, journals: &Journals) -> anyhow::Result<Self> {
        let mut findings = Self::default();
        for slot in seats.keys() {
            findings.look_at_seat(venue, *slot, seats.get(slot), journals)?;
        }
        for gate in journals.gates() {
            findings.look_at_gate(gate, journals)?;
        }
        Ok(findings)
    }

    /// Looks at a seat anew.
    pub(super) fn look_at_seat(
        &mut self,
        venue: &Venue,
        slot: Slot,
        seat: Option<&Seat>,
        journals: &Journals,
    ) -> anyhow::Result<()> {
        let history = SeatHistory {
            event: venue.event.document(),
            slot,
            issued: seat.map(|seat| Issued { generation: seat.generation, since: seat.since, revoked: seat.revoked }),
            blocked: false,
            told: journals.told(slot),
        };
        let found = history.findings();
        let taken_back = history.told.iter().any(|told| told.row.undoes().is_some());
        let retracted = history.told.iter().any(|told| !told.believed);
        let doubled = (About::Seat { slot }, Rule::DoubleAdmission);
        let before = self.0.get(&doubled).map(count);
        self.replace(|about| *about == doubled.0, found)?;
        let after = self.0.get(&doubled).map(count);
        ensure!(
            before <= after || taken_back || retracted,
            "the double admission of seat {slot} became {after:?} of {before:?}"
        );
        Ok(())
    }

    /// Looks at a gate's journal anew.
    pub(super) fn look_at_gate(&mut self, gate: GateId, journals: &Journals) -> anyhow::Result<()> {
        let found = GateHistory::of(gate, &journals.links(gate), 0).findings();
        self.replace(|about| matches!(about, About::Gate { gate: of, row: _ } if *of == gate), found)
    }

    fn replace(&mut self, is_about: impl Fn(&About) -> bool, found: Vec<Found>) -> anyhow::Result<()> {
        self.0.retain(|(about, _), _| !is_about(about));
        for found in found {
            let (about, rule) = (found.about, found.rule);
            let second = self.0.insert((about, rule), found);
            ensure!(second.is_none(), "a second finding of {rule:?} about {about:?}");
        }
        Ok(())
    }

    /// Whether they say what happened: each double admission once, with each admission too many, and nothing of an honest gate.
    pub(super) fn tell_the_truth(&self, truth: &Truth<'_>) -> anyhow::Result<()> {
        for slot in &truth.slots {
            let found = |rule| self.0.get(&(About::Seat { slot: *slot }, rule)).map_or(0, count);
            let Count { admissions, overruled, .. } = truth.tally.all(*slot);
            let too_many = u64::from(admissions.saturating_sub(1));
            // Whom a supervisor let in is counted for those that follow: then the first that a gate let in by itself may be one too many.
            let most = if overruled == 0 { too_many } else { admissions.into() };
            let doubled = found(Rule::DoubleAdmission);
            let is_just = (too_many..=most).contains(&doubled);
            ensure!(is_just, "seat {slot} was let in by {admissions} gates, and the finding counts {doubled}");
            let told = found(Rule::Overruled);
            ensure!(told == u64::from(overruled), "seat {slot} was overruled {overruled} times, and {told} are found");
        }
        for (slots, rule) in [(&truth.used_late, Rule::UsedAfterRevocation), (&truth.returned, Rule::TakenBack)] {
            let missed = slots.iter().find(|slot| !self.0.contains_key(&(About::Seat { slot: **slot }, rule)));
            ensure!(missed.is_none(), "of seat {missed:?} {rule:?} is not found");
        }
        if let Some(gate) = truth.lost.filter(|_| truth.invented > 0) {
            let about = (About::Gate { gate, row: None }, Rule::Unproved);
            ensure!(self.0.contains_key(&about), "nothing is found about gate {gate}, which was carried off");
        }
        for (about, rule) in self.0.keys() {
            let is_just = match (rule, about) {
                (Rule::DoubleAdmission | Rule::ExitWithoutEntry | Rule::Overruled, About::Seat { slot: _ }) => true,
                (Rule::UsedAfterRevocation, About::Seat { slot }) => truth.withdrawn.contains(slot),
                (Rule::TakenBack, About::Seat { slot }) => truth.taken_back.contains(slot),
                (Rule::Fork | Rule::Gap | Rule::Unproved | Rule::ClockJump, About::Gate { gate, row: _ })
                    if truth.put_back == Some(*gate) =>
                {
                    true
                }
                (Rule::Unproved, About::Gate { gate, row: _ }) => truth.doubtful.contains(gate),
                // What it had not sent is missing.
                (Rule::Gap | Rule::ClockJump, About::Gate { gate, row: _ }) => {
                    truth.lost == Some(*gate) || (*rule == Rule::ClockJump && truth.wrong_clocks.contains(gate))
                }
                (
                    Rule::DoubleAdmission
                    | Rule::ExitWithoutEntry
                    | Rule::UsedAfterRevocation
                    | Rule::ClockJump
                    | Rule::NeverIssued
                    | Rule::Overruled
                    | Rule::TakenBack
                    | Rule::Held
                    | Rule::Gap
                    | Rule::Fork
                    | Rule::LostGate
                    | Rule::Unproved,
                    _,
                ) => false,
            };
            ensure!(is_just, "{rule:?} is found about {about:?}, and nothing of the kind happened");
        }
        Ok(())
    }

    /// Whether the service found the same: one for each thing and rule, with as much in it.
    pub(super) fn are(&self, listed: &[Finding]) -> anyhow::Result<()> {
        let listed: Vec<_> = listed.iter().map(|found| ((found.about, found.rule), size(&found.evidence))).collect();
        let found: BTreeMap<_, _> = self.0.iter().map(|(name, found)| (*name, count(found))).collect();
        let distinct: BTreeMap<_, _> = listed.iter().copied().collect();
        ensure!(distinct.len() == listed.len(), "the service has two findings of one thing and rule: {listed:?}");
        ensure!(distinct == found, "the service found {distinct:?}, and reconciling finds {found:?}");
        Ok(())
    }

    /// Whether two journals of a gate are found.
    pub(super) fn has_fork(&self, gate: GateId) -> bool {
        let is_of = |about: &About| matches!(about, About::Gate { gate: of, row: _ } if *of == gate);
        self.0.keys().any(|(about, rule)| *rule == Rule::Fork && is_of(about))
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.0.len() as u64
    }
}

fn count(found: &Found) -> u64 {
    size(&found.evidence)
}

fn size(evidence: &Evidence) -> u64 {
    match *evidence {
        Evidence::Scans { scans: _, count } | Evidence::Jumps { jumps: _, count } => count,
        Evidence::Rows { .. } | Evidence::Doubtful { .. } | Evidence::Silence { .. } => 1,
    }
}
