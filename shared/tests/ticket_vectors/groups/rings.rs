//! What becomes of a ticket when its keys' statuses change, and when ids do not tell keys apart.

use std::collections::BTreeMap;

use countermark_shared::keys::{KeyId, SigningKey};
use countermark_shared::ticket::{TicketBody, UnverifiedTicket};

use super::tickets_with;
use crate::file::{File, Outcome, RingKey, Role, Shown, Status, TicketCase, Verified};
use crate::world::{
    AT, COLLIDING, accepted, authority, body, case, good, issuing, live, numbered_key, presentation, ring, ring_key,
    shown, sign, stranger, text,
};

pub(super) fn file() -> File {
    let about = "Key rings: statuses, unknown keys, roles, ids that two keys share, and which of two refusals is told.";
    let cases = statuses().into_iter().chain(unknown()).chain(collisions()).chain(orders());
    tickets_with(about, rings(), cases.collect())
}

fn rings() -> BTreeMap<String, Vec<RingKey>> {
    use Status::{Active, ListedOnly, Revoked, VerifyOnly};
    let of = |name: &str, keys| (name.to_owned(), keys);
    let [first, second] = COLLIDING.map(numbered_key);
    let collide = |first_status, second_status| {
        vec![
            ring_key(Role::Issuing, first_status, &first),
            ring_key(Role::Issuing, second_status, &second),
            ring_key(Role::Authority, Active, &authority()),
        ]
    };
    BTreeMap::from([
        of("usual", ring(Active, Active)),
        of("empty", vec![]),
        of("issuing verify-only", ring(VerifyOnly, Active)),
        of("issuing listed-only", ring(ListedOnly, Active)),
        of("issuing revoked", ring(Revoked, Active)),
        of("authority verify-only", ring(Active, VerifyOnly)),
        of("authority listed-only", ring(Active, ListedOnly)),
        of("authority revoked", ring(Active, Revoked)),
        of("both listed-only", ring(ListedOnly, ListedOnly)),
        of("both revoked", ring(Revoked, Revoked)),
        of("no authority", vec![ring_key(Role::Issuing, Active, &issuing())]),
        of("issuing revoked, no authority", vec![ring_key(Role::Issuing, Revoked, &issuing())]),
        of("no issuing", vec![ring_key(Role::Authority, Active, &authority())]),
        of(
            "roles exchanged",
            vec![ring_key(Role::Issuing, Active, &authority()), ring_key(Role::Authority, Active, &issuing())],
        ),
        of("both colliding active", collide(Active, Active)),
        of("first colliding revoked", collide(Revoked, Active)),
        of("second colliding revoked", collide(Active, Revoked)),
        of("both colliding revoked", collide(Revoked, Revoked)),
        of("first colliding listed-only", collide(ListedOnly, Active)),
        of(
            "only the second colliding",
            vec![ring_key(Role::Issuing, Active, &second), ring_key(Role::Authority, Active, &authority())],
        ),
    ])
}

fn against(ring: &str, name: &str, why: &str, text: String, expect: Outcome) -> TicketCase {
    TicketCase { ring: ring.to_owned(), ..case(name, why, text, expect) }
}

fn listed(good: Verified) -> Outcome {
    accepted(Verified { must_be_listed: true, ..good })
}

fn statuses() -> Vec<TicketCase> {
    let (text, good) = (sign(&body()).to_text(), good(&body(), Shown::Static));
    [
        ("issuing verify-only", "what it signed stays good", accepted(good.clone())),
        ("issuing listed-only", "only the slot list's word makes it good", listed(good.clone())),
        ("issuing revoked", "nothing it signed is good", Outcome::KeyRevoked),
        ("authority verify-only", "what it signed stays good", accepted(good.clone())),
        ("authority listed-only", "only the slot list's word makes it good", listed(good.clone())),
        ("authority revoked", "nothing it signed is good", Outcome::KeyRevoked),
        ("both listed-only", "only the slot list's word makes it good", listed(good)),
        ("both revoked", "nothing they signed is good", Outcome::KeyRevoked),
    ]
    .into_iter()
    .map(|(ring, why, expect)| against(ring, ring, why, text.clone(), expect))
    .chain([against(
        "authority listed-only",
        "authority listed-only, live and shown",
        "how it is shown changes nothing about its keys",
        crate::world::text(&shown(&live())),
        listed(crate::world::good(&live(), Shown::ProvedAt(AT.into()))),
    )])
    .collect()
}

fn unknown() -> Vec<TicketCase> {
    let text = sign(&body()).to_text();
    let by_stranger = TicketBody { issuing_key: stranger().verifying_key().id(), ..body() };
    let by_nobody = TicketBody { authority_key: KeyId([0; 4]), ..body() };
    let same = TicketBody { authority_key: body().issuing_key, ..body() };
    vec![
        against("empty", "an empty ring", "no key has the ids", text.clone(), Outcome::KeyUnknown),
        against("no issuing", "no issuing key", "no issuing key has the id", text.clone(), Outcome::KeyUnknown),
        against("no authority", "no authority key", "no authority key has the id", text.clone(), Outcome::KeyUnknown),
        against(
            "roles exchanged",
            "keys in each other's role",
            "a key signs for its own role only",
            text,
            Outcome::KeyUnknown,
        ),
        case(
            "a stranger's issuing key",
            "no issuing key has the id",
            sign(&by_stranger).to_text(),
            Outcome::KeyUnknown,
        ),
        case("nobody's authority key", "no authority key has the id", sign(&by_nobody).to_text(), Outcome::KeyUnknown),
        case("the issuing key as authority", "it is no authority key", sign(&same).to_text(), Outcome::KeyUnknown),
    ]
}

fn collisions() -> Vec<TicketCase> {
    let [first, second] = COLLIDING.map(numbered_key);
    assert_eq!(first.verifying_key().id(), second.verifying_key().id());
    let body = TicketBody { issuing_key: first.verifying_key().id(), ..body() };
    let by =
        |key: &SigningKey| UnverifiedTicket::new(body.clone(), body.issue(key), body.authorise(&authority())).to_text();
    let read = |key: &SigningKey| Verified { kept: by(key), ..good(&body, Shown::Static) };
    let tried = "both keys have the id of the ticket: each is tried";
    let revoked = "the key that signed is revoked, the other with its id is not";
    vec![
        against("both colliding active", "by the first of two with one id", tried, by(&first), accepted(read(&first))),
        against(
            "both colliding active",
            "by the second of two with one id",
            tried,
            by(&second),
            accepted(read(&second)),
        ),
        against(
            "both colliding active",
            "by neither of two with one id",
            tried,
            by(&stranger()),
            Outcome::IssuerForged,
        ),
        against("first colliding revoked", "by the first, revoked", revoked, by(&first), Outcome::KeyRevoked),
        against(
            "first colliding revoked",
            "by the second, the first revoked",
            tried,
            by(&second),
            accepted(read(&second)),
        ),
        against(
            "second colliding revoked",
            "by the first, the second revoked",
            tried,
            by(&first),
            accepted(read(&first)),
        ),
        against("second colliding revoked", "by the second, revoked", revoked, by(&second), Outcome::KeyRevoked),
        against(
            "first colliding revoked",
            "by neither, one revoked",
            "no key with the id signed it",
            by(&stranger()),
            Outcome::IssuerForged,
        ),
        against(
            "both colliding revoked",
            "by neither, both revoked",
            "no key with the id is good",
            by(&stranger()),
            Outcome::KeyRevoked,
        ),
        against(
            "first colliding listed-only",
            "by the first, listed-only",
            "the status is the signer's",
            by(&first),
            listed(read(&first)),
        ),
        against(
            "first colliding listed-only",
            "by the second, the first listed-only",
            "the status is the signer's",
            by(&second),
            accepted(read(&second)),
        ),
        against(
            "only the second colliding",
            "by the first, which is not in the ring",
            "the id is known, the key is not",
            by(&first),
            Outcome::IssuerForged,
        ),
    ]
}

fn orders() -> Vec<TicketCase> {
    let good = sign(&body());
    let no_issuer = UnverifiedTicket::new(body(), body().issue(&stranger()), good.authority());
    let neither = UnverifiedTicket::new(body(), body().issue(&stranger()), body().authorise(&stranger()));
    let forged_live = UnverifiedTicket::new(live(), live().issue(&stranger()), live().authorise(&authority()));
    let presented = [forged_live.to_bytes(), presentation(&live().to_bytes(), 0, &stranger())].concat();
    vec![
        against(
            "no authority",
            "authority unknown, issuer forged",
            "ids come before signatures",
            no_issuer.to_text(),
            Outcome::KeyUnknown,
        ),
        against(
            "authority revoked",
            "authority revoked, issuer forged",
            "statuses come before signatures",
            no_issuer.to_text(),
            Outcome::KeyRevoked,
        ),
        against(
            "issuing revoked, no authority",
            "issuing revoked, authority unknown",
            "the issuing key comes first",
            good.to_text(),
            Outcome::KeyRevoked,
        ),
        case("both forged", "the issuer comes first", neither.to_text(), Outcome::IssuerForged),
        case("issuer and presentation forged", "the issuer comes first", text(&presented), Outcome::IssuerForged),
    ]
}
