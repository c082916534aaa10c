//! Promises of the machines over any order of events, whenever they are asked.

use std::collections::BTreeMap;
use std::time::Duration;

use countermark_shared::verdict::Severity;
use proptest::prelude::*;

use super::{Act, Duty, Machine, Opening, PATIENCE, Turns, Verdict};
use crate::outputs::passage::Passage;

#[derive(Clone, Copy, Debug)]
enum Event {
    Verdict { persons: u8, late: u64 },
    Turned,
    Blinded,
    Failed,
    Nothing,
}

fn event() -> impl Strategy<Value = (u64, Event)> {
    let event = prop_oneof![
        4 => (0_u8..4, 0_u64..5000).prop_map(|(persons, late)| Event::Verdict { persons, late }),
        2 => Just(Event::Turned),
        1 => Just(Event::Blinded),
        1 => Just(Event::Failed),
        6 => Just(Event::Nothing),
    ];
    (0_u64..1500, event)
}

fn opening() -> impl Strategy<Value = Opening> {
    let within = proptest::option::of(500_u64..5000);
    (50_u64..2000, 0_u64..2000, any::<bool>(), within).prop_map(|(pulse, pause, each, within)| Opening {
        pulse: Duration::from_millis(pulse),
        pause: Duration::from_millis(pause),
        turns: if each { Turns::Person } else { Turns::Admission },
        within: within.map(|within| Duration::from_millis(within.max(pulse))),
    })
}

/// What somebody sees who watches the contact.
#[derive(Default)]
struct Watched {
    on_since: Option<Duration>,
    /// When the arm turned last.
    turned: Option<Duration>,
    off_since: Option<Duration>,
    pulses: u64,
    said: u64,
    /// When each row was admitted, as far as its turns are told of.
    admitted: BTreeMap<u64, Duration>,
    /// When the pulse began that nothing was said of yet.
    opened: Option<Duration>,
    /// When the last one who was let through was gone, and the pause was over.
    moved: Duration,
}

impl Watched {
    fn see(&mut self, act: Act, now: Duration, opening: &Opening) {
        match act {
            Act::On(length) => {
                assert!(self.on_since.is_none(), "switched on twice");
                assert_eq!(length, opening.pulse);
                if let Some(off) = self.off_since {
                    assert!(now >= off + opening.pause, "a pause of {:?}", now.saturating_sub(off));
                }
                self.opened = Some(now);
                self.pulses += 1;
            }
            Act::Off => {
                let on = self.on_since.take().expect("switched off twice");
                let whole = now == on + opening.pulse;
                assert!(whole || self.turned == Some(now), "on for {:?}", now.saturating_sub(on));
                self.off_since = Some(now);
            }
            Act::Say(row, passage) => {
                self.said += 1;
                assert!(passage != Passage::NotTurned || opening.within.is_some());
                self.is_in_time(row, passage, now, opening);
            }
        }
    }

    /// Nobody is let in more than three seconds after the verdict, unless somebody was let through before.
    fn is_in_time(&mut self, row: Option<u64>, passage: Passage, now: Duration, opening: &Opening) {
        let through = match passage {
            Passage::NotOpened => return,
            Passage::Opened => self.off_since.expect("it was switched off"),
            Passage::Turned | Passage::NotTurned => now,
        };
        let opened = self.opened.take().expect("a pulse is told of once");
        let since = self.admitted[&row.expect("each has a row")].max(self.moved);
        assert!(opened <= since + PATIENCE, "{:?} late", opened.saturating_sub(since));
        if passage != Passage::NotTurned {
            let off = self.off_since.expect("it was switched off");
            self.moved = through.max(off + opening.pause);
        }
    }
}

/// Does what is due; the device takes so long to switch on. Answers what time it is then.
fn perform(machine: &mut Machine, watched: &mut Watched, now: Duration, slow: Duration, opening: &Opening) -> Duration {
    let mut on = false;
    for act in machine.advance(now) {
        watched.see(act, now, opening);
        on |= matches!(act, Act::On(_));
    }
    if !on {
        return now;
    }
    machine.switched_on(now + slow);
    watched.on_since = Some(now + slow);
    now + slow
}

proptest! {
    #[test]
    fn an_opener_keeps_pulse_and_pause_and_opens_for_admissions_alone(
        opening in opening(),
        slow in 0_u64..1000,
        events in proptest::collection::vec(event(), 1..80),
    ) {
        let mut machine = Machine::new(Duty::Opens(opening.clone()));
        let mut watched = Watched::default();
        let slow = Duration::from_millis(slow);
        let (mut now, mut owed) = (Duration::from_secs(100), 0);
        for (row, (passed, event)) in (0..).zip(events) {
            let next = now + Duration::from_millis(passed);
            // As the thread does: it wakes whenever something is due.
            while let Some(due) = machine.due().filter(|due| *due <= next) {
                now = perform(&mut machine, &mut watched, due.max(now), slow, &opening);
            }
            now = next.max(now);
            match event {
                Event::Verdict { persons, late } => {
                    let severity = if persons > 0 { Severity::Admit } else { Severity::Refuse };
                    owed += match opening.turns {
                        Turns::Person => u64::from(persons),
                        Turns::Admission => u64::from(persons.min(1)),
                    };
                    let at = now.saturating_sub(Duration::from_millis(late));
                    watched.admitted.insert(row, at);
                    machine.hear(&Verdict { row: Some(row), severity, persons, at }, now);
                }
                Event::Turned => {
                    watched.turned = Some(now);
                    machine.turned(now);
                }
                Event::Blinded => machine.blinded(),
                Event::Failed => {
                    machine.failed(now);
                    // The thread finds the device again, and switches it off first.
                    if watched.on_since.take().is_some() {
                        watched.off_since = Some(now);
                    }
                }
                Event::Nothing => {}
            }
            now = perform(&mut machine, &mut watched, now, slow, &opening);
            prop_assert!(watched.pulses <= owed, "{} pulses for {owed} turns", watched.pulses);
        }
        while let Some(due) = machine.due() {
            now = perform(&mut machine, &mut watched, due.max(now), slow, &opening);
        }
        prop_assert!(watched.on_since.is_none(), "it stays on");
        prop_assert_eq!(watched.said, owed, "each turn that is owed is told of once");
    }

    #[test]
    fn a_signal_is_never_on_longer_than_its_step(
        pattern in proptest::collection::vec(20_u64..500, 0..6),
        events in proptest::collection::vec((0_u64..700, any::<bool>()), 1..60),
    ) {
        let pattern: Vec<_> = pattern.into_iter().map(Duration::from_millis).collect();
        let mut machine = Machine::new(Duty::Shows([(Severity::Admit, pattern)].into()));
        let mut on: Option<(Duration, Duration)> = None;
        let mut now = Duration::from_secs(100);
        let mut see = |acts: Vec<Act>, now: Duration| {
            for act in acts {
                match act {
                    Act::On(length) => assert!(on.replace((now, length)).is_none(), "switched on twice"),
                    Act::Off => {
                        let (since, length) = on.take().expect("switched off twice");
                        assert!(now <= since + length);
                    }
                    Act::Say(..) => panic!("a lamp lets nobody through"),
                }
            }
            on.is_some()
        };
        for (passed, good) in events {
            let next = now + Duration::from_millis(passed);
            while let Some(due) = machine.due().filter(|due| *due <= next) {
                now = due.max(now);
                see(machine.advance(now), now);
            }
            now = next;
            let severity = if good { Severity::Admit } else { Severity::Refuse };
            machine.hear(&Verdict { row: None, severity, persons: 0, at: now }, now);
            let lit = see(machine.advance(now), now);
            prop_assert!(good || !lit, "green for a refused scan");
        }
        while let Some(due) = machine.due() {
            now = due.max(now);
            see(machine.advance(now), now);
        }
        prop_assert!(!see(machine.advance(now), now), "it stays on");
    }
}
