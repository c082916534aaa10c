//! The head: what a gate should hold, in one small thing to poll. Signed by validation's list key, short-lived.

use core::time::Duration;

use minicbor::{Decode, Encode};

use super::bundle::{KeyRole, TrustBundle};
use super::envelope::{Authentic, Document, Signed};
use super::hash::ContentHash;
use super::refusal::Refusal;
use super::revision::{Revision, Standing};
use super::root::RootFingerprint;
use crate::id::{EventId, GateId};
use crate::label::Label;
use crate::time::Timestamp;

/// A head that lived longer could be replayed for as long.
const LONGEST_LIFE: Duration = Duration::from_hours(24);

/// What a gate should hold.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Head {
    /// The gate.
    #[n(0)]
    pub gate: GateId,
    /// When it was signed; a later head takes the place of an earlier one.
    #[n(1)]
    pub issued: Timestamp,
    /// From here on it says nothing any more; at most a day after it was signed.
    #[n(2)]
    pub not_after: Timestamp,
    /// The event that the gate serves, and that the following are about.
    #[n(3)]
    pub event: EventId,
    /// The roots that the newest trust bundle names.
    #[n(4)]
    pub roots: RootFingerprint,
    /// The newest trust bundle.
    #[n(5)]
    pub bundle: Standing,
    /// The newest assignment of this gate.
    #[n(6)]
    pub assignment: Standing,
    /// The newest event document, once there is one.
    #[n(7)]
    pub document: Option<Standing>,
    /// The newest slot list and the hash of its content, once there is one.
    #[n(8)]
    pub slots: Option<Standing<ContentHash>>,
    /// The newest batch of the admission feed, once there is a feed.
    #[n(9)]
    pub feed: Option<Standing>,
}

impl Head {
    /// Takes a head if an active list key signed it for this gate, its time is not over, and it is not older than the last one. The
    /// answer is the newer of the two. Nothing goes back by it: see [`needs`](Self::needs).
    ///
    /// Every head is new, and a verify-only key signs nothing new; what it signed before still is what a head is held against.
    pub fn accept(
        bytes: &[u8],
        bundle: &TrustBundle,
        gate: GateId,
        last: Option<&Authentic<Self>>,
        now: Timestamp,
    ) -> Result<Authentic<Self>, Refusal> {
        let active: Vec<_> = bundle.active(KeyRole::List).collect();
        let offered = Signed::<Self>::decode(bytes)?.open(&active, 1)?;
        if offered.document().gate != gate {
            return Err(Refusal::OtherSubject { document: Self::NAME });
        }
        let until = offered.document().not_after;
        if now >= until {
            return Err(Refusal::Expired { document: Self::NAME, until });
        }
        offered.succeed(last, &bundle.list_keys(), now)
    }
}

impl Document for Head {
    const LABEL: Label = Label::Head;
    const NAME: &'static str = "head";
    const MAX_PAYLOAD: usize = 1024;

    /// Heads are numbered by the instant at which they were signed.
    fn revision(&self) -> Revision {
        Revision { epoch: 0, sequence: self.issued.unix_millis().unsigned_abs() }
    }

    fn issued(&self) -> Timestamp {
        self.issued
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.not_after <= self.issued || self.not_after > self.issued + LONGEST_LIFE {
            return Err("it lives for up to a day");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::{DocumentHash, KeyStatus, TrustedKey};
    use crate::keys::SigningKey;
    use crate::samples;

    fn head(issued: Timestamp, life: Duration) -> Head {
        let standing = Standing { revision: Revision::version(1), hash: DocumentHash::NONE };
        Head {
            gate: GateId(1),
            issued,
            not_after: issued + life,
            event: EventId(7),
            roots: samples::bundle().root_fingerprint(),
            bundle: standing,
            assignment: standing,
            document: Some(standing),
            slots: None,
            feed: Some(standing),
        }
    }

    fn accept(head: &Head, last: Option<&Authentic<Head>>, now: Timestamp) -> Result<Authentic<Head>, Refusal> {
        let bytes = Signed::seal(head, &[&samples::list_key()])?;
        Head::accept(&bytes, &samples::bundle(), GateId(1), last, now)
    }

    const LIFE: Duration = Duration::from_mins(15);
    const INSTANT: Duration = Duration::from_millis(1);

    #[test]
    fn a_head_says_nothing_any_more_from_its_end_on() {
        let head = head(samples::DOORS, LIFE);
        assert_eq!(accept(&head, None, samples::DOORS + LIFE - INSTANT).unwrap().document(), &head);
        let until = samples::DOORS + LIFE;
        assert_eq!(accept(&head, None, until).unwrap_err(), Refusal::Expired { document: "head", until });
    }

    #[test]
    fn a_head_lives_for_up_to_a_day() {
        accept(&head(samples::DOORS, LONGEST_LIFE), None, samples::DOORS).unwrap();
        for life in [Duration::ZERO, LONGEST_LIFE + INSTANT] {
            let refusal = accept(&head(samples::DOORS, life), None, samples::DOORS).unwrap_err();
            assert!(matches!(refusal, Refusal::Malformed { .. }), "{refusal}");
        }
    }

    #[test]
    fn heads_never_go_back_and_are_each_gates_own() {
        let last = accept(&head(samples::DOORS, LIFE), None, samples::DOORS).unwrap();
        let earlier = head(samples::DOORS - INSTANT, LIFE);
        assert!(matches!(accept(&earlier, Some(&last), samples::DOORS), Err(Refusal::Older { .. })));
        accept(&head(samples::DOORS + INSTANT, LIFE), Some(&last), samples::DOORS).unwrap();
        let elsewhere = Head { gate: GateId(2), ..head(samples::DOORS, LIFE) };
        assert!(matches!(accept(&elsewhere, None, samples::DOORS), Err(Refusal::OtherSubject { .. })));
    }

    /// Who has a list key that was retired does not say what is newest, nor keep gates from hearing it.
    #[test]
    fn a_retired_list_key_signs_no_head_and_keeps_its_floor() {
        let last = accept(&head(samples::DOORS, LIFE), None, samples::DOORS).unwrap();
        let successor = samples::signing_key(50);
        let mut rotated = samples::bundle();
        rotated.keys[3].status = KeyStatus::VerifyOnly;
        let key = successor.verifying_key();
        rotated.keys.push(TrustedKey { key, role: KeyRole::List, status: KeyStatus::Active, events: vec![] });
        let by = |key: &SigningKey, issued| {
            let bytes = Signed::seal(&head(issued, LIFE), &[key]).unwrap();
            Head::accept(&bytes, &rotated, GateId(1), Some(&last), samples::DOORS)
        };
        let later = samples::DOORS + INSTANT;
        assert_eq!(by(&samples::list_key(), later).unwrap_err(), Refusal::NotSigned { document: "head" });
        assert!(matches!(by(&successor, samples::DOORS - INSTANT), Err(Refusal::Older { .. })));
        by(&successor, later).unwrap();
    }

    /// The longest there can be.
    #[test]
    fn a_head_is_small() {
        let full =
            Standing { revision: Revision { epoch: u32::MAX, sequence: u64::MAX }, hash: DocumentHash([255; 32]) };
        let slots = Standing { revision: full.revision, hash: ContentHash([255; 32]) };
        let head = Head {
            bundle: full,
            assignment: full,
            document: Some(full),
            slots: Some(slots),
            feed: Some(full),
            ..head(samples::DOORS, LIFE)
        };
        let bytes = Signed::seal(&head, &[&samples::list_key()]).unwrap();
        assert!(bytes.len() < 500, "{}", bytes.len());
    }
}
