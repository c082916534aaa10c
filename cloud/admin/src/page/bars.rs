//! Entries and exits as bars, a pair for each quarter of an hour from the first to the last. Numbers in, numbers out: what is drawn is the
//! template's.

use countermark_service::contract::QuarterHour;
use countermark_shared::time::Timestamp;

use super::sentences::instant;

/// The height of the tallest bar, and the width of a quarter of an hour.
const HEIGHT: u64 = 120;
const WIDTH: u64 = 14;

/// Three days: more quarters than that are not told apart on a screen, and the last are shown.
const MOST: i64 = 288;

const QUARTER: i64 = 15 * 60;

/// A drawing of so many units.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Drawing {
    pub(super) width: u64,
    pub(super) height: u64,
    /// Persons that the tallest bar stands for.
    pub(super) most: u64,
    pub(super) bars: Vec<Pair>,
    pub(super) from: String,
    pub(super) to: String,
}

/// A quarter's two bars, from the bottom up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) x: u64,
    pub(super) entered: u64,
    pub(super) entered_y: u64,
    pub(super) entered_height: u64,
    pub(super) left: u64,
    pub(super) left_x: u64,
    pub(super) left_y: u64,
    pub(super) left_height: u64,
    pub(super) at: String,
}

/// The bars of those quarters; nothing where nobody passed. A gate's clock may say what it likes: what it dates after `now`, or days
/// before the rest, does not push the evening off the page.
pub(super) fn draw(quarters: &[QuarterHour], now: Timestamp) -> Option<Drawing> {
    let number = |at: Timestamp| at.unix_seconds().div_euclid(QUARTER);
    let past = || quarters.iter().filter(|quarter| quarter.from <= now);
    let last = past().map(|quarter| number(quarter.from)).max()?;
    let first = past().map(|quarter| number(quarter.from)).filter(|quarter| *quarter > last - MOST).min()?;
    let shown = || past().filter(|quarter| number(quarter.from) >= first);
    let most = shown().map(|quarter| quarter.entered.max(quarter.left)).max()?.max(1);
    let height = |persons: u64| (persons * HEIGHT).div_ceil(most);
    let bars = shown().map(|quarter| {
        let x = (number(quarter.from) - first).unsigned_abs() * WIDTH;
        let (entered_height, left_height) = (height(quarter.entered), height(quarter.left));
        Pair {
            x,
            entered: quarter.entered,
            entered_y: HEIGHT - entered_height,
            entered_height,
            left: quarter.left,
            left_x: x + WIDTH / 2,
            left_y: HEIGHT - left_height,
            left_height,
            at: instant(quarter.from),
        }
    });
    let at = |number: i64| instant(Timestamp::from_unix_seconds(number * QUARTER));
    Some(Drawing {
        width: ((last - first).unsigned_abs() + 1) * WIDTH,
        height: HEIGHT,
        most,
        bars: bars.collect(),
        from: at(first),
        to: at(last + 1),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quarter(number: i64, entered: u64, left: u64) -> QuarterHour {
        QuarterHour { from: Timestamp::from_unix_seconds(1_800_000_000 + number * QUARTER), entered, left }
    }

    #[test]
    fn bars_stand_where_their_quarter_is_and_as_high_as_their_count() {
        let now = Timestamp::from_unix_seconds(1_800_000_000 + 4 * QUARTER);
        assert_eq!(draw(&[], now), None);
        let drawing = draw(&[quarter(0, 60, 0), quarter(3, 1, 30)], now).unwrap();
        assert_eq!((drawing.width, drawing.height, drawing.most), (4 * WIDTH, HEIGHT, 60));
        let bars: Vec<_> = drawing.bars.iter().map(|bar| (bar.x, bar.entered_height, bar.left_height)).collect();
        assert_eq!(bars, [(0, HEIGHT, 0), (3 * WIDTH, 2, 60)]);
        assert_eq!(
            (drawing.from.as_str(), drawing.to.as_str()),
            ("2027-01-15 08:00:00 UTC", "2027-01-15 09:00:00 UTC")
        );
        let wrong = [quarter(-1_999_000, 500, 0), quarter(0, 60, 0), quarter(3, 1, 30), quarter(5000, 700, 0)];
        assert_eq!(draw(&wrong, now).unwrap(), drawing);
    }
}
