//! Each profile of `firmware-config`, held against its manual's bytes on a line of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use countermark_shared::id::LaneId;
use data_encoding::HEXUPPER_PERMISSIVE;
use tokio::sync::mpsc;

use super::plug::{Bench, Ear, send};
use crate::devices::{Device, DeviceKind};
use crate::input::serial::{Feedbacks, Scanner};
use crate::input::{CAPACITY, ScannedText, Source};
use crate::ledger::Work;

/// What a manual says, in hexadecimal.
#[derive(Default)]
struct Manual {
    setup: &'static str,
    /// What the scanner answers to it.
    answer: &'static str,
    good: &'static str,
    bad: &'static str,
}

/// The manuals that the profiles name, read anew: no line of this was made from a profile.
fn manuals() -> BTreeMap<&'static str, Manual> {
    BTreeMap::from([
        ("usb-cdc", Manual::default()),
        ("generic-idle", Manual::default()),
        // ESC 7 comma; ESC 8 comma, twice.
        ("honeywell", Manual { good: "1B372C", bad: "1B382C1B382C", ..Manual::default() }),
        // Force Good Read Tone; Not On File Indication, then Enable Scanner.
        ("datalogic-magellan", Manual { good: "01", bad: "4645", ..Manual::default() }),
        // DC2, ESC [ 6 q, ESC [ 3 q, ESC [ 7 q, CR; DC2, ESC [ 4 q, CR.
        (
            "datalogic-gryphon",
            Manual { good: "121B5B36711B5B33711B5B37710D", bad: "121B5B34710D", ..Manual::default() },
        ),
        // 0x23 0x40 0x2f 0x2f 0x2f 0x2f 0x0d.
        (
            "cipherlab-1664",
            Manual { good: "23402F2F2F2F0D", bad: "23402F2F2F2F0D23402F2F2F2F0D23402F2F2F2F0D", ..Manual::default() },
        ),
        // Head, type 08, length 1, address, data, CRC; what it answers ends with 3331.
        ("grow-gm65", Manual { setup: "7E0008010000D7CF03", answer: "02000001003331", ..Manual::default() }),
    ])
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    HEXUPPER_PERMISSIVE.decode(hexadecimal.as_bytes()).unwrap()
}

#[test]
fn every_profile_sends_what_its_manual_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware-config/profiles/scanners");
    let mut manuals = manuals();
    for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let manual = manuals.remove(name.as_str()).unwrap_or_else(|| panic!("{name} is not held against its manual"));
        hold_against(&name, &fs::read_to_string(&file).unwrap(), &manual);
    }
    assert!(manuals.is_empty(), "these profiles are gone: {:?}", manuals.keys());
}

fn hold_against(name: &str, profile: &str, manual: &Manual) {
    let bench = Bench::new();
    let (ledger, mut work) = mpsc::channel(CAPACITY);
    let [config] = bench.scanners(&["desk"], profile).try_into().unwrap();
    let intake = bench.intake(&config, &ledger);
    let mut feedbacks = Feedbacks::default();
    let scanner = Scanner::new(config, intake, &mut feedbacks);
    thread::scope(|threads| {
        threads.spawn(move || scanner.run());
        bench.trouble(LaneId(1));
        let plugged = Arc::new(bench.plug_in("desk"));
        let ear = Ear::of(&plugged);
        let setup = bytes(manual.setup);
        assert_eq!(ear.hear(setup.len()), setup, "{name}");
        send(&plugged, &bytes(manual.answer));
        bench.works(LaneId(1));
        send(&plugged, b"CM1:A\r");
        // Of the answer to the set-up nothing was taken for a scan.
        let Some(Work::Scan(scan)) = work.blocking_recv() else { panic!("a scan was sent") };
        assert!(scan.text == ScannedText::Whole("CM1:A".to_owned()), "{name}");
        // Another device's verdict is not for this one.
        let [desk, elsewhere] = ["desk", "door"].map(|name| Source::Device(Device::named(DeviceKind::Scanner, name)));
        feedbacks.tell(&elsewhere, true);
        feedbacks.tell(&Source::Lines, true);
        for (opens, command) in [(true, manual.good), (false, manual.bad), (true, manual.good)] {
            feedbacks.tell(&desk, opens);
            let command = bytes(command);
            assert_eq!(ear.hear(command.len()), command, "{name}");
        }
        drop(feedbacks);
        drop(work);
    });
}
