//! An order as people say it: ten characters that its buyer reads out and staff type.
//!
//! Owns the characters and what they may be mistaken for; refuses to know what was ordered.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::id::OrderId;

/// Crockford's base32 (<https://www.crockford.com/base32.html>): digits and capitals without I, L, O and U.
const SYMBOLS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const BITS_PER_SYMBOL: u32 = 5;
const LENGTH: u32 = 10;
/// The symbol that a hyphen stands before.
const MIDDLE: u32 = 5;

/// The code of an order: 50 bits, shown as `7KQ2M-4XD9P`. Two orders of an event have the same one by chance alone, and then it finds both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, pattern = "^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$", examples("7KQ2M-4XD9P"))]
pub struct OrderCode(u64);

/// Text that is no order's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no order's code: it has ten letters and digits, as in 7KQ2M-4XD9P")]
pub struct InvalidOrderCode;

impl OrderCode {
    /// The order's own: the last 50 bits of its UUID, all of them random in version 4 (RFC 9562, 5.4: `random_c` is the last 62).
    pub fn of(order: OrderId) -> Self {
        let (_, last) = order.0.as_u64_pair();
        Self(last & ((1 << (BITS_PER_SYMBOL * LENGTH)) - 1))
    }

    /// The 50 bits.
    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for OrderCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in 0..LENGTH {
            if place == MIDDLE {
                formatter.write_str("-")?;
            }
            let value = self.0 >> (BITS_PER_SYMBOL * (LENGTH - 1 - place)) & ((1 << BITS_PER_SYMBOL) - 1);
            let symbol = SYMBOLS.chars().zip(0_u64..).find(|(_, of)| *of == value);
            symbol.into_iter().try_for_each(|(symbol, _)| write!(formatter, "{symbol}"))?;
        }
        Ok(())
    }
}

impl FromStr for OrderCode {
    type Err = InvalidOrderCode;

    /// Reads what was typed: in any case, I and L for 1, O for 0, hyphens and spaces anywhere.
    fn from_str(text: &str) -> Result<Self, InvalidOrderCode> {
        let (mut number, mut length) = (0, 0);
        for character in text.chars().filter(|character| !matches!(character, '-' | ' ')) {
            let value = value(character).filter(|_| length < LENGTH).ok_or(InvalidOrderCode)?;
            number = number << BITS_PER_SYMBOL | value;
            length += 1;
        }
        if length == LENGTH { Ok(Self(number)) } else { Err(InvalidOrderCode) }
    }
}

fn value(character: char) -> Option<u64> {
    let symbol = match character.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    SYMBOLS.chars().zip(0..).find_map(|(known, value)| (known == symbol).then_some(value))
}

impl TryFrom<String> for OrderCode {
    type Error = InvalidOrderCode;

    fn try_from(text: String) -> Result<Self, InvalidOrderCode> {
        text.parse()
    }
}

impl From<OrderCode> for String {
    fn from(code: OrderCode) -> Self {
        code.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn code(order: u128) -> OrderCode {
        OrderCode::of(OrderId(Uuid::from_u128(order)))
    }

    #[test]
    fn a_code_is_the_last_fifty_bits_of_an_orders_name() {
        assert_eq!(code(0).to_string(), "00000-00000");
        assert_eq!(code(31).to_string(), "00000-0000Z");
        assert_eq!(code(1 << 49).to_string(), "G0000-00000");
        assert_eq!(code(u128::MAX).to_string(), "ZZZZZ-ZZZZZ");
        assert_eq!(code(u128::MAX << 50), code(0));
    }

    /// A version 4 UUID has its version in bits 48 to 51 and its variant in 64 and 65: neither is among the last 50.
    #[test]
    fn no_bit_of_a_code_is_fixed() {
        let of = |bytes| OrderCode::of(OrderId(uuid::Builder::from_random_bytes(bytes).into_uuid()));
        assert_eq!((of([0; 16]), of([0xff; 16])), (code(0), code(u128::MAX)));
    }

    #[test]
    fn what_was_typed_is_read_as_it_was_meant() {
        for typed in ["7KQ2M-4XD9P", "7kq2m4xd9p", " 7KQ2M 4XD9P ", "7-K-Q-2-M-4-X-D-9-P"] {
            assert_eq!(typed.parse::<OrderCode>().unwrap().to_string(), "7KQ2M-4XD9P", "{typed}");
        }
        assert_eq!("oOiIl-L0111".parse::<OrderCode>().unwrap().to_string(), "00111-10111");
        for typed in
            ["", "-", "7KQ2M-4XD9", "7KQ2M-4XD9P0", "7KQ2M-4XD9U", "7KQ2M_4XD9P", "7KQ2M-4XD9É", "7KQ2M-4XD9\u{ff11}"]
        {
            assert_eq!(typed.parse::<OrderCode>(), Err(InvalidOrderCode), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn a_code_survives_its_text(order: u128) {
            let code = code(order);
            prop_assert_eq!(code.to_string().parse(), Ok(code));
            let json = serde_json::to_string(&code).unwrap();
            prop_assert_eq!(json.len(), 13);
            prop_assert_eq!(serde_json::from_str::<OrderCode>(&json).unwrap(), code);
        }
    }
}
