//! `journal`: what this gate did, for an auditor. Of the running agent, which alone has its ledger; else of the disk itself.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use clap::{Args, Subcommand};
use countermark_shared::journal::{Audit, ExportEnd, ExportHead, ExportedRow};
use countermark_shared::keys::{SigningKey, VerifyingKey};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Common, ledger_at_rest};
use crate::clock::{Clock, Moment};
use crate::data_folder::DataFolder;
use crate::identity::{Identity, stored_key};
use crate::ledger::{Ledger, OpenError, Pruned};
use crate::local::{Answer, AskError, Question, SignedPage, ask};
use crate::printer::Printer;

/// `verify`: something does not hold.
const UNSOUND: u8 = 3;
/// Rows that the agent is asked for at a time: about a megabyte.
const ROWS_AT_ONCE: usize = 1_000;
/// A line longer than that is none of ours.
const LONGEST_LINE: u64 = 16 * 1024;
const A_DAY: u64 = 24 * 60 * 60;

#[derive(Args)]
pub(super) struct JournalCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the journal into a file: JSON Lines, the gate's public key first and its signature last.
    Export(Export),
    /// Check a file that `export` wrote, or this gate's own journal: rows, chain, signature.
    ///
    /// That a key is that gate's, the cloud knows: give it with --key, or compare what is printed. The administrator reads it on the page of the event's
    /// findings, or as `key` in `GET /v1/events/EVENT/gates`.
    #[command(after_help = "Exit codes: 0 it holds; 1 it could not be read; 2 wrong usage; 3 something does not hold.")]
    Verify(Verify),
    /// Let old rows go that validation has. What is left can be verified as before.
    ///
    /// No row goes that validation has not confirmed, that people have to look into, or that is about an event of which this gate's lease has not surely ended.
    Prune(Prune),
}

#[derive(Args)]
struct Export {
    #[command(flatten)]
    common: Common,
    /// The file to write; it is replaced. Readable by you alone.
    file: PathBuf,
    /// Write the tickets' texts as well: whoever has them can show them.
    #[arg(long)]
    with_tickets: bool,
}

#[derive(Args)]
struct Verify {
    #[command(flatten)]
    common: Common,
    /// The file; without one, this gate's own journal.
    file: Option<PathBuf>,
    /// The gate's public key, from the page of the event's findings: 64 hexadecimal digits.
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<VerifyingKey>,
}

#[derive(Args)]
struct Prune {
    #[command(flatten)]
    common: Common,
    /// Keep the rows of so many days.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    keep_days: u64,
}

fn key(text: &str) -> Result<VerifyingKey, String> {
    VerifyingKey::try_from(text.to_owned()).map_err(|error| error.to_string())
}

impl JournalCommand {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Export(arguments) => arguments.perform(),
            Command::Verify(arguments) => arguments.perform(),
            Command::Prune(arguments) => arguments.perform(),
        }
    }
}

impl Export {
    fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common: Common { data, json }, file, with_tickets } = self;
        let source = Source::of(&DataFolder::at(&data))?;
        let rows = replace(&file, |writer| {
            let mut rows: u64 = 0;
            source.read(with_tickets, |line| {
                rows += u64::from(matches!(line, Line::Row(_)));
                let text = match line {
                    Line::Head(head) => serde_json::to_string(head),
                    Line::Row(row) => serde_json::to_string(row),
                    Line::End(end) => serde_json::to_string(end),
                };
                Ok(writeln!(writer, "{}", text?)?)
            })?;
            Ok(rows)
        })
        .with_context(|| format!("cannot write {}", file.display()))?;
        let said = json!({ "file": file, "rows": rows });
        Printer { json }.line(&said, || format!("{rows} rows in {}", file.display()));
        Ok(ExitCode::SUCCESS)
    }
}

impl Verify {
    fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common: Common { data, json }, file, key } = self;
        let printer = Printer { json };
        let (name, audited) = match file {
            Some(file) => (file.display().to_string(), verify_file(&file, key)),
            None => {
                (data.display().to_string(), Source::of(&DataFolder::at(&data)).and_then(|source| source.verify(key)))
            }
        };
        match audited {
            Ok(Audited { head, last }) => {
                let said =
                    json!({ "sound": true, "gate": head.gate, "key": head.key, "after": head.after, "last": last });
                printer.line(&said, || {
                    format!("{name} holds: gate {}, rows {} to {last}, key {}", head.gate, head.after + 1, head.key)
                });
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => {
                let (line, why) = unsound(error)?;
                printer.line(&json!({ "sound": false, "line": line, "why": why }), || {
                    let line = line.map_or_else(String::new, |line| format!("line {line}: "));
                    format!("{name} does not hold: {line}{why}")
                });
                Ok(ExitCode::from(UNSOUND))
            }
        }
    }
}

/// What does not hold of a journal, and in which line of a file; what has nothing to do with that stays an error.
fn unsound(error: anyhow::Error) -> anyhow::Result<(Option<u64>, String)> {
    match error.downcast::<Wrong>() {
        Ok(Wrong { line, why }) => Ok((Some(line), why)),
        Err(error) => match error.downcast::<OpenError>() {
            Ok(why @ (OpenError::Broken { .. } | OpenError::Damaged { .. })) => Ok((None, why.to_string())),
            Ok(error) => Err(error.into()),
            Err(error) => Err(error),
        },
    }
}

impl Prune {
    fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common: Common { data, json }, keep_days } = self;
        let folder = DataFolder::at(&data);
        let keep = Duration::from_secs(keep_days * A_DAY);
        let mut source = Source::of(&folder)?;
        let mut rows = 0;
        let after = loop {
            let pruned = source.prune(keep)?;
            rows += pruned.rows;
            if !pruned.more {
                break pruned.after;
            }
        };
        let said = json!({ "rows": rows, "after": after });
        Printer { json }.line(&said, || match rows {
            0 => "no row may go yet".to_owned(),
            _ => format!("{rows} rows are gone; the journal begins after row {after}"),
        });
        Ok(ExitCode::SUCCESS)
    }
}

/// What a file of a journal has, in its order.
enum Line<'a> {
    Head(&'a ExportHead),
    Row(&'a ExportedRow),
    End(&'a ExportEnd),
}

/// What was found to hold.
struct Audited {
    head: ExportHead,
    last: u64,
}

/// Something that does not hold, and where.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {why}")]
struct Wrong {
    line: u64,
    why: String,
}

/// A gate's journal, wherever it can be read.
struct Source {
    folder: DataFolder,
    identity: Identity,
    /// None where an agent has it.
    at_rest: Option<AtRest>,
}

/// A journal on which no agent runs.
struct AtRest {
    ledger: Ledger,
    now: Moment,
    key: SigningKey,
}

impl Source {
    fn of(folder: &DataFolder) -> anyhow::Result<Self> {
        let identity = Identity::load(folder)?;
        let at_rest = match ask(folder, &Question::Status) {
            Ok(_) => None,
            Err(AskError::NotRunning { .. }) => {
                let key = stored_key(folder)?.with_context(|| {
                    format!("{} is missing; start the agent, which may have it", folder.key().display())
                })?;
                let now = Clock::start().now();
                Some(AtRest { ledger: ledger_at_rest(folder, now)?.1, now, key })
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self { folder: folder.clone(), identity, at_rest })
    }

    /// Gives each line, from the first on.
    fn read(&self, tickets: bool, mut each: impl FnMut(Line<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let SignedPage { mut page, key, mut end } = self.page(None, tickets)?;
        each(Line::Head(&ExportHead::new(self.identity.gate, key, page.after, page.hash)))?;
        while let Some(last) = page.rows.last() {
            let after = last.sequence;
            page.rows.iter().try_for_each(|row| each(Line::Row(row)))?;
            SignedPage { page, key: _, end } = self.page(Some(after), tickets)?;
        }
        each(Line::End(&end))
    }

    fn verify(&self, key: Option<VerifyingKey>) -> anyhow::Result<Audited> {
        let mut reading = Reading::new(key);
        self.read(false, |line| match line {
            Line::Head(head) => reading.begin(head.clone()),
            Line::Row(row) => reading.row(row),
            Line::End(end) => reading.end(end),
        })?;
        reading.audited()
    }

    fn page(&self, after: Option<u64>, tickets: bool) -> anyhow::Result<SignedPage> {
        if let Some(AtRest { ledger, now: _, key }) = &self.at_rest {
            return Ok(SignedPage::new(ledger.page(after, ROWS_AT_ONCE, tickets)?, self.identity.gate, key));
        }
        let question = Question::Journal { after, most: ROWS_AT_ONCE, tickets };
        let Answer::Journal(page) = ask(&self.folder, &question)? else { bail!(AskError::Another) };
        Ok(*page)
    }

    fn prune(&mut self, keep: Duration) -> anyhow::Result<Pruned> {
        if let Some(AtRest { ledger, now, key: _ }) = &mut self.at_rest {
            return Ok(ledger.prune(keep, *now)?);
        }
        let question = Question::Prune { keep_seconds: keep.as_secs() };
        let Answer::Pruned(pruned) = ask(&self.folder, &question)? else { bail!(AskError::Another) };
        Ok(pruned)
    }
}

/// Lines that are held against each other as they come.
struct Reading {
    key: Option<VerifyingKey>,
    line: u64,
    begun: Option<(ExportHead, Audit)>,
    last: Option<u64>,
}

impl Reading {
    const fn new(key: Option<VerifyingKey>) -> Self {
        Self { key, line: 0, begun: None, last: None }
    }

    fn begin(&mut self, head: ExportHead) -> anyhow::Result<()> {
        self.line += 1;
        if self.key.is_some_and(|key| key != head.key) {
            return Err(self.wrong("another key than the one that was given"));
        }
        let audit = Audit::begin(&head).map_err(|why| self.wrong(why))?;
        self.begun = Some((head, audit));
        Ok(())
    }

    fn row(&mut self, row: &ExportedRow) -> anyhow::Result<()> {
        self.line += 1;
        let taken = match &mut self.begun {
            Some((_, audit)) => audit.row(row),
            None => return Err(self.wrong("nothing says whose row this is")),
        };
        taken.map_err(|why| self.wrong(why))
    }

    fn end(&mut self, end: &ExportEnd) -> anyhow::Result<()> {
        self.line += 1;
        let Some((_, audit)) = &self.begun else { return Err(self.wrong("nothing says whose checkpoint this is")) };
        self.last = Some(audit.end(end).map_err(|why| self.wrong(why))?);
        Ok(())
    }

    fn audited(self) -> anyhow::Result<Audited> {
        match (self.begun, self.last) {
            (Some((head, _)), Some(last)) => Ok(Audited { head, last }),
            _ => Err(Wrong { line: self.line + 1, why: "the file ends before its checkpoint".to_owned() }.into()),
        }
    }

    fn wrong(&self, why: impl std::fmt::Display) -> anyhow::Error {
        Wrong { line: self.line, why: why.to_string() }.into()
    }
}

/// Reads a file line by line: the first is the head, the last the checkpoint, all between are rows.
fn verify_file(file: &Path, key: Option<VerifyingKey>) -> anyhow::Result<Audited> {
    let unreadable = || format!("cannot read {}", file.display());
    let mut lines = BufReader::new(File::open(file).with_context(unreadable)?);
    let mut reading = Reading::new(key);
    let mut next = || -> anyhow::Result<Option<String>> {
        let mut line = String::new();
        io::Read::take(&mut lines, LONGEST_LINE).read_line(&mut line).with_context(unreadable)?;
        Ok((!line.is_empty()).then_some(line))
    };
    let Some(first) = next()? else { return Err(Wrong { line: 1, why: "the file is empty".to_owned() }.into()) };
    reading.begin(parsed(&first, 1)?)?;
    while let Some(line) = next()? {
        let number = reading.line + 1;
        if reading.last.is_some() {
            return Err(Wrong { line: number, why: "nothing follows the checkpoint".to_owned() }.into());
        }
        if line.starts_with("{\"checkpoint\"") {
            reading.end(&parsed(&line, number)?)?;
        } else {
            reading.row(&parsed(&line, number)?)?;
        }
    }
    reading.audited()
}

fn parsed<T: DeserializeOwned>(line: &str, number: u64) -> Result<T, Wrong> {
    serde_json::from_str(line).map_err(|error| Wrong { line: number, why: error.to_string() })
}

/// Whoever looks finds the whole file or the one before.
fn replace<T>(file: &Path, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let mut name = file.file_name().ok_or_else(|| anyhow!("it is a folder"))?.to_owned();
    name.push(".part");
    let part = file.with_file_name(name);
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    let mut writer = BufWriter::new(opened);
    let written = write(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    ensure!(!file.is_dir(), "it is a folder");
    fs::rename(&part, file)?;
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Owner;
    use crate::samples;

    /// A gate's folder with documents and a few scans, one of them twice, and no agent.
    fn used() -> (tempfile::TempDir, DataFolder) {
        use crate::input::{RawScan, ScannedText, Source};
        let parent = tempfile::tempdir().unwrap();
        let folder = DataFolder::create(&parent.path().join("gate")).unwrap();
        samples::store_keys(&folder);
        samples::identity().store(&folder).unwrap();
        let now = Moment { battery: samples::DOORS, ..Clock::start().now() };
        let owner = Owner { unwrapping_key: None, ..samples::owner() };
        let boot = crate::clock::boot().unwrap();
        let mut ledger = Ledger::open(&folder.ledger(), owner, boot, now.uptime).unwrap();
        for (kind, bytes) in samples::documents() {
            ledger.take(kind, &bytes, now).unwrap();
        }
        let ticket = samples::ticket().to_text();
        let scan = |text: &str| RawScan {
            lane: countermark_shared::id::LaneId(1),
            source: Source::Lines,
            text: ScannedText::Whole(text.to_owned()),
            at: now.uptime,
            in_sight_since: None,
        };
        ledger.scan(&[scan(&ticket), scan(&ticket), scan("junk")], now);
        (parent, folder)
    }

    fn exported(folder: &DataFolder, with_tickets: bool) -> (PathBuf, String) {
        let file = folder.path().join("journal.jsonl");
        let common = Common { data: folder.path().to_owned(), json: false };
        Export { common, file: file.clone(), with_tickets }.perform().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        (file, text)
    }

    fn wrong(file: &Path, key: Option<VerifyingKey>) -> Wrong {
        let Err(error) = verify_file(file, key) else { panic!("{} holds", file.display()) };
        error.downcast().unwrap()
    }

    #[test]
    fn what_is_exported_holds_and_has_no_ticket_that_was_not_asked_for() {
        use std::os::unix::fs::PermissionsExt;
        let (_parent, folder) = used();
        let (file, text) = exported(&folder, false);
        assert!(text.lines().count() == 5 && !text.contains("CM1:"), "{text}");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(verify_file(&file, None).unwrap().last, 3);
        assert_eq!(Source::of(&folder).unwrap().verify(None).unwrap().last, 3);
        assert!(exported(&folder, true).1.contains("CM1:"));
        assert_eq!(verify_file(&file, None).unwrap().last, 3);
    }

    #[test]
    fn a_journal_that_was_changed_where_it_lies_does_not_hold() {
        let (_parent, folder) = used();
        let verify = || {
            let common = Common { data: folder.path().to_owned(), json: true };
            Verify { common, file: None, key: None }.perform().unwrap()
        };
        assert_eq!(verify(), ExitCode::SUCCESS);
        let ledger = rusqlite::Connection::open(folder.ledger()).unwrap();
        ledger.execute("UPDATE journal SET persons = 2 WHERE sequence = 2", []).unwrap();
        drop(ledger);
        assert_eq!(verify(), ExitCode::from(UNSOUND));
        let Err(error) = Source::of(&folder) else { panic!("it was taken as it is") };
        let (line, why) = unsound(error).unwrap();
        assert!(line.is_none() && why.contains("at row 2"), "{why}");
    }

    #[test]
    fn a_file_that_was_changed_is_told_with_its_line() {
        let (_parent, folder) = used();
        let (file, text) = exported(&folder, false);
        let lines: Vec<_> = text.lines().collect();
        let without = |gone: usize| {
            let left: Vec<_> =
                lines.iter().enumerate().filter(|(line, _)| *line != gone).map(|(_, text)| *text).collect();
            left.join("\n") + "\n"
        };
        for (content, line) in [
            (String::new(), 1),
            (without(0), 1),
            (without(1), 2),
            (without(4), 5),
            (text.replacen("\"lane\":1", "\"lane\":2", 1), 2),
            (text.replacen("\"lane\":1", "\"lane\":1,\"note\":1", 1), 2),
            (format!("{text}{}\n", lines[4]), 6),
            (text.replacen("countermark-journal/1", "countermark-journal/2", 1), 1),
        ] {
            fs::write(&file, &content).unwrap();
            assert_eq!(wrong(&file, None).line, line, "{content}");
        }
        fs::write(&file, &text).unwrap();
        assert_eq!(wrong(&file, Some(samples::signing_key(8).verifying_key())).line, 1);
    }
}
