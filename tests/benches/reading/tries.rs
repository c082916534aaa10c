//! What was tried beside the ladder, so that anybody can try it again: `-- --try NAME`. Owns what each is; `gate/reading/README.md` says what
//! became of it.

use clap::ValueEnum;
use countermark_reading::{Point, Reader, Reading};
use image::imageops::{FilterType, crop_imm, resize, unsharpen};
use image::{GrayImage, Luma};
use qrcode::{EcLevel, QrCode, Version};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::frames::{Level, Pose, Surface, frame};
use super::{FRAMES, Frame, HELD, Tally, figure, ladder_reads, modules, rqrr_reads, said};

/// Something that was tried.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Try {
    /// The ladder on grey levels between the darkest and the lightest hundredth of the picture.
    Stretched,
    /// The ladder on grey levels between the darkest and the lightest of the blocks about them.
    StretchedLocally,
    /// The ladder on the picture and what a blur takes from it.
    Sharpened,
    /// The ladder on twice as many pixels each way.
    Enlarged,
    /// rqrr where the ladder ends.
    Rqrr,
    /// The ladder on what lies about the last hit, and on the whole frame where it finds nothing there.
    Region,
}

impl Try {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().replace('-', "_")).unwrap_or_default()
    }

    /// What it reads in a frame.
    fn reads(self, frame: &Frame) -> anyhow::Result<bool> {
        let ladder =
            |picture: &GrayImage| ladder_reads(&mut Reader::new(), picture).map(|read| read.text == frame.text);
        let right = match self {
            Self::Stretched => ladder(&stretched(&frame.picture)),
            Self::StretchedLocally => ladder(&stretched_locally(&frame.picture)),
            Self::Sharpened => ladder(&unsharpen(&frame.picture, 1.0, 0)),
            Self::Enlarged => {
                let (width, height) = frame.picture.dimensions();
                ladder(&resize(&frame.picture, 2 * width, 2 * height, FilterType::CatmullRom))
            }
            Self::Rqrr => rqrr_reads(&frame.picture).map(|bytes| bytes == frame.bytes),
            // Before a single frame there is no hit.
            Self::Region => ladder(&frame.picture),
        };
        anyhow::ensure!(right != Some(false), "{} read what is not there", self.name());
        Ok(right.is_some())
    }
}

/// Prints what each gains, over one part of so many of the frames.
pub(crate) fn measure(tried: &[Try], level: &Level, parts: u64) -> anyhow::Result<()> {
    let beside: Vec<_> = tried.iter().copied().filter(|tried| *tried != Try::Region).collect();
    if beside.len() < tried.len() {
        region(level, HELD.0 / parts)?;
    }
    if beside.is_empty() { Ok(()) } else { ladder_and(&beside, level, FRAMES / parts) }
}

/// What something reads of the frames that the ladder reads too, and of the others.
#[derive(Default)]
struct Beside {
    all: Tally,
    more: Tally,
    fewer: u32,
}

/// Each in its turn on each frame of the comparison: what one reads that the other does not.
fn ladder_and(tried: &[Try], level: &Level, count: u64) -> anyhow::Result<()> {
    let mut ladder = Tally::default();
    let mut others: Vec<_> = tried.iter().map(|tried| (tried, Beside::default())).collect();
    for seed in 0..count {
        let frame = Frame::of_bytes(level, seed)?;
        let is_read = ladder.take(|| Ok(ladder_reads(&mut Reader::new(), &frame.picture).map(|_| String::new())))?;
        for (tried, Beside { all, more, fewer }) in &mut others {
            let reads = || Ok(tried.reads(&frame)?.then(String::new));
            if is_read {
                *fewer += u32::from(!all.take(reads)?);
            } else {
                more.take(reads)?;
            }
        }
    }
    ladder.print(&format!("{}_ladder", level.name));
    for (tried, Beside { all, more, fewer }) in &mut others {
        let name = format!("{}_{}", level.name, tried.name());
        figure(&format!("{name}_fewer"), f64::from(*fewer), "frames");
        all.print(&format!("{name}_where_the_ladder_reads"));
        figure(&format!("{name}_more"), more.count(), "frames");
        more.print(&format!("{name}_where_it_does_not"));
    }
    Ok(())
}

/// Frames of held codes, with and without a look at where the last one was.
fn region(level: &Level, codes: u64) -> anyhow::Result<()> {
    let (mut ladder, mut other) = (Tally::default(), Tally::default());
    let mut by_region = 0;
    for seed in 0..codes {
        let mut random = StdRng::seed_from_u64(2_000_000 + seed);
        let bytes: Vec<u8> = (0..200).map(|_| random.random()).collect();
        let code = QrCode::with_version(&bytes, Version::Normal(10), EcLevel::M)?;
        let (text, _) = said(&code)?;
        let mut pose = Pose::draw(level, modules(&code), &mut random);
        let mut last = None;
        for _ in 0..HELD.1 {
            pose = pose.moved(&mut random);
            let picture = frame(&code, level, Surface::Paper, pose, &mut random);
            let found = |reading: Option<&Reading>| {
                let right = reading.map(|reading| reading.text == text);
                anyhow::ensure!(right != Some(false), "the ladder read what is not there");
                Ok(right.map(|_| String::new()))
            };
            ladder.take(|| found(ladder_reads(&mut Reader::new(), &picture).as_ref()))?;
            let mut hit = None;
            other.take(|| {
                let near = last.and_then(|corners| about(&picture, corners));
                by_region += u32::from(near.is_some());
                hit = near.or_else(|| ladder_reads(&mut Reader::new(), &picture));
                found(hit.as_ref())
            })?;
            last = hit.map(|hit| hit.corners).or(last);
        }
    }
    ladder.print(&format!("{}_ladder", level.name));
    other.print(&format!("{}_region", level.name));
    figure(&format!("{}_by_region", level.name), f64::from(by_region), "frames");
    Ok(())
}

/// What is read where a code was, and a third of its size about that.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what lies before the first is the first")]
#[expect(clippy::cast_precision_loss, reason = "no larger than a picture")]
fn about(picture: &GrayImage, corners: [Point; 4]) -> Option<Reading> {
    let span = |of: fn(&Point) -> f32| {
        let (least, most) =
            corners.iter().map(of).fold((f32::MAX, f32::MIN), |(least, most), at| (least.min(at), most.max(at)));
        let margin = (most - least) / 3.0;
        ((least - margin) as u32, (most - least + 2.0 * margin) as u32)
    };
    let ((left, width), (top, height)) = (span(|corner| corner.x), span(|corner| corner.y));
    let region = crop_imm(picture, left, top, width, height).to_image();
    let mut reading = ladder_reads(&mut Reader::new(), &region)?;
    let (left, top) = (left.min(picture.width()) as f32, top.min(picture.height()) as f32);
    for corner in &mut reading.corners {
        *corner = Point { x: corner.x + left, y: corner.y + top };
    }
    Some(reading)
}

/// So that the darkest hundredth is black and the lightest white.
fn stretched(picture: &GrayImage) -> GrayImage {
    let mut levels = picture.as_raw().clone();
    levels.sort_unstable();
    let at = |part: usize| levels.get(levels.len().saturating_sub(1) * part / 100).copied().unwrap_or_default();
    let (dark, light) = (at(1), at(99));
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        Luma([between(picture.get_pixel(x, y).0[0], dark, light)])
    })
}

/// So that of the blocks about each pixel the darkest level is black and the lightest white.
fn stretched_locally(picture: &GrayImage) -> GrayImage {
    /// Pixels a side of a block: a few modules.
    const BLOCK: u32 = 16;
    let (across, down) = (picture.width().div_ceil(BLOCK), picture.height().div_ceil(BLOCK));
    let range = |column: u32, row: u32, reach: u32| {
        let (left, top) = (column.saturating_sub(reach) * BLOCK, row.saturating_sub(reach) * BLOCK);
        let (right, end) = ((column + reach + 1) * BLOCK, (row + reach + 1) * BLOCK);
        let pixels =
            (top..end.min(picture.height())).flat_map(|y| (left..right.min(picture.width())).map(move |x| (x, y)));
        pixels
            .map(|(x, y)| picture.get_pixel(x, y).0[0])
            .fold((u8::MAX, 0), |(dark, light), level| (dark.min(level), light.max(level)))
    };
    let ranges: Vec<_> = (0..down)
        .flat_map(|row| (0..across).map(move |column| (column, row)))
        .map(|(column, row)| range(column, row, 1))
        .collect();
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let (dark, light) = ranges.get((y / BLOCK * across + x / BLOCK) as usize).copied().unwrap_or((0, u8::MAX));
        Luma([between(picture.get_pixel(x, y).0[0], dark, light)])
    })
}

fn between(level: u8, dark: u8, light: u8) -> u8 {
    let wide = u32::from(light.saturating_sub(dark)).max(1);
    u8::try_from(u32::from(level.saturating_sub(dark)) * 255 / wide).unwrap_or(u8::MAX)
}
