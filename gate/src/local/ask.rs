//! The asking side, in the command line's process.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use super::{Answer, MAX_ANSWER, Question, StaffAnswer, StaffQuestion};
use crate::carried::MAX_SET;
use crate::data_folder::DataFolder;

/// An agent that takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(5);
/// A set has thousands of documents at most, and scans go before each.
const PATIENCE_WITH_A_SET: Duration = Duration::from_mins(2);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody listens.
    #[error("no agent runs on {}; start it with `systemctl start countermark-gate`, or `countermark-gate run`", folder.display())]
    NotRunning {
        /// The data folder.
        folder: PathBuf,
    },
    /// Somebody else's.
    #[error("cannot enter {}; run this as the user who enrolled the gate", folder.display())]
    Forbidden {
        /// The data folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It does not talk.
    #[error("the agent does not answer; look at its log, and restart it if it stays so")]
    Silent(#[from] io::Error),
    /// Another version.
    #[error("the agent's answer cannot be read; restart the agent after an update")]
    Unreadable(#[from] serde_json::Error),
    /// It talks of something else.
    #[error("the agent answered another question; restart the agent after an update")]
    Another,
    /// It said why not.
    #[error("{0}")]
    Problem(String),
}

/// Asks the agent of a folder.
pub(crate) fn ask(folder: &DataFolder, question: &Question) -> Result<Answer, AskError> {
    let mut stream = connect(folder, PATIENCE)?;
    put(&mut stream, question)?;
    answer(&mut BufReader::new(stream))
}

/// Has the agent of a folder do what staff ask.
pub(crate) fn ask_staff(folder: &DataFolder, question: StaffQuestion) -> Result<StaffAnswer, AskError> {
    let Answer::Staff(answer) = ask(folder, &Question::Staff(question))? else { return Err(AskError::Another) };
    Ok(answer)
}

/// Has the agent of a folder take a set of documents.
pub(crate) fn import(folder: &DataFolder, set: &[u8]) -> Result<Answer, AskError> {
    let mut stream = connect(folder, PATIENCE_WITH_A_SET)?;
    put(&mut stream, &Question::Import { length: set.len() as u64 })?;
    // An agent that has no use for the rest says why, and that is what counts.
    let written = stream.write_all(set);
    match answer(&mut BufReader::new(stream)) {
        Err(AskError::Silent(_)) => Err(written.err().map_or(AskError::Another, AskError::Silent)),
        answer => answer,
    }
}

/// What the agent of a folder holds, as a set.
pub(crate) fn export(folder: &DataFolder) -> Result<Vec<u8>, AskError> {
    let mut stream = connect(folder, PATIENCE_WITH_A_SET)?;
    put(&mut stream, &Question::Export)?;
    let mut reader = BufReader::new(stream);
    let Answer::Export { length } = answer(&mut reader)? else { return Err(AskError::Another) };
    let mut set = Vec::new();
    reader.take(length.min(MAX_SET)).read_to_end(&mut set)?;
    if set.len() as u64 == length { Ok(set) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) }
}

/// What the agent of a folder tells whoever watches, line by line, until it ends.
pub(crate) fn watch(folder: &DataFolder) -> Result<impl Iterator<Item = io::Result<String>>, AskError> {
    let mut stream = connect(folder, PATIENCE)?;
    put(&mut stream, &Question::Watch)?;
    Ok(BufReader::new(stream).lines())
}

fn connect(folder: &DataFolder, patience: Duration) -> Result<UnixStream, AskError> {
    let stream = UnixStream::connect(folder.socket()).map_err(|source| {
        let folder = folder.path().to_owned();
        if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) {
            AskError::NotRunning { folder }
        } else if source.kind() == io::ErrorKind::PermissionDenied {
            AskError::Forbidden { folder, source }
        } else {
            AskError::Silent(source)
        }
    })?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

fn put(stream: &mut UnixStream, question: &Question) -> Result<(), AskError> {
    let mut line = serde_json::to_string(question)?;
    line.push('\n');
    Ok(stream.write_all(line.as_bytes())?)
}

fn answer(reader: &mut BufReader<UnixStream>) -> Result<Answer, AskError> {
    let mut line = String::new();
    reader.take(MAX_ANSWER).read_line(&mut line)?;
    if line.is_empty() {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    let answer = serde_json::from_str(&line)?;
    if let Answer::Problem(problem) = answer {
        return Err(AskError::Problem(problem));
    }
    Ok(answer)
}
