//! The trust bundle: which keys exist, what each may sign, and what became of it. Signed by the root.

use core::fmt;

use data_encoding::HEXLOWER;
use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::envelope::{Authentic, Document, Refusal, Revision, Signed, supersede};
use crate::id::EventId;
use crate::keys::{VerifyingKey, labelled_digest};
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
    /// After this a reader warns, then calls staff; it never stops.
    #[n(2)]
    pub not_after: Timestamp,
    /// The root keys.
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
    /// Slot lists and assignments.
    #[n(3)]
    List,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum KeyStatus {
    /// Signs and verifies.
    #[n(0)]
    Active,
    /// What it signed stays good; it signs nothing new.
    #[n(1)]
    VerifyOnly,
    /// What it signed is good only if the slot list knows it.
    #[n(2)]
    ListedOnly,
    /// Nothing it signed is good.
    #[n(3)]
    Revoked,
}

/// SHA-256 over threshold and roots: what a gate is told at enrolment and a service by its settings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct RootFingerprint(pub [u8; 32]);

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
        self.with_status(role, |status| matches!(status, KeyStatus::Active | KeyStatus::VerifyOnly))
    }

    /// The believed organiser keys whose scope has the event.
    pub fn organisers_of(&self, event: EventId) -> Vec<VerifyingKey> {
        self.keys
            .iter()
            .filter(|trusted| trusted.role == KeyRole::Organiser && trusted.events.contains(&event))
            .filter(|trusted| matches!(trusted.status, KeyStatus::Active | KeyStatus::VerifyOnly))
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
        }
        Ok(())
    }
}

/// Takes a bundle if its roots are the pinned ones, enough of them signed it, and it is not older than the one in force.
/// The answer is the newer of the two.
pub fn accept_bundle(
    bytes: &[u8],
    pinned: RootFingerprint,
    in_force: Option<&Authentic<TrustBundle>>,
    now: Timestamp,
) -> Result<Authentic<TrustBundle>, Refusal> {
    let signed = Signed::<TrustBundle>::decode(bytes)?;
    let claimed = signed.unbelieved()?;
    if claimed.root_fingerprint() != pinned {
        return Err(Refusal::OtherRoot);
    }
    let offered = signed.open(&claimed.roots, claimed.threshold.into())?;
    supersede(in_force.map(Authentic::standing), &offered, now)?;
    Ok(offered)
}

/// The root that a bundle says it is by. Nothing is believed of it yet: an enrolling gate compares it with what its code names, and
/// then takes the bundle with [`accept_bundle`].
pub fn claimed_root(bytes: &[u8]) -> Result<RootFingerprint, Refusal> {
    Ok(Signed::<TrustBundle>::decode(bytes)?.unbelieved()?.root_fingerprint())
}

impl RootFingerprint {
    /// The fingerprint of a set of roots, sorted, and how many of them must sign.
    pub fn of(roots: &[VerifyingKey], threshold: u8) -> Self {
        let keys: Vec<_> = roots.iter().map(|root| root.to_bytes()).collect();
        let parts: Vec<&[u8]> =
            core::iter::once(core::slice::from_ref(&threshold)).chain(keys.iter().map(<[u8; 32]>::as_slice)).collect();
        Self(labelled_digest(Label::RootFingerprint, &parts))
    }
}

impl fmt::Display for RootFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for RootFingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RootFingerprint({self})")
    }
}

/// Text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a root fingerprint is 64 hexadecimal digits, as `countermark-cloud ceremony` printed it")]
pub struct InvalidFingerprint;

impl core::str::FromStr for RootFingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| InvalidFingerprint)?;
        bytes.try_into().map(Self).map_err(|_| InvalidFingerprint)
    }
}

impl TryFrom<String> for RootFingerprint {
    type Error = InvalidFingerprint;

    fn try_from(text: String) -> Result<Self, InvalidFingerprint> {
        text.parse()
    }
}

impl From<RootFingerprint> for String {
    fn from(fingerprint: RootFingerprint) -> Self {
        fingerprint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn signed(bundle: &TrustBundle) -> Vec<u8> {
        Signed::seal(bundle, &[&samples::root_key()]).unwrap()
    }

    fn accept(bytes: &[u8], in_force: Option<&Authentic<TrustBundle>>) -> Result<Authentic<TrustBundle>, Refusal> {
        accept_bundle(bytes, samples::bundle().root_fingerprint(), in_force, samples::DOORS)
    }

    #[test]
    fn a_bundle_by_the_pinned_root_is_taken_as_it_is() {
        let bytes = signed(&samples::bundle());
        let accepted = accept(&bytes, None).unwrap();
        assert_eq!(accepted.document(), &samples::bundle());
        assert_eq!(accepted.bytes(), bytes);
        assert_eq!(claimed_root(&bytes).unwrap(), samples::bundle().root_fingerprint());
    }

    #[test]
    fn a_stranger_with_roots_of_his_own_is_refused() {
        let mut bundle = samples::bundle();
        bundle.roots = vec![samples::signing_key(66).verifying_key()];
        let bytes = Signed::seal(&bundle, &[&samples::signing_key(66)]).unwrap();
        assert_eq!(accept(&bytes, None).unwrap_err(), Refusal::OtherRoot);
    }

    #[test]
    fn one_root_signing_twice_is_one_root() {
        let mut roots = [samples::root_key(), samples::signing_key(66)];
        roots.sort_by_key(SigningKeyOrder::of);
        let mut bundle = samples::bundle();
        bundle.roots = roots.iter().map(crate::keys::SigningKey::verifying_key).collect();
        bundle.threshold = 2;
        let twice = Signed::seal(&bundle, &[&roots[0], &roots[0]]).unwrap();
        let refusal = accept_bundle(&twice, bundle.root_fingerprint(), None, samples::DOORS).unwrap_err();
        assert_eq!(refusal, Refusal::NotSigned { document: "trust bundle", valid: 1, threshold: 2 });
        let both = Signed::seal(&bundle, &[&roots[0], &roots[1]]).unwrap();
        accept_bundle(&both, bundle.root_fingerprint(), None, samples::DOORS).unwrap();
    }

    struct SigningKeyOrder;
    impl SigningKeyOrder {
        fn of(key: &crate::keys::SigningKey) -> VerifyingKey {
            key.verifying_key()
        }
    }

    #[test]
    fn a_bundle_never_goes_back() {
        let mut newer = samples::bundle();
        newer.version = 2;
        let in_force = accept(&signed(&newer), None).unwrap();
        assert!(matches!(accept(&signed(&samples::bundle()), Some(&in_force)), Err(Refusal::Older { .. })));
        newer.keys.pop();
        assert!(matches!(accept(&signed(&newer), Some(&in_force)), Err(Refusal::Conflicting { .. })));
    }

    #[test]
    fn any_flipped_bit_is_refused() {
        let bytes = signed(&samples::bundle());
        for index in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[index] ^= 1 << bit;
                assert!(accept(&damaged, None).is_err(), "byte {index}, bit {bit}");
            }
        }
    }

    #[test]
    fn contradictions_are_not_signed() {
        let twice = |bundle: &mut TrustBundle| bundle.keys.push(bundle.keys[0].clone());
        let unscoped = |bundle: &mut TrustBundle| bundle.keys[2].events.clear();
        let unreachable = |bundle: &mut TrustBundle| bundle.threshold = 2;
        let ended = |bundle: &mut TrustBundle| bundle.not_after = bundle.issued;
        for contradict in [twice, unscoped, unreachable, ended] {
            let mut bundle = samples::bundle();
            contradict(&mut bundle);
            assert!(matches!(Signed::seal(&bundle, &[&samples::root_key()]), Err(Refusal::Malformed { .. })));
        }
    }
}
