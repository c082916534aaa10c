//! Payloads that are rightly signed and wrongly encoded, shown with assignments.

use countermark_shared::documents::Lease;
use countermark_shared::label::Label;
use countermark_shared::time::Timestamp;

use super::documents;
use crate::file::{Case, File};
use crate::world::{LIST, NOW, assignment, case, envelope, payload, refused, replaced, take_assignment, trust};

pub(crate) fn file() -> File {
    let mut cases = vec![case(
        "the one encoding",
        "what the other cases change",
        [trust(), take_assignment(&assignment(), &[LIST])],
    )];
    cases.extend(not_canonical());
    cases.extend(malformed());
    cases.extend(lengths());
    cases.extend(instants());
    documents("Encodings: payloads that a list key signed as they are.", cases)
}

/// The payload that is changed, and ways to change it.
struct Usual(Vec<u8>);

/// The name's key, its first byte and its first letter.
const NAME: &[u8] = &[0x04, 0x65, b'N'];
/// The one lane, with its key.
const LANES: &[u8] = &[0x05, 0x81, 0xa3, 0, 1, 1, 0, 2, 1];

impl Usual {
    fn with(&self, from: &[u8], to: &[u8]) -> Vec<u8> {
        replaced(&self.0, from, to)
    }

    /// With other bytes in place of the map's head and its first pair, gate 3.
    fn start(&self, to: &[u8]) -> Vec<u8> {
        [to, &self.0[3..]].concat()
    }

    /// With other bytes in place of the last pair, no secrets.
    fn end(&self, to: &[u8]) -> Vec<u8> {
        [&self.0[..self.0.len() - 2], to].concat()
    }

    /// With another number of pairs, and more bytes.
    fn map_of(&self, pairs: u8, rest: &[u8]) -> Vec<u8> {
        [&[0xa0 | pairs], &self.0[1..], rest].concat()
    }

    /// With another item in place of event 7.
    fn as_event(&self, item: &[u8]) -> Vec<u8> {
        self.with(&[0x03, 0x07, 0x04, 0x65], &[&[0x03], item, &[0x04, 0x65]].concat())
    }
}

type Change = (&'static str, &'static str, Vec<u8>);

fn offered((name, why, payload): Change, code: &str) -> Case {
    case(name, why, [trust(), refused("assignment", &envelope(Label::Assignment, &payload, &[LIST]), code)])
}

fn not_canonical() -> Vec<Case> {
    let usual = Usual(payload(&assignment()));
    let changes = [
        ("indefinite map", "its length is not said", [&[0xbf], &usual.0[1..], &[0xff]].concat()),
        (
            "indefinite array",
            "the lanes' number is not said",
            usual.with(LANES, &[0x05, 0x9f, 0xa3, 0, 1, 1, 0, 2, 1, 0xff]),
        ),
        ("indefinite text", "the name in pieces", usual.with(b"\x65North", b"\x7f\x65North\xff")),
        ("overlong number, 1 byte", "gate 3 as 18 03", usual.start(&[0xa8, 0, 0x18, 3])),
        ("overlong number, 2 bytes", "gate 3 as 19 0003", usual.start(&[0xa8, 0, 0x19, 0, 3])),
        (
            "overlong number, 8 bytes",
            "gate 3 as 1b 0000000000000003",
            usual.start(&[0xa8, 0, 0x1b, 0, 0, 0, 0, 0, 0, 0, 3]),
        ),
        ("overlong key", "key 0 as 18 00", usual.start(&[0xa8, 0x18, 0, 3])),
        ("overlong length of a text", "5 as 78 05", usual.with(NAME, &[0x04, 0x78, 0x05, b'N'])),
        ("overlong length of a map", "8 as b8 08", [&[0xb8, 8], &usual.0[1..]].concat()),
        ("overlong length of an array", "1 as 98 01", usual.with(LANES, &[0x05, 0x98, 1, 0xa3, 0, 1, 1, 0, 2, 1])),
        (
            "half of a float, and its argument overlong",
            "a float's two bytes are an argument",
            usual.as_event(&[0xf9, 0, 0]),
        ),
        ("reserved first byte", "information 28 means nothing", usual.as_event(&[0x1c])),
        ("break outside of anything", "information 31", usual.as_event(&[0xff])),
        ("duplicate key", "key 1 twice", [&[0xa9], &usual.0[1..3], &[1, 1], &usual.0[3..]].concat()),
        ("unsorted keys", "key 1 before key 0", [&[0xa8, 1, 1, 0, 3], &usual.0[5..]].concat()),
        ("trailing byte", "a byte after the end", [&usual.0[..], &[0]].concat()),
        ("trailing document", "the same once more", [&usual.0[..], &usual.0].concat()),
    ];
    changes.into_iter().map(|change| offered(change, "not-canonical")).collect()
}

fn malformed() -> Vec<Case> {
    let usual = Usual(payload(&assignment()));
    let changes = [
        ("unknown key", "key 8 is not an assignment's", usual.map_of(9, &[8, 0])),
        ("unknown key that is no number", "a text as a key", usual.map_of(9, &[0x61, b'x', 0])),
        ("missing key", "no secrets", [&[0xa7], &usual.0[1..usual.0.len() - 2]].concat()),
        ("null", "the secrets are null", usual.end(&[7, 0xf6])),
        ("undefined", "the secrets are undefined", usual.end(&[7, 0xf7])),
        ("tag", "the event is tagged", usual.as_event(&[0xc1, 7])),
        ("negative number", "event -1", usual.as_event(&[0x20])),
        ("float", "event 1.0", usual.as_event(&[0xf9, 0x3c, 0])),
        ("another simple value", "event as simple value 16", usual.as_event(&[0xf0])),
        ("text for a number", "event as a text", usual.as_event(&[0x61, b'7'])),
        ("number of more bytes than its field", "event 2^32", usual.as_event(&[0x1b, 0, 0, 0, 1, 0, 0, 0, 0])),
        ("number for a truth", "not suspended as 0", usual.with(&[2, 0xf4, 7, 0x80], &[2, 0, 7, 0x80])),
        ("text that is no UTF-8", "ff in the name", usual.with(b"\x65North", b"\x65N\xffrth")),
        ("bytes for a text", "the name as a byte string", usual.with(b"\x65North", b"\x45North")),
        ("no map", "the payload is the number 0", vec![0]),
        ("eleven deep", "arrays in arrays", [vec![0x81; 10], vec![0]].concat()),
    ];
    changes.into_iter().map(|change| offered(change, "malformed")).collect()
}

fn lengths() -> Vec<Case> {
    let usual = Usual(payload(&assignment()));
    let changes = [
        (("empty", "there is no item", vec![]), "truncated"),
        (
            ("cut", "the last byte is missing, and the rest is signed", usual.0[..usual.0.len() - 1].to_vec()),
            "truncated",
        ),
        (
            (
                "name of 4 GiB",
                "a claim of 4,294,967,295 bytes",
                usual.with(NAME, &[0x04, 0x7a, 0xff, 0xff, 0xff, 0xff, b'N']),
            ),
            "too-long",
        ),
        (
            (
                "4,294,967,295 lanes",
                "a claim of as many items",
                usual.with(LANES, &[0x05, 0x9a, 0xff, 0xff, 0xff, 0xff, 0xa3, 0, 1, 1, 0, 2, 1]),
            ),
            "too-long",
        ),
        (
            (
                "2^64 - 1 pairs",
                "a claim of as many",
                [&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &usual.0[1..]].concat(),
            ),
            "too-long",
        ),
        (
            ("a claim at the limit", "16,384 bytes are not there", usual.with(NAME, &[0x04, 0x79, 0x40, 0x00, b'N'])),
            "truncated",
        ),
        (
            (
                "a claim beyond the limit",
                "16,385 bytes are more than such a document has",
                usual.with(NAME, &[0x04, 0x79, 0x40, 0x01, b'N']),
            ),
            "too-long",
        ),
        (
            (
                "more items than bytes",
                "255 lanes in what is left",
                usual.with(LANES, &[0x05, 0x98, 0xff, 0xa3, 0, 1, 1, 0, 2, 1]),
            ),
            "truncated",
        ),
        (("a pair too many", "the map's last pair is missing", usual.map_of(9, &[])), "truncated"),
    ];
    changes.into_iter().map(|(change, code)| offered(change, code)).collect()
}

fn instants() -> Vec<Case> {
    let last = Timestamp::from_unix_millis(i64::MAX);
    let mut late = assignment();
    late.lease = Lease { until: last, ..late.lease };
    let payload = payload(&late);
    let beyond = replaced(&payload, &last.unix_millis().to_be_bytes(), &(last.unix_millis() + 1).to_be_bytes());
    let mut early = assignment();
    early.lease = Lease { names_until: Timestamp::from_unix_millis(0), until: NOW, ..early.lease };
    vec![
        case("the last instant", "the end of 9999", [trust(), take_assignment(&late, &[LIST])]),
        case(
            "beyond the last instant",
            "the year 10000",
            [trust(), refused("assignment", &envelope(Label::Assignment, &beyond, &[LIST]), "malformed")],
        ),
        case("the first instant", "1970", [trust(), take_assignment(&early, &[LIST])]),
    ]
}
