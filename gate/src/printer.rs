//! What `run` writes to standard output: one line a thing, as JSON or for people. The only place that prints.
//!
//! Whoever asks for lines must read them: like any filter, `run` waits for its reader.

use std::io::{self, Write};

use countermark_shared::id::LaneId;
use serde::Serialize;
use serde_json::json;

use crate::announcement::{Announcement, Ruling, Sentence};
use crate::input::Source;
use crate::outputs::PassageLine;

/// How standard output is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Printer {
    /// JSON instead of words.
    pub(crate) json: bool,
}

impl Printer {
    /// Where the screen is, first of all.
    pub(crate) fn screen(self, address: &str) {
        self.line(&json!({ "screen": address }), || format!("screen at {address}"));
    }

    /// What keeps the gate from beginning. Once it begins, its screen is named again.
    pub(crate) fn stopped(self, by: &Sentence) {
        self.line(&json!({ "stopped_by": by }), || format!("{} / {}", by.en, by.fr));
    }

    /// A verdict, once it is durable.
    pub(crate) fn verdict(self, announcement: &Announcement) {
        self.line(announcement, || {
            let row = announcement.sequence.map_or_else(|| "not in the journal".to_owned(), |row| format!("row {row}"));
            format!("{}  ({}, {row})", sentence(&announcement.ruling), announcement.source)
        });
    }

    /// How it went with somebody who was admitted.
    pub(crate) fn passage(self, passage: &PassageLine) {
        self.line(passage, || passage.words());
    }

    /// A picture in which there was nothing to read.
    pub(crate) fn nothing_read(self, lane: LaneId, source: &Source) {
        self.line(&json!({ "read": null, "lane": lane, "source": source }), || format!("no code  ({source})"));
    }

    /// A thing as JSON, or its words.
    pub(crate) fn line(self, value: &impl Serialize, words: impl FnOnce() -> String) {
        let text = if self.json { serde_json::to_string(value).map_err(io::Error::from) } else { Ok(words()) };
        // A closed pipe is no reason to keep people outside: the screen goes on.
        if let Err(error) = text.and_then(|text| writeln!(io::stdout().lock(), "{text}")) {
            tracing::warn!(%error, "cannot write to standard output");
        }
    }
}

/// A ruling in one line.
pub(crate) fn sentence(ruling: &Ruling) -> String {
    let persons = match ruling.persons {
        0 => String::new(),
        1 => "  1 person".to_owned(),
        persons => format!("  {persons} persons"),
    };
    let remaining = if ruling.remaining > 0 { format!("  {} remaining", ruling.remaining) } else { String::new() };
    let gate = ruling.earlier_gate.map(|gate| format!(" at gate {gate}")).unwrap_or_default();
    let earlier = ruling.earlier.map(|at| format!("  last used {at}{gate}")).unwrap_or_default();
    let seat = ruling.slot.map(|slot| format!("  seat {slot}")).unwrap_or_default();
    format!("{:<20}{}{persons}{remaining}{seat}{earlier}", ruling.verdict.code(), ruling.sentence.en)
}
