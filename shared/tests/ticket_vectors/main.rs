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
#[path = "../vectors/mod.rs"]
mod vectors;
#[cfg(test)]
mod world;

#[cfg(test)]
mod tests {
    use super::{groups, replay};

    #[test]
    fn every_case_of_every_file_ends_as_it_says() {
        let cases: usize = groups::folder().kept().iter().map(|(name, text)| replay::file(name, text)).sum();
        assert!(cases >= 150, "{cases} cases");
    }

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
