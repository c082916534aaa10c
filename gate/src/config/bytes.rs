//! Bytes as a profile writes them: text, with `\xHH` for what cannot be typed. Knows nothing of what they tell a device.

use serde::{Deserialize, Deserializer, de};

/// Bytes to send to a device, or to look for in what it sends.
///
/// A TOML string in single quotes, so that a backslash is one: printable ASCII stands for itself, `\r`, `\n`, `\t` and `\\` for what they
/// do everywhere, and `\x` with two hexadecimal digits for any byte: `'\x16M\rBEPLVL1!'`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct WrittenBytes(pub(crate) Vec<u8>);

impl WrittenBytes {
    fn parse(text: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let [first, after @ ..] = rest {
            let (byte, after) = match (first, after) {
                (b'\\', [b'r', after @ ..]) => (b'\r', after),
                (b'\\', [b'n', after @ ..]) => (b'\n', after),
                (b'\\', [b't', after @ ..]) => (b'\t', after),
                (b'\\', [b'\\', after @ ..]) => (b'\\', after),
                (b'\\', [b'x', high, low, after @ ..]) => (digit(*high)? << 4 | digit(*low)?, after),
                (b'\\', _) => return None,
                (b' '..=b'~', after) => (*first, after),
                _ => return None,
            };
            bytes.push(byte);
            rest = after;
        }
        Some(Self(bytes))
    }
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16)?.try_into().ok()
}

impl<'de> Deserialize<'de> for WrittenBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(r"bytes are printable ASCII, `\r`, `\n`, `\t`, `\\`, and `\x` with two hexadecimal digits, in single quotes")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_byte_is_written_in_one_of_few_ways() {
        let parse = |text| WrittenBytes::parse(text).map(|written| written.0);
        assert_eq!(parse(r"\x16M\rA\\\n\t\x7e").unwrap(), b"\x16M\rA\\\n\t~");
        for wrong in [r"\x1", r"\xg0", r"\q", r"\", "é", "\t", r"\x+1"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_byte_can_be_written(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let text: Vec<_> = bytes.iter().map(|byte| format!(r"\x{byte:02X}")).collect();
            prop_assert_eq!(WrittenBytes::parse(&text.concat()), Some(WrittenBytes(bytes)));
        }
    }
}
