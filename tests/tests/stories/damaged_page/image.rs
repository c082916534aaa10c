//! A dead gate's ledger as it lay on the disk: whose each page is, where each document lies, and what it takes to damage them. Knows nothing of what
//! follows from that.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rusqlite::{Connection, Row};

/// A page, and the table or index that it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Page {
    number: u32,
    pub(super) owner: String,
}

/// A document that is held.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) kind: String,
    envelope: Vec<u8>,
}

/// All of it, in one file.
pub(super) struct Image {
    ledger: PathBuf,
    bytes: Vec<u8>,
    page_size: u32,
    pages: Vec<Page>,
    documents: Vec<Document>,
}

impl Image {
    /// Takes it, once what lay in the log is in its place.
    pub(super) fn take(ledger: &Path) -> Result<Self> {
        let connection = Connection::open(ledger)?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        let page = |row: &Row<'_>| Ok(Page { number: row.get(0)?, owner: row.get(1)? });
        let document = |row: &Row<'_>| Ok(Document { kind: row.get(0)?, envelope: row.get(1)? });
        Ok(Self {
            ledger: ledger.to_owned(),
            bytes: fs::read(ledger)?,
            page_size: connection.query_row("PRAGMA page_size", [], |row| row.get(0))?,
            pages: all(&connection, "SELECT pageno, name FROM dbstat ORDER BY pageno", page)?,
            documents: all(&connection, "SELECT kind, envelope FROM held_document", document)?,
        })
    }

    /// All that belong to something.
    pub(super) fn pages(&self) -> &[Page] {
        &self.pages
    }

    /// The last of a table's.
    pub(super) fn page_of(&self, table: &str) -> Result<&Page> {
        let page = self.pages.iter().rfind(|page| page.owner == table);
        page.with_context(|| format!("{table} has no page"))
    }

    pub(super) fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Puts it back, whatever has become of it, with not a bit of that page as it was.
    pub(super) fn put_back_damaged(&self, page: &Page) -> Result<()> {
        self.put_back(&self.damaged(page)?)
    }

    /// The same with one bit of a document another, where it is that document's alone.
    pub(super) fn put_back_changed(&self, document: &Document) -> Result<()> {
        let Document { kind, envelope } = document;
        let start = self.bytes.windows(envelope.len()).position(|bytes| bytes == envelope);
        let place = start.with_context(|| format!("{kind} does not lie in one piece"))? + envelope.len() / 2;
        let mut bytes = self.bytes.clone();
        *bytes.get_mut(place).context("it was found there")? ^= 1;
        self.put_back(&bytes)
    }

    /// Whether the gate has kept what was put back, as it was.
    pub(super) fn lies_aside(&self, page: &Page) -> Result<bool> {
        let mut aside = self.ledger.clone().into_os_string();
        aside.push(".damaged-1");
        Ok(fs::read(aside)? == self.damaged(page)?)
    }

    fn damaged(&self, page: &Page) -> Result<Vec<u8>> {
        let end = usize::try_from(page.number * self.page_size)?;
        let place = end - usize::try_from(self.page_size)?..end;
        let mut bytes = self.bytes.clone();
        bytes.get_mut(place).context("the file is shorter")?.iter_mut().for_each(|byte| *byte = !*byte);
        Ok(bytes)
    }

    fn put_back(&self, bytes: &[u8]) -> Result<()> {
        let folder = self.ledger.parent().context("a ledger lies in a folder")?;
        let name = self.ledger.file_name().and_then(OsStr::to_str).context("a ledger has a name")?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|other| other.starts_with(name)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(fs::write(&self.ledger, bytes)?)
    }
}

fn all<T>(connection: &Connection, query: &str, row: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> Result<Vec<T>> {
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_map([], row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
