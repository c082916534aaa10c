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
#[path = "../vectors/mod.rs"]
mod vectors;
#[cfg(test)]
mod world;

#[cfg(test)]
mod tests {
    use super::{groups, replay};

    #[test]
    fn every_case_of_every_file_ends_as_it_says() {
        let mut seen = replay::Seen::default();
        for (name, text) in groups::folder().kept() {
            replay::file(&name, &text, &mut seen);
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
        groups::folder().is_what_is_made_here();
    }

    #[test]
    #[ignore = "writes the files: run it when the format or a case changes"]
    fn write() {
        groups::folder().write();
    }
}
