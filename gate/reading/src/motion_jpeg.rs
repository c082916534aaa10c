//! From the bytes of a camera that compresses to the grey levels that a code is looked for in. Knows no camera, and no colour: brightness is
//! what such a picture consists of first, and the rest is not made.

use image::GrayImage;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::guard::guarded;

const START: &[u8] = &[0xFF, 0xD8];
const OF_AVI: &[u8] = b"\xFF\xE0\x00\x10AVI1\0\0\0\0\0\0\0\0\0\0";

/// The brightness of a Motion-JPEG picture of that width and height; nothing where it is damaged, or of another size. Bytes after its end are
/// not looked at.
pub fn motion_jpeg(bytes: &[u8], (width, height): (u32, u32)) -> Option<GrayImage> {
    // A picture is read by the standard's own Huffman tables where it has none. Cameras may leave those out (USB Device Class Definition for
    // Video Devices, Motion-JPEG payload 1.1), and many do; the decoder knows them, and takes them for what says that it is of an AVI file.
    let whole = [START, OF_AVI, bytes.strip_prefix(START)?].concat();
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::Luma).set_strict_mode(false);
    let levels = guarded(|| {
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(whole.as_slice()), options);
        decoder.decode_headers().ok()?;
        let (across, down) = decoder.dimensions()?;
        let is_expected = u32::try_from(across) == Ok(width) && u32::try_from(down) == Ok(height);
        if is_expected { decoder.decode().ok() } else { None }
    })?;
    GrayImage::from_raw(width, height, levels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

    const SIZE: (u32, u32) = (72, 40);

    fn level(x: u32, y: u32) -> u8 {
        if (x / 12 + y / 10).is_multiple_of(2) { 30 } else { 220 }
    }

    /// A chequered picture, as bright as `level` says and coloured besides.
    fn encoded(sampling: SamplingFactor) -> Vec<u8> {
        let (width, height) = SIZE;
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let colours = places.flat_map(|(x, y)| [level(x, y), if x < width / 2 { 90 } else { 160 }, 140]);
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, 90);
        encoder.set_sampling_factor(sampling);
        let [width, height] = [width, height].map(|length| u16::try_from(length).unwrap());
        encoder.encode(&colours.collect::<Vec<_>>(), width, height, ColorType::Ycbcr).unwrap();
        bytes
    }

    #[test]
    fn brightness_is_there_however_coarse_the_colours_are() {
        for sampling in [SamplingFactor::F_1_1, SamplingFactor::F_2_1, SamplingFactor::F_1_2, SamplingFactor::F_2_2] {
            let picture = motion_jpeg(&encoded(sampling), SIZE).unwrap();
            for (x, y, seen) in picture.enumerate_pixels() {
                assert!(seen.0[0].abs_diff(level(x, y)) < 45, "{sampling:?} {x} {y}: {seen:?}");
            }
        }
    }

    #[test]
    fn a_picture_may_come_without_the_tables_that_everybody_has() {
        let whole = encoded(SamplingFactor::F_2_1);
        let mut bare = whole.clone();
        while let Some(at) = bare.windows(2).position(|marker| marker == [0xFF, 0xC4]) {
            let length = u16::from_be_bytes([bare[at + 2], bare[at + 3]]);
            bare.drain(at..at + 2 + usize::from(length));
        }
        assert!(bare.len() < whole.len());
        // The rest of the driver's buffer is another picture's.
        bare.extend([0xFF, 0xD8, 7, 7]);
        assert!(motion_jpeg(&bare, SIZE).is_some());
        assert_eq!(motion_jpeg(&bare, SIZE), motion_jpeg(&whole, SIZE));
    }

    #[test]
    fn what_is_damaged_or_of_another_size_is_no_picture() {
        let whole = encoded(SamplingFactor::F_2_1);
        assert!(motion_jpeg(&whole, (SIZE.1, SIZE.0)).is_none());
        assert!(motion_jpeg(&whole[..200], SIZE).is_none());
        assert!(motion_jpeg(&whole[1..], SIZE).is_none());
        assert!(motion_jpeg(&[], SIZE).is_none());
    }
}
