//! Money: minor units and a currency, never a float, never a bare number.

use core::fmt;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An amount in a currency's minor units (cents for EUR).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(map)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units.
    #[n(0)]
    pub minor: u64,
    /// ISO 4217 code.
    #[n(1)]
    pub currency: Currency,
}

impl Money {
    /// The price of `count` of these; none when it would not fit.
    pub fn times(self, count: u32) -> Option<Self> {
        Some(Self { minor: self.minor.checked_mul(count.into())?, currency: self.currency })
    }
}

impl fmt::Display for Money {
    /// Minor units and code, such as `2500 EUR-minor`: a log or a message for engineers; people see what the front end formats.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}-minor", self.minor, self.currency)
    }
}

/// A currency: three capital letters (ISO 4217).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "EUR")]
pub struct Currency([u8; 3]);

/// Text that is no currency code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no currency code: three capital letters, such as EUR")]
pub struct InvalidCurrency(String);

impl Currency {
    /// Reads three capital letters.
    pub fn parse(text: &str) -> Result<Self, InvalidCurrency> {
        <[u8; 3]>::try_from(text.as_bytes())
            .ok()
            .filter(|letters| letters.iter().all(u8::is_ascii_uppercase))
            .map(Self)
            .ok_or_else(|| InvalidCurrency(text.to_owned()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(formatter, "{}", char::from(*letter)))
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;

    fn try_from(text: String) -> Result<Self, InvalidCurrency> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.to_string()
    }
}

impl<C> Encode<C> for Currency {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.str(&self.to_string())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Currency {
    fn decode(decoder: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let position = decoder.position();
        Self::parse(decoder.str()?).map_err(|error| minicbor::decode::Error::custom(error).at(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_multiplied_or_does_not_fit() {
        let price = Money { minor: 2500, currency: Currency::parse("EUR").unwrap() };
        assert_eq!(price.times(3), Some(Money { minor: 7500, ..price }));
        assert_eq!(Money { minor: u64::MAX, ..price }.times(2), None);
        assert_eq!(price.to_string(), "2500 EUR-minor");
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert_eq!(Currency::parse("CHF").unwrap().to_string(), "CHF");
        for text in ["", "EU", "EURO", "eur", "EU1", "É1"] {
            assert_eq!(Currency::parse(text), Err(InvalidCurrency(text.to_owned())), "{text}");
        }
    }
}
