//! What the law costs, as ratios within one run: `cargo bench -p countermark-tests --bench law` prints lines `figure NAME VALUE UNIT`.
//!
//! Numerator and denominator of a ratio are measured in turns, so that a machine that slows down slows both.

use std::hint::black_box;
use std::num::NonZeroU8;
use std::time::{Duration, Instant};

use countermark_shared::clock::Clock;
use countermark_shared::decision::{Facts, Listing, Policy, decide, examine};
use countermark_shared::documents::{
    Direction, EventDocument, KeyRole, KeyStatus, Lane, Product, Revision, Signed, SlotDelta, SlotEntry, SlotList,
    SlotReason, SlotState, SlotTable, Slots, Text, TrustBundle, TrustedKey, Window,
};
use countermark_shared::id::{EventId, Generation, LaneId, ProductId, Slot, Zones};
use countermark_shared::journal::ClockState;
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::SigningKey;
use countermark_shared::label::Label;
use countermark_shared::money::{Currency, Money};
use countermark_shared::ticket::{Live, TicketBody, UnverifiedTicket, Validity};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;
use zeroize::Zeroizing;

const EVENT: EventId = EventId(7);
const DOORS: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);
const END: Timestamp = Timestamp::from_unix_seconds(1_800_036_000);
const CLOCK: Clock = Clock { state: ClockState::Signed, now: DOORS, error: Duration::ZERO };

fn main() -> anyhow::Result<()> {
    Law::new()?.tickets()?;
    slots()
}

/// Prints a figure.
fn figure(name: &str, value: f64, unit: &str) {
    #[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
    {
        println!("figure {name} {value:.3} {unit}");
    }
}

/// The median of `rounds` turns, in which each of the two ran `each` times.
fn in_turns(rounds: u32, each: u32, mut one: impl FnMut(), mut other: impl FnMut()) -> (Duration, Duration) {
    let mut times: (Vec<_>, Vec<_>) = (0..rounds).map(|_| (time(each, &mut one), time(each, &mut other))).unzip();
    (median(&mut times.0), median(&mut times.1))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures; nothing depends on what it reads")]
fn time(each: u32, work: &mut impl FnMut()) -> Duration {
    let begin = Instant::now();
    for _ in 0..each {
        work();
    }
    begin.elapsed() / each
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

struct Law {
    keys: KeyRing,
    event: EventDocument,
    bundle_not_after: Timestamp,
}

fn bundle() -> TrustBundle {
    let trusted =
        |seed, role| TrustedKey { key: key(seed).verifying_key(), role, status: KeyStatus::Active, events: Vec::new() };
    TrustBundle {
        version: 1,
        issued: DOORS,
        not_after: END,
        roots: vec![key(1).verifying_key()],
        threshold: 1,
        keys: vec![trusted(2, KeyRole::Issuing), trusted(3, KeyRole::Authority), trusted(5, KeyRole::List)],
    }
}

impl Law {
    fn new() -> anyhow::Result<Self> {
        let bundle = bundle();
        let text = || Text { en: "Summer Night".into(), fr: "Nuit d'été".into() };
        let price = Money { minor: 2000, currency: Currency::parse("EUR")? };
        let window = Window { from: DOORS, until: END };
        let product = Product::new(ProductId(1), text(), Zones(1), window, 100, price);
        let event = EventDocument::new(EVENT, 1, DOORS, text(), 100, vec![product]);
        Ok(Self { keys: KeyRing::of(&bundle), event, bundle_not_after: bundle.not_after })
    }

    /// From text to verdict, against the signatures that cannot be spared.
    fn tickets(&self) -> anyhow::Result<()> {
        let lane = Lane { lane: LaneId(1), direction: Direction::Entry, zones: Zones(1) };
        let policy = Policy::at(&self.event, &lane, self.bundle_not_after);
        let listing = Listing { state: SlotState::Good, least_generation: Generation(0), age: Duration::ZERO };
        let facts = Facts::listed(listing);
        for (name, live, verifications) in [("static", None, 2), ("live", Some(live()), 3)] {
            let ticket = sign(body(live)?);
            let text = match live {
                Some(_) => ticket.clone().shown(ticket.body().present(&key(4), DOORS)?)?,
                None => ticket,
            }
            .to_text();
            let decided = || {
                let ticket = examine(black_box(&text), EVENT, &self.keys);
                ticket.map(|ticket| decide(&ticket, black_box(&facts), &policy, CLOCK).reason)
            };
            anyhow::ensure!(decided() == Ok(Reason::Admitted), "the {name} ticket was not admitted");
            let (verifier, message) = (key(2).verifying_key(), [7; 68]);
            let signature = key(2).sign(Label::Issue, &message);
            let verify = || {
                for _ in 0..verifications {
                    black_box(verifier.verifies(Label::Issue, black_box(&message), &signature));
                }
            };
            let (verdict, signatures) = in_turns(201, 20, || _ = black_box(decided()), verify);
            figure(&format!("{name}_text_to_verdict"), microseconds(verdict), "us");
            let ratio = verdict.as_secs_f64() / signatures.as_secs_f64();
            figure(&format!("{name}_to_{verifications}_verifications"), ratio, "ratio");
        }
        Ok(())
    }
}

/// A list of ten million slots: taken, looked up, and moved on by ten thousand changes.
fn slots() -> anyhow::Result<()> {
    const SLOTS: u32 = 10_000_000;
    const CHANGES: u32 = 10_000;
    let (bundle, list_key) = (bundle(), key(5));
    let entry = |state| SlotEntry { state, least_generation: Generation(0), reason: SlotReason::Unspecified };
    // Spread over the whole list, so that nearly every block of it changes.
    let scattered = |number: u32| Slot(number.wrapping_mul(2_654_435_761) % SLOTS);
    let good = |slot| (Slot(slot), entry(SlotState::Good));
    let blocked = |number| (scattered(number), entry(SlotState::Blocked));
    let revision = |sequence| Revision { epoch: 0, sequence };
    let list = SlotList::snapshot(EVENT, revision(1), DOORS, (0..SLOTS).map(good))?;
    let snapshot = Signed::seal(&list, &[&list_key])?;
    let accept = || Slots::accept(black_box(&snapshot), &bundle, EVENT, None, DOORS);
    let in_force = accept()?;

    let changed = (0..SLOTS).map(good).chain((0..CHANGES).map(blocked));
    let after = SlotTable::of(&SlotList::snapshot(EVENT, revision(2), DOORS, changed)?);
    let delta = SlotDelta::between(in_force.table(), &after, revision(2), DOORS)?;
    let delta = Signed::seal(&delta.ok_or_else(|| anyhow::anyhow!("nothing changed"))?, &[&list_key])?;
    let step = || Slots::step(black_box(&delta), &bundle, EVENT, Some(&in_force), DOORS);
    anyhow::ensure!(step()?.state(scattered(7)) == SlotState::Blocked, "the delta changed nothing");

    let (snapshot, delta) = in_turns(21, 1, || _ = black_box(accept()), || _ = black_box(step()));
    figure("snapshot_of_10_million_slots", snapshot.as_secs_f64() * 1e3, "ms");
    figure("delta_of_10_thousand_changes", delta.as_secs_f64() * 1e3, "ms");
    let mut number = 0_u32;
    let look_up = || {
        number = number.wrapping_add(1);
        black_box((in_force.state(scattered(number)), in_force.least_generation(scattered(number))));
    };
    let (look_up, _) = in_turns(21, 100_000, look_up, || ());
    figure("look_up_in_10_million_slots", look_up.as_secs_f64() * 1e9, "ns");
    Ok(())
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}

fn live() -> Live {
    Live { window: NonZeroU8::MAX, holder: key(4).verifying_key() }
}

fn body(live: Option<Live>) -> anyhow::Result<TicketBody> {
    Ok(TicketBody {
        issuing_key: key(2).verifying_key().id(),
        authority_key: key(3).verifying_key().id(),
        event: EVENT,
        slot: Slot(42),
        generation: Generation(1),
        places: NonZeroU8::MIN,
        entries: 1,
        product: ProductId(1),
        zones: Zones(1),
        validity: Validity::between(DOORS, END).ok_or_else(|| anyhow::anyhow!("an empty window"))?,
        live,
        sealed: None,
    })
}

fn sign(body: TicketBody) -> UnverifiedTicket {
    let (issuer, authority) = (body.issue(&key(2)), body.authorise(&key(3)));
    UnverifiedTicket::new(body, issuer, authority)
}
