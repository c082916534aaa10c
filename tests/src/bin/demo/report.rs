//! The tables at the end. Owns their words; decides nothing.

use countermark_tests::main_line::{Double, Performance, Scan, Settlement};

use crate::output::{Output, Tone};

/// A line of what was shown and what the gate said, and one of the sentence that people read.
pub(crate) fn scans(output: &Output, title: &str, scans: &[Scan]) {
    output.heading(title);
    let head = row("", "gate", "picture", "what it is", "expected", "verdict", "persons");
    output.line(&output.toned(Tone::Faint, &head));
    for scan in scans {
        let verdict = &scan.verdict;
        let mark = mark(output, scan.is_as_expected());
        let (expected, said) = (scan.expected.code(), verdict.verdict.code());
        let persons = format!("{} of {}", verdict.persons, scan.persons);
        output.line(&row(&mark, scan.gate, &scan.file, scan.what, expected, said, &persons));
        let sentence = format!("    {} / {}", verdict.sentence.en, verdict.sentence.fr);
        output.line(&output.toned(Tone::Faint, &sentence));
    }
}

/// How gate and cloud agree.
pub(crate) fn settlement(output: &Output, performance: &Performance) {
    let Settlement { shown, journal, arrived, doubtful, let_in, twice, counted } = performance.settlement;
    output.heading("What the gates did, and what the cloud knows of it");
    let line = |good: bool, text: String| output.line(&format!("{} {text}", mark(output, good)));
    let waited = performance.waited;
    line(
        waited == performance.offline.len() as u64,
        format!("{waited} scans waited at the first gate while it was cut off"),
    );
    line(
        shown == journal && journal == arrived,
        format!("{shown} verdicts shown, {journal} rows in the gates' journals, {arrived} rows at validation"),
    );
    line(doubtful == 0, format!("{doubtful} rows that validation doubts"));
    line(
        let_in == counted + twice,
        format!("{let_in} persons let in by the gates, {counted} counted by the cloud, {twice} of them let in twice"),
    );
    let Double { slot, gates: [later, before], apart, .. } = performance.double;
    let apart = apart.as_secs_f64();
    line(
        twice == 1 && performance.double.is_as_expected(),
        format!("one finding: seat {slot} was let in at gate {before}, and at gate {later} {apart:.1} s later"),
    );
}

/// What the services logged as errors, which an undisturbed show has none of.
pub(crate) fn errors(output: &Output, errors: &[String]) {
    for error in errors {
        output.line(&format!("{} {error}", mark(output, false)));
    }
}

/// The last word.
pub(crate) fn end(output: &Output, as_expected: bool) {
    output.line("");
    if as_expected {
        output.step("every outcome was the expected one");
    } else {
        output.line(&output.toned(Tone::Bad, "✗ not every outcome was the expected one"));
    }
}

fn mark(output: &Output, good: bool) -> String {
    if good { output.toned(Tone::Good, "✓") } else { output.toned(Tone::Bad, "✗") }
}

fn row(mark: &str, gate: &str, picture: &str, what: &str, expected: &str, verdict: &str, persons: &str) -> String {
    let mark = if mark.is_empty() { " " } else { mark };
    format!("{mark}   {gate:<7}{picture:<21}{what:<31}{expected:<21}{verdict:<21}{persons}")
}
