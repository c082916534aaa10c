use super::*;
use crate::clock::Clock;
use crate::config::Config;
use crate::devices::{Cause, Device, DeviceKind, Devices, Post, Trouble};
use crate::input::Source;
use crate::input::frames::camera;
use crate::ledger::Work;
use crate::samples::{self, qr_picture};
use countermark_shared::id::LaneId;
use image::{GrayImage, imageops};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc as std_mpsc};
use tokio::sync::{mpsc, watch};

struct Bench {
    sightings: Sightings,
    frames: Newest,
    work: mpsc::Receiver<Work>,
    devices: watch::Sender<Devices>,
}

impl Bench {
    fn on_clip(folder: &Path) -> Self {
        let text = format!("[[camera]]\nname = \"porch\"\nlane = 2\nclip = {folder:?}\n");
        let [config] = Config::of_text("gate.toml", text).unwrap().cameras.try_into().unwrap();
        let (ledger, work) = mpsc::channel(1);
        let devices = watch::Sender::default();
        let post = Post::new(Device::named(DeviceKind::Camera, "porch"), LaneId(2), devices.clone());
        let clock = Clock::start();
        let place = config.entry.place.clone();
        let frames = Newest::new(move || camera(&config, clock), place);
        Self { sightings: Sightings::new(Intake { lane: LaneId(2), ledger, clock, post }), frames, work, devices }
    }
}

/// Before which nothing moves for so long that it rests.
const RESTS: Duration = Duration::from_mins(3);

fn frame(picture: impl FnOnce() -> Result<GrayImage, Trouble> + Send + 'static, at: Duration) -> Frame {
    Frame { source: Source::Lines, picture: Box::new(picture), at }
}

fn sighted(work: &mut mpsc::Receiver<Work>) -> RawScan {
    let Some(Work::Scan(scan)) = work.blocking_recv() else { panic!("only scans come from a camera") };
    scan
}

#[test]
fn a_held_code_is_sighted_again_and_again_and_a_full_ledger_holds_up_no_picture() {
    let folder = tempfile::tempdir().unwrap();
    let text = samples::ticket().to_text();
    std::fs::write(folder.path().join("a.png"), qr_picture(&text)).unwrap();
    let Bench { sightings, frames, mut work, devices } = Bench::on_clip(folder.path());
    let (stop, stopped) = std_mpsc::channel();
    let running = std::thread::spawn(move || sightings.run(frames, &stopped));
    let (mut last, mut since) = (Duration::ZERO, None);
    for _ in 0..3 {
        let scan = sighted(&mut work);
        assert!(matches!(&scan.text, ScannedText::Whole(read) if *read == text));
        assert_eq!((scan.lane, scan.source.to_string()), (LaneId(2), "camera/porch".to_owned()));
        assert!(matches!(scan.source, Source::Device(_)) && scan.at > last);
        assert_eq!(scan.in_sight_since, *since.get_or_insert(scan.in_sight_since));
        last = scan.at;
    }
    assert!(since.flatten().is_some_and(|since| since < last), "the camera says that it is held");
    assert!(devices.borrow().warnings().is_empty());
    drop(stop);
    running.join().unwrap();
}

#[test]
fn a_code_that_lies_there_is_let_be_after_minutes_until_something_moves() {
    let folder = tempfile::tempdir().unwrap();
    let Bench { mut sightings, mut work, .. } = Bench::on_clip(folder.path());
    let code = image::load_from_memory(&qr_picture(&samples::ticket().to_text())).unwrap().into_luma8();
    let mut is_sighted = |picture: &GrayImage, at| {
        let picture = picture.clone();
        assert!(sightings.look(frame(|| Ok(picture), at)).is_ok());
        work.try_recv().is_ok()
    };
    // A busy machine may not come to the end of one picture in time.
    let mut is_seen = |picture: &GrayImage, at| (0..1000).any(|_| is_sighted(picture, at));
    assert!(is_seen(&code, Duration::ZERO));
    assert!(!is_seen(&code, RESTS));
    let next = RESTS + Duration::from_millis(100);
    assert!(is_seen(&imageops::rotate180(&code), next), "the first of ten a second wakes it");
}

#[test]
fn while_it_rests_some_ten_pictures_a_second_are_made_however_many_there_are() {
    let made_in_ten_seconds = |rate: u32| {
        let folder = tempfile::tempdir().unwrap();
        let Bench { mut sightings, .. } = Bench::on_clip(folder.path());
        let made = Arc::new(AtomicU32::default());
        let mut look = |at| {
            let made = Arc::clone(&made);
            let table = move || {
                made.fetch_add(1, Ordering::Relaxed);
                Ok(GrayImage::new(64, 36))
            };
            assert!(sightings.look(frame(table, at)).is_ok());
        };
        look(Duration::ZERO);
        look(RESTS);
        (1..=rate * 10).for_each(|picture| look(RESTS + Duration::from_secs(picture.into()) / rate));
        made.load(Ordering::Relaxed) - 2
    };
    assert_eq!([10, 30, 60].map(made_in_ten_seconds), [100, 100, 120]);
}

#[test]
fn damaged_pictures_are_passed_over_unless_there_are_no_others_for_five_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let Bench { mut sightings, devices, .. } = Bench::on_clip(folder.path());
    let (begin, is_ready) = (sightings.whole, || devices.borrow().statuses()[0].ready);
    let mut is_told = |is_whole: bool, milliseconds| {
        let damaged = || Trouble::new(Cause::Failed, "damaged");
        let picture = move || if is_whole { Ok(GrayImage::new(64, 36)) } else { Err(damaged()) };
        match sightings.look(frame(picture, begin + Duration::from_millis(milliseconds))) {
            Ok(()) => false,
            Err(Unseen::Trouble(trouble)) => trouble == damaged(),
            Err(Unseen::Over) => panic!("the ledger is there"),
        }
    };
    assert!(!is_told(false, 4999));
    assert!(is_told(false, 5000) && !is_ready());
    assert!(!is_told(true, 6000) && is_ready());
    assert!(!is_told(false, 10_999) && is_told(false, 11_000));
}

#[test]
fn a_camera_that_is_lost_is_said_and_found_again() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("clip");
    let Bench { sightings, frames, mut work, devices } = Bench::on_clip(&folder);
    let mut changes = devices.subscribe();
    let (stop, stopped) = std_mpsc::channel();
    let running = std::thread::spawn(move || sightings.run(frames, &stopped));
    let wait = tokio::runtime::Builder::new_current_thread().build().unwrap();
    wait.block_on(changes.wait_for(|devices| !devices.warnings().is_empty())).unwrap();
    assert!(devices.borrow().statuses()[0].trouble.as_ref().unwrap().detail.starts_with("gate.toml:2: "));

    let unfinished = parent.path().join("unfinished");
    std::fs::create_dir(&unfinished).unwrap();
    std::fs::write(unfinished.join("a.png"), qr_picture("CM1:X")).unwrap();
    std::fs::rename(&unfinished, &folder).unwrap();
    sighted(&mut work);
    assert!(devices.borrow().warnings().is_empty());

    std::fs::rename(&folder, &unfinished).unwrap();
    wait.block_on(changes.wait_for(|devices| !devices.warnings().is_empty())).unwrap();
    drop(stop);
    running.join().unwrap();
}

#[test]
fn a_camera_ends_with_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.png"), qr_picture("CM1:X")).unwrap();
    let Bench { sightings, frames, work, .. } = Bench::on_clip(folder.path());
    drop(work);
    let (_stop, stopped) = std_mpsc::channel();
    sightings.run(frames, &stopped);
}
