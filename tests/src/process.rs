//! Processes under test: told everything by their command line and variables, heard line by line, ended with this process
//! however it ends. Knows nothing of what they do.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use countermark_postgres::{Leash, LeashedChild};
use tokio::sync::mpsc;

use crate::wait::until;

/// A command that inherits nothing: no variable, no input. Its logs are for programs to read.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// A process that runs on. Dropping it kills it.
pub struct Process {
    name: String,
    child: LeashedChild,
    lines: mpsc::UnboundedReceiver<String>,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; what it says on standard error is added to the file `log`.
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let errors = OpenOptions::new().create(true).append(true).open(log);
        let errors = errors.with_context(|| format!("{} cannot be written", log.display()))?;
        let mut child = Leash::spawn(command.stdout(Stdio::piped()).stderr(errors))
            .with_context(|| format!("{name} cannot be started"))?;
        let output = child.take_stdout().context("a piped process has a standard output")?;
        let (sender, lines) = mpsc::unbounded_channel();
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                // Nobody listens any more: the process must not stand still for that.
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        Ok(Self { name: name.to_owned(), child, lines, log: log.to_owned() })
    }

    /// The next line of its standard output; none when there will be none.
    pub async fn line(&mut self, patience: Duration) -> Result<Option<String>> {
        tokio::time::timeout(patience, self.lines.recv()).await.with_context(|| {
            format!("{} said nothing for {} seconds; {}", self.name, patience.as_secs(), self.log_tail())
        })
    }

    /// The next line, of a process that has something to say.
    pub async fn expect_line(&mut self, patience: Duration) -> Result<String> {
        match self.line(patience).await? {
            Some(line) => Ok(line),
            None => bail!("{} has ended; {}", self.name, self.log_tail()),
        }
    }

    /// The lines that are there already.
    pub fn lines_so_far(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.lines.try_recv().ok()).collect()
    }

    /// Its standard input, once, where the command asked for a pipe.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.child.take_stdin()
    }

    /// Has it hang until [`Process::go_on`]: its connections stay open.
    pub fn hang(&mut self) -> Result<()> {
        self.child.hang().with_context(|| format!("{} cannot be stopped", self.name))
    }

    /// Has it go on.
    pub fn go_on(&mut self) -> Result<()> {
        self.child.go_on().with_context(|| format!("{} cannot go on", self.name))
    }

    /// Asks it to end, and waits until it has.
    pub async fn terminate(mut self, patience: Duration) -> Result<ExitStatus> {
        self.child.terminate().with_context(|| format!("{} cannot be asked to end", self.name))?;
        self.ended(patience).await
    }

    /// `kill -9`, and waits until it is gone. The answer is what it had said to the end.
    pub async fn kill(mut self) -> Result<Vec<String>> {
        self.child.kill().with_context(|| format!("{} cannot be killed", self.name))?;
        self.child.wait()?;
        let mut said = Vec::new();
        while let Some(line) = self.lines.recv().await {
            said.push(line);
        }
        Ok(said)
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self, patience: Duration) -> Result<ExitStatus> {
        until(format_args!("{} had ended", self.name), patience, async || Ok(self.child.try_wait()?)).await
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_else(|error| format!("(unreadable: {error})"));
        let lines: Vec<_> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(10)..).unwrap_or_default();
        format!("its log ends with:\n{}", tail.join("\n"))
    }
}

/// What a command that ended by itself had to say.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub said: String,
    /// Its standard error.
    pub complained: String,
}

/// Runs a command to its end.
pub async fn run(mut command: Command) -> Result<Outcome> {
    let program = command.get_program().to_owned();
    tokio::task::spawn_blocking(move || {
        let mut child = Leash::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let (output, errors) = (child.take_stdout(), child.take_stderr());
        let complaining = thread::spawn(move || read(errors));
        let said = read(output)?;
        let complained = complaining.join().unwrap_or_else(|_| Ok(String::new()))?;
        std::io::Result::Ok(Outcome { status: child.wait()?, said, complained })
    })
    .await?
    .with_context(|| format!("{} cannot be run", Path::new(&program).display()))
}

/// Runs a command that must succeed; the answer is what it said.
pub async fn run_well(command: Command) -> Result<String> {
    let said: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    let what = said.join(" ");
    let outcome = run(command).await?;
    ensure!(outcome.status.success(), "`{what}` failed ({}): {}", outcome.status, outcome.complained.trim());
    Ok(outcome.said)
}

fn read(pipe: Option<impl Read>) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        pipe.read_to_end(&mut bytes)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
