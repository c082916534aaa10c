//! The tablets that are the gate's, in `tablets.json` of its folder. Of each one's secret only the hash is kept: whoever reads the file cannot be one.

use std::fs;
use std::io;

use countermark_shared::id::EventId;
use countermark_shared::time::Timestamp;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::data_folder::DataFolder;

/// More is a mistake: an entrance has a few.
const MOST: usize = 16;

/// What a tablet shows: 32 random bytes, so that a plain hash is enough.
pub(super) struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    pub(super) fn new(random: Zeroizing<[u8; 32]>) -> Self {
        Self(random)
    }

    /// As its cookie says it.
    pub(super) fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64URL_NOPAD.encode(self.0.as_slice()))
    }
}

/// A tablet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tablet {
    /// Its number, never another's.
    pub(crate) number: u32,
    /// Since when, by the gate's clock.
    pub(crate) since: Timestamp,
    /// The event of the assignment by whose lease it was let in, and with which it goes.
    pub(crate) event: EventId,
    /// SHA-256 of its secret's text.
    hash: String,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paired {
    last: u32,
    tablets: Vec<Tablet>,
}

impl Paired {
    /// Those of a folder; none where no file says so. One that makes no sense, or is of another version, is no reason to keep a gate shut: they are
    /// paired anew.
    pub(super) fn load(folder: &DataFolder) -> io::Result<Self> {
        match fs::read(folder.tablets()) {
            Ok(text) => Ok(serde_json::from_slice(&text).unwrap_or_else(|error| {
                tracing::warn!(%error, "tablets.json cannot be understood: no tablet is let in before it is paired anew");
                Self::default()
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Writes them down.
    pub(super) fn store(&self, folder: &DataFolder) -> io::Result<()> {
        folder.write(&folder.tablets(), &serde_json::to_vec_pretty(self)?)
    }

    /// With one more; the longest known makes room where there are too many.
    pub(super) fn with(&self, secret: &Secret, event: EventId, now: Timestamp) -> (Self, u32) {
        let number = self.last.saturating_add(1);
        let mut tablets = self.tablets.clone();
        if tablets.len() >= MOST {
            tablets.remove(0);
        }
        tablets.push(Tablet { number, since: now, event, hash: hash(&secret.text()) });
        (Self { last: number, tablets }, number)
    }

    /// Without one; none where it was none of them.
    pub(super) fn without(&self, number: u32) -> Option<Self> {
        let tablets: Vec<_> = self.tablets.iter().filter(|tablet| tablet.number != number).cloned().collect();
        (tablets.len() < self.tablets.len()).then_some(Self { last: self.last, tablets })
    }

    /// Whose secret this is, of those of an event.
    pub(super) fn whose(&self, text: &str, event: EventId) -> Option<u32> {
        let hash = hash(text);
        self.of(event).find(|tablet| tablet.hash == hash).map(|tablet| tablet.number)
    }

    pub(super) fn has(&self, number: u32, event: EventId) -> bool {
        self.of(event).any(|tablet| tablet.number == number)
    }

    /// Those of an event.
    pub(super) fn of(&self, event: EventId) -> impl Iterator<Item = &Tablet> {
        self.tablets.iter().filter(move |tablet| tablet.event == event)
    }
}

fn hash(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{DOORS, EVENT};

    fn secret(seed: u8) -> Secret {
        Secret::new(Zeroizing::new([seed; 32]))
    }

    #[test]
    fn a_tablet_is_known_by_its_secret_until_it_is_revoked() {
        let folder = tempfile::tempdir().unwrap();
        let folder = DataFolder::at(folder.path());
        let (paired, first) = Paired::load(&folder).unwrap().with(&secret(1), EVENT, DOORS);
        let (paired, second) = paired.with(&secret(2), EVENT, DOORS);
        paired.store(&folder).unwrap();
        let paired = Paired::load(&folder).unwrap();
        let whose = |paired: &Paired, seed| paired.whose(&secret(seed).text(), EVENT);
        assert_eq!((whose(&paired, 1), whose(&paired, 2), whose(&paired, 3)), (Some(first), Some(second), None));
        assert_eq!(paired.whose(&secret(1).text(), EventId(8)), None, "another event's");
        let text = fs::read_to_string(folder.tablets()).unwrap();
        assert!(!text.contains(secret(1).text().as_str()), "the secret itself is kept");

        assert_eq!(paired.without(9), None);
        let rest = paired.without(second).unwrap();
        assert_eq!(whose(&rest, 2), None);
        assert!(rest.has(first, EVENT) && !rest.has(first, EventId(8)) && !rest.has(second, EVENT));
        assert_eq!(rest.with(&secret(4), EVENT, DOORS).1, 3, "a number is never given twice");
    }

    /// As when the file is of a version that knew no event.
    #[test]
    fn what_cannot_be_understood_lets_nobody_in_and_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = DataFolder::at(folder.path());
        let since = DOORS.to_string();
        let before = format!(r#"{{"last":1,"tablets":[{{"number":1,"since":"{since}","hash":"00"}}]}}"#);
        for text in [before.as_str(), "{", ""] {
            fs::write(folder.tablets(), text).unwrap();
            assert_eq!(Paired::load(&folder).unwrap(), Paired::default(), "{text}");
        }
    }

    #[test]
    fn the_oldest_makes_room() {
        let all = (0..=MOST)
            .fold(Paired::default(), |paired, seed| paired.with(&secret(u8::try_from(seed).unwrap()), EVENT, DOORS).0);
        assert_eq!(all.of(EVENT).count(), MOST);
        assert!(!all.has(1, EVENT) && all.has(2, EVENT));
    }
}
