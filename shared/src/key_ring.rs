//! The keys a verifier believes, and the only way to a [`VerifiedTicket`] and to a [`VerifiedHalf`].

use crate::documents::{KeyRole, KeyStatus, TrustBundle};
use crate::keys::{KeyId, VerifyingKey};
use crate::label::Label;
use crate::ticket::{HalfTicket, Presented, UnverifiedTicket, VerifiedHalf, VerifiedTicket};

/// Issuing and authority keys of a trust bundle, whatever their status.
#[derive(Clone, Debug)]
pub struct KeyRing {
    issuing: Vec<RingKey>,
    authority: Vec<RingKey>,
}

#[derive(Clone, Copy, Debug)]
struct RingKey {
    id: KeyId,
    key: VerifyingKey,
    status: KeyStatus,
}

/// Why a ticket's signatures prove nothing, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    /// No key of the bundle has the id the ticket names.
    #[error("a key that signed the ticket is unknown")]
    KeyUnknown,
    /// Every key with that id was revoked, or the one that signed.
    #[error("a key that signed the ticket was revoked")]
    KeyRevoked,
    /// The issuing key never made the first signature.
    #[error("the issuer's signature is forged")]
    IssuerForged,
    /// The authority key never made the second.
    #[error("the authority's signature is forged")]
    AuthorityForged,
    /// The ticket is good, but its holder never signed that it is shown at that moment.
    #[error("the holder's signature is forged")]
    HolderForged,
}

impl KeyRing {
    /// The keys of a bundle.
    pub fn of(bundle: &TrustBundle) -> Self {
        let with_role = |role| {
            bundle
                .keys
                .iter()
                .filter(|trusted| trusted.role == role)
                .map(|trusted| RingKey { id: trusted.key.id(), key: trusted.key, status: trusted.status })
                .collect()
        };
        Self { issuing: with_role(KeyRole::Issuing), authority: with_role(KeyRole::Authority) }
    }

    /// Checks both signatures against every key their ids may mean, then the holder's where the ticket is shown with one.
    pub fn verify(&self, ticket: &UnverifiedTicket) -> Result<VerifiedTicket, Unproved> {
        let body = ticket.body();
        expect_usable(&self.issuing, body.issuing_key)?;
        expect_usable(&self.authority, body.authority_key)?;
        let message = body.to_bytes();
        let by = |keys, id, label, signature, otherwise| {
            standing_of_signer(keys, id, |key| key.verifies(label, &message, &signature), otherwise)
        };
        let issuer = by(&self.issuing, body.issuing_key, Label::Issue, ticket.issuer(), Unproved::IssuerForged)?;
        let authority =
            by(&self.authority, body.authority_key, Label::Authorise, ticket.authority(), Unproved::AuthorityForged)?;
        let presented = presented(ticket, &message)?;
        Ok(VerifiedTicket::new(ticket, presented, [issuer, authority].contains(&Standing::ListedOnly)))
    }

    /// Checks the issuer's signature as [`verify`](Self::verify) does. Of the authority there is no signature: what the ids of its keys say
    /// against the whole ticket, they say against its half. Never [`Unproved::AuthorityForged`] or [`Unproved::HolderForged`].
    pub fn verify_half(&self, half: &HalfTicket) -> Result<VerifiedHalf, Unproved> {
        let body = half.body();
        expect_usable(&self.issuing, body.issuing_key)?;
        expect_usable(&self.authority, body.authority_key)?;
        let verifies = |key: VerifyingKey| key.verifies(Label::Issue, &body.to_bytes(), &half.issuer());
        let issuer = standing_of_signer(&self.issuing, body.issuing_key, verifies, Unproved::IssuerForged)?;
        let doubted = named(&self.authority, body.authority_key).any(|key| key.status == KeyStatus::ListedOnly);
        Ok(VerifiedHalf::new(half, doubted || issuer == Standing::ListedOnly))
    }
}

/// What a signature by a key that was not revoked is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Good,
    ListedOnly,
}

fn named(keys: &[RingKey], id: KeyId) -> impl Iterator<Item = &RingKey> {
    keys.iter().filter(move |candidate| candidate.id == id)
}

fn expect_usable(keys: &[RingKey], id: KeyId) -> Result<(), Unproved> {
    if named(keys, id).next().is_none() {
        return Err(Unproved::KeyUnknown);
    }
    if named(keys, id).all(|key| key.status == KeyStatus::Revoked) { Err(Unproved::KeyRevoked) } else { Ok(()) }
}

fn standing_of_signer(
    keys: &[RingKey],
    id: KeyId,
    verifies: impl Fn(VerifyingKey) -> bool,
    otherwise: Unproved,
) -> Result<Standing, Unproved> {
    let signer = named(keys, id).find(|candidate| verifies(candidate.key)).ok_or(otherwise)?;
    match signer.status {
        KeyStatus::Active | KeyStatus::VerifyOnly => Ok(Standing::Good),
        KeyStatus::ListedOnly => Ok(Standing::ListedOnly),
        // Another key with the same id is not: that one did not sign this.
        KeyStatus::Revoked => Err(Unproved::KeyRevoked),
    }
}

fn presented(ticket: &UnverifiedTicket, body: &[u8]) -> Result<Presented, Unproved> {
    let Some(live) = ticket.body().live else { return Ok(Presented::Static) };
    match ticket.presentation() {
        None => Ok(Presented::WithoutProof),
        Some(presentation) if presentation.is_by(live.holder, body) => Ok(Presented::Proved { at: presentation.at() }),
        Some(_) => Err(Unproved::HolderForged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, authority_key, body, holder_key, issuing_key, key_ring, live, shown, sign};
    use crate::ticket::{Presentation, TicketBody};
    use core::time::Duration;

    fn refusal(ticket: &UnverifiedTicket) -> Unproved {
        key_ring().verify(ticket).unwrap_err()
    }

    #[test]
    fn both_signatures_make_a_ticket() {
        for (profile, ticket) in samples::profiles() {
            let verified = key_ring().verify(&ticket).unwrap();
            assert_eq!(verified.body(), ticket.body(), "{profile}");
            assert!(!verified.must_be_listed());
        }
    }

    fn half(body: &TicketBody, key: &crate::keys::SigningKey) -> HalfTicket {
        HalfTicket::new(body.clone(), body.issue(key)).unwrap()
    }

    #[test]
    fn the_issuers_signature_makes_half_a_ticket() {
        for body in [samples::sealed(&body()), samples::sealed(&live(&body()))] {
            let verified = key_ring().verify_half(&half(&body, &issuing_key())).unwrap();
            assert_eq!((verified.body(), verified.must_be_listed()), (&body, false));
            for forger in [authority_key(), samples::list_key(), samples::organiser_key()] {
                assert_eq!(key_ring().verify_half(&half(&body, &forger)), Err(Unproved::IssuerForged));
            }
            let relabelled = HalfTicket::new(body.clone(), body.authorise(&issuing_key())).unwrap();
            assert_eq!(key_ring().verify_half(&relabelled), Err(Unproved::IssuerForged));
            for stranger in [
                TicketBody { issuing_key: KeyId([0; 4]), ..body.clone() },
                TicketBody { authority_key: KeyId([0; 4]), ..body },
            ] {
                assert_eq!(key_ring().verify_half(&half(&stranger, &issuing_key())), Err(Unproved::KeyUnknown));
            }
        }
    }

    #[test]
    fn swapped_signatures_are_forgeries() {
        let ticket = sign(body());
        let swapped = UnverifiedTicket::new(body(), ticket.authority(), ticket.issuer());
        assert_eq!(refusal(&swapped), Unproved::IssuerForged);
    }

    #[test]
    fn one_service_alone_cannot_mint() {
        let ticket = sign(body());
        let by_issuer = UnverifiedTicket::new(body(), ticket.issuer(), body().authorise(&issuing_key()));
        assert_eq!(refusal(&by_issuer), Unproved::AuthorityForged);
        let by_authority = UnverifiedTicket::new(body(), body().issue(&authority_key()), ticket.authority());
        assert_eq!(refusal(&by_authority), Unproved::IssuerForged);
    }

    #[test]
    fn a_signature_for_one_purpose_is_none_for_the_other() {
        let ticket = sign(body());
        let relabelled = UnverifiedTicket::new(body(), body().authorise(&issuing_key()), ticket.authority());
        assert_eq!(refusal(&relabelled), Unproved::IssuerForged);
    }

    #[test]
    fn the_status_of_a_key_decides() {
        for role in [KeyRole::Issuing, KeyRole::Authority] {
            for (status, expected) in [
                (KeyStatus::Active, Ok(false)),
                (KeyStatus::VerifyOnly, Ok(false)),
                (KeyStatus::ListedOnly, Ok(true)),
                (KeyStatus::Revoked, Err(Unproved::KeyRevoked)),
            ] {
                let mut bundle = samples::bundle();
                for trusted in bundle.keys.iter_mut().filter(|trusted| trusted.role == role) {
                    trusted.status = status;
                }
                let ring = KeyRing::of(&bundle);
                let outcome = ring.verify(&samples::ticket()).map(|ticket| ticket.must_be_listed());
                assert_eq!(outcome, expected, "{role:?} {status:?}");
                let half = half(&samples::sealed(&body()), &issuing_key());
                let outcome = ring.verify_half(&half).map(|half| half.must_be_listed());
                assert_eq!(outcome, expected, "half a ticket, {role:?} {status:?}");
            }
        }
    }

    #[test]
    fn keys_that_share_an_id_are_all_tried() {
        let collide = |status_of_signer, status_of_stranger| {
            let mut ring = key_ring();
            ring.issuing[0].status = status_of_signer;
            let stranger = RingKey {
                key: samples::signing_key(99).verifying_key(),
                status: status_of_stranger,
                ..ring.issuing[0]
            };
            ring.issuing.insert(0, stranger);
            ring.verify(&samples::ticket()).map(|ticket| ticket.must_be_listed())
        };
        assert_eq!(collide(KeyStatus::Active, KeyStatus::Active), Ok(false));
        assert_eq!(collide(KeyStatus::Active, KeyStatus::ListedOnly), Ok(false));
        assert_eq!(collide(KeyStatus::Active, KeyStatus::Revoked), Ok(false));
        assert_eq!(collide(KeyStatus::ListedOnly, KeyStatus::Active), Ok(true));
        assert_eq!(collide(KeyStatus::Revoked, KeyStatus::Active), Err(Unproved::KeyRevoked));
    }

    #[test]
    fn unknown_keys_are_said_to_be_unknown() {
        for stranger in [
            TicketBody { issuing_key: KeyId([0; 4]), ..body() },
            TicketBody { authority_key: KeyId([0; 4]), ..body() },
            // Known, but for the other role.
            TicketBody { issuing_key: body().authority_key, ..body() },
        ] {
            assert_eq!(refusal(&sign(stranger)), Unproved::KeyUnknown);
        }
    }

    #[test]
    fn how_it_was_shown_is_told() {
        let presented = |ticket: &UnverifiedTicket| key_ring().verify(ticket).unwrap().presented();
        assert_eq!(presented(&sign(body())), Presented::Static);
        assert_eq!(presented(&sign(live(&body()))), Presented::WithoutProof);
        assert_eq!(presented(&shown(live(&body()))), Presented::Proved { at: samples::DOORS });
    }

    #[test]
    fn a_holders_word_is_for_one_ticket_one_moment_one_holder() {
        let body = live(&body());
        let seconds = u32::try_from(samples::DOORS.unix_seconds()).unwrap();
        let own = body.present(&holder_key(), samples::DOORS).unwrap().signature();
        let other = TicketBody { slot: crate::id::Slot(43), ..body.clone() };
        let of_another = other.present(&holder_key(), samples::DOORS).unwrap();
        let message = [&body.to_bytes()[..], &seconds.to_be_bytes()].concat();
        let by_another = samples::signing_key(66).sign(Label::Present, &message);
        let relabelled = holder_key().sign(Label::HolderEnrolment, &message);
        for (why, forged) in [
            ("a second later", Presentation::new(seconds + 1, own)),
            ("another ticket's", of_another),
            ("another key's", Presentation::new(seconds, by_another)),
            ("another label's", Presentation::new(seconds, relabelled)),
        ] {
            let ticket = sign(body.clone()).shown(forged).unwrap();
            assert_eq!(refusal(&ticket), Unproved::HolderForged, "{why}");
        }
        assert!(key_ring().verify(&sign(body).shown(Presentation::new(seconds, own)).unwrap()).is_ok());
    }

    /// What a buyer could do to themselves is not blamed on the services.
    #[test]
    fn a_forged_ticket_is_forged_however_it_is_shown() {
        let body = live(&body());
        let ticket = sign(body.clone());
        let by_nobody = UnverifiedTicket::new(body.clone(), ticket.authority(), ticket.authority())
            .shown(body.present(&holder_key(), samples::DOORS + Duration::from_secs(1)).unwrap())
            .unwrap();
        assert_eq!(refusal(&by_nobody), Unproved::IssuerForged);
    }

    #[test]
    fn the_text_that_is_kept_needs_no_holder() {
        for (profile, ticket) in samples::profiles() {
            let kept = key_ring().verify(&ticket).unwrap().to_text();
            assert_eq!(kept, ticket.without_presentation().to_text(), "{profile}");
            assert!(key_ring().verify(&UnverifiedTicket::parse(&kept).unwrap()).is_ok(), "{profile}");
        }
    }
}
