//! The trust bundle: which keys exist, what each may sign, and what became of it. Signed by the root.

use minicbor::{Decode, Encode};

use super::envelope::{Authentic, Document, Signed, supersede};
use super::refusal::Refusal;
use super::revision::Revision;
use super::root::RootFingerprint;
use crate::id::EventId;
use crate::keys::VerifyingKey;
use crate::label::Label;
use crate::time::Timestamp;

const MAX_ROOTS: usize = 9;
const MAX_KEYS: usize = 256;
const MAX_EVENTS_PER_ORGANISER: usize = 256;

/// Every key that services and gates believe.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TrustBundle {
    /// Raised by each signing.
    #[n(0)]
    pub version: u32,
    /// When it was signed.
    #[n(1)]
    pub issued: Timestamp,
    /// From here on a reader warns, then calls staff; it never stops: see [`Expiry`](super::Expiry).
    #[n(2)]
    pub not_after: Timestamp,
    /// The root keys, sorted.
    #[n(3)]
    pub roots: Vec<VerifyingKey>,
    /// How many of the roots must sign.
    #[n(4)]
    pub threshold: u8,
    /// The other keys.
    #[n(5)]
    pub keys: Vec<TrustedKey>,
}

/// A key and what it is good for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TrustedKey {
    /// The public key.
    #[n(0)]
    pub key: VerifyingKey,
    /// What it signs.
    #[n(1)]
    pub role: KeyRole,
    /// Whether it still may.
    #[n(2)]
    pub status: KeyStatus,
    /// An organiser's events; empty for every other role.
    #[n(3)]
    pub events: Vec<EventId>,
}

/// What a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum KeyRole {
    /// Tickets, for the ticket service: "sold".
    #[n(0)]
    Issuing,
    /// Tickets, for the account service: "granted".
    #[n(1)]
    Authority,
    /// Event documents.
    #[n(2)]
    Organiser,
    /// Slot lists, feeds, assignments, heads and the time.
    #[n(3)]
    List,
}

/// What became of a key, from the most trust to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum KeyStatus {
    /// Signs and verifies.
    #[n(0)]
    Active,
    /// What it signed stays good; it signs nothing new.
    #[n(1)]
    VerifyOnly,
    /// What it signed is good only if the slot list knows it; only for keys that sign tickets.
    #[n(2)]
    ListedOnly,
    /// Nothing it signed is good.
    #[n(3)]
    Revoked,
}

impl TrustBundle {
    /// What names this set of roots and its threshold.
    pub fn root_fingerprint(&self) -> RootFingerprint {
        RootFingerprint::of(&self.roots, self.threshold)
    }

    /// The keys of a role that may sign something new.
    pub fn active(&self, role: KeyRole) -> impl Iterator<Item = VerifyingKey> {
        self.with_status(role, |status| status == KeyStatus::Active)
    }

    /// The keys of a role whose documents are believed: active or verify-only.
    pub fn believed(&self, role: KeyRole) -> impl Iterator<Item = VerifyingKey> {
        self.with_status(role, KeyStatus::vouches)
    }

    /// The believed list keys.
    pub fn list_keys(&self) -> Vec<VerifyingKey> {
        self.believed(KeyRole::List).collect()
    }

    /// The believed organiser keys whose scope has the event.
    pub fn organisers_of(&self, event: EventId) -> Vec<VerifyingKey> {
        self.keys
            .iter()
            .filter(|trusted| trusted.role == KeyRole::Organiser && trusted.events.contains(&event))
            .filter(|trusted| trusted.status.vouches())
            .map(|trusted| trusted.key)
            .collect()
    }

    fn with_status(&self, role: KeyRole, wanted: fn(KeyStatus) -> bool) -> impl Iterator<Item = VerifyingKey> {
        self.keys
            .iter()
            .filter(move |trusted| trusted.role == role && wanted(trusted.status))
            .map(|trusted| trusted.key)
    }
}

impl KeyRole {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issuing => "issuing",
            Self::Authority => "authority",
            Self::Organiser => "organiser",
            Self::List => "list",
        }
    }
}

impl KeyStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Active, Self::VerifyOnly, Self::ListedOnly, Self::Revoked];

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::VerifyOnly => "verify-only",
            Self::ListedOnly => "listed-only",
            Self::Revoked => "revoked",
        }
    }

    /// Whether a document is believed on the word of such a key.
    const fn vouches(self) -> bool {
        match self {
            Self::Active | Self::VerifyOnly => true,
            Self::ListedOnly | Self::Revoked => false,
        }
    }
}

impl Document for TrustBundle {
    const LABEL: Label = Label::TrustBundle;
    const NAME: &'static str = "trust bundle";
    const MAX_PAYLOAD: usize = 512 * 1024;

    fn revision(&self) -> Revision {
        Revision::version(self.version)
    }

    fn issued(&self) -> Timestamp {
        self.issued
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.roots.is_empty() || self.roots.len() > MAX_ROOTS || !self.roots.is_sorted_by(|a, b| a < b) {
            return Err("it names one to nine roots, sorted, each once");
        }
        if self.threshold == 0 || usize::from(self.threshold) > self.roots.len() {
            return Err("its threshold lies between one and the number of roots");
        }
        if self.not_after <= self.issued {
            return Err("it ends before it begins");
        }
        if self.keys.len() > MAX_KEYS {
            return Err("it names too many keys");
        }
        for (index, trusted) in self.keys.iter().enumerate() {
            if self.keys.iter().take(index).any(|earlier| earlier.key == trusted.key)
                || self.roots.contains(&trusted.key)
            {
                return Err("a key has one role");
            }
            let scoped = !trusted.events.is_empty();
            if scoped != (trusted.role == KeyRole::Organiser) || trusted.events.len() > MAX_EVENTS_PER_ORGANISER {
                return Err("organisers, and they alone, are scoped to events");
            }
            let signs_tickets = matches!(trusted.role, KeyRole::Issuing | KeyRole::Authority);
            if trusted.status == KeyStatus::ListedOnly && !signs_tickets {
                return Err("only a key that signs tickets can be listed-only");
            }
        }
        Ok(())
    }
}

/// Takes a bundle if enough of the right roots signed it, and it is not older than the one in force. The answer is the newer of the two.
///
/// A bundle must carry its threshold of the roots it names. With nothing in force these must be the `pinned` ones. Otherwise they must
/// be those in force, or the threshold of those in force must have signed it as well: so are roots replaced, and from then on
/// the new ones count, whatever was pinned.
pub fn accept_bundle(
    bytes: &[u8],
    pinned: RootFingerprint,
    in_force: Option<&Authentic<TrustBundle>>,
    now: Timestamp,
) -> Result<Authentic<TrustBundle>, Refusal> {
    let signed = Signed::<TrustBundle>::decode(bytes)?;
    let claimed = signed.unbelieved()?;
    match in_force.map(Authentic::document) {
        None if claimed.root_fingerprint() != pinned => return Err(Refusal::OtherRoot),
        // Said first, or a reader that replays the steps of a rotation it has taken would look for earlier ones.
        Some(current) if claimed.version < current.version => {
            let (offered, in_force) = (claimed.revision(), current.revision());
            return Err(Refusal::Older { document: TrustBundle::NAME, offered, in_force });
        }
        Some(current) if claimed.root_fingerprint() != current.root_fingerprint() => {
            signed.signed_by(&current.roots, current.threshold.into()).map_err(|_| Refusal::OtherRoot)?;
        }
        None | Some(_) => {}
    }
    let offered = signed.open(&claimed.roots, claimed.threshold.into())?;
    supersede(in_force.map(Authentic::standing), &offered, now)?;
    Ok(offered)
}

/// The root that a bundle says it is by. Nothing is believed of it yet: an enrolling gate compares it with what its code names, and
/// then takes the bundle with [`accept_bundle`].
pub fn claimed_root(bytes: &[u8]) -> Result<RootFingerprint, Refusal> {
    Ok(unfinished_bundle(bytes)?.0.root_fingerprint())
}

/// A bundle on its way round the roots: what it says, and which of its own roots have signed it. Nothing of it is believed: this is for
/// those who are to sign it.
pub fn unfinished_bundle(bytes: &[u8]) -> Result<(TrustBundle, Vec<VerifyingKey>), Refusal> {
    let signed = Signed::<TrustBundle>::decode(bytes)?;
    let bundle = signed.unbelieved()?;
    let signers = signed.valid(&bundle.roots);
    Ok((bundle, signers))
}

#[cfg(test)]
mod tests;
