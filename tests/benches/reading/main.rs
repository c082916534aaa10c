//! How often and how fast codes are read: `cargo bench -p countermark-tests --bench reading` prints lines `figure NAME VALUE UNIT`.
//!
//! The ladder beside single decoders, on generated frames with fixed seeds; `LEVEL_by_NAME` is how many frames of a level a decoder or a
//! rung of the ladder read, and `easy_mjpeg_to_text` is by elapsed time where all else is the thread's. A text that the code does not say ends the benchmark. `-- --pictures FOLDER` writes one frame of each level
//! instead, `-- --quick` takes a tenth of the frames, `-- --try NAME` measures something that was left out.

mod frames;
mod tries;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use countermark_reading::{Budget, Reader, Reading, motion_jpeg};
use countermark_shared::id::{EventId, Generation, ProductId, SealingGeneration, Slot, Zones};
use countermark_shared::keys::SigningKey;
use countermark_shared::sealing::{EventSecret, SealedText};
use countermark_shared::ticket::{Live, TicketBody, UnverifiedTicket, Validity};
use countermark_shared::time::Timestamp;
use image::GrayImage;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use nix::time::{ClockId, clock_gettime};
use qrcode::{EcLevel, QrCode, Version};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rxing::common::HybridBinarizer;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{BinaryBitmap, DecodeHints, Luma8Source, Reader as _};
use zeroize::Zeroizing;

use frames::{FAR, HEIGHT, LEVELS, Level, Pose, Surface, WIDTH, frame};
use tries::Try;

/// Frames of each level.
const FRAMES: u64 = 300;
/// Frames of each kind of ticket, surface and level.
const TICKETS: u64 = 40;
/// Codes that are held, and frames of each.
const HELD: (u64, u32) = (40, 10);
/// What a frame may cost: as much as a camera's picture does at a gate.
const PATIENCE: Duration = Duration::from_millis(150);

#[derive(Parser)]
struct Arguments {
    /// Write one frame of each level here, and measure nothing.
    #[arg(long)]
    pictures: Option<PathBuf>,
    /// A tenth of the frames.
    #[arg(long)]
    quick: bool,
    /// Measure this beside the ladder, and nothing else.
    #[arg(long = "try", value_name = "NAME")]
    tried: Vec<Try>,
    /// At this level alone.
    #[arg(long, requires = "tried")]
    level: Option<String>,
    /// What cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(folder) = arguments.pictures {
        for level in &LEVELS {
            let frame = Frame::of_bytes(level, 0)?;
            frame.picture.save(folder.join(format!("{}.png", level.name)))?;
        }
        return Ok(());
    }
    let part = if arguments.quick { 10 } else { 1 };
    if !arguments.tried.is_empty() {
        let levels = LEVELS.iter().chain([&FAR]);
        let chosen = |level: &&Level| arguments.level.as_deref().is_none_or(|name| name == level.name);
        return levels.filter(chosen).try_for_each(|level| tries::measure(&arguments.tried, level, part));
    }
    levels(FRAMES / part)?;
    compressed(FRAMES / part)?;
    tickets(TICKETS / part)?;
    held(HELD.0 / part)
}

/// Prints a figure.
fn figure(name: &str, value: f64, unit: &str) {
    #[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
    {
        println!("figure {name} {value:.3} {unit}");
    }
}

/// A frame, and what each reader makes of the same code drawn clearly.
struct Frame {
    picture: GrayImage,
    text: String,
    bytes: Vec<u8>,
}

impl Frame {
    /// The codes of the comparison in which the decoders were chosen: version 10-M, 200 random bytes.
    fn of_bytes(level: &Level, seed: u64) -> anyhow::Result<Self> {
        let mut random = StdRng::seed_from_u64(seed);
        let bytes: Vec<u8> = (0..200).map(|_| random.random()).collect();
        let code = QrCode::with_version(&bytes, Version::Normal(10), EcLevel::M)?;
        Self::of(&code, level, Surface::Paper, &mut random)
    }

    fn of(code: &QrCode, level: &Level, surface: Surface, random: &mut StdRng) -> anyhow::Result<Self> {
        let pose = Pose::draw(level, modules(code), random);
        let (text, bytes) = said(code)?;
        Ok(Self { picture: frame(code, level, surface, pose, random), text, bytes })
    }
}

/// What a code says, drawn as clearly as can be: rxing tells text, rqrr bytes, whose encoding is not its business.
fn said(code: &QrCode) -> anyhow::Result<(String, Vec<u8>)> {
    let drawn = code.render::<image::Luma<u8>>().module_dimensions(4, 4).build();
    rxing_reads(&drawn, true).zip(rqrr_reads(&drawn)).ok_or_else(|| anyhow::anyhow!("a clear code was not read"))
}

#[expect(clippy::cast_precision_loss, reason = "at most 177")]
fn modules(code: &QrCode) -> f32 {
    code.width() as f32
}

/// A way to read.
#[derive(Clone, Copy)]
enum Decoder {
    Rxing,
    /// As the ladder's first looks use it.
    RxingWithoutTryHarder,
    Rqrr,
    Ladder,
}

impl Decoder {
    const ALL: [Self; 4] = [Self::Rxing, Self::RxingWithoutTryHarder, Self::Rqrr, Self::Ladder];

    fn name(self) -> &'static str {
        match self {
            Self::Rxing => "rxing",
            Self::RxingWithoutTryHarder => "rxing_without_try_harder",
            Self::Rqrr => "rqrr",
            Self::Ladder => "ladder",
        }
    }

    /// By what it reads what the code says: its name, or its rung's. What the code does not say is an error.
    fn reads(self, frame: &Frame) -> anyhow::Result<Option<String>> {
        let named = |right| (right, self.name().to_owned());
        let read = match self {
            Self::Rxing => rxing_reads(&frame.picture, true).map(|text| named(text == frame.text)),
            Self::RxingWithoutTryHarder => rxing_reads(&frame.picture, false).map(|text| named(text == frame.text)),
            Self::Rqrr => rqrr_reads(&frame.picture).map(|bytes| named(bytes == frame.bytes)),
            Self::Ladder => ladder_reads(&mut Reader::new(), &frame.picture)
                .map(|reading| (reading.text == frame.text, reading.rung.to_string())),
        };
        let Some((right, by)) = read else { return Ok(None) };
        anyhow::ensure!(right, "{} read what is not there", self.name());
        Ok(Some(by))
    }
}

fn rxing_reads(picture: &GrayImage, try_harder: bool) -> Option<String> {
    let source = Luma8Source::new(picture.as_raw().clone(), picture.width(), picture.height()).ok()?;
    let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    let hints = DecodeHints { TryHarder: Some(try_harder), ..DecodeHints::default() };
    QrReader.decode_with_hints(&mut bitmap, &hints).ok().map(|code| code.getText().to_owned())
}

fn rqrr_reads(picture: &GrayImage) -> Option<Vec<u8>> {
    let size = (picture.width() as usize, picture.height() as usize);
    let level = |x: usize, y: usize| picture.as_raw().get(y * size.0 + x).copied().unwrap_or_default();
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(size.0, size.1, level);
    prepared.detect_grids().iter().find_map(|grid| {
        let mut bytes = Vec::new();
        grid.decode_to(&mut bytes).is_ok().then_some(bytes)
    })
}

fn ladder_reads(reader: &mut Reader, picture: &GrayImage) -> Option<Reading> {
    let begin = computed();
    reader.read(picture, |_| true, Budget { allowed: PATIENCE, spent: &|| computed().saturating_sub(begin) })
}

/// For how long this thread has computed: what else the machine has to do takes none of that. Nothing where the kernel does not tell, and then
/// every figure says so.
fn computed() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// Times of many frames, and those of them that were read.
#[derive(Default)]
struct Tally {
    times: Vec<Duration>,
    /// How many were read by what.
    read: BTreeMap<String, u32>,
}

impl Tally {
    fn take(&mut self, work: impl FnOnce() -> anyhow::Result<Option<String>>) -> anyhow::Result<bool> {
        let begin = computed();
        let read = work()?;
        self.times.push(computed().saturating_sub(begin));
        let is_read = read.is_some();
        if let Some(by) = read {
            *self.read.entry(by).or_default() += 1;
        }
        Ok(is_read)
    }

    fn count(&self) -> f64 {
        f64::from(self.read.values().sum::<u32>())
    }

    fn rate(&self) -> f64 {
        100.0 * self.count() / frames(&self.times)
    }

    fn print(&mut self, name: &str) {
        figure(&format!("{name}_read"), self.rate(), "%");
        let mean = self.times.iter().sum::<Duration>().as_secs_f64() * 1e3 / frames(&self.times);
        figure(&format!("{name}_mean"), mean, "ms");
        self.times.sort_unstable();
        for (part, percent) in [("p50", 50), ("p99", 99)] {
            let time = self.times.get(self.times.len() * percent / 100).copied().unwrap_or_default();
            figure(&format!("{name}_{part}"), time.as_secs_f64() * 1e3, "ms");
        }
    }
}

fn frames<T>(of: &[T]) -> f64 {
    f64::from(u32::try_from(of.len()).unwrap_or(u32::MAX)).max(1.0)
}

/// Each decoder in its turn on each frame of the comparison.
fn levels(count: u64) -> anyhow::Result<()> {
    for level in &LEVELS {
        let mut tallies = Decoder::ALL.map(|decoder| (decoder, Tally::default()));
        for seed in 0..count {
            let frame = Frame::of_bytes(level, seed)?;
            for (decoder, tally) in &mut tallies {
                tally.take(|| decoder.reads(&frame))?;
            }
        }
        for (decoder, tally) in &mut tallies {
            tally.print(&format!("{}_{}", level.name, decoder.name()));
            for (by, count) in &tally.read {
                figure(&format!("{}_by_{by}", level.name), f64::from(*count), "frames");
            }
        }
    }
    Ok(())
}

/// What a frame of the easy level costs where the camera compresses it, as cheap ones do: from its bytes, by the function that the gate makes
/// the picture with, to the text. By elapsed time, which is what somebody waits.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures; nothing depends on what it reads")]
fn compressed(count: u64) -> anyhow::Result<()> {
    let [easy, ..] = &LEVELS;
    let mut tally = Tally::default();
    for seed in 0..count {
        let frame = Frame::of_bytes(easy, seed)?;
        let jpeg = as_a_camera_gives(&frame.picture, &mut StdRng::seed_from_u64(seed))?;
        let begin = Instant::now();
        let reading = motion_jpeg(&jpeg, (WIDTH, HEIGHT)).and_then(|picture| {
            Reader::new().read(&picture, |_| true, Budget { allowed: PATIENCE, spent: &|| begin.elapsed() })
        });
        tally.times.push(begin.elapsed());
        if let Some(reading) = reading {
            anyhow::ensure!(reading.text == frame.text, "the ladder read what is not there");
            *tally.read.entry(reading.rung.to_string()).or_default() += 1;
        }
    }
    tally.print("easy_mjpeg_to_text");
    Ok(())
}

/// A frame as Motion-JPEG: half as many colours across as grey levels, as USB cameras give, and the noise of a sensor in them.
fn as_a_camera_gives(picture: &GrayImage, random: &mut StdRng) -> anyhow::Result<Vec<u8>> {
    let mut noise = || random.random_range(124..=132);
    let pixels: Vec<u8> = picture.as_raw().iter().flat_map(|level| [*level, noise(), noise()]).collect();
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 85);
    encoder.set_sampling_factor(SamplingFactor::F_2_1);
    encoder.encode(&pixels, u16::try_from(WIDTH)?, u16::try_from(HEIGHT)?, ColorType::Ycbcr)?;
    Ok(jpeg)
}

/// What a ticket's code holds beside the body, and how its errors are corrected.
struct Kind {
    name: &'static str,
    live: bool,
    sealed: bool,
    level: EcLevel,
}

/// As the ticket service draws them: the largest is a version 12 only at the lower level.
const KINDS: [Kind; 4] = [
    Kind { name: "static", live: false, sealed: false, level: EcLevel::M },
    Kind { name: "sealed", live: false, sealed: true, level: EcLevel::M },
    Kind { name: "live_shown", live: true, sealed: false, level: EcLevel::M },
    Kind { name: "live_sealed_shown", live: true, sealed: true, level: EcLevel::L },
];

/// Tickets in their real versions, on paper and on a screen.
fn tickets(count: u64) -> anyhow::Result<()> {
    for kind in &KINDS {
        for (place, surface) in [("paper", Surface::Paper), ("screen", Surface::Screen)] {
            for level in &LEVELS {
                let mut tallies = Decoder::ALL.map(|decoder| (decoder, Tally::default()));
                for seed in 0..count {
                    let mut random = StdRng::seed_from_u64(1_000_000 + seed);
                    let code = QrCode::with_error_correction_level(&ticket(random.random(), kind)?, kind.level)?;
                    let frame = Frame::of(&code, level, surface, &mut random)?;
                    for (decoder, tally) in &mut tallies {
                        tally.take(|| decoder.reads(&frame))?;
                    }
                }
                for (decoder, tally) in &mut tallies {
                    tally.print(&format!("{}_on_{place}_{}_{}", kind.name, level.name, decoder.name()));
                }
            }
        }
    }
    Ok(())
}

/// A ticket's text.
fn ticket(slot: u32, kind: &Kind) -> anyhow::Result<String> {
    let key = |seed: u8| SigningKey::from_seed(&Zeroizing::new([seed; 32]));
    let doors = Timestamp::from_unix_seconds(1_800_000_000);
    let until = Timestamp::from_unix_seconds(1_800_036_000);
    let event = EventId(7);
    let mut body = TicketBody {
        issuing_key: key(2).verifying_key().id(),
        authority_key: key(3).verifying_key().id(),
        event,
        slot: Slot(slot),
        generation: Generation(1),
        places: std::num::NonZeroU8::MIN,
        entries: 1,
        product: ProductId(1),
        zones: Zones(1),
        validity: Validity::between(doors, until).ok_or_else(|| anyhow::anyhow!("an empty window"))?,
        live: kind.live.then(|| Live { window: std::num::NonZeroU8::MAX, holder: key(4).verifying_key() }),
        sealed: None,
    };
    if kind.sealed {
        let secret = EventSecret::new(event, SealingGeneration(1), Zeroizing::new([5; 32]));
        body = secret.seal(&body, &SealedText::new("Ada Lovelace", "Row 3, 14")?, false)?;
    }
    let (issuer, authority) = (body.issue(&key(2)), body.authorise(&key(3)));
    let ticket = UnverifiedTicket::new(body, issuer, authority);
    let ticket = if kind.live { ticket.clone().shown(ticket.body().present(&key(4), doors)?)? } else { ticket };
    Ok(ticket.to_text())
}

/// How many frames it takes until a code that is held is read.
fn held(codes: u64) -> anyhow::Result<()> {
    for level in LEVELS.iter().skip(2).chain([&FAR]) {
        let mut until = Vec::new();
        for seed in 0..codes {
            let mut random = StdRng::seed_from_u64(2_000_000 + seed);
            let bytes: Vec<u8> = (0..200).map(|_| random.random()).collect();
            let code = QrCode::with_version(&bytes, Version::Normal(10), EcLevel::M)?;
            let mut pose = Pose::draw(level, modules(&code), &mut random);
            let mut reader = Reader::new();
            let (text, _) = said(&code)?;
            let mut within = None;
            for shown in 1..=HELD.1 {
                pose = pose.moved(&mut random);
                let picture = frame(&code, level, Surface::Paper, pose, &mut random);
                if let Some(reading) = ladder_reads(&mut reader, &picture) {
                    anyhow::ensure!(reading.text == text, "the ladder read what is not there");
                    within = Some(shown);
                    break;
                }
            }
            until.push(within);
        }
        for most in [1, 3, HELD.1] {
            let read = until.iter().flatten().filter(|frames| **frames <= most).count();
            let rate = 100.0 * f64::from(u32::try_from(read)?) / frames(&until);
            figure(&format!("held_{}_within_{most}_frames", level.name), rate, "%");
        }
    }
    Ok(())
}
