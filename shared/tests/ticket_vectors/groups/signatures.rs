//! Signatures that nobody made, or made for something else, or that only a lax verifier takes.

use countermark_shared::id::{EventId, Generation, ProductId, Slot, Zones};
use countermark_shared::keys::{Signature, SigningKey};
use countermark_shared::label::Label;
use countermark_shared::ticket::{TicketBody, UnverifiedTicket, Validity};
use curve25519_dalek::constants::{ED25519_BASEPOINT_TABLE, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::Signer;

use super::tickets;
use crate::file::{File, Outcome, Shown, TicketCase, Verified};
use crate::vectors::key;
use crate::world::{
    self, accepted, authority, beyond_order, beyond_prime, body, case, challenge, issuing, join, live, nowhere, scalar,
    sealed, sign, stranger, text,
};

pub(super) fn file() -> File {
    let about = "Signatures: exchanged, relabelled, of other bodies, and those that a lax Ed25519 verifier takes.";
    tickets(about, exchanged().into_iter().chain(altered()).chain(lax()).chain(garbage()).collect())
}

fn with(issuer: Signature, authority: Signature) -> String {
    UnverifiedTicket::new(body(), issuer, authority).to_text()
}

fn exchanged() -> Vec<TicketCase> {
    let (message, good) = (body().to_bytes(), sign(&body()));
    let (sold, granted) = (good.issuer(), good.authority());
    let other = sign(&TicketBody { slot: Slot(1), ..body() });
    let unlabelled = |key: &SigningKey, message: &[u8]| Signature::from_bytes(&key.as_dalek().sign(message).to_bytes());
    let unpadded = |key: &SigningKey, label: Label| unlabelled(key, &[label.text().as_bytes(), &message].concat());
    let mut cases = vec![
        case("exchanged", "each signature has its place", with(granted, sold), Outcome::IssuerForged),
        case("the issuer's twice", "one service alone cannot mint", with(sold, sold), Outcome::AuthorityForged),
        case("the authority's twice", "one service alone cannot mint", with(granted, granted), Outcome::IssuerForged),
        case(
            "the issuer signs for the authority",
            "one service alone cannot mint",
            with(sold, body().authorise(&issuing())),
            Outcome::AuthorityForged,
        ),
        case(
            "the authority signs for the issuer",
            "one service alone cannot mint",
            with(body().issue(&authority()), granted),
            Outcome::IssuerForged,
        ),
        case(
            "a stranger signs for the issuer",
            "the key is in no ring",
            with(body().issue(&stranger()), granted),
            Outcome::IssuerForged,
        ),
        case(
            "a stranger signs for the authority",
            "the key is in no ring",
            with(sold, body().authorise(&stranger())),
            Outcome::AuthorityForged,
        ),
        case(
            "another ticket's issuer signature",
            "it is over another body",
            with(other.issuer(), granted),
            Outcome::IssuerForged,
        ),
        case(
            "another ticket's authority signature",
            "it is over another body",
            with(sold, other.authority()),
            Outcome::AuthorityForged,
        ),
        case(
            "without labels",
            "a label stands before every message",
            with(unlabelled(&issuing(), &message), granted),
            Outcome::IssuerForged,
        ),
        case(
            "with a label that is not padded",
            "labels have 32 bytes",
            with(unpadded(&issuing(), Label::Issue), granted),
            Outcome::IssuerForged,
        ),
        case(
            "the authority's without label",
            "a label stands before every message",
            with(sold, unlabelled(&authority(), &message)),
            Outcome::AuthorityForged,
        ),
    ];
    for label in Label::ALL {
        if label != Label::Issue {
            let relabelled = with(issuing().sign(label, &message), granted);
            let name = format!("the issuer's with label {}", label.text());
            cases.push(case(name, "signed for another purpose", relabelled, Outcome::IssuerForged));
        }
    }
    for label in [Label::Issue, Label::Present, Label::EventDocument] {
        let relabelled = with(sold, authority().sign(label, &message));
        let name = format!("the authority's with label {}", label.text());
        cases.push(case(name, "signed for another purpose", relabelled, Outcome::AuthorityForged));
    }
    cases
}

fn altered() -> Vec<TicketCase> {
    let later = Validity::new(1_800_000_000, 1_800_036_001).unwrap();
    let earlier = Validity::new(1_799_999_999, 1_800_036_000).unwrap();
    let mut cases = Vec::new();
    for (name, changed) in [
        ("event", TicketBody { event: EventId(2027), ..body() }),
        ("slot", TicketBody { slot: Slot(41_328), ..body() }),
        ("generation", TicketBody { generation: Generation(2), ..body() }),
        ("places", TicketBody { places: 2.try_into().unwrap(), ..body() }),
        ("entries", TicketBody { entries: 2, ..body() }),
        ("product", TicketBody { product: ProductId(4), ..body() }),
        ("zones", TicketBody { zones: Zones(0b111), ..body() }),
        ("valid from", TicketBody { validity: earlier, ..body() }),
        ("valid until", TicketBody { validity: later, ..body() }),
        ("liveness added", live()),
        ("a seal added", sealed(&body())),
    ] {
        let good = sign(&body());
        let forged = UnverifiedTicket::new(changed.clone(), good.issuer(), good.authority());
        cases.push(case(
            format!("altered: {name}"),
            "both signatures are over all of the body",
            forged.to_text(),
            Outcome::IssuerForged,
        ));
        let half = UnverifiedTicket::new(changed.clone(), changed.issue(&issuing()), good.authority());
        cases.push(case(
            format!("altered by the issuer: {name}"),
            "the authority granted something else",
            half.to_text(),
            Outcome::AuthorityForged,
        ));
    }
    let holder = UnverifiedTicket::new(live(), sign(&body()).issuer(), sign(&live()).authority());
    cases.push(case(
        "liveness added by the authority",
        "the issuer sold something else",
        holder.to_text(),
        Outcome::IssuerForged,
    ));
    let whole = live().to_bytes();
    let part =
        UnverifiedTicket::new(live(), issuing().sign(Label::Issue, &whole[..35]), live().authorise(&authority()));
    cases.push(case(
        "only the static part signed",
        "both signatures are over all of the body",
        part.to_text(),
        Outcome::IssuerForged,
    ));
    let checked = sealed(&body()).sealed.map(|sealed| countermark_shared::ticket::Sealed { check_id: true, ..sealed });
    let checked = TicketBody { sealed: checked, ..body() };
    let plain = sign(&sealed(&body()));
    let forged = UnverifiedTicket::new(checked, plain.issuer(), plain.authority());
    cases.push(case("altered: CHECK_ID", "flags are signed", forged.to_text(), Outcome::IssuerForged));
    cases
}

/// R and S of a key over the body, with R and k as the caller wants them.
fn lax() -> Vec<TicketCase> {
    let (message, good) = (body().to_bytes(), sign(&body()));
    let public = issuing().verifying_key().to_bytes();
    let forged = |name: &str, why: &str, issuer: Signature| {
        case(name, why, with(issuer, good.authority()), Outcome::IssuerForged)
    };
    let mut cases = vec![
        forged("S + ℓ", "S is not below ℓ", beyond_order(good.issuer())),
        case(
            "the authority's S + ℓ",
            "S is not below ℓ",
            with(good.issuer(), beyond_order(good.authority())),
            Outcome::AuthorityForged,
        ),
        forged("S + 2ℓ", "S is not below ℓ", beyond_order(beyond_order(good.issuer()))),
        forged("S with its highest bit", "S is not below ℓ", {
            let mut bytes = good.issuer().to_bytes();
            bytes[63] |= 0x80;
            Signature::from_bytes(&bytes)
        }),
    ];
    // S = k·a makes S·B − k·A the neutral element, for R written in either way.
    for (name, commitment) in [
        ("R neutral", EIGHT_TORSION[0].compress().to_bytes()),
        ("R neutral, y = p + 1", beyond_prime(1, false)),
        ("R neutral with a sign", {
            let mut bytes = [0; 32];
            (bytes[0], bytes[31]) = (1, 0x80);
            bytes
        }),
    ] {
        let response = challenge(&commitment, &public, Label::Issue, &message) * scalar(&issuing());
        cases.push(forged(name, "R is of small order, or not canonical", join(&commitment, response.as_bytes())));
    }
    for (index, torsion) in EIGHT_TORSION.iter().enumerate().skip(1) {
        let commitment = torsion.compress().to_bytes();
        let response = challenge(&commitment, &public, Label::Issue, &message) * scalar(&issuing());
        let name = format!("R of small order, {index} of 7");
        cases.push(forged(
            &name,
            "verifies only when multiplied by the cofactor; R is of small order",
            join(&commitment, response.as_bytes()),
        ));
    }
    let nonce = Scalar::from_bytes_mod_order([7; 32]);
    for (index, torsion) in EIGHT_TORSION.iter().enumerate().skip(1) {
        let commitment = (&nonce * ED25519_BASEPOINT_TABLE + torsion).compress().to_bytes();
        let response = nonce + challenge(&commitment, &public, Label::Issue, &message) * scalar(&issuing());
        let name = format!("R with a component of small order, {index} of 7");
        cases.push(forged(
            &name,
            "verifies only when multiplied by the cofactor",
            join(&commitment, response.as_bytes()),
        ));
    }
    let commitment = (&nonce * ED25519_BASEPOINT_TABLE).compress().to_bytes();
    let response = nonce + challenge(&commitment, &public, Label::Issue, &message) * scalar(&issuing());
    let why = "how the signer came by its nonce is nobody's business: the equation holds";
    let odd = UnverifiedTicket::new(body(), join(&commitment, response.as_bytes()), good.authority());
    let read = accepted(Verified { kept: odd.to_text(), ..world::good(&body(), Shown::Static) });
    cases.push(case("a nonce of the signer's own", why, odd.to_text(), read));
    let negated = join(&commitment, (-response).as_bytes());
    cases.push(forged("S negated", "the equation does not hold", negated));
    cases
}

fn garbage() -> Vec<TicketCase> {
    let good = sign(&body());
    let (commitment, response) = (good.issuer().to_bytes(), good.issuer().to_bytes());
    let [commitment, response]: [[u8; 32]; 2] =
        [commitment[..32].try_into().unwrap(), response[32..].try_into().unwrap()];
    let forged = |name: &str, why: &str, issuer: Signature| {
        case(name, why, with(issuer, good.authority()), Outcome::IssuerForged)
    };
    let public = key(0x11).verifying_key().to_bytes();
    vec![
        forged("zeros", "S = 0, and R is of order 4", join(&[0; 32], &[0; 32])),
        forged("bytes of 255", "S is not below ℓ", join(&[0xff; 32], &[0xff; 32])),
        forged("S zero", "the equation does not hold", join(&commitment, &[0; 32])),
        forged("R zero", "R is of order 4", join(&[0; 32], &response)),
        forged("R on no point", "R is no point", join(&nowhere(), &response)),
        forged("R the public key", "the equation does not hold", join(&public, &response)),
        forged("R and S exchanged", "the equation does not hold", join(&response, &commitment)),
        forged("R with its sign flipped", "the equation does not hold", {
            let mut flipped = commitment;
            flipped[31] ^= 0x80;
            join(&flipped, &response)
        }),
        case(
            "both empty",
            "no service signed it",
            text(&[&body().to_bytes()[..], &[0; 128]].concat()),
            Outcome::IssuerForged,
        ),
    ]
}
