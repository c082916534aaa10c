//! Whatever is lost on the way, and whatever is published meanwhile.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Event {
    Scan(u8),
    Exchange(Fate),
    Restart,
    Say(u8, bool),
    Snapshot,
    /// Somebody is let in elsewhere, or a gate is thought of otherwise.
    Tell(u8, u8),
    FeedSnapshot,
    RaiseEpoch,
    Restore(u8),
    LoseStep,
    LoseBatch,
    RotateRoots,
    ReplaceListKey,
    Suspend(bool),
    Lag(bool),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let fate = prop_oneof![
        4 => Just(Fate::Arrives),
        2 => Just(Fate::RequestLost),
        2 => Just(Fate::ReplyLost),
        1 => Just(Fate::SessionEnds),
        1 => Just(Fate::Fails),
    ];
    let event = prop_oneof![
        6 => (0_u8..20).prop_map(Event::Scan),
        24 => fate.prop_map(Event::Exchange),
        2 => Just(Event::Restart),
        4 => (0_u8..120, any::<bool>()).prop_map(|(slot, blocked)| Event::Say(slot, blocked)),
        2 => Just(Event::Snapshot),
        4 => (0_u8..20, 0_u8..4).prop_map(|(slot, what)| Event::Tell(slot, what)),
        2 => Just(Event::FeedSnapshot),
        1 => Just(Event::RaiseEpoch),
        1 => (0_u8..8).prop_map(Event::Restore),
        1 => Just(Event::LoseStep),
        1 => Just(Event::LoseBatch),
        1 => Just(Event::RotateRoots),
        1 => Just(Event::ReplaceListKey),
        1 => any::<bool>().prop_map(Event::Suspend),
        1 => any::<bool>().prop_map(Event::Lag),
    ];
    proptest::collection::vec(event, 0..100)
}

impl World {
    fn happen(&mut self, event: Event) {
        let now = self.moment().battery;
        match event {
            Event::Scan(slot) => self.scan(&samples::ticket_of(slot.into(), 1).to_text()),
            Event::Exchange(fate) => self.step(fate),
            Event::Restart => self.restart(),
            Event::Say(slot, blocked) => {
                let state = if blocked { SlotState::Blocked } else { SlotState::Good };
                self.publisher().say([(Slot(slot.into()), state)]);
            }
            Event::Snapshot => self.publisher().publish_snapshot(),
            Event::Tell(slot, 0) => self.admitted_elsewhere(slot.into()),
            Event::Tell(_, what) => self.publisher().tell(&[], &[(GateId(9), thought(what))]),
            Event::FeedSnapshot => self.publisher().publish_feed_snapshot(),
            Event::RaiseEpoch => self.publisher().raise_epoch(),
            Event::Restore(lost) => self.validation.restore(lost.into()),
            Event::LoseStep => self.publisher().lose_last_step(),
            Event::LoseBatch => self.publisher().lose_last_batch(),
            Event::RotateRoots => self.publisher().rotate_roots(),
            Event::ReplaceListKey => self.publisher().replace_list_key(),
            Event::Suspend(suspended) => self.publisher().suspend(suspended),
            Event::Lag(lags) => {
                let head = self.publisher().answer(Wanted::Head { held: None }, now);
                self.validation.lagging = head.filter(|_| lags);
            }
        }
    }
}

fn thought(what: u8) -> GateStanding {
    match what {
        1 => GateStanding::Trusted,
        2 => GateStanding::Contested,
        _ => GateStanding::Retracted { from: 3 },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Every row arrives once and in order; and in the end the gate has what is true, or says what keeps it from it, and has it as soon as the
    /// cloud gives a list that leads there.
    #[test]
    fn rows_arrive_once_and_documents_end_in_what_is_true(events in events()) {
        let mut world = World::new();
        for event in events {
            world.happen(event);
        }
        world.validation.lagging = None;
        world.catch_up();
        world.publisher().publish_snapshot();
        world.publisher().publish_feed_snapshot();
        world.catch_up();
        prop_assert!(world.is_in_step(), "{:?}", world.machine.refused());

        // After that: what a cloud lost that was restored is sent again once the gate has heard of it.
        world.settle();
        let report = world.ledger().report().unwrap();
        prop_assert_eq!(u64::try_from(world.validation.rows.len()).unwrap(), report.rows);
        prop_assert_eq!(report.contested, 0);
        world.restart();
        prop_assert!(world.is_in_step(), "a restart forgets nothing");
    }
}
