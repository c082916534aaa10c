//! Keys that go down and up to lines of strokes. Pure: the time comes with each key. Owns what is held and where a line ends; which
//! character a stroke is, [`layout`](super::layout) says.

use std::time::Duration;

use super::layout::{Held, keypad_digit};
use crate::input::framing::MAX_LINE;

/// Scanners type faster than any person. What was typed before so long a pause has lost its rest.
const IDLE: Duration = Duration::from_millis(500);

/// A key as the kernel tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// It went down.
    Down(u16),
    /// It went up.
    Up(u16),
    /// The kernel had no room: keys are missing here.
    Lost,
}

/// One character of a line. Together they are somebody's ticket: no `Debug`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stroke {
    /// A key, and what was held.
    Key(u16, Held),
    /// Typed by its number on the keypad, with Alt held.
    Numbered(char),
}

/// What came of a key.
#[derive(PartialEq, Eq)]
pub(super) enum Typed {
    /// A line, ended by Enter or Tab.
    Line {
        /// All that was read of it.
        strokes: Vec<Stroke>,
        /// Whether that is all of it.
        whole: bool,
    },
    /// A line began and did not end; it is gone.
    Cut,
}

/// A keyboard in use.
#[derive(Default)]
pub(super) struct Typing {
    strokes: Vec<Stroke>,
    damaged: bool,
    last: Duration,
    capitals: bool,
    shift: [bool; 2],
    control: [bool; 2],
    alt_graph: bool,
    alt: Alt,
}

/// The Alt key, with which characters are typed by their numbers.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Alt {
    #[default]
    Up,
    Down,
    /// The number typed so far.
    Numbering(u32),
}

impl Typing {
    /// The next key, at an uptime that does not go back; whether it ended a line.
    pub(super) fn on(&mut self, key: Key, at: Duration) -> Option<Typed> {
        let late = at.saturating_sub(self.last) >= IDLE;
        self.last = at;
        let cut = (late && self.began()).then(|| {
            drop(self.take());
            Typed::Cut
        });
        // A line cannot end with its first key, so that there is only ever one thing to say.
        let typed = match key {
            Key::Down(code) => self.down(code),
            Key::Up(code) => self.up(code),
            Key::Lost => {
                *self = Self { damaged: true, last: at, capitals: self.capitals, ..Self::default() };
                None
            }
        };
        cut.or(typed)
    }

    fn down(&mut self, code: u16) -> Option<Typed> {
        match code {
            // Enter, Enter of the keypad, Tab.
            28 | 96 | 15 => return self.end(),
            58 => self.capitals = !self.capitals,
            56 => self.alt = Alt::Down,
            _ if self.hold(code, true) => {}
            _ => self.press(code),
        }
        None
    }

    fn press(&mut self, code: u16) {
        let number = match self.alt {
            Alt::Up => None,
            Alt::Down => Some(0),
            Alt::Numbering(number) => Some(number),
        };
        if let (Some(number), Some(digit)) = (number, keypad_digit(code)) {
            self.alt = Alt::Numbering(number.saturating_mul(10).saturating_add(digit.into()));
            return;
        }
        let (controlled, third) = (self.control != [false; 2], self.third());
        // A command to some program, and no character.
        if (controlled || self.alt != Alt::Up) && !third {
            return;
        }
        self.stroke(Stroke::Key(code, Held { shift: self.shift != [false; 2], third, capitals: self.capitals }));
    }

    fn up(&mut self, code: u16) -> Option<Typed> {
        self.hold(code, false);
        if code != 56 {
            return None;
        }
        let Alt::Numbering(number) = std::mem::take(&mut self.alt) else { return None };
        match char::from_u32(number) {
            Some('\r' | '\n' | '\t') => return self.end(),
            Some(character @ ' '..='~') => self.stroke(Stroke::Numbered(character)),
            // Framing, as a serial scanner has it.
            Some('\0'..' ') => {}
            Some(_) | None => self.damaged = true,
        }
        None
    }

    /// Whether this key is one that is held, which is noted.
    fn hold(&mut self, code: u16, down: bool) -> bool {
        let [left_shift, right_shift] = &mut self.shift;
        let [left_control, right_control] = &mut self.control;
        *match code {
            42 => left_shift,
            54 => right_shift,
            29 => left_control,
            97 => right_control,
            100 => &mut self.alt_graph,
            // Num Lock, Scroll Lock and the keys with a logo print nothing.
            69 | 70 | 125..=127 => return true,
            _ => return false,
        } = down;
        true
    }

    /// `AltGr`, or Ctrl and Alt, which stands for it.
    fn third(&self) -> bool {
        self.alt_graph || (self.alt != Alt::Up && self.control != [false; 2])
    }

    fn stroke(&mut self, stroke: Stroke) {
        if self.strokes.len() < MAX_LINE {
            self.strokes.push(stroke);
        } else {
            self.damaged = true;
        }
    }

    fn began(&self) -> bool {
        self.damaged || !self.strokes.is_empty()
    }

    fn end(&mut self) -> Option<Typed> {
        self.began().then(|| {
            let (strokes, damaged) = self.take();
            Typed::Line { strokes, whole: !damaged }
        })
    }

    fn take(&mut self) -> (Vec<Stroke>, bool) {
        (std::mem::take(&mut self.strokes), std::mem::take(&mut self.damaged))
    }
}
