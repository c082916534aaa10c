//! What was read, and by which rung of the ladder.

use std::fmt;

use crate::projection::Point;

/// A text and how it was read. It may be anybody's private code: its `Debug` leaves it out.
#[derive(Clone, PartialEq)]
pub struct Reading {
    /// What the code says.
    pub text: String,
    /// What read it.
    pub rung: Rung,
    /// Where it is, in pixels of the picture, from the code's upper left corner clockwise. Of a code that was sampled the fourth is as if it
    /// were seen from straight above.
    pub corners: [Point; 4],
}

impl fmt::Debug for Reading {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reading")
            .field("rung", &self.rung)
            .field("corners", &self.corners)
            .finish_non_exhaustive()
    }
}

/// What read a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The finders were seen in this.
    pub look: Look,
    /// The modules were read by this.
    pub means: Means,
    /// It was light on dark.
    pub inverted: bool,
}

/// What finders are looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The picture so many times smaller.
    Shrunk(u16),
    /// The picture without half of its noise.
    Smoothed,
    /// The same, by a threshold that follows the light closely.
    Local,
    /// The picture without half of its noise, by a threshold that follows the light from further away.
    Wide,
    /// The picture as it is.
    Plain,
}

/// How modules are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// One black or white sample a module, by rxing.
    Sampled,
    /// Grey samples, with what smeared them taken back, and doubt for the error correction.
    Equalised,
}

impl fmt::Display for Rung {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.look {
            Look::Shrunk(times) => write!(formatter, "shrunk-{times}")?,
            Look::Smoothed => write!(formatter, "smoothed")?,
            Look::Local => write!(formatter, "local")?,
            Look::Wide => write!(formatter, "wide")?,
            Look::Plain => write!(formatter, "plain")?,
        }
        let means = match self.means {
            Means::Sampled => "",
            Means::Equalised => "-equalised",
        };
        write!(formatter, "{means}{}", if self.inverted { "-inverted" } else { "" })
    }
}
