//! The asking side, in the command line's process.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use super::{Answer, MAX_LINE, Question};
use crate::data_folder::DataFolder;

/// An agent that takes longer is stuck.
const PATIENCE: Duration = Duration::from_secs(5);

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
}

/// Asks the agent of a folder.
pub(crate) fn ask(folder: &DataFolder, question: &Question) -> Result<Answer, AskError> {
    let mut stream = UnixStream::connect(folder.socket()).map_err(|source| {
        let folder = folder.path().to_owned();
        if matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) {
            AskError::NotRunning { folder }
        } else if source.kind() == io::ErrorKind::PermissionDenied {
            AskError::Forbidden { folder, source }
        } else {
            AskError::Silent(source)
        }
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_string(question)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream.take(MAX_LINE)).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}
