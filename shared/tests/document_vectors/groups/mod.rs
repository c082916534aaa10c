//! The cases, by what they try.

mod assignments;
mod bundles;
mod clocks;
mod encodings;
mod envelopes;
mod event_rules;
mod events;
mod feeds;
mod heads;
mod recoveries;
mod sets;
mod slot_deltas;
mod slot_lists;

use crate::file::{Case, Content, File};
use crate::vectors::{Folder, distinct};
use crate::world::{EVENT, GATE, pinned};

pub(crate) fn folder() -> Folder {
    let files = [
        ("encodings.json", encodings::file()),
        ("envelopes.json", envelopes::file()),
        ("bundles.json", bundles::file()),
        ("events.json", events::file()),
        (
            "event_rules.json",
            documents(
                "Event documents: each rule between their fields, on both sides of its boundary.",
                event_rules::cases(),
            ),
        ),
        ("slot_lists.json", slot_lists::file()),
        ("slot_deltas.json", slot_deltas::file()),
        ("feeds.json", feeds::file()),
        ("assignments.json", assignments::file()),
        ("heads.json", heads::file()),
        ("recoveries.json", recoveries::file()),
        ("sets.json", sets::file()),
        ("clocks.json", clocks::file()),
    ];
    Folder::new("documents", files)
}

fn documents(about: &str, cases: Vec<Case>) -> File {
    distinct(cases.iter().map(|case| case.name.as_str()));
    let content = Content::Documents { pinned: pinned().to_string(), gate: GATE.0, event: EVENT.0, cases };
    File { about: about.to_owned(), content }
}
