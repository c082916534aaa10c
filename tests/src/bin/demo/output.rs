//! Owns every line that the demo prints: plain text, and colours where a person reads it at a terminal.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use countermark_shared::time::Timestamp;
use countermark_tests::clock;

pub(crate) struct Output {
    began: Timestamp,
    stdout: io::Stdout,
    colours: bool,
}

/// How a piece of text is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Faint,
    Strong,
}

impl Output {
    #[expect(clippy::disallowed_methods, reason = "NO_COLOR is an agreement between programs, not a setting of ours")]
    pub(crate) fn new() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let stdout = io::stdout();
        Self { began: clock::now(), colours: stdout.is_terminal() && !unwanted, stdout }
    }

    pub(crate) fn line(&self, text: &str) {
        // A closed pipe is no reason to leave the show half done: the exit code still tells.
        let _ = writeln!(self.stdout.lock(), "{text}");
    }

    pub(crate) fn heading(&self, text: &str) {
        self.line(&format!("\n{}\n", self.toned(Tone::Strong, text)));
    }

    /// Something that was done, with the seconds since the start.
    pub(crate) fn step(&self, text: &str) {
        let elapsed: Duration = clock::now().since(self.began);
        let seconds = format!("{:5.1} s", elapsed.as_secs_f64());
        self.line(&format!("{} {} {text}", self.toned(Tone::Faint, &seconds), self.toned(Tone::Good, "✓")));
    }

    pub(crate) fn pair(&self, name: &str, value: &str) {
        self.line(&format!("  {name:<24}{value}"));
    }

    pub(crate) fn toned(&self, tone: Tone, text: &str) -> String {
        if !self.colours {
            return text.to_owned();
        }
        let code = match tone {
            Tone::Good => 32,
            Tone::Bad => 31,
            Tone::Faint => 2,
            Tone::Strong => 1,
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// The whole chain of causes; without a backtrace, which helps nobody.
    pub(crate) fn failed(&self, error: &anyhow::Error) -> ExitCode {
        let mark = self.toned(Tone::Bad, "✗");
        // Where standard error is closed, the exit code is all that can be said.
        let _ = writeln!(io::stderr().lock(), "{mark} the demo failed: {error:#}");
        ExitCode::FAILURE
    }
}
