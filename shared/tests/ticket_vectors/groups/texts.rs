//! What a scanner may read that is no CM1 text: prefixes, and every abuse of base45.

use super::tickets;
use crate::file::{File, Outcome, TicketCase};
use crate::world::{body, case, live, malformed, sealed, shown, sign, text};

const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

pub(super) fn file() -> File {
    let about = "Texts: prefixes, versions, lengths, and base45 as RFC 9285 does not write it.";
    tickets(about, prefixes().into_iter().chain(alphabets()).chain(groups()).chain(short_and_long()).collect())
}

fn good() -> String {
    sign(&body()).to_text()
}

fn encoded() -> String {
    good().split_off(4)
}

fn prefixes() -> Vec<TicketCase> {
    let encoded = encoded();
    [
        ("nothing", String::new(), Outcome::NotOurs),
        ("a web address", "HTTPS://EXAMPLE.ORG/T/1".to_owned(), Outcome::NotOurs),
        ("the prefix without its colon", format!("CM1{encoded}"), Outcome::NotOurs),
        ("no prefix", encoded.clone(), Outcome::NotOurs),
        ("a small prefix", format!("cm1:{encoded}"), Outcome::NotOurs),
        ("a space before", format!(" CM1:{encoded}"), Outcome::NotOurs),
        ("a byte order mark before", format!("\u{feff}CM1:{encoded}"), Outcome::NotOurs),
        ("version 2", format!("CM2:{encoded}"), Outcome::UnknownVersion),
        ("version 2 and nothing else", "CM2:".to_owned(), Outcome::UnknownVersion),
        ("version 2 of any alphabet", "CM2:é~".to_owned(), Outcome::UnknownVersion),
        ("version 10", format!("CM10:{encoded}"), Outcome::UnknownVersion),
        ("version 999", format!("CM999:{encoded}"), Outcome::UnknownVersion),
        ("version 1000: a version has three digits", format!("CM1000:{encoded}"), Outcome::NotOurs),
        ("version 0", format!("CM0:{encoded}"), Outcome::NotOurs),
        ("version 01", format!("CM01:{encoded}"), Outcome::NotOurs),
        ("version +2", format!("CM+2:{encoded}"), Outcome::NotOurs),
        ("version -1", format!("CM-1:{encoded}"), Outcome::NotOurs),
        ("no version", format!("CM:{encoded}"), Outcome::NotOurs),
        ("a letter for a version", format!("CMX:{encoded}"), Outcome::NotOurs),
        ("a digit that is not ASCII", format!("CM٢:{encoded}"), Outcome::NotOurs),
        ("version 2 without a colon", "CM2".to_owned(), Outcome::NotOurs),
        ("version 2 in small letters", format!("cm2:{encoded}"), Outcome::NotOurs),
    ]
    .into_iter()
    .map(|(name, text, expect)| case(name, "what stands before the colon", text, expect))
    .collect()
}

fn alphabets() -> Vec<TicketCase> {
    let good = good();
    let replaced = |character: &str| {
        let mut text = good.clone();
        text.replace_range(30..31, character);
        text
    };
    let mut cases = vec![
        case(
            "all in small letters",
            "small letters are not of the 45",
            format!("CM1:{}", encoded().to_lowercase()),
            Outcome::NotOurs,
        ),
        case("a line feed after", "a line ends before its line feed", format!("{good}\n"), Outcome::NotOurs),
        case("a carriage return after", "a line ends before it", format!("{good}\r"), Outcome::NotOurs),
        case("a zero byte after", "texts do not end with zeros", format!("{good}\0"), Outcome::NotOurs),
    ];
    for character in
        ["a", "!", "\"", "#", "&", "'", "(", ",", ";", "<", "=", "?", "@", "[", "_", "~", "\u{7f}", "Å", "：", "０"]
    {
        let why = "the character is not one of the 45";
        cases.push(case(format!("a character {character:?}"), why, replaced(character), Outcome::NotOurs));
    }
    cases
}

fn groups() -> Vec<TicketCase> {
    let (good, even) = (good(), sign(&live()).to_text());
    let mut alias = good.clone();
    // The last byte as the pair 256 higher: 256 = 5 * 45 + 31.
    let pair = alias.split_off(alias.len() - 2);
    let value = value(&pair) + 256;
    for digit in [value % 45, value / 45] {
        alias.push_str(&ALPHABET[digit..=digit]);
    }
    let cut = |text: &str, by: usize| text[..text.len() - by].to_owned();
    vec![
        case(
            "a last pair of 256 more",
            "another text of the same byte would be a second text of one ticket",
            alias,
            Outcome::NotOurs,
        ),
        case("the last pair 255", "one byte of 255", "CM1:U5", Outcome::UnknownVersion),
        case("the last pair 256", "no byte", "CM1:V5", Outcome::NotOurs),
        case("the last pair at its highest", "45 * 45 - 1 is no byte", "CM1:::", Outcome::NotOurs),
        case("a group of 65535", "two bytes of 255", "CM1:FGW", Outcome::UnknownVersion),
        case("a group of 65536", "more than two bytes", "CM1:GGW", Outcome::NotOurs),
        case("a group at its highest", "45^3 - 1 is more than two bytes", "CM1::::", Outcome::NotOurs),
        case("one character", "a group has two or three", "CM1:0", Outcome::NotOurs),
        case(
            "a character more, after a pair",
            "the pair becomes a group of three, a byte more",
            format!("{good}0"),
            malformed("length"),
        ),
        case("a character more, after a group", "one character is no group", format!("{even}0"), Outcome::NotOurs),
        case("two characters more, after a group", "a byte more", format!("{even}00"), malformed("length")),
        case(
            "a space more, after a pair",
            "a space is one of the 45; with it the group is above 65535",
            format!("{good} "),
            Outcome::NotOurs,
        ),
        case("a character less", "the last pair is cut in two", cut(&good, 1), Outcome::NotOurs),
        case("a pair less", "a byte less", cut(&good, 2), malformed("length")),
        case("a character lost in the middle", "every group after it is another", without_one(&good), Outcome::NotOurs),
    ]
}

/// The number that a group of base45 stands for, its lowest digit first.
fn value(group: &str) -> usize {
    group.chars().rev().fold(0, |sum, digit| sum * 45 + ALPHABET.find(digit).unwrap())
}

/// A text without one of its characters: every group behind it is another, and one of them is above 65535, as almost always.
fn without_one(text: &str) -> String {
    let shifted = text[..100].to_owned() + &text[101..];
    let groups: Vec<_> = shifted[4..].chars().collect();
    assert!(groups.chunks(3).any(|group| value(&group.iter().collect::<String>()) > 65535), "choose another");
    shifted
}

fn short_and_long() -> Vec<TicketCase> {
    let longest = text(&shown(&sealed(&live())));
    assert_eq!(longest.len(), 510);
    let zeros = |count| format!("CM1:{}", "0".repeat(count));
    vec![
        case("only the prefix", "no version byte", "CM1:", malformed("length")),
        case("one byte, 1", "no flags", text(&[1]), malformed("length")),
        case("one byte, 2", "the first byte is the version", text(&[2]), Outcome::UnknownVersion),
        case("two bytes", "a version and flags, and no more", text(&[1, 0]), malformed("length")),
        case("two bytes, a reserved flag", "flags come before the length", text(&[1, 8]), malformed("flags")),
        case(
            "510 characters of zeros",
            "the longest text that is decoded; its first byte is 0",
            zeros(506),
            Outcome::UnknownVersion,
        ),
        case("509 characters of zeros", "the last group has one character", zeros(505), Outcome::NotOurs),
        case("511 characters", "too long to be decoded", zeros(507), malformed("length")),
        case(
            "511 characters that are no base45",
            "too long comes before base45",
            format!("CM1:{}", "~".repeat(507)),
            malformed("length"),
        ),
        case("510 characters that are no base45", "not too long", format!("CM1:{}", "~".repeat(506)), Outcome::NotOurs),
        case(
            "257 characters of 510 bytes",
            "the limit counts bytes of UTF-8",
            format!("CM1:{}", "é".repeat(253)),
            Outcome::NotOurs,
        ),
        case(
            "258 characters of 512 bytes",
            "the limit counts bytes of UTF-8",
            format!("CM1:{}", "é".repeat(254)),
            malformed("length"),
        ),
        case("the longest ticket and a pair more", "512 characters", format!("{longest}00"), malformed("length")),
        case("5000 characters", "far too long", zeros(4996), malformed("length")),
        case(
            "5000 characters of version 2",
            "another version's length is not judged",
            format!("CM2:{}", "0".repeat(4996)),
            Outcome::UnknownVersion,
        ),
    ]
}
