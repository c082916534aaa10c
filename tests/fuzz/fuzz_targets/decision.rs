#![no_main]
//! Any ticket, facts, policy and clock have a verdict; it opens exactly for somebody, never for more than the ticket's places; an
//! exit asks no list; and a hindrance added to what is refused admits nobody.

use core::num::NonZeroU8;
use core::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use countermark_shared::clock::Clock;
use countermark_shared::decision::{
    Claim, Facts, Feed, Listing, Passages, Policy, SealedPart, Turn, Unfinished, Wanted, decide, examine,
};
use countermark_shared::documents::{
    AdmissionPolicy, Alone, Direction, EventDocument, KeyRole, KeyStatus, Lane, LeaseState, ListAgePolicy, Product,
    SlotState, Text, TrustBundle, TrustedKey, Window,
};
use countermark_shared::id::{EventId, GateId, Generation, LaneId, ProductId, Slot, Zones};
use countermark_shared::journal::ClockState;
use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::SigningKey;
use countermark_shared::money::{Currency, Money};
use countermark_shared::ticket::{Live, TicketBody, UnverifiedTicket, VerifiedTicket};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::{Admission, Verdict};
use libfuzzer_sys::fuzz_target;
use zeroize::Zeroizing;

const EVENT: EventId = EventId(7);

fuzz_target!(|bytes: &[u8]| {
    let _ = scene(&mut Unstructured::new(bytes));
});

fn scene(bytes: &mut Unstructured<'_>) -> Result<()> {
    let (ticket, event) = (ticket(bytes)?, event(bytes)?);
    let direction = if bytes.arbitrary()? { Direction::Entry } else { Direction::Exit };
    let lane = Lane { lane: LaneId(1), direction, zones: Zones(bytes.arbitrary()?) };
    let leases = [LeaseState::Held, LeaseState::WithoutNames, LeaseState::Ended, LeaseState::Suspended];
    let lease = *bytes.choose(&leases)?;
    let policy = Policy { lease, ..Policy::at(&event, &lane, time(bytes)?) };
    let (facts, clock) = (facts(bytes)?, clock(bytes)?);

    let verdict = decide(&ticket, &facts, &policy, clock);
    assert_eq!(verdict.opens(), verdict.persons > 0);
    assert_eq!(verdict.reason.severity().opens(), verdict.persons > 0);
    assert!(verdict.persons <= ticket.body().places.get());
    assert_eq!(verdict, decide(&ticket, &facts, &policy, clock));
    let hindered = decide(&ticket, &hindered(bytes, facts)?, &policy, clock);
    match direction {
        Direction::Entry => assert!(verdict.opens() || !hindered.opens(), "{verdict:?}, then {hindered:?}"),
        Direction::Exit => assert_eq!(listless(verdict), listless(decide(&ticket, &unlisted(facts), &policy, clock))),
    }
    Ok(())
}

/// One more thing against the ticket.
fn hindered(bytes: &mut Unstructured<'_>, facts: Facts) -> Result<Facts> {
    let listing = facts.listing.map(|listing| Listing { state: SlotState::Revoked, ..listing });
    Ok(match u8::arbitrary(bytes)? % 3 {
        0 => Facts { listing, ..facts },
        1 => Facts { highest_proved: Some(Generation(255)), ..facts },
        // An answer carries counts, whose loss is no hindrance.
        _ if facts.claim == Claim::NotAsked => Facts { claim: Claim::Unreachable, ..facts },
        _ => facts,
    })
}

fn unlisted(facts: Facts) -> Facts {
    Facts { listing: None, highest_proved: None, ..facts }
}

fn listless(verdict: Verdict) -> (countermark_shared::verdict::Reason, u8) {
    (verdict.reason, verdict.persons)
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}

fn ticket(bytes: &mut Unstructured<'_>) -> Result<VerifiedTicket> {
    let live = match NonZeroU8::new(bytes.arbitrary()?) {
        Some(window) if bytes.arbitrary()? => Some(Live { window, holder: key(4).verifying_key() }),
        _ => None,
    };
    let body = TicketBody {
        issuing_key: key(2).verifying_key().id(),
        authority_key: key(3).verifying_key().id(),
        event: EVENT,
        slot: Slot(bytes.arbitrary()?),
        generation: Generation(bytes.arbitrary()?),
        places: NonZeroU8::arbitrary(bytes)?,
        entries: bytes.arbitrary()?,
        product: ProductId(u16::arbitrary(bytes)? % 2),
        zones: Zones(bytes.arbitrary()?),
        validity: window(bytes)?.validity().ok_or(arbitrary::Error::IncorrectFormat)?,
        live,
        sealed: None,
    };
    let (issuer, authority) = (body.issue(&key(2)), body.authorise(&key(3)));
    let ticket = UnverifiedTicket::new(body, issuer, authority);
    let presentation = ticket.body().present(&key(4), time(bytes)?);
    let ticket = match presentation {
        Ok(presentation) if bytes.arbitrary()? => {
            ticket.shown(presentation).map_err(|_| arbitrary::Error::IncorrectFormat)?
        }
        _ => ticket,
    };
    examine(&ticket.to_text(), EVENT, &key_ring(bytes.arbitrary()?)).map_err(|_| arbitrary::Error::IncorrectFormat)
}

fn key_ring(listed_only: bool) -> KeyRing {
    let status = if listed_only { KeyStatus::ListedOnly } else { KeyStatus::Active };
    let trusted = |seed, role| TrustedKey { key: key(seed).verifying_key(), role, status, events: Vec::new() };
    let day = Timestamp::from_unix_seconds(86_400);
    KeyRing::of(&TrustBundle {
        version: 1,
        issued: day,
        not_after: day,
        roots: Vec::new(),
        threshold: 1,
        keys: vec![trusted(2, KeyRole::Issuing), trusted(3, KeyRole::Authority)],
    })
}

fn event(bytes: &mut Unstructured<'_>) -> Result<EventDocument> {
    let text = || Text { en: "Night".into(), fr: "Nuit".into() };
    let euro = Currency::parse("EUR").map_err(|_| arbitrary::Error::IncorrectFormat)?;
    let price = Money { minor: 1, currency: euro };
    let mut product = Product::new(ProductId(1), text(), Zones(1), window(bytes)?, 10, price);
    product.moved = if bytes.arbitrary()? { Some(window(bytes)?) } else { None };
    let mut event = EventDocument::new(EVENT, 1, Timestamp::from_unix_seconds(0), text(), 10, vec![product]);
    event.policy = AdmissionPolicy {
        entries: bytes.arbitrary()?,
        entries_between_resets: bytes.arbitrary()?,
        exit_before_reentry: bytes.arbitrary()?,
        pass_back_seconds: bytes.arbitrary()?,
        tolerance_before_seconds: bytes.arbitrary()?,
        tolerance_after_seconds: bytes.arbitrary()?,
        list_age_static: ages(bytes)?,
        list_age_live: ages(bytes)?,
        alone: if bytes.arbitrary()? { Alone::Admit } else { Alone::Staff },
    };
    let mut resets = vec![time(bytes)?, time(bytes)?];
    resets.sort();
    event.resets = resets;
    Ok(event)
}

fn ages(bytes: &mut Unstructured<'_>) -> Result<ListAgePolicy> {
    Ok(ListAgePolicy {
        warn_after_seconds: bytes.arbitrary()?,
        attention_after_seconds: bytes.arbitrary()?,
        staff_after_seconds: bytes.arbitrary()?,
    })
}

fn facts(bytes: &mut Unstructured<'_>) -> Result<Facts> {
    let states = [SlotState::NotIssued, SlotState::Good, SlotState::Blocked, SlotState::Revoked];
    let listing = Listing {
        state: *bytes.choose(&states)?,
        least_generation: Generation(bytes.arbitrary()?),
        age: Duration::from_millis(bytes.arbitrary()?),
    };
    let feed = Feed {
        passages: passages(bytes)?,
        age: Duration::from_millis(bytes.arbitrary()?),
        contested: bytes.arbitrary()?,
    };
    let turn = if bytes.arbitrary()? { Turn::NotTurned } else { Turn::Unknown };
    let unfinished = Unfinished { at: time(bytes)?, persons: NonZeroU8::arbitrary(bytes)?, turn };
    Ok(Facts {
        listing: bytes.arbitrary::<bool>()?.then_some(listing),
        highest_proved: bytes.arbitrary::<Option<u8>>()?.map(Generation),
        own: passages(bytes)?,
        feed: bytes.arbitrary::<bool>()?.then_some(feed),
        claim: match u8::arbitrary(bytes)? % 4 {
            0 => Claim::NotAsked,
            1 => Claim::Granted(passages(bytes)?),
            2 => Claim::Refused(passages(bytes)?),
            _ => Claim::Unreachable,
        },
        unfinished: bytes.arbitrary::<bool>()?.then_some(unfinished),
        wanted: if bytes.arbitrary()? { Wanted::One } else { Wanted::AllThatRemain },
        sealed_part: *bytes.choose(&[SealedPart::None, SealedPart::Opened, SealedPart::Unreadable])?,
    })
}

fn passages(bytes: &mut Unstructured<'_>) -> Result<Passages> {
    let gate = bytes.arbitrary::<Option<u32>>()?.map(GateId);
    let last_entry = Admission { at: time(bytes)?, gate };
    let last_exit = time(bytes)?;
    Ok(Passages {
        admitted: bytes.arbitrary()?,
        admitted_since_reset: bytes.arbitrary()?,
        left: bytes.arbitrary()?,
        last_entry: bytes.arbitrary::<bool>()?.then_some(last_entry),
        last_exit: bytes.arbitrary::<bool>()?.then_some(last_exit),
    })
}

fn clock(bytes: &mut Unstructured<'_>) -> Result<Clock> {
    let states =
        [ClockState::Signed, ClockState::Battery, ClockState::RolledBack, ClockState::Ahead, ClockState::Unknown];
    Ok(Clock {
        state: *bytes.choose(&states)?,
        now: time(bytes)?,
        error: Duration::from_millis(u64::from(u16::arbitrary(bytes)?)),
    })
}

/// Near each other, so that the edges of windows are met.
fn time(bytes: &mut Unstructured<'_>) -> Result<Timestamp> {
    Ok(Timestamp::from_unix_millis(i64::from(u16::arbitrary(bytes)?) * 250))
}

fn window(bytes: &mut Unstructured<'_>) -> Result<Window> {
    Ok(Window { from: time(bytes)?, until: time(bytes)? })
}
