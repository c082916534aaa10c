//! The promise that a pulse ends though its agent is killed, as by kill -9 or for want of memory: a second process of this program that
//! waits for the agent's end, and then switches everything off.
//!
//! It hangs on a pipe whose other end only the agent holds, so that the kernel tells it of any end. It has read `gate.toml` before. Where
//! it is killed, too, as with the whole control group, `countermark-gate outputs off` does the same from systemd's `ExecStopPost=`; where the
//! box loses power, so does what hangs on its USB. A profile with `pulse-ends = "by-board"` needs none of this.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{SigSet, Signal};

/// The guard, for as long as this is held.
#[derive(Debug)]
pub(crate) struct Guard {
    _process: Child,
}

impl Guard {
    /// Starts one, for the outputs of a file.
    pub(crate) fn start(config: &Path) -> io::Result<Self> {
        // The program that runs, also when its file was replaced since.
        let process = Command::new("/proc/self/exe")
            .args(["outputs", "off", "--when-the-agent-ends", "--config"])
            .arg(config)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // What ends the agent from a terminal does not end this before.
            .process_group(0)
            .spawn()?;
        Ok(Self { _process: process })
    }
}

/// Returns when the process at the other end of standard input is gone. Whoever asks the whole control group to end asks the agent, too:
/// its end is what counts.
pub(crate) fn wait_for_the_agents_end() -> io::Result<()> {
    SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]).thread_block()?;
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
