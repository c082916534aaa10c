//! Pictures of codes: as a printer makes them, and as a phone takes them.

use std::io::Cursor;

use anyhow::Result;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, imageops};
use qrcode::QrCode;

const PIXELS_PER_MODULE: u32 = 6;

/// A QR code of a text, as PNG.
pub fn code(text: &str) -> Result<Vec<u8>> {
    let side = PIXELS_PER_MODULE;
    let picture = QrCode::new(text)?.render::<Luma<u8>>().module_dimensions(side, side).build();
    encode(&picture.into(), ImageFormat::Png)
}

/// A photograph of a picture: turned, off centre, on a grey table, and with JPEG's losses.
pub fn photograph(png: &[u8]) -> Result<Vec<u8>> {
    let code = image::load_from_memory_with_format(png, ImageFormat::Png)?.rotate90().into_luma8();
    let (width, height) = code.dimensions();
    let mut table =
        GrayImage::from_fn(width * 2, height * 2, |x, y| Luma([u8::try_from((x + y) % 64).unwrap_or(0) + 100]));
    imageops::overlay(&mut table, &code, i64::from(width / 3), i64::from(height / 2));
    encode(&table.into(), ImageFormat::Jpeg)
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format)?;
    Ok(bytes.into_inner())
}
