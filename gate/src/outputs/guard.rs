//! The promise that a pulse ends though its agent is killed, as by kill -9 or for want of memory: a second process of this program that
//! waits for the agent's end, and then switches everything off.
//!
//! It hangs on a pipe whose other end only the agent holds, so that the kernel tells it of any end. Through that it is first handed the text
//! of `gate.toml` that the agent has read: the file may say something else by then. The agent looks whether it is there, and starts another.
//! Where it is killed, too, as with the whole control group, `countermark-gate outputs off` does the same from systemd's `ExecStopPost=`, and where
//! the file has a mistake by then, by the text that the agent left in its folder; where the box loses power, so does what hangs on its USB. A
//! profile with `pulse-ends = "by-board"` needs none of this.

use std::io::{self, BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::put_signals_off;
use crate::config::TomlFile;

/// How often to look whether it is there; at most so long after, where one after the other ends.
const LOOK_EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));
/// After the text: TOML has none.
const END: u8 = 0;

/// The guard, for as long as this is held.
#[derive(Debug)]
pub(crate) struct Guard {
    file: TomlFile,
    command: fn(&Path) -> Command,
    process: Option<Child>,
}

impl Guard {
    /// Starts one, for the outputs of a file. Where that fails, people stand outside all the same: it is logged, and tried again.
    pub(crate) fn start(file: TomlFile) -> Self {
        Self::of(file, this_program)
    }

    fn of(file: TomlFile, command: fn(&Path) -> Command) -> Self {
        let mut guard = Self { file, command, process: None };
        guard.restart();
        guard
    }

    /// Starts another one whenever it has ended, until `end` has no other end.
    pub(crate) fn watch(mut self, end: &Receiver<()>) {
        let mut pause = LOOK_EVERY.0;
        while end.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            if !self.look() {
                pause = (pause * 2).min(LOOK_EVERY.1);
            }
        }
    }

    /// Whether it was there; it is started anew otherwise.
    fn look(&mut self) -> bool {
        let ended = match self.process.as_mut().map(Child::try_wait) {
            Some(Ok(None)) => return true,
            Some(Ok(Some(status))) => status.to_string(),
            Some(Err(error)) => error.to_string(),
            None => "it could not be started".to_owned(),
        };
        tracing::error!(%ended, "nobody guards the outputs; the guard is started anew");
        self.restart();
        false
    }

    fn restart(&mut self) {
        let started = self.begin();
        self.process =
            started.inspect_err(|error| tracing::error!(%error, "the guard of the outputs does not start")).ok();
    }

    fn begin(&self) -> io::Result<Child> {
        let mut command = (self.command)(self.file.path());
        // What ends the agent from a terminal does not end this before.
        let mut process = command.stdin(Stdio::piped()).process_group(0).spawn()?;
        if let Some(pipe) = &mut process.stdin {
            pipe.write_all(self.file.text().as_bytes())?;
            pipe.write_all(&[END])?;
        }
        Ok(process)
    }
}

/// The program that runs, also when its file was replaced since.
fn this_program(config: &Path) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args(["outputs", "off", "--when-the-agent-ends", "--config"]).arg(config).stdout(Stdio::null());
    command
}

/// The text of the file that the agent has read; `input` is the pipe from it. Whoever asks the whole control group to end asks the agent,
/// too: its end is what counts.
pub(crate) fn hear_the_agents_file(input: &mut impl BufRead) -> io::Result<String> {
    put_signals_off()?;
    let mut text = Vec::new();
    input.read_until(END, &mut text)?;
    // An agent that ended before the whole was written has switched on nothing.
    if text.pop() != Some(END) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    String::from_utf8(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Returns when the process at the other end of the pipe is gone.
pub(crate) fn wait_for_the_agents_end(input: &mut impl BufRead) -> io::Result<()> {
    input.read_to_end(&mut Vec::new()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text, and whether a guard that was killed is started anew with it.
    #[test]
    fn a_guard_that_ended_is_started_anew_with_the_file_as_it_was_read() {
        let file = TomlFile::of_text("gate.toml", "poll-seconds = 5\n".to_owned());
        let mut guard = Guard::of(file, |_| {
            let mut echo = Command::new("cat");
            echo.stdout(Stdio::piped());
            echo
        });
        let first = guard.process.as_mut().unwrap();
        let number = first.id();
        assert!(guard.look(), "it is there");
        let first = guard.process.as_mut().unwrap();
        first.kill().unwrap();
        first.wait().unwrap();
        assert!(!guard.look());
        let mut second = guard.process.take().unwrap();
        assert_ne!(second.id(), number);
        drop(second.stdin.take());
        let heard = second.wait_with_output().unwrap().stdout;
        assert_eq!(hear_the_agents_file(&mut heard.as_slice()).unwrap(), "poll-seconds = 5\n");
    }

    #[test]
    fn half_a_file_is_none() {
        assert!(hear_the_agents_file(&mut &b"poll-sec"[..]).is_err());
        let mut pipe = &b"poll-seconds = 5\0"[..];
        assert_eq!(hear_the_agents_file(&mut pipe).unwrap(), "poll-seconds = 5");
        wait_for_the_agents_end(&mut pipe).unwrap();
    }
}
