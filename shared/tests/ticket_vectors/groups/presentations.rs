//! Live tickets shown by others than their holder, at other moments, or with another ticket's presentation.

use countermark_shared::id::Generation;
use countermark_shared::keys::{Signature, SigningKey, VerifyingKey};
use countermark_shared::label::Label;
use countermark_shared::ticket::{Live, TicketBody};
use curve25519_dalek::constants::{ED25519_BASEPOINT_TABLE, EIGHT_TORSION};
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::Signer;

use super::tickets;
use crate::file::{File, Outcome, Shown, TicketCase};
use crate::world::{
    AT, beyond_order, case, challenge, holder, issuing, join, live, malformed, point, presentation, scalar, sealed,
    sign_bytes, stranger, text, verified,
};

pub(super) fn file() -> File {
    let about = "Presentations: forged, altered, another ticket's. Whether a moment is fresh is not judged here.";
    tickets(about, forged().into_iter().chain(cut()).chain(mixed()).collect())
}

fn shown_with(body: &TicketBody, seconds: u32, signature: &Signature) -> String {
    text(&[&sign_bytes(&body.to_bytes())[..], &seconds.to_be_bytes(), &signature.to_bytes()].concat())
}

fn forged() -> Vec<TicketCase> {
    let body = live().to_bytes();
    let message = |body: &[u8], seconds: u32| [body, &seconds.to_be_bytes()].concat();
    let by = |key: &SigningKey, label, message: &[u8]| key.sign(label, message);
    let good = by(&holder(), Label::Present, &message(&body, AT));
    let unlabelled = Signature::from_bytes(&holder().as_dalek().sign(&message(&body, AT)).to_bytes());
    let former = TicketBody { generation: Generation(0), ..live() };
    let whole = sign_bytes(&body);
    let time_first = [&AT.to_be_bytes()[..], &body].concat();
    let little = [&body[..], &AT.to_le_bytes()].concat();
    let wide = [&body[..], &u64::from(AT).to_be_bytes()].concat();
    let refused = |name: &str, why: &str, seconds, signature: Signature| {
        case(name, why, shown_with(&live(), seconds, &signature), Outcome::LiveProofForged)
    };
    let present = |message: &[u8]| by(&holder(), Label::Present, message);
    let mut other_window = live();
    other_window.live = other_window.live.map(|live| Live { window: 255.try_into().unwrap(), ..live });
    vec![
        refused("a second later", "the time is signed", AT + 1, good),
        refused("a second earlier", "the time is signed", AT - 1, good),
        refused("at no time", "the time is signed", 0, good),
        refused(
            "by a stranger",
            "another key than the ticket's",
            AT,
            by(&stranger(), Label::Present, &message(&body, AT)),
        ),
        refused(
            "by the issuing key",
            "another key than the ticket's",
            AT,
            by(&issuing(), Label::Present, &message(&body, AT)),
        ),
        refused("without label", "a label stands before every message", AT, unlabelled),
        refused("with label issue", "signed for another purpose", AT, by(&holder(), Label::Issue, &message(&body, AT))),
        refused(
            "with label holder-enrolment",
            "signed for another purpose",
            AT,
            by(&holder(), Label::HolderEnrolment, &message(&body, AT)),
        ),
        refused("over the body alone", "the time is signed", AT, present(&body)),
        refused("over the time alone", "the body is signed", AT, present(&AT.to_be_bytes())),
        refused("over the static part", "all of the body is signed", AT, present(&message(&body[..35], AT))),
        refused("over body and signatures", "the body alone is signed", AT, present(&message(&whole, AT))),
        refused("with the time first", "the body comes first", AT, present(&time_first)),
        refused("with a little-endian time", "numbers are big-endian", AT, present(&little)),
        refused("with a time of eight bytes", "the time has four", AT, present(&wide)),
        refused("the former generation's", "it is another ticket", AT, present(&message(&former.to_bytes(), AT))),
        refused(
            "the same ticket's with another window",
            "the window is signed",
            AT,
            present(&message(&other_window.to_bytes(), AT)),
        ),
        refused("a sealed ticket's", "it is another ticket", AT, present(&message(&sealed(&live()).to_bytes(), AT))),
        refused("the issuer's signature again", "it is over something else", AT, live().issue(&issuing())),
        refused("zeros", "nobody signed it", AT, join(&[0; 32], &[0; 32])),
        refused("S + ℓ", "S is not below ℓ", AT, beyond_order(good)),
        refused("R neutral", "R is of small order", AT, {
            let commitment = EIGHT_TORSION[0].compress().to_bytes();
            let k = challenge(&commitment, &holder().verifying_key().to_bytes(), Label::Present, &message(&body, AT));
            join(&commitment, (k * scalar(&holder())).as_bytes())
        }),
        case(
            "good",
            "the holder signed it",
            shown_with(&live(), AT, &good),
            verified(&live(), Shown::ProvedAt(AT.into())),
        ),
        case(
            "good, of a sealed ticket, moved to the live one",
            "it is another ticket",
            {
                let presentation = presentation(&sealed(&live()).to_bytes(), AT, &holder());
                text(&[sign_bytes(&body), presentation].concat())
            },
            Outcome::LiveProofForged,
        ),
    ]
}

fn cut() -> Vec<TicketCase> {
    let (bytes, whole) = (sign_bytes(&live().to_bytes()), presentation(&live().to_bytes(), AT, &holder()));
    [1, 3, 4, 5, 36, 63, 64, 67]
        .into_iter()
        .map(|length| {
            let text = text(&[&bytes[..], &whole[..length]].concat());
            case(format!("{length} bytes of 68"), "all of a presentation, or none", text, malformed("length"))
        })
        .collect()
}

/// A holder key of large order with a component of small order: R + k·T must vanish without help from the cofactor.
fn mixed() -> Vec<TicketCase> {
    let torsion = EIGHT_TORSION[4];
    let public = (point(&holder().verifying_key().to_bytes()).unwrap() + torsion).compress().to_bytes();
    let key = VerifyingKey::from_bytes(&public).unwrap();
    let body = TicketBody { live: live().live.map(|live| Live { holder: key, ..live }), ..live() };
    let nonce = Scalar::from_bytes_mod_order([9; 32]);
    let commitment = (&nonce * ED25519_BASEPOINT_TABLE).compress().to_bytes();
    // The component is of order 2: it vanishes for every other moment.
    let at = |even: bool| {
        (AT..AT + 100)
            .map(|seconds| {
                let message = [&body.to_bytes()[..], &seconds.to_be_bytes()].concat();
                (seconds, challenge(&commitment, &public, Label::Present, &message))
            })
            .find(|(_, k)| (k.as_bytes()[0] % 2 == 0) == even)
            .unwrap()
    };
    let shown = |(seconds, k): (u32, Scalar)| {
        shown_with(&body, seconds, &join(&commitment, (nonce + k * scalar(&holder())).as_bytes()))
    };
    let (even, odd) = (at(true), at(false));
    vec![
        case(
            "a key of mixed order, k even",
            "the equation holds as it is",
            shown(even),
            verified(&body, Shown::ProvedAt(even.0.into())),
        ),
        case(
            "a key of mixed order, k odd",
            "the equation holds only when multiplied by the cofactor",
            shown(odd),
            Outcome::LiveProofForged,
        ),
    ]
}
