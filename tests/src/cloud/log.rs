//! What the processes of a cloud logged, and its gates.

use std::fs;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Cloud, Part};

const TAIL: usize = 15;
const EXTENSION: &str = "log";

#[derive(Deserialize)]
struct Line {
    level: String,
}

impl Cloud {
    pub(super) fn log_file(&self, part: Part) -> PathBuf {
        self.folder.join(part.name()).with_extension(EXTENSION)
    }

    /// The log lines of level ERROR so far, and panics.
    pub fn errors(&self) -> Vec<String> {
        let errors = |(name, log): (String, String)| {
            let lines = log.lines().filter(|line| is_error(line)).map(|line| format!("{name}: {line}"));
            lines.collect::<Vec<_>>()
        };
        self.logs().into_iter().flat_map(errors).collect()
    }

    /// How each log ends, for whoever wonders what happened.
    pub fn log_tails(&self) -> String {
        let tail = |(name, log): (String, String)| {
            let lines: Vec<_> = log.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default();
            format!("── {name}\n{}\n", tail.join("\n"))
        };
        self.logs().into_iter().map(tail).collect()
    }

    /// Each log with its process's name, as far as they can be read.
    fn logs(&self) -> Vec<(String, String)> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let mut logs: Vec<_> = files
            .filter(|file| file.extension().is_some_and(|extension| extension == EXTENSION))
            .filter_map(|file| Some((file.file_stem()?.to_str()?.to_owned(), fs::read_to_string(&file).ok()?)))
            .collect();
        logs.sort();
        logs
    }
}

/// The services log JSON, gates and panics log text.
fn is_error(line: &str) -> bool {
    match serde_json::from_str(line) {
        Ok(Line { level }) => level == "ERROR",
        Err(_) => line.contains("ERROR") || line.contains("panicked"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_error;

    #[test]
    fn errors_are_found_in_each_form() {
        for (line, expected) in [
            (r#"{"level":"ERROR","fields":{}}"#, true),
            (r#"{"level":"INFO","fields":{"message":"no ERROR"}}"#, false),
            ("2026-11-22T18:15:00Z ERROR the ledger on disk failed", true),
            ("2026-11-22T18:15:00Z  WARN sync", false),
            ("thread 'main' panicked at src/main.rs:1:1:", true),
        ] {
            assert_eq!(is_error(line), expected, "{line}");
        }
    }
}
