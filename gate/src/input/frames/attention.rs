//! When it pays to look for a code: not after minutes in which nothing moved, and from the first picture in which something does. Pure.
//!
//! A box that looks at an empty table all night stays cool, and its disk, its fan and its power supply last longer. What it needs for that is a
//! picture now and then, since what somebody holds there is another thing than the empty table for as long as it is held: of a camera that
//! gives ten pictures a second each one, so that it wakes in the first, and of a faster one hardly more.

use std::time::Duration;

use image::GrayImage;

/// Without movement for so long, it rests.
const RESTS_AFTER: Duration = Duration::from_mins(3);
/// While it rests, what comes sooner after a picture than this is not needed: less than a tenth of a second, since no camera is quite even.
const GLANCES_EVERY: Duration = Duration::from_millis(75);
/// What is compared: so many places across and down, each a mean.
const COLUMNS: u32 = 32;
const ROWS: u32 = 18;
/// Pixels a side of which a place's mean is taken: enough that a sensor's noise does not move it.
const PATCH: u32 = 8;
/// Grey levels by which a place must differ from the picture's own change of light.
const DIFFERS: i32 = 12;
/// So many places: one is a fly.
const PLACES: usize = 3;

/// What was seen when something last moved, and, while it rests, when it last looked.
#[derive(Default)]
pub(super) struct Attention {
    seen: Option<(Vec<i32>, Duration)>,
    glanced: Option<Duration>,
}

impl Attention {
    /// Whether to make the picture of some uptime at all.
    pub(super) fn needs(&self, at: Duration) -> bool {
        self.glanced.is_none_or(|glanced| at.saturating_sub(glanced) >= GLANCES_EVERY)
    }

    /// Whether to look for a code in a picture that was there at some uptime.
    pub(super) fn pays(&mut self, picture: &GrayImage, at: Duration) -> bool {
        let places = places(picture);
        let pays = match &self.seen {
            Some((before, since)) if !moved(before, &places) => at.saturating_sub(*since) < RESTS_AFTER,
            Some(_) | None => {
                self.seen = Some((places, at));
                true
            }
        };
        self.glanced = Some(at).filter(|_| !pays);
        pays
    }
}

fn places(picture: &GrayImage) -> Vec<i32> {
    let (width, height) = picture.dimensions();
    let place = |row: u32, column: u32| {
        let (left, top) = (column * width / COLUMNS, row * height / ROWS);
        let pixels = (0..PATCH).flat_map(|y| (0..PATCH).map(move |x| (left + x, top + y)));
        let (sum, count) = pixels
            .filter_map(|(x, y)| picture.get_pixel_checked(x, y))
            .fold((0, 0), |(sum, count), pixel| (sum + i32::from(pixel.0[0]), count + 1));
        sum / count.max(1)
    };
    (0..ROWS)
        .flat_map(|row| (0..COLUMNS).map(move |column| (row, column)))
        .map(|(row, column)| place(row, column))
        .collect()
}

/// Whether more changed than the light, which changes everywhere.
fn moved(before: &[i32], now: &[i32]) -> bool {
    let mut changes: Vec<i32> = before.iter().zip(now).map(|(before, now)| now - before).collect();
    changes.sort_unstable();
    let light = changes.get(changes.len() / 2).copied().unwrap_or_default();
    before.len() != now.len() || changes.iter().filter(|change| (**change - light).abs() > DIFFERS).count() >= PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Luma;

    fn table(light: u8) -> GrayImage {
        GrayImage::from_fn(640, 360, |x, y| Luma([light + u8::try_from((x * 7 + y * 13) % 5).unwrap()]))
    }

    fn with_a_phone(mut picture: GrayImage) -> GrayImage {
        for (x, y) in (200..300).flat_map(|x| (100..250).map(move |y| (x, y))) {
            picture.put_pixel(x, y, Luma([240]));
        }
        picture
    }

    #[test]
    fn it_rests_after_minutes_of_nothing_and_wakes_at_the_first_picture_of_something() {
        let mut attention = Attention::default();
        assert!(attention.pays(&table(100), Duration::ZERO));
        assert!(attention.pays(&table(100), RESTS_AFTER.saturating_sub(Duration::from_millis(1))));
        assert!(!attention.pays(&table(100), RESTS_AFTER));
        let later = RESTS_AFTER * 100;
        assert!(!attention.pays(&table(100), later));
        assert!(attention.pays(&with_a_phone(table(100)), later));
        assert!(
            attention.pays(&with_a_phone(table(100)), later + RESTS_AFTER / 2),
            "a phone that is held is looked at"
        );
    }

    #[test]
    fn a_cloud_before_the_sun_is_no_movement() {
        let mut attention = Attention::default();
        assert!(attention.pays(&table(100), Duration::ZERO));
        assert!(!attention.pays(&table(140), RESTS_AFTER));
        assert!(attention.pays(&with_a_phone(table(140)), RESTS_AFTER));
    }

    #[test]
    fn a_picture_may_be_smaller_than_what_is_compared() {
        let mut attention = Attention::default();
        assert!(attention.pays(&GrayImage::new(1, 1), Duration::ZERO));
        assert!(attention.pays(&GrayImage::new(0, 0), Duration::ZERO));
        assert!(attention.pays(&with_a_phone(table(100)), RESTS_AFTER));
    }
}
