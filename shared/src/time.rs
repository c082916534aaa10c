//! The one type of time. Owns the unit (milliseconds since the Unix epoch, UTC) and its text form; refuses to know what time it is.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// An instant: milliseconds since 1970-01-01T00:00:00Z, at most the end of the year 9999, so that every instant has an RFC 3339
/// text. Construction and arithmetic saturate at both ends; reading refuses what lies outside.
///
/// As text (JSON) it is RFC 3339 in UTC, in documents it is the integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(into = "String", try_from = "String")]
#[schema(value_type = String, format = DateTime, example = "2026-11-22T19:00:00Z")]
pub struct Timestamp(i64);

/// 9999-12-31T23:59:59.999Z.
const LATEST: i64 = 253_402_300_799_999;

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_unix_millis(milliseconds: i64) -> Self {
        match milliseconds {
            ..0 => Self(0),
            0..=LATEST => Self(milliseconds),
            _ => Self(LATEST),
        }
    }

    /// From whole seconds since the Unix epoch.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self::from_unix_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn unix_seconds(self) -> i64 {
        self.0 / 1000
    }

    /// How long ago `earlier` was; nothing when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self::from_unix_millis(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self::from_unix_millis(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(value: OffsetDateTime) -> Self {
        Self::from_unix_millis(i64::try_from(value.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX))
    }
}

impl From<Timestamp> for OffsetDateTime {
    fn from(value: Timestamp) -> Self {
        Self::UNIX_EPOCH + Duration::from_millis(value.0.unsigned_abs())
    }
}

impl<C> Encode<C> for Timestamp {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.i64(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Timestamp {
    fn decode(decoder: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let position = decoder.position();
        match decoder.i64()? {
            milliseconds @ 0..=LATEST => Ok(Self(milliseconds)),
            _ => Err(minicbor::decode::Error::message("an instant lies between 1970 and 9999").at(position)),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from(*self).format(&Rfc3339).map_err(|_| fmt::Error)?;
        formatter.write_str(&text)
    }
}

/// Text that is no RFC 3339 instant.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no RFC 3339 instant, such as 2026-11-22T19:00:00Z")]
pub struct InvalidTimestamp {
    /// What was read.
    pub text: String,
    #[source]
    source: time::error::Parse,
}

impl core::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        OffsetDateTime::parse(text, &Rfc3339)
            .map(Self::from)
            .map_err(|source| InvalidTimestamp { text: text.to_owned(), source })
    }
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, InvalidTimestamp> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_the_millisecond() {
        let instant = Timestamp::from_unix_millis(1_795_374_000_123);
        assert_eq!(instant.to_string(), "2026-11-22T19:00:00.123Z");
        assert_eq!(instant.to_string().parse::<Timestamp>().unwrap(), instant);
        assert_eq!((instant.unix_millis(), instant.unix_seconds()), (1_795_374_000_123, 1_795_374_000));
    }

    #[test]
    fn the_far_ends_do_not_panic() {
        for end in [i64::MIN, i64::MAX] {
            let instant = Timestamp::from_unix_millis(end);
            assert_eq!(instant.to_string().parse::<Timestamp>().unwrap(), instant);
            assert_eq!(instant + Duration::MAX, Timestamp(LATEST));
            assert_eq!(instant - Duration::MAX, Timestamp(0));
            assert_eq!(Timestamp::from(OffsetDateTime::from(instant)), instant);
        }
    }

    #[test]
    fn since_never_runs_backwards() {
        let early = Timestamp::from_unix_seconds(10);
        let late = Timestamp::from_unix_seconds(12);
        assert_eq!(late.since(early), Duration::from_secs(2));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
