//! The cases, by what they try.

mod fields;
mod halves;
mod holders;
mod lengths;
mod orders;
mod presentations;
mod profiles;
mod public_keys;
mod rings;
mod sealing;
mod signatures;
mod texts;
mod wrappings;

use std::collections::BTreeMap;

use crate::file::{Content, File, RingKey, TicketCase};
use crate::vectors::{Folder, distinct};
use crate::world::usual_ring;

pub(crate) fn folder() -> Folder {
    let files = [
        ("profiles.json", profiles::file()),
        ("texts.json", texts::file()),
        ("lengths.json", lengths::file()),
        ("fields.json", fields::file()),
        ("signatures.json", signatures::file()),
        ("rings.json", rings::file()),
        ("presentations.json", presentations::file()),
        ("sealing.json", sealing::file()),
        ("public_keys.json", public_keys::file()),
        ("holder_keys.json", holders::keys_file()),
        ("enrolments.json", holders::enrolments_file()),
        ("wrappings.json", wrappings::file()),
        ("halves.json", halves::file()),
        ("order_codes.json", orders::codes_file()),
        ("order_tags.json", orders::tags_file()),
    ];
    Folder::new("tickets", files)
}

/// A file of tickets that are all verified against the usual ring.
fn tickets(about: &str, cases: Vec<TicketCase>) -> File {
    tickets_with(about, usual_ring(), cases)
}

fn tickets_with(about: &str, rings: BTreeMap<String, Vec<RingKey>>, cases: Vec<TicketCase>) -> File {
    distinct(cases.iter().map(|case| case.name.as_str()));
    File { about: about.to_owned(), content: Content::Tickets { rings, cases } }
}
