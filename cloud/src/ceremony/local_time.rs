//! Local times of an event document's draft, made into instants. Owns the time zone: nothing behind the signature knows of one.
//!
//! A draft that names a `time_zone` may give `from` and `until` of products and of moved windows as local times without an offset, and a
//! `nightly_reset` as a time of day. Whoever signs sees what became of them in the signed document.

use countermark_shared::time::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

/// The bound of an event document's resets.
const MAX_NIGHTS: usize = 400;

/// Why a draft's local times are no instants.
#[derive(Debug, thiserror::Error)]
pub(super) enum LocalTimeError {
    /// No zone of that name is known.
    #[error("`time_zone`: `{zone}` is no IANA time zone, such as Europe/Paris")]
    Zone {
        /// What was read.
        zone: String,
    },
    /// A reset without a zone, or something else than text where a time belongs.
    #[error("`{key}` {why}")]
    Key {
        /// The member.
        key: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Clocks jumped over it, or showed it twice.
    #[error("`{key}`: {local} {why} in {zone}; write the instant meant with its offset, such as {example}")]
    Changing {
        /// The member.
        key: String,
        /// The local time.
        local: DateTime,
        /// Which of the two.
        why: &'static str,
        /// Where.
        zone: String,
        /// One of the instants that may be meant.
        example: String,
    },
}

/// The draft with instants in place of its local times, and without what only drafts have.
pub(super) fn resolve(mut draft: Value) -> Result<Value, LocalTimeError> {
    let Some(document) = draft.as_object_mut() else { return Ok(draft) };
    let (zone, reset) = (document.remove("time_zone"), document.remove("nightly_reset"));
    let Some(zone) = zone else {
        return match reset {
            None => Ok(draft),
            Some(_) => Err(wrong("nightly_reset", "needs a `time_zone` beside it")),
        };
    };
    let zone = Zone::named(text("time_zone", &zone)?)?;
    for (index, product) in document.get_mut("products").and_then(Value::as_array_mut).into_iter().flatten().enumerate()
    {
        let key = format!("products[{index}]");
        zone.resolve_window(&key, product)?;
        if let Some(moved) = product.get_mut("moved") {
            zone.resolve_window(&format!("{key}.moved"), moved)?;
        }
    }
    if let Some(reset) = reset {
        if document.contains_key("resets") {
            return Err(wrong("nightly_reset", "and `resets` exclude each other"));
        }
        let reset: Time = text("nightly_reset", &reset)?
            .parse()
            .map_err(|_| wrong("nightly_reset", "is a local time of day, such as 04:00"))?;
        let resets = zone.nights(document, reset)?;
        document.insert("resets".to_owned(), resets);
    }
    Ok(draft)
}

struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    fn named(name: &str) -> Result<Self, LocalTimeError> {
        let zone = TimeZone::get(name).map_err(|_| LocalTimeError::Zone { zone: name.to_owned() })?;
        Ok(Self { name: name.to_owned(), zone })
    }

    fn resolve_window(&self, key: &str, window: &mut Value) -> Result<(), LocalTimeError> {
        for end in ["from", "until"] {
            // What is no local time is an instant already, or an error that reading the document tells of.
            let Some(value) = window.get_mut(end) else { continue };
            let Some(local) = value.as_str().filter(|text| text.parse::<Timestamp>().is_err()) else { continue };
            let Ok(local) = local.parse::<DateTime>() else { continue };
            *value = Value::String(self.instant(&format!("{key}.{end}"), local)?.to_string());
        }
        Ok(())
    }

    /// The one instant at which clocks there show this.
    fn instant(&self, key: &str, local: DateTime) -> Result<jiff::Timestamp, LocalTimeError> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let why = match ambiguous.offset() {
            jiff::tz::AmbiguousOffset::Unambiguous { .. } => "lies outside the years that are known",
            jiff::tz::AmbiguousOffset::Gap { .. } => "never happens",
            jiff::tz::AmbiguousOffset::Fold { .. } => "happens twice",
        };
        ambiguous.unambiguous().map_err(|_| LocalTimeError::Changing {
            key: key.to_owned(),
            local,
            why,
            zone: self.name.clone(),
            example: ambiguous.compatible().map(|instant| instant.to_string()).unwrap_or_default(),
        })
    }

    /// The resets of every night within the products' windows, as sold and as moved.
    fn nights(&self, document: &Map<String, Value>, reset: Time) -> Result<Value, LocalTimeError> {
        let products = document.get("products").and_then(Value::as_array).into_iter().flatten();
        let windows = products.flat_map(|product| [Some(product), product.get("moved")].into_iter().flatten());
        let instants: Vec<jiff::Timestamp> = windows
            .flat_map(|window| ["from", "until"].map(|end| window.get(end).and_then(Value::as_str)))
            .flatten()
            .filter_map(|instant| instant.parse().ok())
            .collect();
        let (Some(first), Some(last)) = (instants.iter().min().copied(), instants.iter().max().copied()) else {
            return Err(wrong("nightly_reset", "needs products with windows"));
        };
        let day = |instant: jiff::Timestamp| -> Date { self.zone.to_datetime(instant).date() };
        let mut resets = Vec::new();
        for date in day(first).series(jiff::Span::new().days(1)).take_while(|date| *date <= day(last)) {
            let instant = self.instant("nightly_reset", date.to_datetime(reset))?;
            if first < instant && instant < last {
                resets.push(Value::String(instant.to_string()));
            }
            if resets.len() > MAX_NIGHTS {
                return Err(wrong("nightly_reset", "makes more than 400 resets: the windows are too long"));
            }
        }
        Ok(Value::Array(resets))
    }
}

fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str, LocalTimeError> {
    value.as_str().ok_or_else(|| wrong(key, "is text"))
}

fn wrong(key: &str, why: &'static str) -> LocalTimeError {
    LocalTimeError::Key { key: key.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn draft(zone: &str, from: &str, until: &str) -> Value {
        json!({ "time_zone": zone, "products": [{ "from": from, "until": until }] })
    }

    fn window(zone: &str, from: &str, until: &str) -> Result<[String; 2], String> {
        let resolved = resolve(draft(zone, from, until)).map_err(|error| error.to_string())?;
        assert!(resolved.get("time_zone").is_none());
        let product = &resolved["products"][0];
        Ok([&product["from"], &product["until"]].map(|instant| instant.as_str().unwrap().to_owned()))
    }

    #[test]
    fn each_side_of_a_change_has_its_own_offset() {
        for (zone, from, until, expected) in [
            ("Europe/Paris", "2026-03-28T20:00", "2026-03-29T20:00", ["2026-03-28T19:00:00Z", "2026-03-29T18:00:00Z"]),
            ("Europe/Paris", "2026-10-24T20:00", "2026-10-25T20:00", ["2026-10-24T18:00:00Z", "2026-10-25T19:00:00Z"]),
            (
                "America/New_York",
                "2026-03-07T20:00",
                "2026-03-08T20:00",
                ["2026-03-08T01:00:00Z", "2026-03-09T00:00:00Z"],
            ),
            (
                "America/New_York",
                "2026-10-31T20:00",
                "2026-11-01T20:00",
                ["2026-11-01T00:00:00Z", "2026-11-02T01:00:00Z"],
            ),
        ] {
            assert_eq!(window(zone, from, until).unwrap(), expected, "{zone}");
        }
    }

    #[test]
    fn a_time_that_never_happens_or_happens_twice_is_an_error_that_says_so() {
        let never = window("Europe/Paris", "2026-03-29T02:30", "2026-03-29T20:00").unwrap_err();
        assert!(never.contains("products[0].from") && never.contains("never happens in Europe/Paris"), "{never}");
        let twice = window("America/New_York", "2026-10-31T20:00", "2026-11-01T01:30").unwrap_err();
        assert!(twice.contains("products[0].until") && twice.contains("happens twice"), "{twice}");
        // Both sides of the gap, and one of the two that were meant.
        assert!(window("Europe/Paris", "2026-03-29T01:59:59", "2026-03-29T03:00").is_ok());
        let meant = window("America/New_York", "2026-10-31T20:00", "2026-11-01T01:30:00-05:00").unwrap();
        assert_eq!(meant[1], "2026-11-01T01:30:00-05:00");
    }

    #[test]
    fn nights_are_reset_at_the_same_time_of_day_across_a_change() {
        let mut festival = draft("Europe/Paris", "2026-03-27T18:00", "2026-03-30T02:00");
        festival["nightly_reset"] = json!("04:00");
        festival["products"][0]["moved"] = json!({ "from": "2026-03-27T18:00", "until": "2026-03-30T05:00" });
        let resolved = resolve(festival).unwrap();
        assert_eq!(resolved["resets"], json!(["2026-03-28T03:00:00Z", "2026-03-29T02:00:00Z", "2026-03-30T02:00:00Z"]));
        assert_eq!(resolved["products"][0]["moved"]["until"], "2026-03-30T03:00:00Z");
    }

    #[test]
    fn a_reset_that_some_night_does_not_have_is_refused() {
        let mut festival = draft("Europe/Paris", "2026-03-27T18:00", "2026-03-30T02:00");
        festival["nightly_reset"] = json!("02:30");
        assert!(resolve(festival).unwrap_err().to_string().contains("never happens"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(resolve(draft("Mars/Olympus", "x", "y")).unwrap_err().to_string().contains("Mars/Olympus"));
        let without_zone = json!({ "nightly_reset": "04:00", "products": [] });
        assert!(resolve(without_zone).unwrap_err().to_string().contains("`nightly_reset` needs a `time_zone`"));
        let both = json!({ "time_zone": "Europe/Paris", "nightly_reset": "04:00", "resets": [], "products": [] });
        assert!(resolve(both).unwrap_err().to_string().contains("exclude"));
        let mut noon = draft("Europe/Paris", "2026-03-27T18:00", "2026-03-30T02:00");
        noon["nightly_reset"] = json!("noon");
        assert!(resolve(noon).unwrap_err().to_string().contains("04:00"));
    }

    #[test]
    fn a_document_without_a_zone_is_left_as_it_is() {
        let document = json!({ "products": [{ "from": "2026-03-27T18:00" }], "resets": [] });
        assert_eq!(resolve(document.clone()).unwrap(), document);
    }
}
