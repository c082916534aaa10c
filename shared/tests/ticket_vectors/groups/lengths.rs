//! Tickets cut at every byte, and bytes behind a whole one.

use super::tickets;
use crate::file::{File, Shown, TicketCase};
use crate::world::{AT, body, case, holder, live, malformed, presentation, sealed, shown, sign_bytes, text, verified};

pub(super) fn file() -> File {
    let about = "Lengths: each profile cut at the ends of its fields, two of them at every byte; and bytes behind a whole ticket.";
    tickets(about, cut().into_iter().chain(longer()).collect())
}

fn cut() -> Vec<TicketCase> {
    let fixed = sign_bytes(&body().to_bytes());
    let longest = shown(&sealed(&live()));
    let mut cases = Vec::new();
    for length in 2..fixed.len() {
        let name = format!("static, {length} bytes of {}", fixed.len());
        cases.push(case(name, "cut short", text(&fixed[..length]), malformed("length")));
    }
    for length in (2..longest.len()).filter(|length| *length != 269) {
        let name = format!("live and sealed and shown, {length} bytes of {}", longest.len());
        cases.push(case(name, "cut short", text(&longest[..length]), malformed("length")));
    }
    let whole = verified(&sealed(&live()), Shown::WithoutProof);
    let why = "cut exactly before its presentation, it is a ticket without proof";
    cases.push(case("live and sealed and shown, 269 bytes of 337", why, text(&longest[..269]), whole));
    for (name, bytes) in [("sealed", sign_bytes(&sealed(&body()).to_bytes())), ("live", sign_bytes(&live().to_bytes()))]
    {
        let body = bytes.len() - 128;
        for length in [34, 35, 36, body - 1, body, body + 1, body + 63, body + 64, body + 65, body + 127] {
            let name = format!("{name}, {length} bytes of {}", bytes.len());
            cases.push(case(name, "cut short", text(&bytes[..length]), malformed("length")));
        }
    }
    cases
}

fn longer() -> Vec<TicketCase> {
    let mut cases = Vec::new();
    let fixed = sign_bytes(&body().to_bytes());
    let sealed_only = sign_bytes(&sealed(&body()).to_bytes());
    let live_only = sign_bytes(&live().to_bytes());
    let presented = shown(&live());
    for (name, bytes) in
        [("static", &fixed), ("sealed", &sealed_only), ("live", &live_only), ("live and shown", &presented)]
    {
        for count in [1, 2, 64, 67, 69] {
            let longer = [&bytes[..], &vec![0; count]].concat();
            cases.push(case(
                format!("{name}, {count} bytes more"),
                "nothing stands behind a ticket",
                text(&longer),
                malformed("length"),
            ));
        }
    }
    let more = presentation(&body().to_bytes(), AT, &holder());
    for (name, bytes) in [("static", &fixed), ("sealed", &sealed_only)] {
        let longer = [&bytes[..], &more].concat();
        let why = "a presentation belongs to live tickets only";
        cases.push(case(format!("{name}, with a presentation"), why, text(&longer), malformed("length")));
    }
    let twice = [&presented[..], &presentation(&live().to_bytes(), AT, &holder())].concat();
    cases.push(case("live, with two presentations", "one, or none", text(&twice), malformed("length")));
    let again = [&fixed[..], &fixed[..]].concat();
    cases.push(case("a static ticket twice", "one text is one ticket", text(&again), malformed("length")));
    cases
}
