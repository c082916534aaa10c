//! Since when a camera has one code in sight. Owns what losing sight of it means; knows neither pictures nor what a code is worth. Pure.
//!
//! By what was looked at, not by the clock alone: a box that is busy looks seldom, and whoever holds a telephone still before it is not out
//! of sight in between.

use std::time::Duration;

use crate::read::is_one_code;

/// After so long in which pictures were looked at and did not show it, a code that was held before a camera is shown anew. Longer than a
/// hand's tremor, shorter than handing over to the next person.
pub(crate) const OUT_OF_SIGHT: Duration = Duration::from_secs(1);

/// The code that was seen last. It has no `Debug`: the text may be anybody's private code.
#[derive(Default)]
pub(super) struct Sight(Option<Code>);

struct Code {
    text: String,
    since: Duration,
    /// The first picture since then that did not show it.
    missed: Option<Duration>,
}

impl Sight {
    /// A picture that was there at some uptime shows a code: since when is that in sight?
    pub(super) fn shows(&mut self, text: &str, at: Duration) -> Duration {
        let is_in_sight = |code: &&Code| {
            let lost = code.missed.is_some_and(|missed| at.saturating_sub(missed) >= OUT_OF_SIGHT);
            !lost && is_one_code(&code.text, text)
        };
        let since = self.0.as_ref().filter(is_in_sight).map_or(at, |code| code.since);
        self.0 = Some(Code { text: text.to_owned(), since, missed: None });
        since
    }

    /// A picture that was there at some uptime shows none.
    pub(super) fn misses(&mut self, at: Duration) {
        if let Some(code) = &mut self.0 {
            code.missed.get_or_insert(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, DOORS};

    /// Since when what each picture shows, or nothing, is in sight.
    fn since(pictures: &[(u64, Option<&str>)]) -> Vec<u64> {
        let mut sight = Sight::default();
        let look = |(at, text): &(u64, Option<&str>)| {
            let at = Duration::from_millis(*at);
            let Some(text) = text else {
                sight.misses(at);
                return None;
            };
            u64::try_from(sight.shows(text, at).as_millis()).ok()
        };
        pictures.iter().filter_map(look).collect()
    }

    #[test]
    fn a_code_is_in_sight_for_as_long_as_every_picture_shows_it_however_few_there_are() {
        assert_eq!(since(&[(0, Some("a")), (100, Some("a")), (3000, Some("a")), (60_000, Some("a"))]), [0, 0, 0, 0]);
    }

    #[test]
    fn it_is_lost_after_a_second_of_pictures_without_it() {
        let trembles = [(0, Some("a")), (1500, None), (1600, None), (2499, Some("a")), (2600, None), (3599, Some("a"))];
        assert_eq!(since(&trembles), [0, 0, 0]);
        assert_eq!(since(&[(0, Some("a")), (100, None), (1000, None), (1100, Some("a"))]), [0, 1100]);
    }

    #[test]
    fn another_code_takes_its_place() {
        assert_eq!(since(&[(0, Some("a")), (100, Some("b")), (200, Some("b")), (300, Some("a"))]), [0, 100, 100, 300]);
    }

    #[test]
    fn a_live_ticket_is_one_code_whatever_proof_it_shows() {
        let (ticket, shown) = samples::shown_ticket(42, DOORS);
        let (_, later) = samples::shown_ticket(42, DOORS + Duration::from_secs(9));
        let (_, another) = samples::shown_ticket(43, DOORS);
        let texts = [ticket.to_text(), shown.to_text(), later.to_text(), another.to_text()];
        let [bare, shown, later, another] = texts.each_ref().map(|text| Some(text.as_str()));
        assert!(shown != later);
        assert_eq!(since(&[(0, shown), (1, later), (2, bare), (3, another)]), [0, 0, 0, 3]);
    }
}
