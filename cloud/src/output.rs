//! What the program says: results on standard output, reasons on standard error.

use std::io::{self, Write};

use serde::Serialize;

/// Prints a line.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{text}")?;
    Ok(output.flush()?)
}

/// Prints a result: a line of JSON for scripts, or what a person reads.
pub(crate) fn answer(json: bool, value: &impl Serialize, for_people: &str) -> anyhow::Result<()> {
    if json { print(&serde_json::to_string(value)?) } else { print(for_people) }
}

/// Says why nothing came of it.
pub(crate) fn explain(why: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr().lock(), "countermark-cloud: {why}");
}
