//! Good tickets: each profile, and each field at both of its ends.

use std::num::NonZeroU8;

use countermark_shared::id::{EventId, Generation, ProductId, SealingGeneration, Slot, Zones};
use countermark_shared::ticket::{Live, Sealed, TicketBody, Validity};

use super::tickets;
use crate::file::{File, Shown, TicketCase};
use crate::world::{AT, body, case, holder, live, presentation, seal, sealed, shown, sign, sign_bytes, text, verified};

pub(super) fn file() -> File {
    let about = "Tickets that verify: each profile, and each field at both of its ends.";
    tickets(about, kinds().into_iter().chain(ends()).collect())
}

fn kinds() -> Vec<TicketCase> {
    let (proved, checked) = (Shown::ProvedAt(AT.into()), seal(&body(), true, b"Ada\n12"));
    let live_checked = seal(&live(), true, b"Ada\n12");
    let sold = [
        ("static", body(), Shown::Static),
        ("sealed", sealed(&body()), Shown::Static),
        ("sealed, check-ID", checked, Shown::Static),
        ("live", live(), Shown::WithoutProof),
        ("live and sealed", sealed(&live()), Shown::WithoutProof),
        ("live and sealed, check-ID", live_checked.clone(), Shown::WithoutProof),
    ];
    let sold = sold
        .into_iter()
        .map(|(name, body, way)| case(name, "both services signed it", sign(&body).to_text(), verified(&body, way)));
    let presented = [
        ("live, shown", live()),
        ("live and sealed, shown", sealed(&live())),
        ("live and sealed, check-ID, shown", live_checked),
    ];
    let presented = presented.into_iter().map(|(name, body)| {
        case(
            name,
            "the holder signed the moment; kept is the ticket without it",
            text(&shown(&body)),
            verified(&body, proved),
        )
    });
    sold.chain(presented).collect()
}

fn ends() -> Vec<TicketCase> {
    let whole = |from, until| Validity::new(from, until).unwrap();
    let window = |seconds| Live { window: NonZeroU8::new(seconds).unwrap(), holder: holder().verifying_key() };
    let seal = |byte, generation| {
        let sealed = Sealed {
            generation: SealingGeneration(generation),
            check_id: false,
            ciphertext: [byte; 56],
            tag: [byte; 16],
        };
        TicketBody { sealed: Some(sealed), ..body() }
    };
    let bodies = [
        ("event 0", TicketBody { event: EventId(0), ..body() }),
        ("event 2^32 - 1", TicketBody { event: EventId(u32::MAX), ..body() }),
        ("slot 0", TicketBody { slot: Slot(0), ..body() }),
        ("slot 2^32 - 1", TicketBody { slot: Slot(u32::MAX), ..body() }),
        ("generation 0", TicketBody { generation: Generation(0), ..body() }),
        ("generation 255", TicketBody { generation: Generation(255), ..body() }),
        ("places 1", TicketBody { places: NonZeroU8::MIN, ..body() }),
        ("places 255", TicketBody { places: NonZeroU8::MAX, ..body() }),
        ("entries 0", TicketBody { entries: 0, ..body() }),
        ("entries 255", TicketBody { entries: 255, ..body() }),
        ("product 0", TicketBody { product: ProductId(0), ..body() }),
        ("product 65535", TicketBody { product: ProductId(u16::MAX), ..body() }),
        ("no zone", TicketBody { zones: Zones(0), ..body() }),
        ("every zone", TicketBody { zones: Zones(u32::MAX), ..body() }),
        ("valid in the first second of 1970", TicketBody { validity: whole(0, 1), ..body() }),
        ("valid in the last second that fits", TicketBody { validity: whole(u32::MAX - 1, u32::MAX), ..body() }),
        ("valid as long as fits", TicketBody { validity: whole(0, u32::MAX), ..body() }),
        ("window 1", TicketBody { live: Some(window(1)), ..body() }),
        ("window 255", TicketBody { live: Some(window(255)), ..body() }),
        ("sealed with bytes of 0, generation 0", seal(0, 0)),
        ("sealed with bytes of 255, generation 255", seal(255, 255)),
    ];
    let ends = bodies.into_iter().map(|(name, body)| {
        let way = if body.live.is_some() { Shown::WithoutProof } else { Shown::Static };
        case(name, "every value of the field is allowed up to here", sign(&body).to_text(), verified(&body, way))
    });
    let moments = [("shown in the first second of 1970", 0), ("shown in the last second that fits", u32::MAX)];
    let moments = moments.into_iter().map(|(name, seconds)| {
        let bytes = live().to_bytes();
        let shown = [sign_bytes(&bytes), presentation(&bytes, seconds, &holder())].concat();
        let way = Shown::ProvedAt(seconds.into());
        case(name, "whether the moment is fresh is not a verifier's question", text(&shown), verified(&live(), way))
    });
    ends.chain(moments).collect()
}
