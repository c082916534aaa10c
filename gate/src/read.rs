//! From a picture to text. Owns the bounds on what is decoded, and how long is looked; knows nothing of how a code is found, and
//! nothing of what the text means.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::time::Duration;

use countermark_reading::{Budget, Reader, Reading};
use countermark_shared::ticket::UnverifiedTicket;
use image::{GrayImage, ImageFormat, ImageReader, Limits};

use crate::clock::Clock;

/// A larger file is refused unread.
const MAX_PICTURE_BYTES: u64 = 32 * 1024 * 1024;
/// A larger picture is refused undecoded: twice what a phone's camera gives.
const MAX_PIXELS: u64 = 50_000_000;
/// Four bytes a pixel, and what the decoder needs besides.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;

/// Whether a code's text is for a gate: a ticket or an invitation (`countermark_shared`). Anything else in view, such as an advertisement, is
/// answered only where neither is found in time.
pub(crate) fn is_for_a_gate(text: &str) -> bool {
    ["CM1:", "CME1:"].iter().any(|prefix| text.starts_with(prefix))
}

/// Whether two texts are of one code: of a live ticket that is held, the proof changes.
pub(crate) fn is_one_code(one: &str, other: &str) -> bool {
    let as_sold = |text| UnverifiedTicket::parse(text).ok().map(|ticket| ticket.without_presentation());
    one == other || as_sold(one).is_some_and(|ticket| as_sold(other) == Some(ticket))
}

/// Why a file is no picture to look for a code in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// It cannot be opened or read.
    #[error("cannot read the file: {0}; look whether it is there, and who may read it")]
    File(io::Error),
    /// Too many bytes or pixels.
    #[error("the picture is too large: at most 32 MiB and 50 million pixels are read")]
    TooLarge,
    /// Neither PNG nor JPEG.
    #[error("the file is neither PNG nor JPEG")]
    Format,
    /// A broken one.
    #[error("the picture is damaged")]
    Damaged(#[from] image::ImageError),
}

/// Reads pictures, each for so long.
#[derive(Debug)]
pub(crate) struct PictureReader {
    reader: Reader,
    clock: Clock,
    allowed: Duration,
}

impl PictureReader {
    /// Looks at each picture for as long as is allowed, from when it was begun with.
    pub(crate) fn new(clock: Clock, allowed: Duration) -> Self {
        Self { reader: Reader::new(), clock, allowed }
    }

    /// The QR code in a PNG or JPEG file, if there is one.
    pub(crate) fn read_file(&mut self, file: &Path) -> Result<Option<Reading>, Unreadable> {
        let begin = self.clock.now().uptime;
        Ok(self.read(&read_picture(file)?, begin))
    }

    /// The QR code in a picture, if there is one, which was begun with at that uptime: to make it is a part of what it takes.
    pub(crate) fn read(&mut self, picture: &GrayImage, begin: Duration) -> Option<Reading> {
        let clock = self.clock;
        let spent = || clock.now().uptime.saturating_sub(begin);
        self.reader.read(picture, is_for_a_gate, Budget { allowed: self.allowed, spent: &spent })
    }
}

/// A PNG or JPEG file's grey levels.
pub(crate) fn read_picture(file: &Path) -> Result<GrayImage, Unreadable> {
    decode(&read_bytes(file)?)
}

/// A file's bytes, and too many of one that is refused.
pub(crate) fn read_bytes(file: &Path) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    // One byte too many is enough to refuse it.
    let opened = File::open(file).and_then(|file| file.take(MAX_PICTURE_BYTES + 1).read_to_end(&mut bytes));
    opened.map_err(Unreadable::File)?;
    Ok(bytes)
}

/// The grey levels of what a PNG or JPEG file has in it.
pub(crate) fn decode(bytes: &[u8]) -> Result<GrayImage, Unreadable> {
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_PICTURE_BYTES) {
        return Err(Unreadable::TooLarge);
    }
    let format = image::guess_format(bytes).map_err(|_| Unreadable::Format)?;
    if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg) {
        return Err(Unreadable::Format);
    }
    let (width, height) = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions()?;
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Unreadable::TooLarge);
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    Ok(reader.decode()?.into_luma8())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, qr_picture};
    use countermark_shared::enrolment::EnrolmentCode;
    use countermark_shared::invitation::Invitation;
    use image::imageops::replace;
    use image::{DynamicImage, Luma};

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// The text of the code, however long it takes.
    fn read_code(bytes: &[u8]) -> Result<Option<String>, Unreadable> {
        let reading = PictureReader::new(Clock::start(), Duration::MAX).read(&decode(bytes)?, Duration::ZERO);
        Ok(reading.map(|reading| reading.text))
    }

    /// Turned about its centre, by the nearest pixel, on white.
    fn turned(picture: &GrayImage, degrees: f32) -> GrayImage {
        let (sine, cosine) = degrees.to_radians().sin_cos();
        let width = picture.width() * 3 / 2;
        #[expect(clippy::cast_precision_loss, reason = "a picture of a thousand pixels")]
        let (centre, half) = (width as f32 / 2.0, picture.width() as f32 / 2.0);
        #[expect(clippy::cast_precision_loss, reason = "a picture of a thousand pixels")]
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "negative ones lie outside")]
        GrayImage::from_fn(width, width, |x, y| {
            let (x, y) = (x as f32 - centre, y as f32 - centre);
            let (x, y) = (cosine * x + sine * y + half, cosine * y - sine * x + half);
            if x < 0.0 || y < 0.0 {
                return Luma([255]);
            }
            picture.get_pixel_checked(x as u32, y as u32).copied().unwrap_or(Luma([255]))
        })
    }

    #[test]
    fn a_ticket_is_read_from_png_and_jpeg_at_any_angle() {
        let text = samples::ticket().to_text();
        let upright = image::load_from_memory(&qr_picture(&text)).unwrap().into_luma8();
        for degrees in [0.0, 15.0, 90.0, 200.0] {
            let picture = DynamicImage::ImageLuma8(turned(&upright, degrees));
            for format in [ImageFormat::Png, ImageFormat::Jpeg] {
                let read = read_code(&encoded(&picture, format)).unwrap();
                assert_eq!(read.as_deref(), Some(text.as_str()), "{degrees}° {format:?}");
            }
        }
    }

    #[test]
    fn the_longest_ticket_is_read() {
        let (_, shown) = samples::shown_ticket(42, samples::DOORS);
        let text = shown.to_text();
        assert_eq!(text.len(), 510);
        assert_eq!(read_code(&qr_picture(&text)).unwrap(), Some(text));
    }

    #[test]
    fn a_ticket_is_read_beside_another_code() {
        let text = samples::ticket().to_text();
        let grey = |text: &str| image::load_from_memory(&qr_picture(text)).unwrap().into_luma8();
        let (advert, ticket) = (grey("HTTPS://EXAMPLE.ORG"), grey(&text));
        let (left, right) = (i64::from(advert.width()), advert.width() + ticket.width());
        let mut both = GrayImage::from_pixel(right, advert.height().max(ticket.height()), Luma([255]));
        replace(&mut both, &advert, 0, 0);
        replace(&mut both, &ticket, left, 0);
        assert_eq!(read_code(&encoded(&DynamicImage::ImageLuma8(both), ImageFormat::Png)).unwrap(), Some(text));
    }

    #[test]
    fn what_is_for_a_gate_is_known_by_its_prefix() {
        let code = EnrolmentCode::new([7; 16], samples::bundle().root_fingerprint());
        let invitation = Invitation::new("https://gates.example.org", code).unwrap();
        assert!(is_for_a_gate(&samples::ticket().to_text()) && is_for_a_gate(&invitation.to_string()));
        assert!(!is_for_a_gate("HTTPS://EXAMPLE.ORG"));
    }

    #[test]
    fn a_picture_without_a_code_says_nothing() {
        let blank = DynamicImage::ImageLuma8(GrayImage::from_pixel(300, 200, Luma([200])));
        assert_eq!(read_code(&encoded(&blank, ImageFormat::Png)).unwrap(), None);
    }

    #[test]
    fn what_is_too_large_or_no_picture_is_refused() {
        assert!(matches!(read_code(b"GIF89a"), Err(Unreadable::Format)));
        assert!(matches!(read_code(b""), Err(Unreadable::Format)));
        let truncated = &qr_picture("x")[..60];
        assert!(matches!(read_code(truncated), Err(Unreadable::Damaged(_))));

        let long = vec![0; usize::try_from(MAX_PICTURE_BYTES).unwrap() + 1];
        assert!(matches!(read_code(&long), Err(Unreadable::TooLarge)));
        // A header is enough to claim pixels.
        let mut bomb = encoded(&DynamicImage::new_luma8(1, 1), ImageFormat::Png);
        bomb[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
        assert!(read_code(&bomb).is_err());
    }
}
