//! A ticket as a QR code. Owns the picture; refuses to know what the text says.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, Luma};
use qrcode::types::QrError;
use qrcode::{EcLevel, QrCode};

/// Pixels to a module's side: a version 9 code is 488 pixels wide, quiet zone included, sharp on any phone; a version 12 code 584.
const MODULE_PIXELS: u32 = 8;

/// Characters that a version 12 code holds at level M (ISO/IEC 18004, table 7). Only a live, sealed ticket that is shown has more; at
/// level L it is as large a code as the others.
const MAX_LENGTH_AT_LEVEL_M: usize = 419;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    /// The text does not fit a code.
    #[error("the text does not fit a QR code")]
    Code(#[from] QrError),
    /// The picture cannot be written.
    #[error("the picture cannot be encoded")]
    Picture(#[from] image::ImageError),
}

/// The code of a ticket's text as PNG: alphanumeric mode, four modules of quiet zone (ISO/IEC 18004, 6.3.8).
pub(crate) fn code_png(text: &str) -> Result<Vec<u8>, CodeError> {
    let code = code(text)?;
    let picture = code.render::<Luma<u8>>().module_dimensions(MODULE_PIXELS, MODULE_PIXELS).quiet_zone(true).build();
    let mut png = Vec::new();
    PngEncoder::new(&mut png).write_image(
        picture.as_raw(),
        picture.width(),
        picture.height(),
        ExtendedColorType::L8,
    )?;
    Ok(png)
}

fn code(text: &str) -> Result<QrCode, QrError> {
    QrCode::with_error_correction_level(text, if text.len() <= MAX_LENGTH_AT_LEVEL_M { EcLevel::M } else { EcLevel::L })
}

#[cfg(test)]
mod tests {
    use qrcode::Version;

    use super::*;

    /// A text of so many characters that spares the encoder nothing: no run of digits, all of the alphanumeric set.
    fn text(characters: usize) -> String {
        "CM1:".chars().chain("7%A$Z K+".chars().cycle()).take(characters).collect()
    }

    /// Each profile's characters, from the table in the specification of tickets.
    #[test]
    fn no_ticket_is_a_larger_code_than_its_profile_allows() {
        for (profile, characters, version) in [
            ("static", 249, 9),
            ("sealed", 358, 11),
            ("live", 298, 10),
            ("live, shown", 400, 12),
            ("live and sealed", 408, 12),
            ("live and sealed, shown", 510, 12),
        ] {
            assert_eq!(code(&text(characters)).unwrap().version(), Version::Normal(version), "{profile}");
        }
    }

    #[test]
    fn the_picture_reads_back() {
        for characters in [249, 419, 420, 510] {
            let text = text(characters);
            let picture = image::load_from_memory(&code_png(&text).unwrap()).unwrap().into_luma8();
            let (width, height) = picture.dimensions();
            let read = rxing::helpers::detect_in_luma(picture.into_raw(), width, height, None).unwrap();
            assert_eq!(read.getText(), text);
        }
    }
}
