//! What the folders of vectors have in common: how a file begins and is written, that a folder holds what is made here and nothing
//! else, and the fixed seeds. Knows nothing of what a case says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use countermark_shared::keys::SigningKey;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A file: what it is about, and cases of one kind.
#[derive(Serialize, Deserialize)]
pub(crate) struct File<Content> {
    pub(crate) about: String,
    #[serde(flatten)]
    pub(crate) content: Content,
}

/// A folder below `tests/vectors`, with the name and text of each file as it is made here.
pub(crate) struct Folder {
    path: PathBuf,
    made: BTreeMap<&'static str, String>,
}

impl Folder {
    pub(crate) fn new<Content: Serialize>(
        name: &str,
        files: impl IntoIterator<Item = (&'static str, File<Content>)>,
    ) -> Self {
        let text = |file| serde_json::to_string_pretty(&file).unwrap() + "\n";
        Self {
            path: Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors")).join(name),
            made: files.into_iter().map(|(name, file)| (name, text(file))).collect(),
        }
    }

    /// Each file's name and text as they are kept.
    pub(crate) fn kept(&self) -> BTreeMap<String, String> {
        let read =
            |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap());
        fs::read_dir(&self.path).unwrap().map(|entry| read(entry.unwrap().path())).collect()
    }

    pub(crate) fn is_what_is_made_here(&self) {
        let kept = self.kept();
        for (name, text) in &self.made {
            assert!(kept.get(*name) == Some(text), "{name} is out of date");
        }
        let names: BTreeSet<_> = kept.keys().map(String::as_str).collect();
        assert_eq!(names, self.made.keys().copied().collect());
    }

    pub(crate) fn write(&self) {
        fs::create_dir_all(&self.path).unwrap();
        for (name, text) in &self.made {
            fs::write(self.path.join(name), text).unwrap();
        }
    }
}

/// Refuses two cases of one name.
pub(crate) fn distinct<'a>(names: impl IntoIterator<Item = &'a str>) {
    let mut seen = BTreeSet::new();
    for name in names {
        assert!(seen.insert(name), "two cases are named {name}");
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}
