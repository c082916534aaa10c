//! Sealed parts, opened with the right secret, the wrong one, and on the wrong ticket.

use countermark_shared::id::{EventId, Generation, SealingGeneration, Slot};
use countermark_shared::ticket::{Sealed, TicketBody};

use super::tickets;
use crate::file::{File, Opening, Outcome, Secret, Shown, TicketCase};
use crate::vectors::hex;
use crate::world::{body, case, live, seal, sealed, secret, sign, stranger, verified};

pub(super) fn file() -> File {
    let about = "Sealed parts: texts, their one form, other secrets, and seals moved from one ticket to another.";
    tickets(about, forms().into_iter().chain(texts()).chain(secrets()).chain(moved()).collect())
}

fn opened(name: impl Into<String>, why: &str, body: &TicketBody, secret: Secret, opening: Opening) -> TicketCase {
    let way = if body.live.is_some() { Shown::WithoutProof } else { Shown::Static };
    let case = case(name, why, sign(body).to_text(), verified(body, way));
    TicketCase { secret: Some(secret), opening: Some(opening), ..case }
}

fn named(name: &str, seat: &str) -> Opening {
    Opening::Opened { name: name.to_owned(), seat: seat.to_owned() }
}

fn texts() -> Vec<TicketCase> {
    let longest = "n".repeat(55);
    let wide = "é".repeat(27);
    [
        ("a name and a seat", "Ada Lovelace", "C 12"),
        ("a name and no seat", "Ada Lovelace", ""),
        ("a name of one byte", "A", ""),
        ("a name of 55 bytes", &longest, ""),
        ("a name of 54 bytes and a seat of one", &longest[1..], "1"),
        ("a name of one byte and a seat of 54", "A", &longest[1..]),
        ("two bytes a character", &wide, ""),
        ("four bytes a character", "𠮷野家", "🪑 7"),
        ("spaces as they are", "  Ada  ", " 1 "),
        ("combining marks as they are", "Zoe\u{308}", "1"),
        ("U+0020, U+007E, U+00A0", " ~\u{a0}", ""),
        ("beside the refused: U+061B, U+061D, U+200D, U+2010", "\u{61b}\u{61d}\u{200d}\u{2010}", ""),
        ("beside the refused: U+2027, U+202F, U+2065, U+206A", "\u{2027}\u{202f}\u{2065}\u{206a}", ""),
    ]
    .into_iter()
    .map(|(what, name, seat)| {
        let body = seal(&body(), false, format!("{name}\n{seat}").as_bytes());
        opened(what, "a name and a seat as they were sealed", &body, secret(), named(name, seat))
    })
    .collect()
}

fn forms() -> Vec<TicketCase> {
    let mut cases = vec![];
    let no_form: [(&str, &[u8]); 13] = [
        ("nothing", b""),
        ("no line feed", b"Ada"),
        ("56 bytes and no line feed", &[b'n'; 56]),
        ("only a line feed", b"\n"),
        ("no name", b"\n12"),
        ("two line feeds", b"Ada\n1\n2"),
        ("a carriage return", b"Ada\r\n12"),
        ("a zero in the name", b"Ada\0\n12"),
        ("a zero in the seat", b"Ada\n1\x002"),
        ("something behind the zeros", b"Ada\n12\0\0\0x"),
        ("a name that is no UTF-8", b"Ad\xff\n12"),
        ("a character cut in two", b"Ada\n\xc3"),
        ("an overlong character", b"Ad\xc1\x81\n12"),
    ];
    for (name, plaintext) in no_form {
        let body = seal(&body(), false, plaintext);
        cases.push(opened(name, "the seal holds; what is in it has not the one form", &body, secret(), Opening::Text));
    }
    for character in [
        '\u{1}', '\t', '\u{b}', '\u{1f}', '\u{7f}', '\u{80}', '\u{9f}', '\u{61c}', '\u{200e}', '\u{200f}', '\u{2028}',
        '\u{2029}', '\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}',
    ] {
        for (part, plaintext) in [("name", format!("A{character}da\n1")), ("seat", format!("Ada\n{character}1"))] {
            let body = seal(&body(), false, plaintext.as_bytes());
            let name = format!("U+{:04X} in the {part}", u32::from(character));
            cases.push(opened(name, "it would show something else than a name", &body, secret(), Opening::Text));
        }
    }
    cases
}

fn secrets() -> Vec<TicketCase> {
    let other = |event, generation, byte| Secret { event, generation, secret: hex(&[byte; 32]) };
    let good = named("Zoë Ångström", "Bloc C, 14");
    let (plain, checked) = (sealed(&body()), seal(&body(), true, "Zoë Ångström\nBloc C, 14".as_bytes()));
    let both = sealed(&live());
    let forged = sign(&TicketBody { slot: Slot(1), ..plain.clone() });
    let forged =
        countermark_shared::ticket::UnverifiedTicket::new(plain.clone(), plain.issue(&stranger()), forged.authority());
    vec![
        opened("static", "the secret of its event and generation", &plain, secret(), good.clone()),
        opened("check-ID", "the flag is sealed with it", &checked, secret(), good.clone()),
        opened("live", "window and holder key are sealed with it", &both, secret(), good),
        opened("another secret", "the tag does not fit", &plain, other(2026, 1, 0x45), Opening::Broken),
        opened(
            "another generation's secret",
            "the ticket names generation 1",
            &plain,
            other(2026, 2, 0x44),
            Opening::OtherSecret,
        ),
        opened(
            "another event's secret",
            "the ticket names its event",
            &plain,
            other(2027, 1, 0x44),
            Opening::OtherSecret,
        ),
        opened("no sealed part", "there is nothing to open", &body(), secret(), Opening::Unsealed),
        opened("no sealed part, live", "there is nothing to open", &live(), secret(), Opening::Unsealed),
        opened(
            "no sealed part, another secret",
            "there is nothing to open",
            &body(),
            other(2027, 9, 0x45),
            Opening::Unsealed,
        ),
        TicketCase {
            secret: Some(secret()),
            ..case("a forged ticket", "only what is verified is opened", forged.to_text(), Outcome::IssuerForged)
        },
    ]
}

/// Both services sign it, and still the seal is no other ticket's.
fn moved() -> Vec<TicketCase> {
    let (plain, both) = (sealed(&body()), sealed(&live()));
    let part = plain.sealed.unwrap();
    let flip = |place: usize| {
        let mut part = part;
        if place < 56 {
            part.ciphertext[place] ^= 1;
        } else {
            part.tag[place - 56] ^= 1;
        }
        TicketBody { sealed: Some(part), ..body() }
    };
    let renumbered = TicketBody { sealed: Some(Sealed { generation: SealingGeneration(2), ..part }), ..body() };
    let of_generation_2 = Secret { generation: 2, ..secret() };
    let elsewhere = Secret { event: 2027, ..secret() };
    let mut cases: Vec<_> = [
        ("another slot", TicketBody { slot: Slot(41_328), ..plain.clone() }),
        ("another generation", TicketBody { generation: Generation(2), ..plain.clone() }),
        ("other entries", TicketBody { entries: 2, ..plain.clone() }),
        ("with CHECK_ID", TicketBody { sealed: Some(Sealed { check_id: true, ..part }), ..body() }),
        ("to a live ticket", TicketBody { sealed: Some(part), ..live() }),
        ("from a live ticket", TicketBody { sealed: both.sealed, ..body() }),
        ("first byte of the ciphertext flipped", flip(0)),
        ("last byte of the ciphertext flipped", flip(55)),
        ("first byte of the tag flipped", flip(56)),
        ("last byte of the tag flipped", flip(71)),
    ]
    .into_iter()
    .map(|(name, body)| {
        opened(format!("moved: {name}"), "the seal is bound to all before it", &body, secret(), Opening::Broken)
    })
    .collect();
    let why = "the seal is bound to its generation and event, even where two secrets are one";
    cases.push(opened("moved: another sealing generation", why, &renumbered, of_generation_2, Opening::Broken));
    cases.push(opened(
        "moved: another event",
        why,
        &TicketBody { event: EventId(2027), ..plain },
        elsewhere,
        Opening::Broken,
    ));
    cases
}
