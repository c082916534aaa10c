//! The keys a verifier believes, and the only way to a [`VerifiedTicket`].

use crate::documents::{KeyRole, KeyStatus, TrustBundle};
use crate::keys::{KeyId, Signature, VerifyingKey};
use crate::label::Label;
use crate::ticket::{UnverifiedTicket, VerifiedTicket};

/// Issuing and authority keys of a trust bundle, whatever their status.
#[derive(Clone, Debug)]
pub struct KeyRing {
    issuing: Vec<(KeyId, VerifyingKey, KeyStatus)>,
    authority: Vec<(KeyId, VerifyingKey, KeyStatus)>,
}

/// Why two signatures prove nothing, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    /// No key of the bundle has the id the ticket names.
    #[error("a key that signed the ticket is unknown")]
    KeyUnknown,
    /// Every key with that id was revoked.
    #[error("a key that signed the ticket was revoked")]
    KeyRevoked,
    /// The issuing key never made the first signature.
    #[error("the issuer's signature is forged")]
    IssuerForged,
    /// The authority key never made the second.
    #[error("the authority's signature is forged")]
    AuthorityForged,
}

impl KeyRing {
    /// The keys of a bundle.
    pub fn of(bundle: &TrustBundle) -> Self {
        let with_role = |role| {
            bundle
                .keys
                .iter()
                .filter(|trusted| trusted.role == role)
                .map(|trusted| (trusted.key.id(), trusted.key, trusted.status))
                .collect()
        };
        Self { issuing: with_role(KeyRole::Issuing), authority: with_role(KeyRole::Authority) }
    }

    /// Checks both signatures against every key their ids may mean.
    pub fn verify(&self, ticket: &UnverifiedTicket) -> Result<VerifiedTicket, Unproved> {
        let body = ticket.body.to_bytes();
        let issuing = candidates(&self.issuing, ticket.body.issuing_key)?;
        let authority = candidates(&self.authority, ticket.body.authority_key)?;
        let issuer = signer(&issuing, Label::Issue, &body, &ticket.issuer).ok_or(Unproved::IssuerForged)?;
        let authoriser =
            signer(&authority, Label::Authorise, &body, &ticket.authority).ok_or(Unproved::AuthorityForged)?;
        Ok(VerifiedTicket {
            body: ticket.body.clone(),
            must_be_listed: [issuer, authoriser].contains(&KeyStatus::ListedOnly),
        })
    }
}

type Candidate<'a> = &'a (KeyId, VerifyingKey, KeyStatus);

fn candidates(keys: &[(KeyId, VerifyingKey, KeyStatus)], id: KeyId) -> Result<Vec<Candidate<'_>>, Unproved> {
    let named: Vec<_> = keys.iter().filter(|(known, ..)| *known == id).collect();
    if named.is_empty() {
        return Err(Unproved::KeyUnknown);
    }
    let usable: Vec<_> = named.into_iter().filter(|(.., status)| *status != KeyStatus::Revoked).collect();
    if usable.is_empty() { Err(Unproved::KeyRevoked) } else { Ok(usable) }
}

fn signer(candidates: &[Candidate<'_>], label: Label, body: &[u8], signature: &Signature) -> Option<KeyStatus> {
    candidates.iter().find(|(_, key, _)| key.verifies(label, body, signature)).map(|(.., status)| *status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn both_signatures_make_a_ticket() {
        let verified = samples::key_ring().verify(&samples::ticket()).unwrap();
        assert_eq!(verified.body(), &samples::ticket().body);
        assert!(!verified.must_be_listed());
    }

    #[test]
    fn swapped_signatures_are_forgeries() {
        let mut ticket = samples::ticket();
        core::mem::swap(&mut ticket.issuer, &mut ticket.authority);
        assert_eq!(samples::key_ring().verify(&ticket), Err(Unproved::IssuerForged));
    }

    #[test]
    fn one_service_alone_cannot_mint() {
        let mut by_issuer = samples::ticket();
        by_issuer.authority = by_issuer.body.authorise(&samples::issuing_key());
        assert_eq!(samples::key_ring().verify(&by_issuer), Err(Unproved::AuthorityForged));

        let mut by_authority = samples::ticket();
        by_authority.issuer = by_authority.body.issue(&samples::authority_key());
        assert_eq!(samples::key_ring().verify(&by_authority), Err(Unproved::IssuerForged));
    }

    #[test]
    fn a_signature_for_one_purpose_is_none_for_the_other() {
        let mut ticket = samples::ticket();
        ticket.issuer = ticket.body.authorise(&samples::issuing_key());
        assert_eq!(samples::key_ring().verify(&ticket), Err(Unproved::IssuerForged));
    }

    #[test]
    fn the_status_of_a_key_decides() {
        for (status, expected) in [
            (KeyStatus::Active, Ok(false)),
            (KeyStatus::VerifyOnly, Ok(false)),
            (KeyStatus::ListedOnly, Ok(true)),
            (KeyStatus::Revoked, Err(Unproved::KeyRevoked)),
        ] {
            let mut bundle = samples::bundle();
            for trusted in bundle.keys.iter_mut().filter(|trusted| trusted.role == KeyRole::Issuing) {
                trusted.status = status;
            }
            let outcome = KeyRing::of(&bundle).verify(&samples::ticket()).map(|ticket| ticket.must_be_listed());
            assert_eq!(outcome, expected, "{status:?}");
        }
    }

    #[test]
    fn keys_that_share_an_id_are_all_tried() {
        let mut ring = samples::key_ring();
        let stranger = samples::signing_key(99).verifying_key();
        let id = ring.issuing[0].0;
        ring.issuing.insert(0, (id, stranger, KeyStatus::Revoked));
        ring.issuing.insert(0, (id, stranger, KeyStatus::Active));
        assert!(ring.verify(&samples::ticket()).is_ok());
    }

    #[test]
    fn unknown_keys_are_said_to_be_unknown() {
        let mut ticket = samples::ticket();
        ticket.body.authority_key = KeyId([0; 4]);
        assert_eq!(samples::key_ring().verify(&ticket), Err(Unproved::KeyUnknown));
    }
}
