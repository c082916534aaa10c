//! What must hold of the whole ladder, on pictures that are made here. How often it reads is measured by `--bench reading`, not here.

use std::time::Duration;

use image::imageops::{invert, replace, rotate90};
use image::{GrayImage, Luma};
use proptest::prelude::*;
use qrcode::{EcLevel, QrCode, Version};

use crate::{Budget, Look, Means, Reader, Reading};

const TEXT: &str = "CM1:A TICKET OF THE LENGTH THAT TICKETS HAVE, SO THAT ITS CODE IS OF VERSION NINE OR SO, WHICH TAKES A GREAT MANY MORE LETTERS THAN THESE";

/// However long it takes.
fn read(picture: &GrayImage) -> Option<Reading> {
    read_wanted(picture, |_| true)
}

fn read_wanted(picture: &GrayImage, wanted: impl Fn(&str) -> bool) -> Option<Reading> {
    Reader::new().read(picture, wanted, Budget { allowed: Duration::MAX, spent: &|| Duration::ZERO })
}

/// A ticket's code upright, its first module at (40, 40), on white.
fn picture(module: u32) -> GrayImage {
    drawn(&QrCode::with_version(TEXT, Version::Normal(9), EcLevel::M).unwrap(), module)
}

fn drawn(code: &QrCode, module: u32) -> GrayImage {
    let side = u32::try_from(code.width()).unwrap();
    GrayImage::from_fn(side * module + 80, side * module + 80, |x, y| {
        let inside = |at: u32| at.checked_sub(40).map(|at| at / module).filter(|at| *at < side);
        let color = inside(x).zip(inside(y)).map(|(x, y)| code[(x as usize, y as usize)]);
        Luma([color.map_or(220, |color| color.select(40, 220))])
    })
}

/// Moved to the right while it was taken, by this many pixels.
fn moved(picture: &GrayImage, length: u32) -> GrayImage {
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let sum: u32 = (x..x + length).map(|x| u32::from(picture.get_pixel(x.min(picture.width() - 1), y).0[0])).sum();
        Luma([u8::try_from(sum / length).unwrap()])
    })
}

#[test]
fn a_clear_code_is_read_at_the_first_look_and_where_it_is() {
    let reading = read(&picture(6)).unwrap();
    assert_eq!((reading.text.as_str(), reading.rung.to_string().as_str()), (TEXT, "shrunk-2"));
    let far = 40.0 + 53.0 * 6.0;
    for (corner, (x, y)) in reading.corners.iter().zip([(40.0, 40.0), (far, 40.0), (far, far), (40.0, far)]) {
        assert!((corner.x - x).abs() < 6.0 && (corner.y - y).abs() < 6.0, "{corner:?} is not at {x} {y}");
    }
}

#[test]
fn a_code_is_read_turned_inverted_and_large() {
    let upright = picture(4);
    let mut inverted = upright.clone();
    invert(&mut inverted);
    for (picture, expected) in [(rotate90(&upright), false), (inverted, true), (picture(40), false)] {
        let reading = read(&picture).unwrap();
        assert_eq!((reading.text.as_str(), reading.rung.inverted), (TEXT, expected));
    }
}

#[test]
fn what_movement_smeared_over_nearly_two_modules_is_taken_back() {
    let reading = read(&moved(&picture(5), 9)).unwrap();
    assert_eq!((reading.text.as_str(), reading.rung.means), (TEXT, Means::Equalised));
    let far = 40.0 + 53.0 * 5.0;
    let [.., corner, _] = reading.corners;
    assert!((corner.x - far).abs() < 8.0 && (corner.y - far).abs() < 4.0, "{corner:?}");
}

const ADVERT: &str = "HTTPS://EXAMPLE.ORG/BUY";

/// A clear small code beside another picture.
fn beside_an_advert(picture: &GrayImage) -> GrayImage {
    let advert = drawn(&QrCode::with_version(ADVERT, Version::Normal(2), EcLevel::M).unwrap(), 4);
    let (width, height) = (picture.width() + advert.width(), picture.height().max(advert.height()));
    let mut whole = GrayImage::from_pixel(width, height, Luma([220]));
    replace(&mut whole, &advert, 0, 0);
    replace(&mut whole, picture, i64::from(advert.width()), 0);
    whole
}

#[test]
fn another_code_hides_no_ticket_however_it_is_read() {
    let is_ticket = |text: &str| text.starts_with("CM1:");
    for (picture, means) in [(picture(4), Means::Sampled), (moved(&picture(5), 9), Means::Equalised)] {
        let whole = beside_an_advert(&picture);
        assert_eq!(read(&whole).unwrap().text, ADVERT);
        let reading = read_wanted(&whole, is_ticket).unwrap();
        assert_eq!((reading.text.as_str(), reading.rung.means), (TEXT, means));
    }
    let none = beside_an_advert(&GrayImage::from_pixel(300, 300, Luma([220])));
    assert_eq!(read_wanted(&none, is_ticket).unwrap().text, ADVERT);
    assert_eq!(read_wanted(&beside_an_advert(&picture(4)), |_| false).unwrap().text, ADVERT);
}

#[test]
fn a_texture_above_it_hides_no_ticket() {
    // Rings as of finders, larger than the ticket's own, 168 of them.
    let wall = GrayImage::from_fn(1280, 960, |x, y| {
        let ring = (x / 5 % 12).abs_diff(5).max((y / 5 % 12).abs_diff(5));
        Luma([if y < 480 && matches!(ring, 0 | 1 | 3) { 40 } else { 220 }])
    });
    for (ticket, left) in [(picture(4), 100), (picture(4), 900), (moved(&picture(5), 9), 500)] {
        let mut whole = wall.clone();
        replace(&mut whole, &ticket, left, 600);
        assert_eq!(read(&whole).map(|reading| reading.text).as_deref(), Some(TEXT), "{left}");
    }
}

#[test]
fn a_fault_of_our_own_is_not_hidden() {
    let read = std::panic::catch_unwind(|| read_wanted(&picture(6), |text| text.is_empty() || panic!("a fault")));
    assert!(read.is_err());
}

#[test]
fn nothing_begins_when_the_time_is_over() {
    let mut reader = Reader::new();
    let over = Budget { allowed: Duration::ZERO, spent: &|| Duration::ZERO };
    assert_eq!(reader.read(&picture(6), |_| true, over), None);
    let until = |looks: u32| {
        let asked = std::cell::Cell::new(0);
        let spent = || {
            asked.set(asked.get() + 1);
            Duration::from_secs(asked.get())
        };
        let mut reader = Reader::new();
        let budget = Budget { allowed: Duration::from_secs(u64::from(looks)), spent: &spent };
        reader.read(&moved(&picture(5), 9), |_| true, budget)
    };
    assert_eq!(until(2), None);
    assert!(until(1000).is_some());
}

#[test]
fn there_is_nothing_in_a_picture_without_a_code() {
    assert_eq!(read(&GrayImage::new(0, 0)), None);
    assert_eq!(read(&GrayImage::from_pixel(640, 480, Luma([128]))), None);
    assert_eq!(
        read(&GrayImage::from_fn(640, 480, |x, y| Luma([u8::try_from((x * 7 + y * 13 + x * y) % 256).unwrap()]))),
        None
    );
}

#[test]
fn rungs_have_names() {
    let reading = read(&picture(6)).unwrap();
    assert_eq!(reading.rung.look, Look::Shrunk(2));
}

/// A code with pieces of it, or of something else, laid over it.
fn damaged() -> impl Strategy<Value = GrayImage> {
    let patch = (0_u32..300, 0_u32..300, 1_u32..60, 1_u32..60, any::<u8>(), any::<bool>());
    (2_u32..6, proptest::collection::vec(patch, 0..12), 1_u32..9).prop_map(|(module, patches, length)| {
        let mut picture = picture(module);
        for (left, top, width, height, level, copied) in patches {
            for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (left + x, top + y))) {
                let source = picture.get_pixel_checked(x / 2 + 40, y / 2 + 40).copied();
                if let (Some(pixel), Some(source)) = (picture.get_pixel_mut_checked(x, y), source) {
                    *pixel = if copied { source } else { Luma([level]) };
                }
            }
        }
        moved(&picture, length)
    })
}

fn anything() -> impl Strategy<Value = GrayImage> {
    (0_u32..90, 0_u32..90).prop_flat_map(|(width, height)| {
        let size = usize::try_from(width * height).unwrap();
        proptest::collection::vec(prop_oneof![Just(0), Just(255), any::<u8>()], size)
            .prop_map(move |pixels| GrayImage::from_raw(width, height, pixels).unwrap())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_picture_ends_the_input(picture in anything()) {
        read(&picture);
    }

    /// What is read of a code that was damaged is what it said, or nothing.
    #[test]
    fn damage_never_changes_the_text(picture in damaged()) {
        if let Some(reading) = read(&picture) {
            prop_assert_eq!(reading.text, TEXT);
        }
    }
}
