//! The vectors of `tests/vectors/journal`: exported journals as lines, for whoever writes an auditor's tool, made here from fixed seeds with
//! the outcomes that the specification gives, and held against this crate's public interface.
//!
//! `cargo test -p countermark-shared --test journal_vectors -- --ignored` writes the file anew.

#[cfg(test)]
#[expect(dead_code, reason = "lines are text: nothing here is written in hexadecimal digits by itself")]
#[path = "../vectors/mod.rs"]
mod vectors;

#[cfg(test)]
mod cases;

#[cfg(test)]
mod tests {
    use super::cases::{Cases, folder, outcome};
    use super::vectors::{File, distinct};

    #[test]
    fn every_case_ends_as_it_says() {
        for (name, text) in folder().kept() {
            let File { content: Cases { cases }, .. } = serde_json::from_str::<File<Cases>>(&text).unwrap();
            distinct(cases.iter().map(|case| case.name.as_str()));
            for case in cases {
                assert_eq!(outcome(&case.lines), case.expect, "{name}: {}", case.name);
            }
        }
    }

    #[test]
    fn the_file_is_what_is_made_here() {
        folder().is_what_is_made_here();
    }

    #[test]
    #[ignore = "writes the file: run it when the format or a case changes"]
    fn write() {
        folder().write();
    }
}
