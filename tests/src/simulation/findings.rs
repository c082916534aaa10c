//! What settling finds, looked at after each upload as validation's worker does: the seats and the gate that it touched, anew. Owns what must be
//! true of findings; what is found, the real `reconcile` says.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use countermark_service::contract::findings::{About, Evidence, Finding, Rule};
use countermark_shared::id::{GateId, Slot};
use countermark_validation::reconcile::{Found, GateHistory, Issued, SeatHistory};
use countermark_validation::rehearsal::Journals;

use super::cloud::Seat;
use super::venue::Venue;

/// One for each thing and rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Findings(BTreeMap<(About, Rule), Found>);

/// What is known for certain, to hold findings against.
pub(super) struct Truth<'a> {
    /// At how many gates each seat was admitted.
    pub(super) admitted: &'a BTreeMap<Slot, BTreeSet<GateId>>,
    /// Boxes whose clocks may have been off by a minute.
    pub(super) wrong_clocks: &'a BTreeSet<GateId>,
    /// Seats of which an issue was taken back.
    pub(super) withdrawn: &'a BTreeSet<Slot>,
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
            told: journals.told(slot),
        };
        let found = history.findings();
        let doubled = (About::Seat { slot }, Rule::DoubleAdmission);
        let before = self.0.get(&doubled).map(count);
        self.replace(|about| *about == doubled.0, found)?;
        let after = self.0.get(&doubled).map(count);
        ensure!(before <= after, "the double admission of seat {slot} became {after:?} of {before:?}");
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
        for (slot, gates) in truth.admitted {
            let found = self.0.get(&(About::Seat { slot: *slot }, Rule::DoubleAdmission)).map_or(0, count);
            let too_many = gates.len().saturating_sub(1) as u64;
            ensure!(found == too_many, "seat {slot} passed at gates {gates:?}, and the finding counts {found}");
        }
        for (about, rule) in self.0.keys() {
            let is_just = match (rule, about) {
                (Rule::DoubleAdmission | Rule::ExitWithoutEntry, About::Seat { slot: _ }) => true,
                (Rule::UsedAfterRevocation, About::Seat { slot }) => truth.withdrawn.contains(slot),
                (Rule::ClockJump, About::Gate { gate, row: _ }) => truth.wrong_clocks.contains(gate),
                (
                    Rule::DoubleAdmission
                    | Rule::ExitWithoutEntry
                    | Rule::UsedAfterRevocation
                    | Rule::ClockJump
                    | Rule::NeverIssued
                    | Rule::Overruled
                    | Rule::TakenBack
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
