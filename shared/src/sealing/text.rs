//! What is sealed: a name and a seat, in the one form that 56 bytes can carry.

use zeroize::Zeroizing;

use crate::ticket::SEALED_LENGTH;

/// A holder's name and seat: together at most 55 bytes of UTF-8. Wiped when dropped; it has no `Debug`, so that no log shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedText {
    name: Zeroizing<String>,
    seat: Zeroizing<String>,
}

/// Why a name and a seat cannot be sealed, or sealed bytes are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSealedText {
    /// The name is empty.
    #[error("a sealed ticket names somebody")]
    Nameless,
    /// More than 55 bytes, name and seat together.
    #[error("name and seat have at most 55 bytes of UTF-8 together")]
    TooLong,
    /// A control character, a line separator, or one that turns the direction of writing.
    #[error("name and seat have only characters that show as they are")]
    Character,
    /// Not UTF-8 with one line feed, padded with zeros.
    #[error("the bytes are no name and seat")]
    Encoding,
}

impl SealedText {
    /// A name, and a seat, which may be empty.
    pub fn new(name: &str, seat: &str) -> Result<Self, InvalidSealedText> {
        if name.is_empty() {
            return Err(InvalidSealedText::Nameless);
        }
        if name.len().saturating_add(seat.len()) >= SEALED_LENGTH {
            return Err(InvalidSealedText::TooLong);
        }
        if name.chars().chain(seat.chars()).any(misleads) {
            return Err(InvalidSealedText::Character);
        }
        Ok(Self { name: Zeroizing::new(name.to_owned()), seat: Zeroizing::new(seat.to_owned()) })
    }

    /// Who the ticket is for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where they sit; empty where places are not numbered.
    pub fn seat(&self) -> &str {
        &self.seat
    }

    /// Name, line feed, seat, zeros: of one length, whoever it is, for sealing at rest too.
    pub fn to_bytes(&self) -> Zeroizing<[u8; SEALED_LENGTH]> {
        let mut bytes = Zeroizing::new([0; SEALED_LENGTH]);
        let written = self.name.bytes().chain([b'\n']).chain(self.seat.bytes());
        for (place, byte) in bytes.iter_mut().zip(written) {
            *place = byte;
        }
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) writes.
    pub fn from_bytes(bytes: &[u8; SEALED_LENGTH]) -> Result<Self, InvalidSealedText> {
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let (written, _padding) = bytes.split_at_checked(end).ok_or(InvalidSealedText::Encoding)?;
        let written = core::str::from_utf8(written).map_err(|_| InvalidSealedText::Encoding)?;
        let (name, seat) = written.split_once('\n').ok_or(InvalidSealedText::Encoding)?;
        Self::new(name, seat)
    }
}

/// Characters that would make an operator read something else than the name: controls, which Unicode calls Cc, line and paragraph
/// separators, and those of the bidirectional algorithm (UAX #9, 2).
fn misleads(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(name: &str, seat: &str) -> InvalidSealedText {
        SealedText::new(name, seat).err().unwrap()
    }

    #[test]
    fn a_name_and_a_seat_have_55_bytes_together() {
        assert!(SealedText::new(&"n".repeat(55), "").is_ok());
        assert!(SealedText::new(&"n".repeat(54), "1").is_ok());
        assert_eq!(refusal(&"n".repeat(56), ""), InvalidSealedText::TooLong);
        assert_eq!(refusal(&"é".repeat(27), "12"), InvalidSealedText::TooLong);
        assert_eq!(refusal("", "12"), InvalidSealedText::Nameless);
    }

    #[test]
    fn characters_that_mislead_a_reader_are_refused() {
        for character in
            ['\0', '\n', '\t', '\u{7f}', '\u{85}', '\u{61c}', '\u{200f}', '\u{2028}', '\u{202e}', '\u{2066}']
        {
            assert_eq!(refusal(&format!("Ada{character}"), ""), InvalidSealedText::Character, "{character:?}");
            assert_eq!(refusal("Ada", &format!("{character}1")), InvalidSealedText::Character, "{character:?}");
        }
        assert!(SealedText::new("Ada O’Brien-Łoś 李", "A\u{a0}12").is_ok());
    }

    #[test]
    fn only_the_one_form_is_read() {
        let read = |written: &[u8]| {
            let mut bytes = [0; SEALED_LENGTH];
            bytes[..written.len()].copy_from_slice(written);
            SealedText::from_bytes(&bytes).map(|text| (text.name().to_owned(), text.seat().to_owned()))
        };
        assert_eq!(read(b"Ada\n"), Ok(("Ada".to_owned(), String::new())));
        assert_eq!(read(b"Ada\n12"), Ok(("Ada".to_owned(), "12".to_owned())));
        for (written, expected) in [
            (&b""[..], InvalidSealedText::Encoding),
            (b"Ada", InvalidSealedText::Encoding),
            (b"Ada\xff\n", InvalidSealedText::Encoding),
            (b"\n12", InvalidSealedText::Nameless),
            (b"Ada\n1\n2", InvalidSealedText::Character),
            (b"Ada\0\n12", InvalidSealedText::Character),
            (b"Ada\n12\0x", InvalidSealedText::Character),
            (&[b'a'; SEALED_LENGTH], InvalidSealedText::Encoding),
        ] {
            assert_eq!(read(written), Err(expected), "{written:?}");
        }
    }

    proptest! {
        #[test]
        fn a_text_survives_its_bytes(name in "[^\\p{C}\u{2028}\u{2029}]{1,14}", seat in "[ -~]{0,10}") {
            prop_assume!(name.len() + seat.len() <= 55);
            let text = SealedText::new(&name, &seat).unwrap();
            let bytes = text.to_bytes();
            prop_assert!(SealedText::from_bytes(&bytes).is_ok_and(|read| read == text));
        }

        #[test]
        fn what_is_read_is_written_so(bytes in proptest::array::uniform::<_, SEALED_LENGTH>(0_u8..=127)) {
            if let Ok(text) = SealedText::from_bytes(&bytes) {
                prop_assert_eq!(&*text.to_bytes(), &bytes);
            }
        }
    }
}
