//! From payload to durable verdict, beside what the disk itself takes: a bare append of 4 KiB and `fdatasync`, in turns, on one disk.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use countermark_gate::rehearsal::Gate;
use countermark_reading::{Budget, Reader};
use countermark_shared::id::LaneId;
use image::GrayImage;
use qrcode::{EcLevel, QrCode};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::frames::{LEVELS, Pose, Surface, frame};
use crate::measure::{Times, figure, milliseconds, timed};
use crate::world::{Event, LANES};

/// What a frame may cost.
const PATIENCE: Duration = Duration::from_millis(150);

/// Each round is a page, one ticket at one lane, and one at each of four lanes at once.
pub(crate) fn verdicts(folder: &Path, event: &Event, rounds: u32) -> Result<()> {
    let mut gate = event.gate(folder)?;
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("bare"))?;
    let (mut page, mut one, mut four) = (Times::default(), Times::default(), Times::default());
    let mut slots = 0_u32..;
    let mut texts =
        |count: u8| -> Vec<_> { slots.by_ref().take(count.into()).map(|slot| event.tickets.text(slot)).collect() };
    for round in 0..rounds {
        let (single, several) = (texts(1), texts(LANES));
        page.add(append(&mut file)?);
        one.add(admitted(&mut gate, event, round, &single)?);
        page.add(append(&mut file)?);
        four.add(admitted(&mut gate, event, round, &several)?);
    }
    for (name, times) in [("page", &mut page), ("verdict", &mut one), ("four_verdicts", &mut four)] {
        figure(&format!("{name}_p50"), milliseconds(times.quantile(0.5)), "ms");
        figure(&format!("{name}_p99"), milliseconds(times.quantile(0.99)), "ms");
    }
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let ratio = one.quantile(share).as_secs_f64() / page.quantile(share).as_secs_f64();
        figure(&format!("verdict_to_page_{name}"), ratio, "ratio");
        let ratio = four.quantile(share).as_secs_f64() / one.quantile(share).as_secs_f64();
        figure(&format!("four_lanes_to_one_{name}"), ratio, "ratio");
    }
    Ok(())
}

/// From an easy frame to the durable verdict.
pub(crate) fn pictures(folder: &Path, event: &Event, rounds: u32) -> Result<()> {
    let mut gate = event.gate(folder)?;
    let mut reader = Reader::default();
    let mut times = Times::default();
    let mut random = StdRng::seed_from_u64(7);
    for round in 0..rounds {
        let picture = easy_picture(&event.tickets.text(round), &mut random)?;
        let (read, text) = timed(|| read(&mut reader, &picture));
        times.add(read + admitted(&mut gate, event, round, &[text?])?);
    }
    figure("picture_to_verdict_p50", milliseconds(times.quantile(0.5)), "ms");
    figure("picture_to_verdict_p99", milliseconds(times.quantile(0.99)), "ms");
    Ok(())
}

/// A frame of the easy level with that text.
pub(crate) fn easy_picture(text: &str, random: &mut StdRng) -> Result<GrayImage> {
    let (easy, code) = (&LEVELS[0], QrCode::with_error_correction_level(text, EcLevel::M)?);
    let modules = f32::from(u16::try_from(code.width())?);
    let pose = Pose::draw(easy, modules, random);
    Ok(frame(&code, easy, Surface::Screen, pose, random))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures; nothing depends on what it reads")]
fn read(reader: &mut Reader, picture: &GrayImage) -> Result<String> {
    let begin = Instant::now();
    let reading = reader.read(picture, |_| true, Budget { allowed: PATIENCE, spent: &|| begin.elapsed() });
    Ok(reading.context("an easy frame was not read")?.text)
}

fn append(file: &mut File) -> Result<Duration> {
    let (time, outcome) = timed(|| file.write_all(&[0x5a; 4096]).and_then(|()| file.sync_data()));
    outcome?;
    Ok(time)
}

fn admitted(gate: &mut Gate, event: &Event, round: u32, texts: &[String]) -> Result<Duration> {
    let now = event.moment(Duration::from_secs(round.into()));
    let shown: Vec<_> = (1..).map(LaneId).zip(texts.iter().map(String::as_str)).collect();
    let (time, said) = timed(|| gate.scan(&shown, now));
    ensure!(said.len() == texts.len() && said.iter().all(|ruled| ruled.opens), "not admitted: {said:?}");
    Ok(time)
}
