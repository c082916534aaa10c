//! A ticket as a QR code. Owns the picture; refuses to know what the text says.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, Luma};
use qrcode::{EcLevel, QrCode};

/// Pixels to a module's side: a version 9 code is 488 pixels wide, quiet zone included, sharp on any phone.
const MODULE_PIXELS: u32 = 8;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodeError {
    /// The text does not fit a code.
    #[error("the text does not fit a QR code")]
    Code(#[from] qrcode::types::QrError),
    /// The picture cannot be written.
    #[error("the picture cannot be encoded")]
    Picture(#[from] image::ImageError),
}

/// The code of a ticket's text as PNG: level M, alphanumeric mode, four modules of quiet zone (ISO/IEC 18004, 6.3.8).
pub(crate) fn code_png(text: &str) -> Result<Vec<u8>, CodeError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)?;
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

#[cfg(test)]
mod tests {
    use qrcode::Version;

    use super::*;

    #[test]
    fn a_static_ticket_is_a_version_9_code_at_most() {
        let text = format!("CM1:{}", "A1".repeat(122)) + "Z";
        assert_eq!(text.len(), 249);
        let code = QrCode::with_error_correction_level(&text, EcLevel::M).unwrap();
        assert_eq!(code.version(), Version::Normal(9));
    }

    #[test]
    fn the_picture_reads_back() {
        let text = format!("CM1:{}", "7%".repeat(122));
        let picture = image::load_from_memory(&code_png(&text).unwrap()).unwrap().into_luma8();
        let (width, height) = picture.dimensions();
        let read = rxing::helpers::detect_in_luma(picture.into_raw(), width, height, None).unwrap();
        assert_eq!(read.getText(), text);
    }
}
