//! Halves of tickets: read, verified by the issuer's signature alone, opened.

use std::collections::BTreeMap;

use countermark_shared::keys::{KeyId, SigningKey};
use countermark_shared::label::Label;
use countermark_shared::ticket::TicketBody;

use crate::file::{Content, File, HalfCase, HalfOutcome, Opening, RingKey, Role, Secret, Status};
use crate::vectors::{distinct, hex};
use crate::world::{authority, body, fields, issuing, live, ring, ring_key, seal, sealed, secret, sign, stranger};

pub(super) fn file() -> File {
    let about = "Halves of tickets: a sealed body and the issuer's signature, which prove that a seat was sold and admit nobody.";
    let cases: Vec<_> = readings().into_iter().chain(verifications()).chain(openings()).collect();
    distinct(cases.iter().map(|case| case.name.as_str()));
    File { about: about.to_owned(), content: Content::Halves { rings: rings(), cases } }
}

fn rings() -> BTreeMap<String, Vec<RingKey>> {
    use Status::{Active, ListedOnly, Revoked, VerifyOnly};
    [
        ("usual", ring(Active, Active)),
        ("issuing verify-only", ring(VerifyOnly, Active)),
        ("issuing listed-only", ring(ListedOnly, Active)),
        ("issuing revoked", ring(Revoked, Active)),
        ("authority verify-only", ring(Active, VerifyOnly)),
        ("authority listed-only", ring(Active, ListedOnly)),
        ("authority revoked", ring(Active, Revoked)),
        ("no issuing", vec![ring_key(Role::Authority, Active, &authority())]),
        ("no authority", vec![ring_key(Role::Issuing, Active, &issuing())]),
    ]
    .map(|(name, keys)| (name.to_owned(), keys))
    .into()
}

fn half(body: &TicketBody, key: &SigningKey) -> Vec<u8> {
    [body.to_bytes(), body.issue(key).to_bytes().to_vec()].concat()
}

fn case(name: &str, why: &str, half: &[u8], expect: HalfOutcome) -> HalfCase {
    HalfCase {
        name: name.to_owned(),
        why: why.to_owned(),
        ring: "usual".to_owned(),
        half: hex(half),
        secret: None,
        expect,
        opening: None,
    }
}

fn verified(body: &TicketBody) -> HalfOutcome {
    HalfOutcome::Verified { must_be_listed: false, ticket: Box::new(fields(body)) }
}

fn malformed(defect: &str) -> HalfOutcome {
    HalfOutcome::Malformed { defect: defect.to_owned() }
}

fn readings() -> Vec<HalfCase> {
    let (plain, both) = (sealed(&body()), sealed(&live()));
    let bytes = half(&plain, &issuing());
    let changed = |place: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[place] = value;
        bytes
    };
    let why = "body and one signature, and nothing else";
    vec![
        case("of a sealed ticket", "172 bytes", &bytes, verified(&plain)),
        case("of a live and sealed ticket", "205 bytes", &half(&both, &issuing()), verified(&both)),
        case("of a static ticket", "it names nobody", &half(&body(), &issuing()), malformed("flags")),
        case("of a live ticket", "it names nobody", &half(&live(), &issuing()), malformed("flags")),
        case("a whole ticket", why, &sign(&plain).to_bytes(), malformed("length")),
        case("a body alone", why, &plain.to_bytes(), malformed("length")),
        case("a byte short", why, &bytes[..bytes.len() - 1], malformed("length")),
        case("a byte long", why, &[&bytes[..], &[0]].concat(), malformed("length")),
        case("nothing", why, &[], malformed("length")),
        case("version 2", "only 1 is read", &changed(0, 2), HalfOutcome::UnknownVersion),
        case("a reserved flag", "it has no meaning yet", &changed(1, 0b1010), malformed("flags")),
        case("no places", "at least one", &changed(19, 0), malformed("places")),
    ]
}

fn verifications() -> Vec<HalfCase> {
    let body = sealed(&body());
    let good = half(&body, &issuing());
    let listed = HalfOutcome::Verified { must_be_listed: true, ticket: Box::new(fields(&body)) };
    let by_label = |label| [body.to_bytes(), issuing().sign(label, &body.to_bytes()).to_bytes().to_vec()].concat();
    let no_key = TicketBody { issuing_key: KeyId([0; 4]), ..body.clone() };
    let no_authority = TicketBody { authority_key: KeyId([0; 4]), ..body.clone() };
    let against = |ring: &str, why: &str, expect| HalfCase { ring: ring.to_owned(), ..case(ring, why, &good, expect) };
    vec![
        against("issuing verify-only", "what it signed stays good", verified(&body)),
        against("issuing listed-only", "only the slot list's word makes it good", listed.clone()),
        against("issuing revoked", "nothing it signed is good", HalfOutcome::KeyRevoked),
        against("authority verify-only", "what it signed stays good", verified(&body)),
        against("authority listed-only", "it may have signed the whole ticket", listed),
        against("authority revoked", "the whole ticket is not good either", HalfOutcome::KeyRevoked),
        against("no issuing", "no issuing key has the id", HalfOutcome::KeyUnknown),
        against("no authority", "no authority key has the id", HalfOutcome::KeyUnknown),
        case("nobody's issuing key", "no issuing key has the id", &half(&no_key, &issuing()), HalfOutcome::KeyUnknown),
        case(
            "nobody's authority key",
            "no authority key has the id",
            &half(&no_authority, &issuing()),
            HalfOutcome::KeyUnknown,
        ),
        case("by a stranger", "the issuing key never signed it", &half(&body, &stranger()), HalfOutcome::IssuerForged),
        case("by the authority", "it is no issuing key", &half(&body, &authority()), HalfOutcome::IssuerForged),
        case(
            "with label authorise",
            "signed for another purpose",
            &by_label(Label::Authorise),
            HalfOutcome::IssuerForged,
        ),
    ]
}

fn openings() -> Vec<HalfCase> {
    let (plain, nameless) = (sealed(&body()), seal(&body(), false, b"\n12"));
    let other = |generation, byte| Secret { event: 2026, generation, secret: hex(&[byte; 32]) };
    let name = Opening::Opened { name: "Zoë Ångström".to_owned(), seat: "Bloc C, 14".to_owned() };
    let opened = |name: &str, why: &str, body: &TicketBody, secret, opening| HalfCase {
        secret: Some(secret),
        opening: Some(opening),
        ..case(name, why, &half(body, &issuing()), verified(body))
    };
    vec![
        opened("opened", "as the whole ticket is", &plain, secret(), name),
        opened("another secret", "the tag does not fit", &plain, other(1, 0x45), Opening::Broken),
        opened(
            "another generation's secret",
            "the body names generation 1",
            &plain,
            other(2, 0x44),
            Opening::OtherSecret,
        ),
        opened("no name", "what was sealed has not the one form", &nameless, secret(), Opening::Text),
        HalfCase {
            secret: Some(secret()),
            ..case("forged", "only what is verified is opened", &half(&plain, &stranger()), HalfOutcome::IssuerForged)
        },
    ]
}
