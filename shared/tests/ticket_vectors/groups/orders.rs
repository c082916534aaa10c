//! Orders' codes as they are typed, and their tags.

use countermark_shared::label::Label;
use hkdf::Hkdf;
use sha2::Sha256;

use crate::file::{Content, File, OrderCodeCase, OrderTagCase};
use crate::vectors::{distinct, hex};

pub(super) fn codes_file() -> File {
    let about = "Orders' codes as people type them; without a code they are none.";
    let cases: Vec<_> = [
        ("as it is shown", "7KQ2M-4XD9P", Some("7KQ2M-4XD9P")),
        ("without its hyphen", "7KQ2M4XD9P", Some("7KQ2M-4XD9P")),
        ("in small letters", "7kq2m-4xd9p", Some("7KQ2M-4XD9P")),
        ("with spaces", " 7KQ2M 4XD9P ", Some("7KQ2M-4XD9P")),
        ("with hyphens anywhere", "7-KQ2-M4XD9-P-", Some("7KQ2M-4XD9P")),
        ("I, L and O", "OIL00-oil00", Some("01100-01100")),
        ("the lowest", "00000-00000", Some("00000-00000")),
        ("the highest", "ZZZZZ-ZZZZZ", Some("ZZZZZ-ZZZZZ")),
        ("every symbol, one", "01234-56789", Some("01234-56789")),
        ("every symbol, two", "ABCDE-FGHJK", Some("ABCDE-FGHJK")),
        ("every symbol, three", "MNPQR-STVWX", Some("MNPQR-STVWX")),
        ("every symbol, four", "YZYZY-ZYZYZ", Some("YZYZY-ZYZYZ")),
        ("nothing", "", None),
        ("nine symbols", "7KQ2M-4XD9", None),
        ("eleven symbols", "7KQ2M-4XD9P0", None),
        ("a U", "7KQ2M-4XD9U", None),
        ("an underscore", "7KQ2M_4XD9P", None),
        ("a letter beyond ASCII", "7KQ2M-4XD9\u{e9}", None),
        ("a digit beyond ASCII", "7KQ2M-4XD9\u{ff11}", None),
        ("a dash that is no hyphen", "7KQ2M\u{2013}4XD9P", None),
    ]
    .into_iter()
    .map(|(name, typed, code)| OrderCodeCase {
        name: name.to_owned(),
        why: if code.is_some() { "what was meant" } else { "ten symbols, hyphens and spaces, and nothing else" }
            .to_owned(),
        typed: typed.to_owned(),
        code: code.map(str::to_owned),
    })
    .collect();
    distinct(cases.iter().map(|case| case.name.as_str()));
    File { about: about.to_owned(), content: Content::OrderCodes { cases } }
}

pub(super) fn tags_file() -> File {
    let about = "The codes of orders, and the tags that an event secret gives them.";
    let orders: [(&str, u128, &str, u8); 6] = [
        ("an order", 0x3f8e_2d4c_9a1b_4c5d_8e6f_7a8b_9c0d_1e2f, "VTHEE-0T7HF", 0x44),
        ("the same by another secret", 0x3f8e_2d4c_9a1b_4c5d_8e6f_7a8b_9c0d_1e2f, "VTHEE-0T7HF", 0x45),
        ("another order that ends the same", 0x0000_0000_0000_4000_8003_7a8b_9c0d_1e2f, "VTHEE-0T7HF", 0x44),
        ("one", 1, "00000-00001", 0x44),
        ("the lowest of all", 0, "00000-00000", 0),
        ("the highest of all", u128::MAX, "ZZZZZ-ZZZZZ", 0xff),
    ];
    let cases = orders.into_iter().map(|(name, order, code, secret)| {
        let number = (order & ((1 << 50) - 1)) as u64;
        let mut tag = [0; 16];
        let info = [&Label::OrderTag.bytes()[..], &number.to_be_bytes()].concat();
        Hkdf::<Sha256>::new(None, &[secret; 32]).expand(&info, &mut tag).unwrap();
        OrderTagCase {
            name: name.to_owned(),
            order: hex(&order.to_be_bytes()),
            code: code.to_owned(),
            secret: hex(&[secret; 32]),
            tag: hex(&tag),
        }
    });
    File { about: about.to_owned(), content: Content::OrderTags { cases: cases.collect() } }
}
