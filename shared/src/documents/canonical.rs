//! The one encoding: CBOR in its core deterministic form (RFC 8949, 4.2.1), read within bounds. Knows nothing of what is encoded.
//!
//! Reading has two steps, so that each fault has its name. [`walk`] follows the bytes without decoding anything: lengths, the one
//! form of each number, the order of keys. Then the value is decoded and written again: what differs has a key nobody knows.

use core::fmt;

use minicbor::{Decode, Encode};

/// Items within items, at most. The deepest document, a feed's snapshot, has eight; what a reader keeps of it on its disk has nine.
const MAX_DEPTH: u8 = 10;

/// Why bytes are not the encoding of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// A length or a number of items that no such document can have, before anything was allocated for it.
    TooLong { claimed: u64 },
    /// They end before what they announce.
    Truncated,
    /// Some encoding, but not the one.
    NotCanonical(&'static str),
    /// The one encoding of something else.
    Malformed(String),
}

impl fmt::Display for Defect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { claimed } => write!(formatter, "it claims {claimed} bytes or items"),
            Self::Truncated => formatter.write_str("it ends too early"),
            Self::NotCanonical(why) => formatter.write_str(why),
            Self::Malformed(why) => formatter.write_str(why),
        }
    }
}

/// The one encoding of a value.
#[expect(clippy::expect_used, reason = "memory takes every byte, and none of this crate's encodings fails by itself")]
pub(crate) fn canonical<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("encoding to memory")
}

/// Decodes the one encoding a value has; no length or count in it may exceed `limit`. Allocates in proportion to `bytes` only.
pub(crate) fn read<'b, T: Encode<()> + Decode<'b, ()>>(bytes: &'b [u8], limit: usize) -> Result<T, Defect> {
    walk(bytes, limit as u64)?;
    let value: T = minicbor::decode(bytes).map_err(|error| Defect::Malformed(error.to_string()))?;
    // No item begins another: what is written without a difference is the whole of it.
    let same = minicbor::encode(&value, Expected(bytes)).is_ok();
    if same { Ok(value) } else { Err(Defect::Malformed("it has a key or a form that nobody knows".to_owned())) }
}

/// How many items an array says it has, none for whatever else the bytes are: nothing behind the first bytes is looked at.
pub(crate) fn claimed_items(bytes: &[u8]) -> Result<u64, Defect> {
    let (major, argument, _) = head(bytes)?;
    Ok(if major == ARRAY { argument } else { 0 })
}

/// [`read`], for what is bounded by whoever hands it over.
pub(crate) fn from_canonical<T: Encode<()> + for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Result<T, String> {
    read(bytes, bytes.len()).map_err(|defect| defect.to_string())
}

/// What an encoder is expected to write: comparing needs no second copy of megabytes.
struct Expected<'a>(&'a [u8]);

impl minicbor::encode::Write for Expected<'_> {
    type Error = Differs;

    fn write_all(&mut self, written: &[u8]) -> Result<(), Differs> {
        self.0 = self.0.strip_prefix(written).ok_or(Differs)?;
        Ok(())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the bytes differ")]
struct Differs;

/// Whether the bytes are one item in its deterministic form, and nothing after it.
fn walk(bytes: &[u8], limit: u64) -> Result<(), Defect> {
    let rest = item(bytes, limit, MAX_DEPTH)?;
    if rest.is_empty() { Ok(()) } else { Err(Defect::NotCanonical("bytes follow its end")) }
}

/// Steps over one item; the answer is what follows it.
fn item(bytes: &[u8], limit: u64, depth: u8) -> Result<&[u8], Defect> {
    let depth = depth.checked_sub(1).ok_or_else(|| Defect::Malformed("it is nested too deeply".to_owned()))?;
    let (major, argument, rest) = head(bytes)?;
    match major {
        UNSIGNED => Ok(rest),
        BYTES | TEXT => {
            let length = claim(argument, 1, rest, limit)?;
            rest.get(length..).ok_or(Defect::Truncated)
        }
        ARRAY => {
            let count = claim(argument, 1, rest, limit)?;
            (0..count).try_fold(rest, |rest, _| item(rest, limit, depth))
        }
        MAP => {
            let count = claim(argument, 2, rest, limit)?;
            entries(rest, count, limit, depth)
        }
        SIMPLE if matches!(argument, FALSE | TRUE) => Ok(rest),
        _ => Err(Defect::Malformed("it has an item of a kind that no document has".to_owned())),
    }
}

/// Steps over a map's entries, whose keys ascend bytewise, each once.
fn entries(mut rest: &[u8], count: usize, limit: u64, depth: u8) -> Result<&[u8], Defect> {
    let mut previous: Option<&[u8]> = None;
    for _ in 0..count {
        let after_key = item(rest, limit, depth)?;
        let key = rest.get(..rest.len() - after_key.len()).ok_or(Defect::Truncated)?;
        if previous.is_some_and(|previous| previous >= key) {
            return Err(Defect::NotCanonical("its keys are not sorted, each once"));
        }
        previous = Some(key);
        rest = item(after_key, limit, depth)?;
    }
    Ok(rest)
}

const UNSIGNED: u8 = 0;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const SIMPLE: u8 = 7;
const FALSE: u64 = 20;
const TRUE: u64 = 21;

/// An item's first bytes: major type, argument in its shortest form, and what follows.
fn head(bytes: &[u8]) -> Result<(u8, u64, &[u8]), Defect> {
    const OVERLONG: Defect = Defect::NotCanonical("a number is longer than it need be");
    let (first, rest) = bytes.split_first().ok_or(Defect::Truncated)?;
    let (argument, least, rest) = match first & 0x1f {
        small @ 0..24 => (u64::from(small), 0, rest),
        24 => number::<1>(rest).map(|(value, rest)| (value, 24, rest))?,
        25 => number::<2>(rest).map(|(value, rest)| (value, 1 << 8, rest))?,
        26 => number::<4>(rest).map(|(value, rest)| (value, 1 << 16, rest))?,
        27 => number::<8>(rest).map(|(value, rest)| (value, 1 << 32, rest))?,
        31 => return Err(Defect::NotCanonical("a length is indefinite")),
        _ => return Err(Defect::NotCanonical("an item's first byte is reserved")),
    };
    if argument < least { Err(OVERLONG) } else { Ok((first >> 5, argument, rest)) }
}

fn number<const N: usize>(bytes: &[u8]) -> Result<(u64, &[u8]), Defect> {
    let (digits, rest) = bytes.split_first_chunk::<N>().ok_or(Defect::Truncated)?;
    Ok((digits.iter().fold(0, |value, digit| value * 256 + u64::from(*digit)), rest))
}

/// A claimed length, if the bytes can hold that many items of `least` bytes each.
fn claim(claimed: u64, least: u64, rest: &[u8], limit: u64) -> Result<usize, Defect> {
    if claimed > limit {
        return Err(Defect::TooLong { claimed });
    }
    if claimed.saturating_mul(least) > rest.len() as u64 {
        return Err(Defect::Truncated);
    }
    usize::try_from(claimed).map_err(|_| Defect::TooLong { claimed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_fault_has_its_name() {
        let too_long = |claimed| Err(Defect::TooLong { claimed });
        let not_canonical = |why| Err(Defect::NotCanonical(why));
        for (bytes, expected) in [
            (&[0x17][..], Ok(())),
            (&[0x18, 24], Ok(())),
            (&[0x18, 23], not_canonical("a number is longer than it need be")),
            (&[0x19, 0, 255], not_canonical("a number is longer than it need be")),
            (&[0x1a, 0, 0, 255, 255], not_canonical("a number is longer than it need be")),
            (&[0x1b, 0, 0, 0, 0, 255, 255, 255, 255], not_canonical("a number is longer than it need be")),
            (&[0x5f, 0xff], not_canonical("a length is indefinite")),
            (&[0x1c], not_canonical("an item's first byte is reserved")),
            (&[0, 0], not_canonical("bytes follow its end")),
            (&[0xa2, 1, 0, 0, 0], not_canonical("its keys are not sorted, each once")),
            (&[0xa2, 0, 0, 0, 1], not_canonical("its keys are not sorted, each once")),
            (&[0xa2, 0, 0, 1, 1], Ok(())),
            (&[0xf4], Ok(())),
            (&[], Err(Defect::Truncated)),
            (&[0x42, 1], Err(Defect::Truncated)),
            (&[0x82, 1], Err(Defect::Truncated)),
            (&[0xa1, 1], Err(Defect::Truncated)),
            (&[0x18], Err(Defect::Truncated)),
            (&[0x58, 100, 0], Err(Defect::Truncated)),
            (&[0x58, 101, 0], too_long(101)),
            (&[0x5a, 0xff, 0xff, 0xff, 0xff, 0], too_long(0xffff_ffff)),
            (&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], too_long(u64::MAX)),
        ] {
            assert_eq!(walk(bytes, 100), expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn each_fault_says_what_it_is() {
        let said = |bytes: &[u8]| from_canonical::<u64>(bytes).unwrap_err();
        assert_eq!(said(&[0x18, 23]), "a number is longer than it need be");
        assert_eq!(said(&[0x58, 101, 0]), "it claims 101 bytes or items");
        assert_eq!(said(&[0xf6]), "it has an item of a kind that no document has");
        assert_eq!(said(&[]), "it ends too early");
    }

    #[test]
    fn a_key_that_nobody_knows_is_refused() {
        assert_eq!(read(&[0xa1, 0, 1], 100), Ok(Known { number: 1 }));
        for more in [&[0xa2, 0, 1, 1, 1][..], &[0xa2, 0, 1, 0x18, 99, 0x80]] {
            assert!(matches!(read::<Known>(more, 100), Err(Defect::Malformed(_))), "{more:02x?}");
        }
    }

    #[derive(Debug, PartialEq, Eq, Encode, Decode)]
    #[cbor(map)]
    struct Known {
        #[n(0)]
        number: u8,
    }

    #[test]
    fn kinds_that_no_document_has_are_refused() {
        for bytes in [&[0x20][..], &[0xc0, 0], &[0xf6], &[0xf9, 0, 0], &[0xfb, 0, 0, 0, 0, 0, 0, 0, 1]] {
            assert!(walk(bytes, 100).is_err(), "{bytes:02x?}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| [vec![0x81; depth - 1], vec![0]].concat();
        assert_eq!(walk(&nested(10), 100), Ok(()));
        assert!(matches!(walk(&nested(11), 100), Err(Defect::Malformed(_))));
        assert!(matches!(walk(&nested(1_000_000), 100), Err(Defect::Malformed(_))));
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(value in any::<Vec<(u64, String)>>()) {
            let bytes = canonical(&value);
            prop_assert_eq!(read::<Vec<(u64, String)>>(&bytes, bytes.len()), Ok(value));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = read::<Vec<(u64, String)>>(&bytes, 200) {
                prop_assert_eq!(canonical(&value), bytes);
            }
        }
    }
}
