//! `read`: what the codes in pictures read, and what it took.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::PATIENCE;
use crate::clock::Clock;
use crate::printer::Printer;
use crate::read::PictureReader;

/// At least one picture was not read.
const SOME_UNREAD: u8 = 3;

#[derive(Args)]
pub(super) struct Read {
    /// PNG or JPEG files, at most 32 MiB and 50 million pixels each.
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// Write JSON, one line a picture.
    #[arg(long)]
    json: bool,
}

/// A line of the answer. It has no `Debug`: the text may be anybody's private code.
#[derive(Serialize)]
struct Line {
    picture: String,
    text: Option<String>,
    rung: Option<String>,
    /// From opening the file to the text.
    milliseconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Read {
    pub(super) fn perform(self) -> ExitCode {
        let clock = Clock::start();
        let mut reader = PictureReader::new(clock, PATIENCE);
        let mut all = true;
        for picture in &self.pictures {
            let line = line(&mut reader, clock, picture);
            all &= line.text.is_some();
            Printer { json: self.json }.line(&line, || words(&line));
        }
        if all { ExitCode::SUCCESS } else { ExitCode::from(SOME_UNREAD) }
    }
}

fn line(reader: &mut PictureReader, clock: Clock, picture: &Path) -> Line {
    let begin = clock.now().uptime;
    let read = reader.read_file(picture);
    let milliseconds = clock.now().uptime.saturating_sub(begin).as_secs_f64() * 1e3;
    let (reading, problem) = match read {
        Ok(reading) => (reading, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let (text, rung) = reading.map(|reading| (reading.text, reading.rung.to_string())).unzip();
    Line { picture: picture.display().to_string(), text, rung, milliseconds, problem }
}

fn words(Line { picture, text, rung, milliseconds, problem }: &Line) -> String {
    let took = format!("{milliseconds:.1} ms");
    match (text, rung, problem) {
        (Some(text), Some(rung), _) => format!("{picture}: {}  ({rung}, {took})", text.escape_debug()),
        (_, _, Some(problem)) => format!("{picture}: {problem}"),
        _ => format!("{picture}: no code ({took}); take a sharper picture, from nearer, with more light"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::qr_picture;
    use serde_json::{Value, json};
    use std::time::Duration;

    #[test]
    fn each_picture_has_a_line_and_a_bad_one_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let blank = image::GrayImage::from_pixel(200, 100, image::Luma([90]));
        blank.save(folder.path().join("blank.png")).unwrap();
        std::fs::write(folder.path().join("notes.png"), "no picture").unwrap();
        std::fs::write(folder.path().join("code.png"), qr_picture("CM1:ABC")).unwrap();
        let clock = Clock::start();
        let mut reader = PictureReader::new(clock, Duration::MAX);
        let mut said = |name: &str| {
            let line = line(&mut reader, clock, &folder.path().join(name));
            let mut json = serde_json::to_value(&line).unwrap();
            let milliseconds = json.as_object_mut().unwrap().remove("milliseconds");
            assert!(milliseconds.as_ref().and_then(Value::as_f64).is_some_and(|spent| spent > 0.0), "{milliseconds:?}");
            (json, words(&line))
        };
        let path = |name: &str| folder.path().join(name).display().to_string();

        let (json, _) = said("notes.png");
        let problem = "the file is neither PNG nor JPEG";
        assert_eq!(json, json!({ "picture": path("notes.png"), "text": null, "rung": null, "problem": problem }));
        let (json, words) = said("blank.png");
        assert_eq!(json, json!({ "picture": path("blank.png"), "text": null, "rung": null }));
        assert!(words.contains("no code"), "{words}");
        let (json, words) = said("code.png");
        assert_eq!(json, json!({ "picture": path("code.png"), "text": "CM1:ABC", "rung": "shrunk-2" }));
        assert!(words.contains("CM1:ABC  (shrunk-2, "), "{words}");
        let (json, _) = said("none.png");
        assert!(json["problem"].as_str().unwrap().starts_with("cannot read the file"), "{json}");
    }
}
