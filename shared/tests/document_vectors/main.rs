//! The vectors of `tests/vectors/documents`: cases in JSON for whoever writes a reader of documents, made here from fixed seeds with the
//! outcomes that the specification gives, and held against this crate's public interface.
//!
//! `cargo test -p countermark-shared --test document_vectors -- --ignored` writes the files anew.

#[cfg(test)]
mod file;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod reader;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod world;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::PathBuf;

    use super::{groups, replay};

    fn folder() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/documents"))
    }

    #[test]
    fn every_case_of_every_file_ends_as_it_says() {
        let mut seen = replay::Seen::default();
        for (name, _) in groups::all() {
            replay::file(name, &fs::read_to_string(folder().join(name)).unwrap(), &mut seen);
        }
        assert!(seen.cases >= 60, "{} cases", seen.cases);
        let unseen: Vec<_> = REFUSALS.iter().filter(|code| !seen.outcomes.contains(**code)).collect();
        assert!(unseen.is_empty(), "no case ends with {unseen:?}");
        let unknown: Vec<_> =
            seen.outcomes.iter().filter(|code| *code != "taken" && !REFUSALS.contains(&code.as_str())).collect();
        assert!(unknown.is_empty(), "{unknown:?} are no refusals");
    }

    /// Every refusal of the specification.
    const REFUSALS: [&str; 23] = [
        "too-long",
        "truncated",
        "not-canonical",
        "malformed",
        "not-signed",
        "threshold-missed",
        "other-subject",
        "other-root",
        "older",
        "conflicting",
        "from-the-future",
        "expired",
        "no-snapshot",
        "other-epoch",
        "gap",
        "wrong-before",
        "wrong-after",
        "revives",
        "unissues",
        "lowers-generation",
        "row-conflict",
        "retracts-folded",
        "full",
    ];

    #[test]
    fn the_files_are_what_is_made_here() {
        let made = groups::all();
        for (name, text) in &made {
            let kept = fs::read_to_string(folder().join(name)).unwrap();
            assert!(kept == *text, "{name} is out of date");
        }
        let kept: BTreeSet<_> =
            fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(kept, made.iter().map(|(name, _)| (*name).to_owned()).collect());
    }

    #[test]
    #[ignore = "writes the files: run it when the format or a case changes"]
    fn write() {
        fs::create_dir_all(folder()).unwrap();
        for (name, text) in groups::all() {
            fs::write(folder().join(name), text).unwrap();
        }
    }
}
