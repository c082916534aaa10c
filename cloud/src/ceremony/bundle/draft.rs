//! What a bundle is to say: the first one, by its keys, and the next one, by what it changes. Signs nothing.

use std::str::FromStr;

use clap::Args;
use countermark_shared::documents::{KeyRole, KeyStatus, TrustBundle, TrustedKey};
use countermark_shared::id::EventId;
use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;

/// The keys of a first bundle.
#[derive(Args)]
pub(super) struct Keys {
    /// A root's public key. Roots whose `--root-key` is here need not be named.
    #[arg(long = "root")]
    roots: Vec<VerifyingKey>,
    /// The ticket service's public key, as `countermark-cloud key tickets` prints it.
    #[arg(long, required = true)]
    issuing: Vec<VerifyingKey>,
    /// The account service's public key, as `countermark-cloud key auth` prints it.
    #[arg(long, required = true)]
    authority: Vec<VerifyingKey>,
    /// The validation service's public key, as `countermark-cloud key validation` prints it.
    #[arg(long, required = true)]
    list: Vec<VerifyingKey>,
    /// An organiser's public key, a colon, and the numbers of the events it may sign for: KEY:7,8.
    #[arg(long = "organiser", required = true)]
    organisers: Vec<Organiser>,
}

/// What the next bundle changes.
#[derive(Args)]
pub(super) struct Changes {
    /// A key of the bundle and what becomes of it: KEY=verify-only (what it signed stays good), listed-only (of a key that signs tickets: only those that
    /// the slot list knows do), or revoked (nothing does). None is trusted more than before.
    #[arg(long = "set")]
    fates: Vec<Fate>,
    /// A further public key of the ticket service, as `countermark-cloud key tickets --next` prints it.
    #[arg(long)]
    issuing: Vec<VerifyingKey>,
    /// A further public key of the account service, as `countermark-cloud key auth --next` prints it.
    #[arg(long)]
    authority: Vec<VerifyingKey>,
    /// A further public key of the validation service, as `countermark-cloud key validation --next` prints it.
    #[arg(long)]
    list: Vec<VerifyingKey>,
    /// An organiser's public key, a colon, and the numbers of all the events it may sign for from now on: KEY:7,8.
    #[arg(long = "organiser")]
    organisers: Vec<Organiser>,
    /// A root's public key: all of them, where the roots change. Those that they replace sign this bundle, too.
    #[arg(long = "root")]
    roots: Vec<VerifyingKey>,
    /// How many roots must sign from now on.
    #[arg(long)]
    threshold: Option<u8>,
}

/// An organiser's key and its scope.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Organiser {
    key: VerifyingKey,
    events: Vec<EventId>,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fate {
    key: VerifyingKey,
    status: KeyStatus,
}

/// Text that names no organiser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an organiser is 64 hexadecimal digits, a colon, and event numbers with commas between them")]
struct InvalidOrganiser;

/// Text that says of no key what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is 64 hexadecimal digits, an equals sign, and one of verify-only, listed-only, revoked")]
struct InvalidFate;

/// Changes that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChangeError {
    #[error("the bundle does not list {0}: `countermark-cloud ceremony bundle show` says which keys it does")]
    Unknown(Box<VerifyingKey>),
    #[error("the bundle lists {0} already; what becomes of a key is said by --set")]
    Listed(Box<VerifyingKey>),
    #[error(
        "{key} is {} and cannot be {} again: whoever has it would be believed anew. Make another key, and list that", is.name(), wanted.name()
    )]
    Raised { key: Box<VerifyingKey>, is: KeyStatus, wanted: KeyStatus },
    #[error("no active {} key would be left: the same bundle lists the next one", role.name())]
    NoneLeft { role: KeyRole },
    #[error("the bundle in force is the last that can be numbered")]
    Last,
}

impl FromStr for Organiser {
    type Err = InvalidOrganiser;

    fn from_str(text: &str) -> Result<Self, InvalidOrganiser> {
        let (key, events) = text.split_once(':').ok_or(InvalidOrganiser)?;
        let events = events.split(',').map(|event| event.trim().parse().map_err(|_| InvalidOrganiser));
        Ok(Self { key: key.parse().map_err(|_| InvalidOrganiser)?, events: events.collect::<Result<_, _>>()? })
    }
}

impl FromStr for Fate {
    type Err = InvalidFate;

    fn from_str(text: &str) -> Result<Self, InvalidFate> {
        let (key, word) = text.split_once('=').ok_or(InvalidFate)?;
        let fates = [KeyStatus::VerifyOnly, KeyStatus::ListedOnly, KeyStatus::Revoked];
        let status = fates.into_iter().find(|status| status.name() == word).ok_or(InvalidFate)?;
        Ok(Self { key: key.parse().map_err(|_| InvalidFate)?, status })
    }
}

impl Keys {
    /// The first bundle; `here` are the roots that sign it at once.
    pub(super) fn bundle(
        self,
        here: impl Iterator<Item = VerifyingKey>,
        threshold: u8,
        not_after: Timestamp,
        now: Timestamp,
    ) -> TrustBundle {
        let Self { roots, issuing, authority, list, organisers } = self;
        let keys =
            [active(KeyRole::Issuing, issuing), active(KeyRole::Authority, authority), active(KeyRole::List, list)];
        TrustBundle {
            version: 1,
            issued: now,
            not_after,
            roots: sorted(roots.into_iter().chain(here)),
            threshold,
            keys: keys.into_iter().flatten().chain(organisers.into_iter().map(Organiser::trusted)).collect(),
        }
    }
}

impl Changes {
    /// The bundle after `before`.
    pub(super) fn of(
        self,
        before: TrustBundle,
        not_after: Timestamp,
        now: Timestamp,
    ) -> Result<TrustBundle, ChangeError> {
        let Self { fates, issuing, authority, list, organisers, roots, threshold } = self;
        let mut keys = before.keys;
        for Fate { key, status } in fates {
            let trusted = keys.iter_mut().find(|trusted| trusted.key == key);
            let trusted = trusted.ok_or(ChangeError::Unknown(key.into()))?;
            if status < trusted.status {
                return Err(ChangeError::Raised { key: key.into(), is: trusted.status, wanted: status });
            }
            trusted.status = status;
        }
        for organiser in organisers {
            match keys.iter_mut().find(|trusted| trusted.key == organiser.key && trusted.role == KeyRole::Organiser) {
                Some(trusted) => trusted.events = organiser.events,
                None => keys.push(organiser.trusted()),
            }
        }
        for added in [(KeyRole::Issuing, issuing), (KeyRole::Authority, authority), (KeyRole::List, list)]
            .into_iter()
            .flat_map(|(role, added)| active(role, added))
        {
            if keys.iter().any(|trusted| trusted.key == added.key) {
                return Err(ChangeError::Listed(added.key.into()));
            }
            keys.push(added);
        }
        let bundle = TrustBundle {
            version: before.version.checked_add(1).ok_or(ChangeError::Last)?,
            issued: now,
            not_after,
            roots: if roots.is_empty() { before.roots } else { sorted(roots) },
            threshold: threshold.unwrap_or(before.threshold),
            keys,
        };
        // A service without an active key does not start. An event whose organiser is gone goes on by the document it has.
        match [KeyRole::Issuing, KeyRole::Authority, KeyRole::List]
            .into_iter()
            .find(|role| bundle.active(*role).next().is_none())
        {
            Some(role) => Err(ChangeError::NoneLeft { role }),
            None => Ok(bundle),
        }
    }
}

impl Organiser {
    fn trusted(self) -> TrustedKey {
        TrustedKey { key: self.key, role: KeyRole::Organiser, status: KeyStatus::Active, events: self.events }
    }
}

fn active(role: KeyRole, keys: Vec<VerifyingKey>) -> impl Iterator<Item = TrustedKey> {
    keys.into_iter().map(move |key| TrustedKey { key, role, status: KeyStatus::Active, events: Vec::new() })
}

/// As a bundle names its roots.
fn sorted(roots: impl IntoIterator<Item = VerifyingKey>) -> Vec<VerifyingKey> {
    let mut roots: Vec<_> = roots.into_iter().collect();
    roots.sort();
    roots.dedup();
    roots
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use countermark_shared::documents::{Signed, accept_bundle};
    use countermark_shared::keys::SigningKey;
    use zeroize::Zeroizing;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_790_000_000);

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&Zeroizing::new([seed; 32]))
    }

    fn public(seed: u8) -> VerifyingKey {
        key(seed).verifying_key()
    }

    fn year() -> Timestamp {
        NOW + Duration::from_hours(24 * 365)
    }

    /// Root 1; issuing 2, authority 3, list 4, organiser 5.
    fn first() -> TrustBundle {
        let organisers = vec![Organiser { key: public(5), events: vec![EventId(7)] }];
        let keys = Keys {
            roots: vec![public(1)],
            issuing: vec![public(2)],
            authority: vec![public(3)],
            list: vec![public(4)],
            organisers,
        };
        keys.bundle([public(1)].into_iter(), 1, year(), NOW)
    }

    fn nothing() -> Changes {
        Changes {
            fates: Vec::new(),
            issuing: Vec::new(),
            authority: Vec::new(),
            list: Vec::new(),
            organisers: Vec::new(),
            roots: Vec::new(),
            threshold: None,
        }
    }

    fn fate(seed: u8, status: &str) -> Fate {
        format!("{}={status}", public(seed)).parse().unwrap()
    }

    #[test]
    fn an_organiser_is_a_key_and_its_events_and_a_fate_is_a_key_and_a_word() {
        let key = public(3);
        let organiser: Organiser = format!("{key}:7,8").parse().unwrap();
        assert_eq!(organiser, Organiser { key, events: vec![EventId(7), EventId(8)] });
        for text in [format!("{key}"), format!("{key}:"), format!("{key}:x"), "00:7".to_owned()] {
            assert_eq!(text.parse::<Organiser>(), Err(InvalidOrganiser), "{text}");
        }
        assert_eq!(fate(3, "listed-only"), Fate { key, status: KeyStatus::ListedOnly });
        for text in [format!("{key}"), format!("{key}=gone"), format!("{key}=active"), "00=revoked".to_owned()] {
            assert_eq!(text.parse::<Fate>(), Err(InvalidFate), "{text}");
        }
    }

    #[test]
    fn a_stolen_key_goes_by_the_bundle_that_brings_the_next_one() {
        let stolen = || Changes { fates: vec![fate(2, "listed-only")], ..nothing() };
        assert_eq!(stolen().of(first(), year(), NOW), Err(ChangeError::NoneLeft { role: KeyRole::Issuing }));
        let next = Changes { issuing: vec![public(6)], ..stolen() }.of(first(), year(), NOW).unwrap();
        assert_eq!(next.active(KeyRole::Issuing).collect::<Vec<_>>(), [public(6)]);
        assert_eq!((next.version, &next.keys[0].status), (2, &KeyStatus::ListedOnly));

        let fingerprint = first().root_fingerprint();
        let in_force = Signed::seal(&first(), &[&key(1)]).unwrap();
        let in_force = accept_bundle(&in_force, fingerprint, None, NOW).unwrap();
        let next = Signed::seal(&next, &[&key(1)]).unwrap();
        assert!(accept_bundle(&next, fingerprint, Some(&in_force), NOW).is_ok());
    }

    /// Found in review: one word brought back a key that somebody else has.
    #[test]
    fn no_key_is_trusted_more_than_before() {
        let mut bundle = Changes { issuing: vec![public(6)], ..nothing() }.of(first(), year(), NOW).unwrap();
        let words = ["verify-only", "listed-only", "revoked"];
        for (place, word) in words.into_iter().enumerate() {
            let set = |word| Changes { fates: vec![fate(2, word)], ..nothing() };
            bundle = set(word).of(bundle, year(), NOW).unwrap();
            for less_strict in &words[..place] {
                let refused = set(less_strict).of(bundle.clone(), year(), NOW).unwrap_err();
                assert!(matches!(refused, ChangeError::Raised { .. }), "{word} to {less_strict}: {refused}");
            }
        }
    }

    /// A list key vouches for documents, and there is no list of those: it is believed or not.
    #[test]
    fn a_stolen_list_key_is_revoked_by_the_bundle_that_brings_the_next_one() {
        let next = |word| Changes { fates: vec![fate(4, word)], list: vec![public(6)], ..nothing() };
        let seal = |word| Signed::seal(&next(word).of(first(), year(), NOW).unwrap(), &[&key(1)]);
        assert!(seal("listed-only").is_err());
        let bytes = seal("revoked").unwrap();
        let next = accept_bundle(&bytes, first().root_fingerprint(), None, NOW).unwrap();
        assert_eq!(next.document().list_keys(), [public(6)]);
    }

    #[test]
    fn roots_are_replaced_by_a_bundle_that_old_and_new_ones_sign_each_where_it_is() {
        let changes = Changes { roots: vec![public(8), public(9)], threshold: Some(2), ..nothing() };
        let next = changes.of(first(), year(), NOW).unwrap();
        let fingerprint = first().root_fingerprint();
        let in_force = Signed::seal(&first(), &[&key(1)]).unwrap();
        let in_force = accept_bundle(&in_force, fingerprint, None, NOW).unwrap();
        let taken = |bytes: &[u8]| accept_bundle(bytes, fingerprint, Some(&in_force), NOW).is_ok();

        let mut round = Signed::seal(&next, &[]).unwrap();
        for (seed, enough) in [(8, false), (9, false), (9, false), (1, true)] {
            round = Signed::<TrustBundle>::decode(&round).unwrap().countersign(&[&key(seed)]);
            assert_eq!(taken(&round), enough, "after root {seed}");
        }
    }

    #[test]
    fn what_the_bundle_does_not_list_cannot_change_and_what_it_lists_cannot_come() {
        let unknown = Changes { fates: vec![fate(6, "revoked")], ..nothing() };
        assert_eq!(unknown.of(first(), year(), NOW), Err(ChangeError::Unknown(public(6).into())));
        let listed = Changes { list: vec![public(2)], ..nothing() };
        assert_eq!(listed.of(first(), year(), NOW), Err(ChangeError::Listed(public(2).into())));
        let more = Changes { organisers: vec![format!("{}:7,8", public(5)).parse().unwrap()], ..nothing() };
        assert_eq!(more.of(first(), year(), NOW).unwrap().organisers_of(EventId(8)), [public(5)]);
    }
}
