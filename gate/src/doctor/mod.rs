//! What is wrong with this box, and what to do about it. Owns the questions and their order; each part owns what a good answer is. Admits
//! nobody, and leaves nothing behind.

mod agent;
mod disk;
mod folder;
mod hardware;
mod keys;
mod reach;

use std::path::Path;

use serde::Serialize;

use crate::clock::Clock;
use crate::config::Config;
use crate::data_folder::DataFolder;

/// What was found out about one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Which.
    pub(crate) part: String,
    /// How it stands.
    pub(crate) standing: Standing,
    /// In words.
    pub(crate) says: String,
    /// What helps, where something is wrong.
    pub(crate) remedy: Option<String>,
}

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Standing {
    /// As it should.
    Good,
    /// The gate works, and somebody should look at it.
    Warning,
    /// People will stand outside for it.
    Wrong,
}

impl Finding {
    fn good(part: impl Into<String>, says: impl Into<String>) -> Self {
        Self { part: part.into(), standing: Standing::Good, says: says.into(), remedy: None }
    }

    fn bad(standing: Standing, part: impl Into<String>, says: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { part: part.into(), standing, says: says.into(), remedy: Some(remedy.into()) }
    }
}

/// Looks at everything, and tells each finding as it is made: some take seconds.
pub(crate) fn examine(folder: &DataFolder, config: Option<&Path>, mut tell: impl FnMut(&Finding)) -> Standing {
    let clock = Clock::start();
    let mut worst = Standing::Good;
    let mut tell = |findings: Vec<Finding>| {
        for finding in findings {
            worst = worst.max(finding.standing);
            tell(&finding);
        }
    };
    let (findings, identity) = folder::examine(folder);
    tell(findings);
    let mut status = None;
    if folder.path().is_dir() {
        tell(disk::examine(folder.path(), clock));
        let (findings, answered) = agent::examine(folder, identity.is_some(), clock);
        tell(findings);
        status = answered;
    }
    let config = match config.map(Config::load).transpose() {
        Ok(config) => config,
        Err(error) => {
            tell(vec![Finding::bad(Standing::Wrong, "gate.toml", error.to_string(), "correct that line")]);
            None
        }
    };
    tell(hardware::examine(config.as_ref(), status.as_ref()));
    if let Some(identity) = &identity {
        let (finding, key) = keys::examine(folder, status.as_ref());
        tell(vec![finding]);
        tell(vec![reach::examine(identity, key.as_ref(), status.as_ref(), clock)]);
    }
    worst
}
