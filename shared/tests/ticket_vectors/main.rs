//! The vectors of `tests/vectors/tickets`: cases in JSON for whoever writes a verifier, made here from fixed seeds with the
//! outcomes that the specification gives, and held against this crate's public interface.
//!
//! `cargo test -p countermark-shared --test ticket_vectors -- --ignored` writes the files anew.

#[cfg(test)]
mod file;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod world;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::fs;
    use std::path::PathBuf;

    use super::{groups, replay};

    fn folder() -> PathBuf {
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/tickets"))
    }

    #[test]
    fn every_case_of_every_file_ends_as_it_says() {
        let mut cases = 0;
        for (name, _) in groups::all() {
            let text = fs::read_to_string(folder().join(name)).unwrap();
            cases += replay::file(name, &text);
        }
        assert!(cases >= 120, "{cases} cases");
    }

    #[test]
    fn the_files_are_what_is_made_here() {
        let made = groups::all();
        for (name, text) in &made {
            let kept = fs::read_to_string(folder().join(name)).unwrap();
            assert!(kept == *text, "{name} is out of date");
        }
        let kept: HashSet<_> =
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
