use super::*;
use crate::clock::Clock;
use crate::config::Config;
use crate::devices::{Device, DeviceKind, Devices, Post};
use crate::input::{RawScan, ScannedText, Source};
use crate::ledger::Work;
use crate::samples::{self, qr_picture};
use countermark_shared::id::LaneId;
use std::path::Path;
use std::sync::mpsc as std_mpsc;
use tokio::sync::{mpsc, watch};

struct Bench {
    camera: Camera,
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
        let intake = Intake { lane: LaneId(2), ledger, clock: Clock::start(), post };
        Self { camera: Camera::new(config, intake), work, devices }
    }
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
    let Bench { camera, mut work, devices } = Bench::on_clip(folder.path());
    let (stop, stopped) = std_mpsc::channel();
    let running = std::thread::spawn(move || camera.run(&stopped));
    let mut last = Duration::ZERO;
    for _ in 0..3 {
        let scan = sighted(&mut work);
        assert!(matches!(&scan.text, ScannedText::Whole(read) if *read == text));
        assert_eq!((scan.lane, scan.source.to_string()), (LaneId(2), "camera/porch".to_owned()));
        assert!(matches!(scan.source, Source::Device(_)) && scan.at > last);
        last = scan.at;
    }
    assert!(devices.borrow().warnings().is_empty());
    drop(stop);
    running.join().unwrap();
}

#[test]
fn a_camera_that_is_lost_is_said_and_found_again() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("clip");
    let Bench { camera, mut work, devices } = Bench::on_clip(&folder);
    let mut changes = devices.subscribe();
    let (stop, stopped) = std_mpsc::channel();
    let running = std::thread::spawn(move || camera.run(&stopped));
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
    let Bench { camera, work, .. } = Bench::on_clip(folder.path());
    drop(work);
    let (_stop, stopped) = std_mpsc::channel();
    camera.run(&stopped);
}

/// Gives one picture, and then none.
struct Stuck(bool, std_mpsc::Receiver<()>);

impl Frames for Stuck {
    fn next(&mut self) -> Result<GrayImage, Trouble> {
        if std::mem::replace(&mut self.0, true) {
            self.1.recv().unwrap_or_default();
            return Err(Trouble::new(Cause::Gone, "pulled"));
        }
        Ok(GrayImage::new(64, 64))
    }

    fn interval(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn a_camera_that_hangs_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let Bench { camera, work: _work, devices } = Bench::on_clip(folder.path());
    let newest = Newest::default();
    let (pull, pulled) = std_mpsc::channel();
    let (stop, stopped) = std_mpsc::channel();
    let frames = std::cell::RefCell::new(Some(Stuck(false, pulled)));
    std::thread::scope(|scope| {
        let (camera, newest) = (&camera, &newest);
        scope.spawn(move || camera.read(newest, Duration::from_millis(20)));
        let mut changes = devices.subscribe();
        scope.spawn(move || {
            let wait = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let said = |devices: &Devices| devices.statuses().iter().any(|status| status.trouble.is_some());
            wait.block_on(changes.wait_for(said)).unwrap();
            assert!(changes.borrow().statuses()[0].trouble.as_ref().unwrap().detail.contains("no picture for 20ms"));
            drop(stop);
            drop(pull);
        });
        camera.take(newest, &stopped, || frames.borrow_mut().take().ok_or_else(|| Trouble::new(Cause::Gone, "pulled")));
        newest.close();
    });
}
