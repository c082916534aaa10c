//! The page of an event's findings, for people. Owns how figures and findings are laid out and drawn; refuses to know where they come
//! from and who may see them.
//!
//! The page itself says nothing that is not public. Its script signs somebody in and asks, with their token, for the content, which is
//! made here: what people read is in Rust, and the script only carries it.

mod bars;
mod content;
mod sentences;
mod words;

use askama::Template;
use countermark_shared::id::EventId;
use countermark_shared::verdict::Language;

pub(crate) use self::content::{Shown, content};
use self::words::Words;

/// Scripts, styles and calls of this service alone; no form is ever sent by the browser itself, nobody frames it.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; \
                                 frame-ancestors 'none'; base-uri 'none'";

/// What the page runs.
pub(crate) const SCRIPT: &str = include_str!("../assets/findings.js");

/// What it looks like.
pub(crate) const STYLE: &str = include_str!("../assets/findings.css");

#[derive(Template)]
#[template(path = "findings.html")]
struct Frame {
    event: EventId,
    words: &'static Words,
}

/// The page before anybody has signed in.
pub(crate) fn frame(event: EventId, language: Language) -> Result<String, askama::Error> {
    Frame { event, words: Words::of(language) }.render()
}

#[cfg(test)]
mod tests;
