//! Keyboards as the kernel tells of them: from the events that are typed to the scans that the ledger gets.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use countermark_shared::id::LaneId;
use evdev::EventType;
use proptest::prelude::*;
use tokio::sync::{mpsc, watch};

use super::layout::Held;
use super::typing::Stroke;
use super::*;
use crate::clock::Clock;
use crate::config::Config;
use crate::devices::{Device, DeviceKind, Devices, Post};
use crate::input::{CAPACITY, ScannedText};
use crate::ledger::Work;
use crate::samples::{DOORS, shown_ticket, ticket_of};

const ALPHABET: &str = "[0-9A-Z $%*+./:-]{0,60}";
const ENTER: u16 = 28;
const LEFT_SHIFT: u16 = 42;
const RIGHT_ALT: u16 = 100;
const CAPS_LOCK: u16 = 58;

/// Presses and lets go.
fn press(code: u16) -> [Key; 2] {
    [Key::Down(code), Key::Up(code)]
}

/// What a scanner that is set to a layout does for a text, without an end.
fn typed(layout: &Layout, text: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    for character in text.chars() {
        let (code, held) = layout.key_of(character).unwrap();
        let Held { shift, third, capitals: _ } = held;
        let around: Vec<_> = [(shift, LEFT_SHIFT), (third, RIGHT_ALT)].into_iter().filter(|held| held.0).collect();
        keys.extend(around.iter().map(|held| Key::Down(held.1)));
        keys.extend(press(code));
        keys.extend(around.iter().map(|held| Key::Up(held.1)));
    }
    keys
}

/// The lines of keys that come without a pause.
fn lines(keys: impl IntoIterator<Item = Key>) -> Vec<(Vec<Stroke>, bool)> {
    let mut typing = Typing::default();
    let typed = keys.into_iter().filter_map(|key| typing.on(key, Duration::ZERO));
    typed
        .map(|typed| match typed {
            Typed::Line { strokes, whole } => (strokes, whole),
            Typed::Cut => panic!("there was no pause"),
        })
        .collect()
}

/// What one line says to a gate that expects a layout.
fn reading(keys: Vec<Key>, expected: &'static Layout) -> Reading {
    let [(strokes, whole)] =
        lines(keys.into_iter().chain(press(ENTER))).try_into().unwrap_or_else(|_| panic!("one line"));
    read(&strokes, whole, expected)
}

fn text_of(reading: Reading) -> ScannedText {
    match reading {
        Reading::Ticket(text) | Reading::Misset(text, _) | Reading::Other(text) => text,
    }
}

fn whole(text: &str) -> ScannedText {
    ScannedText::Whole(text.to_owned())
}

#[test]
fn what_is_no_character_changes_nothing() {
    // Num Lock, a logo key, Escape by its Ctrl, a key that is let go without having been pressed.
    let noise = [press(69), press(125), [Key::Up(30), Key::Up(31)]].concat();
    let controlled = [Key::Down(29), Key::Down(26), Key::Up(26), Key::Up(29)];
    let mut keys = typed(Layout::US, "CM1:AB");
    let at = keys.len() - 2;
    keys.splice(at..at, noise.into_iter().chain(controlled));
    assert!(text_of(reading(keys, Layout::US)) == whole("CM1:AB"));
}

#[test]
fn a_line_ends_once_and_a_pause_throws_half_of_one_away() {
    let mut typing = Typing::default();
    let mut on = |key, milliseconds| typing.on(key, Duration::from_millis(milliseconds));
    assert!(on(Key::Down(30), 0).is_none());
    assert!(on(Key::Up(30), 499).is_none());
    assert!(on(Key::Down(31), 999) == Some(Typed::Cut));
    assert!(on(Key::Up(31), 999).is_none());
    let line = Typed::Line { strokes: vec![Stroke::Key(31, Held::default())], whole: true };
    assert!(on(Key::Down(ENTER), 1000) == Some(line));
    assert!(on(Key::Up(ENTER), 1000).is_none());
    assert!(on(Key::Down(15), 1000).is_none());
    assert!(on(Key::Down(30), 9000).is_none());
}

#[test]
fn keys_that_the_kernel_lost_damage_their_line_alone() {
    let half = typed(Layout::US, "CM1:A");
    let keys = [
        half.clone(),
        vec![Key::Down(LEFT_SHIFT), Key::Lost],
        half.clone(),
        press(ENTER).to_vec(),
        half,
        press(ENTER).to_vec(),
    ];
    let texts: Vec<_> =
        lines(keys.concat()).iter().map(|(strokes, whole)| text_of(read(strokes, *whole, Layout::US))).collect();
    assert!(texts == [ScannedText::Damaged("CM1:A".to_owned()), whole("CM1:A")]);
}

#[test]
fn a_line_without_end_is_bounded() {
    let keys =
        std::iter::repeat_n(press(30), 100_000).flatten().chain(press(ENTER)).chain(press(30)).chain(press(ENTER));
    let lengths: Vec<_> = lines(keys).iter().map(|(strokes, whole)| (strokes.len(), *whole)).collect();
    assert_eq!(lengths, [(4096, false), (1, true)]);
}

#[test]
fn characters_may_be_typed_by_their_numbers() {
    let keypad = [82, 79, 80, 81, 75, 76, 77, 71, 72, 73];
    let numbered = |character: char| {
        let digits = format!("{:03}", u32::from(character));
        let digits = digits.bytes().flat_map(|digit| press(keypad[usize::from(digit - b'0')]));
        [Key::Down(56)].into_iter().chain(digits).chain([Key::Up(56)]).collect::<Vec<_>>()
    };
    let ticket = ticket_of(42, 1).to_text();
    let keys: Vec<_> = format!("\u{2}]Q1{ticket}\r").chars().flat_map(numbered).collect();
    for layout in Layout::ALL {
        let [(strokes, complete)] = lines(keys.clone()).try_into().unwrap_or_else(|_| panic!("one line"));
        assert!(read(&strokes, complete, layout) == Reading::Ticket(whole(&ticket)), "{}", layout.code);
    }
    assert!(
        !lines(
            [
                vec![Key::Down(56)],
                press(80).to_vec(),
                press(76).to_vec(),
                press(76).to_vec(),
                vec![Key::Up(56)],
                press(ENTER).to_vec()
            ]
            .concat()
        )[0]
        .1
    );
}

/// Which layouts' tickets a US reading reads all the same. On the others Y and Z are what cannot be told: a German scanner's are an
/// Italian's or a Spaniard's, the other way round.
#[test]
fn a_wrong_layout_is_recognised_and_read_where_only_one_fits() {
    let tickets = [ticket_of(42, 1).to_text(), shown_ticket(9, DOORS).1.to_text()];
    let mut read_all_the_same = Vec::new();
    for layout in Layout::ALL {
        for ticket in &tickets {
            // As it should be, nothing is wrong, with or without an identifier.
            assert!(reading(typed(layout, ticket), layout) == Reading::Ticket(whole(ticket)), "{}", layout.code);
            if layout == Layout::US {
                continue;
            }
            let Reading::Misset(text, settings) = reading(typed(layout, ticket), Layout::US) else {
                panic!("{} is not recognised", layout.code);
            };
            assert!(settings.contains(&Setting { layout, capitals_turned: false }), "{}", layout.code);
            if text == whole(ticket) {
                read_all_the_same.push(layout.code);
            } else {
                // Never a ticket that was not shown.
                assert!(matches!(text, ScannedText::Damaged(_)), "{}", layout.code);
            }
        }
    }
    read_all_the_same.dedup();
    assert_eq!(read_all_the_same, ["fr", "be", "ch", "pt", "se"]);
}

#[test]
fn turned_capitals_are_recognised_and_read() {
    let ticket = ticket_of(42, 1).to_text();
    let keys = [press(CAPS_LOCK).to_vec(), typed(Layout::US, &ticket)].concat();
    let setting = Setting { layout: Layout::US, capitals_turned: true };
    let misset = Reading::Misset(whole(&ticket), vec![setting]);
    let read = reading(keys, Layout::US);
    assert!(read == misset);
}

#[test]
fn what_is_no_ticket_is_read_as_it_should_be() {
    assert!(reading(typed(Layout::US, "4006381333931"), Layout::US) == Reading::Other(whole("4006381333931")));
    // F1 prints nothing.
    let keys = [typed(Layout::US, "A"), press(59).to_vec()].concat();
    assert!(reading(keys, Layout::US) == Reading::Other(ScannedText::Damaged("A\u{fffd}".to_owned())));
}

proptest! {
    #[test]
    fn every_layout_reads_what_it_types(text in ALPHABET, index in 0..Layout::ALL.len()) {
        let layout = Layout::ALL[index];
        let read = lines(typed(layout, &text).into_iter().chain(press(ENTER)));
        let texts: Vec<_> = read.iter().map(|(strokes, whole)| text_of(super::read(strokes, *whole, layout))).collect();
        let expected: Vec<_> = Some(whole(&text)).filter(|_| !text.is_empty()).into_iter().collect();
        prop_assert!(texts == expected);
    }

    /// After any keys, once all are let go, a pause is enough.
    #[test]
    fn after_any_keys_and_a_pause_the_next_ticket_is_whole(codes in proptest::collection::vec((0_u16..130, any::<bool>()), 0..200)) {
        let mut typing = Typing::default();
        let mut capitals = false;
        for (code, down) in codes {
            capitals ^= code == CAPS_LOCK && down;
            drop(typing.on(if down { Key::Down(code) } else { Key::Up(code) }, Duration::ZERO));
        }
        for code in 0..130 {
            drop(typing.on(Key::Up(code), Duration::ZERO));
        }
        let ticket = ticket_of(42, 1).to_text();
        let caps = if capitals { press(CAPS_LOCK).to_vec() } else { Vec::new() };
        let keys = [caps, typed(Layout::US, &ticket), press(ENTER).to_vec()].concat();
        let read: Vec<_> = keys.into_iter().filter_map(|key| match typing.on(key, Duration::from_secs(1))? {
            Typed::Line { strokes, whole } => Some(super::read(&strokes, whole, Layout::US)),
            Typed::Cut => None,
        }).collect();
        prop_assert!(read == [Reading::Ticket(whole(&ticket))]);
    }
}

/// A recording of what the kernel writes: `struct input_event` of a 64-bit machine.
struct Recording(UnixStream);

impl Keys for Recording {
    fn next(&mut self) -> io::Result<Vec<Key>> {
        let mut event = [0; 24];
        self.0.read_exact(&mut event)?;
        let half = |at: usize| u16::from_ne_bytes([event[at], event[at + 1]]);
        let value = i32::from_ne_bytes([event[20], event[21], event[22], event[23]]);
        Ok(Vec::from_iter(key(InputEvent::new(half(16), half(18), value))))
    }
}

/// What the kernel writes of keys, with what it says of them besides.
fn recorded(keys: impl IntoIterator<Item = Key>) -> Vec<u8> {
    let event = |kind: EventType, code: u16, value: i32| {
        [&[0; 16], &kind.0.to_ne_bytes()[..], &code.to_ne_bytes(), &value.to_ne_bytes()].concat()
    };
    let report = |key| {
        let scan_code = event(EventType::MISC, 4, 458_756);
        let end = event(EventType::SYNCHRONIZATION, 0, 0);
        let key = match key {
            Key::Down(code) => [event(EventType::KEY, code, 1), event(EventType::KEY, code, 2)].concat(),
            Key::Up(code) => event(EventType::KEY, code, 0),
            Key::Lost => event(EventType::SYNCHRONIZATION, 3, 0),
        };
        [scan_code, key, end].concat()
    };
    keys.into_iter().flat_map(report).collect()
}

fn keyboard(file: &str) -> (Keyboard, mpsc::Receiver<Work>, watch::Sender<Devices>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.toml");
    std::fs::write(&path, format!("[[keyboard]]\nname = \"desk\"\nlane = 2\ndevice = {file}\n")).unwrap();
    let [config] = Config::load(&path).unwrap().keyboards.try_into().unwrap();
    let (ledger, work) = mpsc::channel(CAPACITY);
    let devices = watch::Sender::default();
    let post = Post::new(Device::named(DeviceKind::Keyboard, "desk"), LaneId(2), devices.clone());
    let intake = Intake { lane: LaneId(2), ledger, clock: Clock::start(), post };
    (Keyboard::new(config, intake), work, devices)
}

/// Lines as set, as a French keyboard, cut by the kernel, as set again.
#[test]
fn a_recording_becomes_scans_and_tells_of_a_wrong_layout_until_it_is_right() {
    let (keyboard, mut work, devices) = keyboard("\"/dev/none\"");
    let ticket = ticket_of(42, 1).to_text();
    let line = |layout| recorded(typed(layout, &ticket).into_iter().chain(press(ENTER)));
    let cut = recorded(typed(Layout::US, &ticket).into_iter().chain([Key::Lost]).chain(press(ENTER)));
    let (mut kernel, recording) = UnixStream::pair().unwrap();
    let mut recording = Recording(recording);
    let trouble = std::thread::scope(|threads| {
        let reading = threads.spawn(|| keyboard.read(&mut recording, &mut Pause::default()));
        let mut scan = |expected: ScannedText| {
            let Some(Work::Scan(scan)) = work.blocking_recv() else { panic!("a line is a scan") };
            assert!(scan.text == expected);
            assert_eq!((scan.lane, scan.source.to_string()), (LaneId(2), "keyboard/desk".to_owned()));
        };
        for layout in [Layout::US, Layout::named("fr").unwrap()] {
            kernel.write_all(&line(layout)).unwrap();
            scan(whole(&ticket));
        }
        kernel.write_all(&cut).unwrap();
        scan(ScannedText::Damaged(String::new()));
        let [status] = devices.borrow().statuses().try_into().unwrap();
        kernel.write_all(&line(Layout::US)).unwrap();
        scan(whole(&ticket));
        drop(kernel);
        let ended = reading.join().unwrap().map(drop).unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::UnexpectedEof);
        status.trouble.unwrap()
    });
    assert_eq!(trouble.cause, Cause::Layout);
    let said =
        "gate.toml:2: this scanner is set to a French keyboard; scan its “US keyboard” code, or name its layout here";
    assert!(trouble.detail.ends_with(said), "{}", trouble.detail);
    let [status] = devices.borrow().statuses().try_into().unwrap();
    assert_eq!((status.trouble, status.failures), (None, 1));
}

/// Keys as they come out of a kernel that had them for a while.
struct Batches(std::sync::mpsc::Receiver<Vec<Key>>);

impl Keys for Batches {
    fn next(&mut self) -> io::Result<Vec<Key>> {
        self.0.recv().map_err(|_| io::ErrorKind::UnexpectedEof.into())
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the pause itself, and no synchronisation")]
fn a_ledger_that_has_no_room_cuts_no_line_that_is_half_typed() {
    let (keyboard, mut work, _devices) = keyboard("\"/dev/none\"");
    let ticket = ticket_of(42, 1).to_text();
    let (half, rest) = ticket.split_at(20);
    let before = || [press(30), press(ENTER)].concat();
    let fill = (0..=CAPACITY).flat_map(|_| before()).chain(typed(Layout::US, half)).collect();
    let (kernel, batches) = std::sync::mpsc::channel();
    kernel.send(fill).unwrap();
    kernel.send(typed(Layout::US, rest).into_iter().chain(press(ENTER)).collect()).unwrap();
    std::thread::scope(|threads| {
        threads.spawn(move || keyboard.read(&mut Batches(batches), &mut Pause::default()));
        while work.len() < CAPACITY {
            std::thread::yield_now();
        }
        // As long as a pause that cuts a line.
        std::thread::sleep(Duration::from_millis(600));
        drop(kernel);
        let scans: Vec<_> = std::iter::from_fn(|| work.blocking_recv()).take(CAPACITY + 2).collect();
        let Some(Work::Scan(last)) = scans.last() else { panic!("a line is a scan") };
        assert!(scans.len() == CAPACITY + 2 && last.text == whole(&ticket));
    });
}

#[test]
fn what_is_wrong_with_a_device_is_said_with_the_file_and_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let there = PathBuf::from(file.path());
    for (device, cause, said) in [
        ("\"/dev/none\"".to_owned(), Cause::Gone, "/dev/none is not there"),
        (format!("{there:?}"), Cause::Failed, "cannot be read as a keyboard"),
    ] {
        let (keyboard, _work, devices) = keyboard(&device);
        let (stop, stopped) = std::sync::mpsc::channel();
        drop(stop);
        keyboard.run(&stopped);
        let [status] = devices.borrow().statuses().try_into().unwrap();
        let trouble = status.trouble.unwrap();
        assert_eq!(trouble.cause, cause);
        assert!(trouble.detail.contains("gate.toml:2: ") && trouble.detail.contains(said), "{}", trouble.detail);
    }
}

#[test]
fn a_layout_is_one_that_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gate.toml");
    std::fs::write(&path, "[[keyboard]]\nname = \"desk\"\nlane = 2\ndevice = \"/dev/none\"\nlayout = \"dvorak\"\n")
        .unwrap();
    let error = Config::load(&path).unwrap_err().to_string();
    assert!(error.ends_with("gate.toml:5: a layout is one of us, fr, be, de, ch, it, es, pt, se"), "{error}");
}
