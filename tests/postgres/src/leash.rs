//! Owns the promise that a child ends with its parent, however the parent ends. Knows nothing of what the child does.
//!
//! Linux's `PR_SET_PDEATHSIG` is cleared when root is dropped and follows a thread, not the process. So a tiny `sh`
//! watches instead: it leads a process group, blocks on a pipe whose other end only the parent holds, and says farewell
//! to the group when that end closes, as the kernel does for a killed parent too. It runs before the child is born into
//! its group: there is no moment at which a killed parent leaves a child behind.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The watcher that a leashed child's life hangs on.
pub struct Leash {
    watcher: Child,
}

impl Leash {
    /// Starts `command` as a child that ends with this process: when its [`LeashedChild`] is dropped, when this process
    /// exits, and when it is killed. What the child starts ends with it, unless it leaves the process group.
    ///
    /// The child's group is not the terminal's: Ctrl-C reaches the parent only, and standard input must not be inherited
    /// from a terminal. A process group set on `command` earlier is replaced.
    pub fn spawn(command: &mut Command) -> io::Result<LeashedChild> {
        Self::tie("", "/".as_ref())?.lead(command)
    }

    /// A watcher that runs the shell lines `farewell`, with `folder` as `$1`, before it kills its group and thus itself.
    pub(crate) fn tie(farewell: &str, folder: &OsStr) -> io::Result<Self> {
        let watcher = Command::new("/bin/sh")
            .args(["-c", &format!("read -r _\n{farewell}\nkill -KILL 0"), "leash"])
            .arg(folder)
            // It outlives the parent for a moment and must hold nothing of the parent's: no folder, no pipe.
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { watcher })
    }

    /// Lets the watcher also wait for what `command` starts, rather than kill it: the child holds the pipe's other end, as
    /// its standard input, from which it must not read.
    pub(crate) fn outlast<'command>(&self, command: &'command mut Command) -> io::Result<&'command mut Command> {
        let pipe = self.watcher.stdin.as_ref().map(|pipe| pipe.as_fd().try_clone_to_owned()).transpose()?;
        Ok(command.stdin(pipe.map_or_else(Stdio::null, Stdio::from)))
    }

    /// Starts `command` and hands the leash to its child.
    pub(crate) fn lead(self, command: &mut Command) -> io::Result<LeashedChild> {
        let child = command.process_group(self.watcher.id().cast_signed()).spawn()?;
        Ok(LeashedChild { child, _leash: self })
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        // Waiting closes the pipe first, which is what the watcher waits for.
        let _ = self.watcher.wait();
    }
}

/// A child that ends with its parent. Dropping it kills and reaps it.
pub struct LeashedChild {
    child: Child,
    _leash: Leash,
}

impl LeashedChild {
    /// The child's own process id, not the watcher's.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The child's standard input, once, where the command asked for a pipe.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// The child's standard output, once, where the command asked for a pipe.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// The child's standard error, once, where the command asked for a pipe.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Asks the child to end (SIGTERM). A child that has ended is not an error.
    pub fn terminate(&mut self) -> io::Result<()> {
        self.signal(Signal::SIGTERM)
    }

    /// Kills the child (SIGKILL). A child that has ended is not an error.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()
    }

    /// Has the child do nothing more, as one that hangs (SIGSTOP). A child that has ended is not an error.
    pub fn hang(&mut self) -> io::Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Has it go on (SIGCONT).
    pub fn go_on(&mut self) -> io::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    /// How the child ended, where it has.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits until the child ends; closes its standard input first, as [`Child::wait`] does.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    pub(crate) fn signal(&mut self, signal: Signal) -> io::Result<()> {
        // The process id of a reaped child may be another's by now.
        if self.child.try_wait()?.is_none() {
            kill(Pid::from_raw(self.child.id().cast_signed()), signal)?;
        }
        Ok(())
    }
}

impl Drop for LeashedChild {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::os::unix::process::ExitStatusExt;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// Whether all that hold the other end of `pipe` have ended, or end within ten seconds.
    fn ends(mut pipe: impl Read + Send + 'static) -> bool {
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || done.send(pipe.read_to_end(&mut Vec::new())));
        ended.recv_timeout(Duration::from_secs(10)).is_ok()
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    #[test]
    fn the_id_is_the_childs_own_and_its_status_is_kept() {
        let mut child = Leash::spawn(&mut shell("echo $$; exit 7")).unwrap();
        let mut said = String::new();
        child.take_stdout().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said.trim(), child.id().to_string());
        assert_eq!(child.wait().unwrap().code(), Some(7));
    }

    #[test]
    fn terminate_and_kill_reach_the_child_and_a_second_time_is_no_error() {
        let mut child = Leash::spawn(&mut shell("sleep 1000")).unwrap();
        child.terminate().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(Signal::SIGTERM as i32));
        child.terminate().unwrap();

        let mut child = Leash::spawn(&mut shell("sleep 1000")).unwrap();
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(Signal::SIGKILL as i32));
        child.kill().unwrap();
    }

    #[test]
    fn dropping_ends_the_child_and_what_it_started() {
        let mut child = Leash::spawn(&mut shell("sleep 1000 & wait")).unwrap();
        let output = child.take_stdout().unwrap();
        let process = Pid::from_raw(child.id().cast_signed());
        drop(child);
        assert_eq!(kill(process, None), Err(nix::errno::Errno::ESRCH), "the child is not reaped");
        assert!(ends(output), "what the child started lives on");
    }

    /// This test plays two parts: it starts itself again as the parent that is killed.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the part to play cannot come as an argument of a test")]
    fn a_child_ends_when_its_parent_is_killed() {
        const PARENT: &str = "LEASH_TEST_PARENT";
        if std::env::var_os(PARENT).is_some() {
            // The child inherits standard error, which thus stays open for as long as the child lives.
            let _child = Leash::spawn(shell("echo ready >&2; sleep 1000").stdout(Stdio::null())).unwrap();
            loop {
                std::thread::park();
            }
        }
        let mut parent = Leash::spawn(
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "leash::tests::a_child_ends_when_its_parent_is_killed"])
                .env(PARENT, "")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped()),
        )
        .unwrap();
        let mut output = BufReader::new(parent.take_stderr().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        parent.kill().unwrap();
        assert!(ends(output), "the child outlives its killed parent");
    }

    #[test]
    fn standard_input_reaches_the_child() {
        let mut child = Leash::spawn(shell("read -r line; echo \"$line\"").stdin(Stdio::piped())).unwrap();
        child.take_stdin().unwrap().write_all(b"hello\n").unwrap();
        let mut said = String::new();
        child.take_stdout().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello\n");
    }
}
