//! Sets of documents, as a file has them.

use crate::file::{Content, File, SetCase};
use crate::vectors::{distinct, hex};
use crate::world::{LIST, ROOT, assignment, bundle, sealed};

pub(crate) fn file() -> File {
    let documents = [("trust-bundle", sealed(&bundle(), &[ROOT])), ("assignment", sealed(&assignment(), &[LIST]))];
    let [(_, first), (_, second)] = &documents;
    let length = |bytes: &[u8]| match u8::try_from(bytes.len()) {
        Ok(length) => vec![0x58, length],
        Err(_) => [&[0x59], &u16::try_from(bytes.len()).unwrap().to_be_bytes()[..]].concat(),
    };
    let usual = [&[0x82, 0x82, 0], &length(first)[..], first, &[0x82, 5], &length(second), second].concat();
    let taken = |name: &str, why: &str, bytes: &[u8], documents: &[(&str, Vec<u8>)]| {
        let documents = documents.iter().map(|(kind, envelope)| ((*kind).to_owned(), hex(envelope))).collect();
        of(name, why, bytes, "taken", Some(documents))
    };
    let refused = |name: &str, why: &str, bytes: &[u8], code: &str| of(name, why, bytes, code, None);
    let cases = vec![
        taken("a bundle and an assignment", "in the order in which they are offered", &usual, &documents),
        taken("none", "an empty array", &[0x80], &[]),
        taken("a document that is none", "each is judged by itself", &[0x81, 0x82, 6, 0x41, 0], &[("head", vec![0])]),
        refused("cut", "the last byte is missing", &usual[..usual.len() - 1], "truncated"),
        refused("trailing byte", "a byte after the end", &[&usual[..], &[0]].concat(), "not-canonical"),
        refused("indefinite", "the documents' number is not said", &[0x9f, 0xff], "not-canonical"),
        refused("an unknown kind", "7", &[0x81, 0x82, 7, 0x41, 0], "malformed"),
        refused("a document of 4 GiB", "a claim", &[0x81, 0x82, 0, 0x5a, 0xff, 0xff, 0xff, 0xff], "too-long"),
        refused(
            "a document claimed at the limit",
            "96 MiB are not there",
            &[0x81, 0x82, 0, 0x5a, 6, 0, 0, 0],
            "truncated",
        ),
        refused("a document claimed beyond the limit", "a byte more", &[0x81, 0x82, 0, 0x5a, 6, 0, 0, 1], "too-long"),
        refused("4,097 documents", "one too many", &many(4097), "too-long"),
        refused("4,097 documents claimed", "none of them is there", &[0x99, 0x10, 0x01], "too-long"),
        refused("4,096 documents claimed", "none of them is there", &[0x99, 0x10, 0x00], "truncated"),
        refused(
            "4,097 documents of which the first is none",
            "their number is judged first",
            &[&[0x99, 0x10, 0x01][..], &[0xff; 4097]].concat(),
            "too-long",
        ),
        refused("4,097 documents, overlong", "9a for 99", &[0x9a, 0, 0, 0x10, 0x01], "not-canonical"),
        refused("a pair of three", "kind and envelope alone", &[0x81, 0x83, 0, 0x40, 0], "malformed"),
    ];
    distinct(cases.iter().map(|case| case.name.as_str()));
    File { about: "Sets of documents, as a file has them.".to_owned(), content: Content::Sets { cases } }
}

/// As many empty heads.
fn many(count: u16) -> Vec<u8> {
    [&[0x99], &count.to_be_bytes()[..], &[0x82, 6, 0x40].repeat(count.into())].concat()
}

fn of(name: &str, why: &str, bytes: &[u8], outcome: &str, documents: Option<Vec<(String, String)>>) -> SetCase {
    let [name, why, outcome] = [name, why, outcome].map(str::to_owned);
    SetCase { name, why, bytes: hex(bytes), outcome, documents }
}
