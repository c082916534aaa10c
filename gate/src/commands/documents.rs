//! `import` and `export-documents`: documents carried by hand. Through the running agent, which alone may write its ledger; else on the disk itself.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use countermark_shared::documents::Refusal;

use super::{Common, ledger_at_rest};
use crate::carried::{MAX_SET, Offered, Outcome, pack, unpack};
use crate::clock::Clock;
use crate::data_folder::DataFolder;
use crate::local::{Answer, AskError, export, import};
use crate::printer::Printer;

/// `import`: at least one document was refused.
const SOME_REFUSED: u8 = 3;

#[derive(Args)]
pub(super) struct Import {
    #[command(flatten)]
    common: Common,
    /// A file that `export-documents` or the administrator wrote.
    file: PathBuf,
}

#[derive(Args)]
pub(super) struct ExportDocuments {
    #[command(flatten)]
    common: Common,
    /// The file to write; it is replaced.
    file: PathBuf,
}

impl Import {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common: Common { data, json }, file } = self;
        let folder = DataFolder::at(&data);
        let set = read(&file)?;
        let offered = match import(&folder, &set) {
            Ok(Answer::Import(offered)) => offered,
            Ok(_) => bail!(AskError::Another),
            Err(AskError::Problem(problem)) => bail!("{}: {problem}", file.display()),
            Err(AskError::NotRunning { .. }) => offer(&folder, &set).with_context(|| file.display().to_string())?,
            Err(error) => return Err(error.into()),
        };
        let printer = Printer { json };
        for document in &offered {
            printer.line(document, || words(document));
        }
        let refused = offered.iter().any(|document| document.outcome == Outcome::Refused);
        Ok(if refused { ExitCode::from(SOME_REFUSED) } else { ExitCode::SUCCESS })
    }
}

impl ExportDocuments {
    pub(super) fn perform(self) -> anyhow::Result<ExitCode> {
        let Self { common: Common { data, json }, file } = self;
        let folder = DataFolder::at(&data);
        let set = match export(&folder) {
            Ok(set) => set,
            Err(AskError::NotRunning { .. }) => {
                let (_, ledger) = ledger_at_rest(&folder, Clock::start().now())?;
                pack(&ledger.held_documents()?)
            }
            Err(error) => return Err(error.into()),
        };
        // What `import` would refuse elsewhere is not written here.
        let held =
            unpack(&set).context("what is held does not fit a file; let this gate reach the cloud, then try again")?;
        let held = held.len();
        write(&file, &set)
            .with_context(|| format!("cannot write {}; look for a full or write-protected disk", file.display()))?;
        let said = serde_json::json!({ "file": file, "documents": held, "bytes": set.len() });
        Printer { json }.line(&said, || format!("{held} documents, {} bytes, in {}", set.len(), file.display()));
        Ok(ExitCode::SUCCESS)
    }
}

/// What the disk makes of a set while no agent runs.
fn offer(folder: &DataFolder, set: &[u8]) -> anyhow::Result<Vec<Offered>> {
    let documents = unpack(set).map_err(|refusal: Refusal| anyhow::anyhow!("{refusal}"))?;
    let clock = Clock::start();
    let (_, mut ledger) = ledger_at_rest(folder, clock.now())?;
    let offer = |(kind, bytes): (_, Vec<u8>)| Offered::new(kind, ledger.take(kind, &bytes, clock.now()));
    Ok(documents.into_iter().map(offer).collect())
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut set = Vec::new();
    let unreadable = || format!("cannot read {}", file.display());
    let opened: io::Result<_> = File::open(file);
    opened.and_then(|opened| opened.take(MAX_SET + 1).read_to_end(&mut set)).with_context(unreadable)?;
    ensure!(set.len() as u64 <= MAX_SET, "{} is too large for a set of documents: at most 96 MiB", file.display());
    Ok(set)
}

/// A stick that is pulled early holds the whole set or the one before: never half of it under the name that was asked for.
fn write(file: &Path, set: &[u8]) -> io::Result<()> {
    let mut name =
        file.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it is a folder"))?.to_owned();
    name.push(".part");
    let part = file.with_file_name(name);
    let mut opened = File::create(&part)?;
    opened.write_all(set)?;
    opened.sync_all()?;
    drop(opened);
    fs::rename(&part, file)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn words(document: &Offered) -> String {
    let Offered { kind, outcome, why } = document;
    let outcome = match outcome {
        Outcome::Taken => "taken",
        Outcome::Held => "already held",
        Outcome::NotForThisGate => "not for this gate",
        Outcome::Refused => "refused",
    };
    let why = why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("{:<16}{outcome}{why}", kind.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("documents");
        for set in [&b"first"[..], b"second"] {
            write(&file, set).unwrap();
            assert_eq!(fs::read(&file).unwrap(), set);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_write_that_fails_leaves_the_file_before() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("documents");
        write(&file, b"first").unwrap();
        fs::create_dir(folder.path().join("documents.part")).unwrap();
        assert!(write(&file, b"second").is_err());
        assert_eq!(fs::read(&file).unwrap(), b"first");
    }
}
