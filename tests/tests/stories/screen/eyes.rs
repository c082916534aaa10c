//! Whether everybody can tell the verdicts apart: contrast by the pixels that are seen, with Chromium's simulations of eyes that see colours otherwise.

use std::collections::HashMap;

use anyhow::{Result, bail};
use countermark_shared::verdict::Severity;
use image::{Rgb, RgbImage};

use super::browser::Browser;

/// WCAG 2.2, 1.4.3 (AA): of any text; 1.4.6 (AAA): of large text.
const CONTRAST: f64 = 4.5;
/// Of the pixels, how many at least are light in one look and dark in the other, whatever their colours are.
const DIFFERENT: f64 = 0.05;

/// What is around a look and behind it, but for its colours.
const FRAME: &str = "const { borderWidth, borderStyle, borderImageSource, backgroundImage } = getComputedStyle(document.querySelector('.inner'));
return [borderWidth, borderStyle, borderImageSource, backgroundImage];";

/// Each look has its contrast and a frame of its own, and is another picture in light and dark alone.
pub(crate) async fn tell_them_apart(browser: &Browser, copies: &[(Severity, String)]) -> Result<()> {
    let mut frames = Vec::new();
    for eyes in ["none", "achromatopsia", "deuteranopia", "protanopia", "tritanopia"] {
        let mut seen: Vec<(Severity, RgbImage)> = Vec::new();
        for (look, copy) in copies {
            browser.freeze(copy).await?;
            browser.eyes(eyes).await?;
            let picture = browser.picture(&format!("{look}-{eyes}")).await?;
            let shades = shades(&picture);
            let Some(field) = field(&shades) else { bail!("there is no picture of {look}") };
            if eyes == "none" {
                is_of_its_colour(*look, field);
                let frame: [String; 4] = browser.ask(FRAME).await?;
                assert!(!frames.contains(&frame), "the frame of {look} is another look's: {frame:?}");
                frames.push(frame);
            }
            let contrast = contrast(&shades, field);
            assert!(contrast >= CONTRAST, "{look} with {eyes}: {contrast}");
            for (other, before) in &seen {
                let share = different(&picture, before);
                assert!(share >= DIFFERENT, "{look} and {other} with {eyes}: {share}");
            }
            seen.push((*look, picture));
        }
    }
    browser.eyes("none").await
}

/// Green lets in and red does not, whatever else tells them apart.
fn is_of_its_colour(look: Severity, Rgb([red, green, blue]): Rgb<u8>) {
    let is_right = match look {
        Severity::Admit | Severity::Attention => green > red.max(blue),
        Severity::Staff => red.min(green) > blue,
        Severity::Refuse => red > green.max(blue),
        // Striped in red and black.
        Severity::Fraud => red >= green.max(blue),
    };
    assert!(is_right, "{look} is of the colour {red}, {green}, {blue}");
}

/// How many pixels of the middle of a picture have each shade.
fn shades(picture: &RgbImage) -> HashMap<Rgb<u8>, u32> {
    let (width, height) = picture.dimensions();
    let mut shades = HashMap::<Rgb<u8>, u32>::new();
    for (x, y, pixel) in picture.enumerate_pixels() {
        if (width / 10..width * 9 / 10).contains(&x) && (height / 4..height * 3 / 4).contains(&y) {
            *shades.entry(*pixel).or_default() += 1;
        }
    }
    shades
}

/// The commonest of them.
fn field(shades: &HashMap<Rgb<u8>, u32>) -> Option<Rgb<u8>> {
    shades.iter().max_by_key(|(_, count)| **count).map(|(shade, _)| *shade)
}

/// Of the field, and of what stands out most of what is no mere edge: a hundredth at least.
fn contrast(shades: &HashMap<Rgb<u8>, u32>, field: Rgb<u8>) -> f64 {
    let all: u32 = shades.values().sum();
    let against = |ink: &Rgb<u8>| {
        let (one, other) = (luminance(field), luminance(*ink));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    };
    let inks = shades.iter().filter(|(_, count)| **count * 100 >= all).map(|(ink, _)| against(ink));
    inks.fold(1.0, f64::max)
}

/// Which share of two pictures is light in one and dark in the other: nearer to white or to black by contrast.
fn different(one: &RgbImage, other: &RgbImage) -> f64 {
    let light = |pixel: &Rgb<u8>| luminance(*pixel) > 0.179;
    let differ = one.pixels().zip(other.pixels()).filter(|(one, other)| light(one) != light(other)).count();
    f64::from(u32::try_from(differ).unwrap_or(u32::MAX)) / f64::from(one.width() * one.height())
}

/// Relative luminance (WCAG 2.2, definitions).
fn luminance(Rgb(channels): Rgb<u8>) -> f64 {
    let linear = |channel: u8| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue] = channels.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}
