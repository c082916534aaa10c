//! Runs a file through the crate's public interface and holds what comes out against what the file says.

use std::collections::BTreeMap;

use countermark_shared::documents::{KeyRole, KeyStatus, TrustBundle, TrustedKey};
use countermark_shared::holder::{AccountSecret, holder_is_proved};
use countermark_shared::id::{AccountId, EventId, GateId, Generation, OrderId, SealingGeneration, Slot};
use countermark_shared::key_ring::{KeyRing, Unproved};
use countermark_shared::keys::{InvalidKey, Signature, VerifyingKey};
use countermark_shared::order_code::OrderCode;
use countermark_shared::sealing::{
    EventSecret, InvalidWrappingKey, NotOpened, SealedText, UnwrappingKey, Wrapped, WrappingKey,
};
use countermark_shared::ticket::{Defect, HalfTicket, ParseError, Presented, UnverifiedTicket, VerifiedTicket};
use countermark_shared::time::Timestamp;
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::file::{
    Content, Curve, EnrolmentCase, File, HalfCase, HalfOutcome, HolderKeyCase, KeyOutcome, Opening, OrderCodeCase,
    OrderTagCase, Outcome, PublicKeyCase, RingKey, Role, Secret, Shown, Status, TicketCase, Verified, WrappingCase,
};
use crate::vectors::hex;
use crate::world::{self, fields};

/// Checks every case of a file; the answer is how many there were.
pub(crate) fn file(name: &str, text: &str) -> usize {
    let file: File = serde_json::from_str(text).unwrap();
    match file.content {
        Content::Tickets { rings, cases } => {
            let rings: BTreeMap<_, _> = rings.iter().map(|(name, keys)| (name.clone(), key_ring(keys))).collect();
            for case in &cases {
                ticket(name, case, &rings[&case.ring]);
            }
            cases.len()
        }
        Content::PublicKeys { cases } => {
            for case in &cases {
                public_key(name, case);
            }
            cases.len()
        }
        Content::HolderKeys { cases } => {
            for case in &cases {
                holder_key(name, case);
            }
            cases.len()
        }
        Content::Enrolments { cases } => {
            for case in &cases {
                enrolment(name, case);
            }
            cases.len()
        }
        Content::Wrappings { cases } => {
            for case in &cases {
                wrapping(name, case);
            }
            cases.len()
        }
        Content::Halves { rings, cases } => {
            for case in &cases {
                half(name, case, &key_ring(&rings[&case.ring]));
            }
            cases.len()
        }
        Content::OrderCodes { cases } => {
            for case in &cases {
                order_code(name, case);
            }
            cases.len()
        }
        Content::OrderTags { cases } => {
            for case in &cases {
                order_tag(name, case);
            }
            cases.len()
        }
    }
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    HEXLOWER.decode(text.as_bytes()).unwrap().try_into().unwrap()
}

fn key_ring(keys: &[RingKey]) -> KeyRing {
    KeyRing::of(&TrustBundle {
        version: 1,
        issued: Timestamp::from_unix_seconds(1_700_000_000),
        not_after: Timestamp::from_unix_seconds(1_900_000_000),
        roots: vec![],
        threshold: 1,
        keys: keys
            .iter()
            .map(|key| TrustedKey {
                key: VerifyingKey::from_bytes(&bytes(&key.key)).unwrap(),
                role: match key.role {
                    Role::Issuing => KeyRole::Issuing,
                    Role::Authority => KeyRole::Authority,
                },
                status: match key.status {
                    Status::Active => KeyStatus::Active,
                    Status::VerifyOnly => KeyStatus::VerifyOnly,
                    Status::ListedOnly => KeyStatus::ListedOnly,
                    Status::Revoked => KeyStatus::Revoked,
                },
                events: vec![],
            })
            .collect(),
    })
}

fn ticket(file: &str, case: &TicketCase, ring: &KeyRing) {
    let outcome = UnverifiedTicket::parse(&case.text).map(|ticket| {
        assert_eq!(ticket.to_text(), case.text, "{file}: {}", case.name);
        ring.verify(&ticket)
    });
    let (outcome, verified) = match outcome {
        Err(error) => (unread(error), None),
        Ok(Err(unproved)) => (refused(unproved), None),
        Ok(Ok(verified)) => (accepted(&verified), Some(verified)),
    };
    assert_eq!(outcome, case.expect, "{file}: {}", case.name);
    let opening =
        case.secret.as_ref().zip(verified).map(|(secret, ticket)| opening(event_secret(secret).open(&ticket)));
    assert_eq!(opening, case.opening, "{file}: {}", case.name);
}

fn unread(error: ParseError) -> Outcome {
    match error {
        ParseError::NotOurs => Outcome::NotOurs,
        ParseError::UnknownVersion => Outcome::UnknownVersion,
        ParseError::Malformed(defect) => Outcome::Malformed { defect: word(defect) },
    }
}

fn word(defect: Defect) -> String {
    let word = match defect {
        Defect::Flags => "flags",
        Defect::Length => "length",
        Defect::Places => "places",
        Defect::Validity => "validity",
        Defect::Window => "window",
        Defect::HolderKey => "holder-key",
    };
    word.to_owned()
}

fn refused(unproved: Unproved) -> Outcome {
    match unproved {
        Unproved::KeyUnknown => Outcome::KeyUnknown,
        Unproved::KeyRevoked => Outcome::KeyRevoked,
        Unproved::IssuerForged => Outcome::IssuerForged,
        Unproved::AuthorityForged => Outcome::AuthorityForged,
        Unproved::HolderForged => Outcome::LiveProofForged,
    }
}

fn accepted(ticket: &VerifiedTicket) -> Outcome {
    world::accepted(Verified {
        shown: match ticket.presented() {
            Presented::Static => Shown::Static,
            Presented::WithoutProof => Shown::WithoutProof,
            Presented::Proved { at } => Shown::ProvedAt(at.unix_seconds()),
        },
        must_be_listed: ticket.must_be_listed(),
        ticket: fields(ticket.body()),
        kept: ticket.to_text(),
    })
}

fn event_secret(secret: &Secret) -> EventSecret {
    let Secret { event, generation, secret } = secret;
    EventSecret::new(EventId(*event), SealingGeneration(*generation), Zeroizing::new(bytes(secret)))
}

fn opening(opened: Result<SealedText, NotOpened>) -> Opening {
    match opened {
        Ok(text) => Opening::Opened { name: text.name().to_owned(), seat: text.seat().to_owned() },
        Err(NotOpened::Unsealed) => Opening::Unsealed,
        Err(NotOpened::OtherSecret) => Opening::OtherSecret,
        Err(NotOpened::Broken) => Opening::Broken,
        Err(NotOpened::Text) => Opening::Text,
    }
}

fn public_key(file: &str, case: &PublicKeyCase) {
    let key = bytes(&case.key);
    let outcome = match case.curve {
        Curve::Ed25519 => match VerifyingKey::from_bytes(&key) {
            Ok(_) => KeyOutcome::Accepted,
            Err(InvalidKey::Encoding) => KeyOutcome::Encoding,
            Err(InvalidKey::Weak) => KeyOutcome::Weak,
            Err(InvalidKey::Text) => panic!("these are bytes"),
        },
        Curve::X25519 => match WrappingKey::from_bytes(&key) {
            Ok(_) => KeyOutcome::Accepted,
            Err(InvalidWrappingKey::Encoding) => KeyOutcome::Encoding,
            Err(InvalidWrappingKey::Weak) => KeyOutcome::Weak,
            Err(InvalidWrappingKey::Text) => panic!("these are bytes"),
        },
    };
    assert_eq!(outcome, case.expect, "{file}: {}", case.name);
}

fn holder_key(file: &str, case: &HolderKeyCase) {
    let secret = AccountSecret::new(Zeroizing::new(bytes(&case.account_secret)));
    let key = secret.holder_key(EventId(case.event), Slot(case.slot), Generation(case.generation));
    assert_eq!(hex(&*key.seed()), case.seed, "{file}: {}", case.name);
    assert_eq!(hex(&key.verifying_key().to_bytes()), case.key, "{file}: {}", case.name);
}

fn enrolment(file: &str, case: &EnrolmentCase) {
    let account = AccountId(uuid::Uuid::from_bytes(bytes(&case.account)));
    let key = VerifyingKey::from_bytes(&bytes(&case.key)).unwrap();
    let proved = holder_is_proved(account, key, &Signature::from_bytes(&bytes(&case.proof)));
    assert_eq!(proved, case.proved, "{file}: {}", case.name);
}

fn wrapping(file: &str, case: &WrappingCase) {
    let wrapped = Wrapped { encapsulated: bytes(&case.enc), ciphertext: bytes(&case.ciphertext) };
    let key = UnwrappingKey::new(Zeroizing::new(bytes(&case.gate_key)));
    let (event, generation) = (EventId(case.event), SealingGeneration(case.generation));
    let secret = EventSecret::unwrap(&wrapped, GateId(case.gate), &key, event, generation);
    assert_eq!(secret.ok().map(|secret| hex(secret.bytes())), case.secret, "{file}: {}", case.name);
}

fn half(file: &str, case: &HalfCase, ring: &KeyRing) {
    let bytes = HEXLOWER.decode(case.half.as_bytes()).unwrap();
    let outcome = HalfTicket::from_bytes(&bytes).map(|half| {
        assert_eq!(half.to_bytes(), bytes, "{file}: {}", case.name);
        ring.verify_half(&half)
    });
    let (outcome, verified) = match outcome {
        Err(ParseError::NotOurs) => panic!("{file}: {}: these are bytes", case.name),
        Err(ParseError::UnknownVersion) => (HalfOutcome::UnknownVersion, None),
        Err(ParseError::Malformed(defect)) => (HalfOutcome::Malformed { defect: word(defect) }, None),
        Ok(Err(Unproved::KeyUnknown)) => (HalfOutcome::KeyUnknown, None),
        Ok(Err(Unproved::KeyRevoked)) => (HalfOutcome::KeyRevoked, None),
        Ok(Err(Unproved::IssuerForged)) => (HalfOutcome::IssuerForged, None),
        Ok(Err(Unproved::AuthorityForged | Unproved::HolderForged)) => {
            panic!("{file}: {}: only the issuer signed it", case.name)
        }
        Ok(Ok(half)) => {
            let (must_be_listed, ticket) = (half.must_be_listed(), Box::new(fields(half.body())));
            (HalfOutcome::Verified { must_be_listed, ticket }, Some(half))
        }
    };
    assert_eq!(outcome, case.expect, "{file}: {}", case.name);
    let opening =
        case.secret.as_ref().zip(verified).map(|(secret, half)| opening(event_secret(secret).open_half(&half)));
    assert_eq!(opening, case.opening, "{file}: {}", case.name);
}

fn order_code(file: &str, case: &OrderCodeCase) {
    let code = case.typed.parse::<OrderCode>().ok().map(|code| code.to_string());
    assert_eq!(code, case.code, "{file}: {}", case.name);
}

fn order_tag(file: &str, case: &OrderTagCase) {
    let code = OrderCode::of(OrderId(uuid::Uuid::from_bytes(bytes(&case.order))));
    assert_eq!(code.to_string(), case.code, "{file}: {}", case.name);
    let secret = EventSecret::new(EventId(2026), SealingGeneration(1), Zeroizing::new(bytes(&case.secret)));
    assert_eq!(hex(&secret.order_tag(code)), case.tag, "{file}: {}", case.name);
}
