//! Settings that nobody reads: a misspelt variable is an error, not a silent default.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::Command;

const PREFIX: &str = "COUNTERMARK_";
/// More letters than this apart, another setting was meant.
const MISSPELT: usize = 3;

/// Variables with our prefix that no command declares.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", sentences(.unknown))]
pub struct UnknownSettings {
    /// Each unknown variable with the nearest known one.
    pub unknown: Vec<(String, Option<String>)>,
}

/// Refuses every `COUNTERMARK_…` variable that neither `command` nor any command below it declares. `names` are those of
/// the environment: `std::env::vars_os().map(|(name, _)| name)`.
pub fn refuse_unknown(command: &Command, names: impl IntoIterator<Item = OsString>) -> Result<(), UnknownSettings> {
    let mut known = BTreeSet::new();
    declared(command, &mut known);
    let unknown: Vec<_> = names
        .into_iter()
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name.starts_with(PREFIX) && !known.contains(name))
        .map(|name| {
            let nearest = known.iter().min_by_key(|known| distance(known, &name));
            let nearest = nearest.filter(|nearest| distance(nearest, &name) <= MISSPELT).cloned();
            (name, nearest)
        })
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(UnknownSettings { unknown }) }
}

fn declared(command: &Command, known: &mut BTreeSet<String>) {
    let names = command.get_arguments().filter_map(clap::Arg::get_env);
    known.extend(names.map(|name| name.to_string_lossy().into_owned()));
    for command in command.get_subcommands() {
        declared(command, known);
    }
}

fn sentences(unknown: &[(String, Option<String>)]) -> String {
    let sentence = |(name, nearest): &(String, Option<String>)| match nearest {
        Some(nearest) => format!("{name} is no setting; did you mean {nearest}?"),
        None => format!("{name} is no setting"),
    };
    unknown.iter().map(sentence).collect::<Vec<_>>().join("\n")
}

/// Levenshtein's distance: how many letters to add, drop or change.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (index, letter) in left.chars().enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        for (cell, other) in row.iter_mut().skip(1).zip(right.chars()) {
            let changed = diagonal + usize::from(letter != other);
            diagonal = *cell;
            *cell = changed.min(before + 1).min(*cell + 1);
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    fn command() -> Command {
        Command::new("cloud").subcommand(
            Command::new("auth")
                .arg(Arg::new("listen").env("COUNTERMARK_AUTH_LISTEN"))
                .arg(Arg::new("database").env("COUNTERMARK_AUTH_DATABASE")),
        )
    }

    #[test]
    fn a_misspelt_variable_is_told_with_the_nearest_name() {
        let names = ["HOME", "COUNTERMARK_AUTH_LISTEN", "COUNTERMARK_AUTH_DATABSE"];
        let error = refuse_unknown(&command(), names.map(OsString::from)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "COUNTERMARK_AUTH_DATABSE is no setting; did you mean COUNTERMARK_AUTH_DATABASE?"
        );
        assert_eq!(refuse_unknown(&command(), ["COUNTERMARK_AUTH_LISTEN".into()]), Ok(()));
    }

    #[test]
    fn distance_counts_letters() {
        for (left, right, expected) in [("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0)] {
            assert_eq!(distance(left, right), expected);
        }
    }
}
