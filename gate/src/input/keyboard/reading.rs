//! Strokes to text, by the layout that the scanner was set to or by the one that it seems to be set to. Pure. Owns the recognition of a wrong
//! layout: of all inputs this one alone asks whether a text is a ticket, since that is what tells one layout from another.
//!
//! Every stroke is kept, so nothing is lost by a wrong layout: the line is read again by each layout there is. A ticket under one layout is
//! none under most others, because the colon of `CM1:` is another key. Layouts on which all of a ticket's characters are the same keys give
//! the same text; where two give different tickets (German and Italian: Y and Z), nobody but the signatures could choose, and none is read.

use countermark_shared::invitation::Invitation;
use countermark_shared::ticket::UnverifiedTicket;

use super::layout::{Held, Layout};
use super::typing::Stroke;
use crate::input::ScannedText;
use crate::input::framing::without_identifier;

/// What a line of strokes says.
#[derive(PartialEq, Eq)]
pub(super) enum Reading {
    /// A ticket, by the layout that the scanner should have.
    Ticket(ScannedText),
    /// A ticket, but only by these settings; the text is whole if they all agree.
    Misset(ScannedText, Vec<Setting>),
    /// No ticket by any layout.
    Other(ScannedText),
}

/// How a scanner seems to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// To which keyboard.
    pub(super) layout: &'static Layout,
    /// Whether it takes Caps Lock for on where it is off, or the other way round.
    pub(super) capitals_turned: bool,
}

/// Reads a line.
pub(super) fn read(strokes: &[Stroke], whole: bool, expected: &'static Layout) -> Reading {
    let expected = Setting { layout: expected, capitals_turned: false };
    let as_expected = expected.text(strokes);
    let shown = |text: String| if whole { ScannedText::Whole(text) } else { ScannedText::Damaged(text) };
    if as_expected.as_deref().is_some_and(is_ours) {
        return Reading::Ticket(shown(as_expected.unwrap_or_default()));
    }
    let settings =
        Layout::ALL.iter().flat_map(|layout| [false, true].map(|capitals_turned| Setting { layout, capitals_turned }));
    let (fitting, mut texts): (Vec<_>, Vec<_>) =
        settings.filter_map(|setting| Some((setting, setting.text(strokes).filter(|text| is_ours(text))?))).unzip();
    texts.sort_unstable();
    texts.dedup();
    match (texts.pop(), texts.is_empty()) {
        (None, _) => Reading::Other(match as_expected {
            Some(text) => shown(text),
            None => ScannedText::Damaged(expected.legible(strokes)),
        }),
        (Some(text), true) => Reading::Misset(shown(text), fitting),
        (Some(_), false) => Reading::Misset(ScannedText::Damaged(expected.legible(strokes)), fitting),
    }
}

fn is_ours(text: &str) -> bool {
    UnverifiedTicket::parse(text).is_ok() || text.parse::<Invitation>().is_ok()
}

impl Setting {
    /// The text of the strokes without what scanners put in front of it; none if one of them prints nothing.
    fn text(self, strokes: &[Stroke]) -> Option<String> {
        let text: String = strokes.iter().map(|stroke| self.character(*stroke)).collect::<Option<_>>()?;
        str::from_utf8(without_identifier(text.as_bytes())).ok().map(str::to_owned)
    }

    fn legible(self, strokes: &[Stroke]) -> String {
        strokes.iter().map(|stroke| self.character(*stroke).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    }

    fn character(self, stroke: Stroke) -> Option<char> {
        match stroke {
            Stroke::Numbered(character) => Some(character),
            Stroke::Key(key, held) => {
                let held = Held { capitals: held.capitals ^ self.capitals_turned, ..held };
                self.layout.character(key, held)
            }
        }
    }
}
