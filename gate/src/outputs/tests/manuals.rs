//! Every profile that ships, held against its manual: what a device hears, byte by byte, as the manual's pages have it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::fake::{FakeBoard, FakeHttp, folder};
use super::{load, profiles};
use crate::outputs::Duty;
use crate::outputs::board::{Board, Switch};

/// What a manual says that a board hears, for a channel: on, for 700 ms where it is told how long, and off.
type Manual = fn(u8) -> (Vec<u8>, Vec<u8>);

/// A profile's name, its channels, its pulse in milliseconds, and the rule of its manual.
const MANUALS: &[(&str, RangeInclusive<u8>, u64, Manual)] = &[
    // The low byte of the sum of the others.
    ("lcus", 1..=8, 500, |relay| (vec![0xA0, relay, 1, 0xA1 + relay], vec![0xA0, relay, 0, 0xA0 + relay])),
    ("kmtronic", 1..=8, 500, |relay| (vec![0xFF, relay, 1], vec![0xFF, relay, 0])),
    ("devantech-usb-rly", 1..=8, 500, |relay| (vec![0x64 + relay], vec![0x6E + relay])),
    ("numato", 0..=7, 500, |relay| {
        (format!("relay on {relay}\r").into_bytes(), format!("relay off {relay}\r").into_bytes())
    }),
    // The length in units of 100 ms; the relay counted from 0.
    ("waveshare-modbus", 1..=8, 700, |relay| {
        (modbus(&[1, 5, 2, relay - 1, 0, 7]), modbus(&[1, 5, 0, relay - 1, 0, 0]))
    }),
];

/// One of each as its manual prints it, so that no rule above is anybody's own.
const PRINTED: &[(&str, u8, &str, &str)] = &[
    ("lcus", 1, "A0 01 01 A2", "A0 01 00 A1"),
    ("kmtronic", 1, "FF 01 01", "FF 01 00"),
    ("devantech-usb-rly", 1, "65", "6F"),
    // The text `relay on 0` and a carriage return.
    ("numato", 0, "72 65 6C 61 79 20 6F 6E 20 30 0D", "72 65 6C 61 79 20 6F 66 66 20 30 0D"),
    ("waveshare-modbus", 1, "01 05 02 00 00 07 8D B0", "01 05 00 00 00 00 CD CA"),
];

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02X} ").unwrap();
    }
    text.trim_end().to_owned()
}

fn output(profile: &str, device: &str, channel: u32, pulse: u64) -> String {
    format!(
        "[[output]]\nname = \"arm\"\nlane = 1\nprofile = \"{profile}\"\ndevice = \"{device}\"\nchannel = {channel}\nopens = {{ pulse-milliseconds = {pulse} }}\n"
    )
}

/// CRC-16 of Modbus (MODBUS over Serial Line 1.02, 6.2.2).
fn modbus(body: &[u8]) -> Vec<u8> {
    let crc = body.iter().fold(0xFFFF_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 })
    });
    [body, &crc.to_le_bytes()].concat()
}

#[test]
fn each_channel_of_each_serial_board_hears_what_its_manual_says_and_nothing_more() {
    for (profile, channels, pulse, manual) in MANUALS {
        for channel in channels.clone() {
            let (_folder, name) = folder();
            let modbus = profile.contains("modbus");
            // It repeats a command that it understood.
            let board = FakeBoard::plug_in(
                &name,
                move |heard| {
                    if modbus && heard.len() == 8 { heard.to_vec() } else { Vec::new() }
                },
            );
            let written = output(profile, name.to_str().unwrap(), channel.into(), *pulse);
            let [output] = load(profiles(), &written).unwrap().outputs.try_into().unwrap();
            let mut device = Board::open(&output.wiring).unwrap();
            device.switch(&output.wiring, Switch::On(Duration::from_millis(*pulse))).unwrap();
            device.switch(&output.wiring, Switch::Off).unwrap();
            // Whatever came beside the two commands would be heard before this.
            std::fs::write(&name, "!").unwrap();
            let (on, off) = manual(channel);
            let heard = board.hears(on.len() + off.len() + 1);
            assert_eq!(hexadecimal(&heard), hexadecimal(&[&*on, &off, b"!"].concat()), "{profile} {channel}");
        }
        // One more there is not.
        let beyond = output(profile, "/dev/x", u32::from(*channels.end()) + 1, *pulse);
        assert!(load(profiles(), &beyond).unwrap_err().contains("this profile has the channels"), "{profile}");
    }
}

#[test]
fn the_rules_are_those_of_the_manuals() {
    for (profile, channel, on, off) in PRINTED {
        let (_, _, _, manual) = MANUALS.iter().find(|(name, ..)| name == profile).unwrap();
        let told = manual(*channel);
        assert_eq!((&*hexadecimal(&told.0), &*hexadecimal(&told.1)), (*on, *off), "{profile}");
    }
    assert_eq!(PRINTED.len(), MANUALS.len());
}

#[test]
fn a_modbus_board_that_does_not_answer_is_dead() {
    let (_folder, name) = folder();
    let _board = FakeBoard::silent(&name);
    let config = load(profiles(), &output("waveshare-modbus", name.to_str().unwrap(), 1, 700)).unwrap();
    let [output] = config.outputs.try_into().unwrap();
    let trouble = Board::open(&output.wiring).unwrap().switch(&output.wiring, Switch::Off).unwrap_err();
    assert!(trouble.detail.contains("does not answer"), "{trouble:?}");
}

#[test]
fn a_modbus_board_that_answers_something_else_did_not_do_it() {
    let (_folder, name) = folder();
    // Another relay than the one that was named, in as many bytes.
    let _board =
        FakeBoard::plug_in(&name, |heard| if heard.len() == 8 { modbus(&[1, 5, 0, 7, 0, 0]) } else { Vec::new() });
    let config = load(profiles(), &output("waveshare-modbus", name.to_str().unwrap(), 1, 700)).unwrap();
    let [output] = config.outputs.try_into().unwrap();
    let trouble = Board::open(&output.wiring).unwrap().switch(&output.wiring, Switch::Off).unwrap_err();
    assert!(trouble.detail.contains("it did not do as it was told"), "{trouble:?}");
}

#[test]
fn modbus_commands_carry_their_own_checksum() {
    use crate::outputs::wiring::{Sensor, Wiring};
    for channel in 1_u8..=8 {
        let written = output("waveshare-modbus", "/dev/x", channel.into(), 700)
            .replace("700 }", &format!("700, turned = {{ within-milliseconds = 5000, input = {channel} }} }}"));
        let [output] = load(profiles(), &written).unwrap().outputs.try_into().unwrap();
        let (Wiring::Serial { relay, .. }, Some(Sensor::Board(question))) = (&output.wiring, &output.sensor) else {
            panic!("{output:?}")
        };
        let coil = channel - 1;
        assert_eq!((&relay.on, &relay.off), (&modbus(&[1, 5, 0, coil, 0xFF, 0]), &modbus(&[1, 5, 0, coil, 0, 0])));
        assert!(relay.pulses.len() > 3);
        for (length, bytes) in &relay.pulses {
            let tenths = u8::try_from(length.as_millis() / 100).unwrap();
            assert_eq!(bytes, &modbus(&[1, 5, 2, coil, 0, tenths]));
        }
        // The manual's own: 01 02 00 00 00 08 79 CC, of which the fourth byte of the answer has a bit for each input.
        assert_eq!(hexadecimal(&question.ask), "01 02 00 00 00 08 79 CC");
        assert_eq!((question.begins.as_slice(), question.length, question.mask), (&[1, 2, 1][..], 6, 1 << coil));
    }
}

#[test]
fn a_network_relay_is_called_as_its_manual_says() {
    let device = FakeHttp::start("200 OK");
    let config = load(profiles(), &output("shelly", &format!("http://{}", device.address), 1, 700)).unwrap();
    let [output] = config.outputs.try_into().unwrap();
    let mut board = Board::open(&output.wiring).unwrap();
    board.switch(&output.wiring, Switch::On(Duration::from_millis(700))).unwrap();
    assert_eq!(device.hears(), "GET /rpc/Switch.Set?id=1&on=true&toggle_after=0.7 HTTP/1.1");
    board.switch(&output.wiring, Switch::Off).unwrap();
    assert_eq!(device.hears(), "GET /rpc/Switch.Set?id=1&on=false HTTP/1.1");
    // Every now and then: a door that staff hold open stays open.
    board.check(&output.wiring).unwrap();
    assert_eq!(device.hears(), "GET /rpc/Switch.GetStatus?id=1 HTTP/1.1");
}

#[test]
fn a_network_relay_that_refuses_did_not_do_it() {
    let device = FakeHttp::start("404 Not Found");
    let config = load(profiles(), &output("shelly", &format!("http://{}", device.address), 1, 700)).unwrap();
    let [output] = config.outputs.try_into().unwrap();
    let trouble = Board::open(&output.wiring).unwrap().switch(&output.wiring, Switch::Off).unwrap_err();
    assert!(trouble.detail.contains("refuses (404 Not Found)"), "{trouble:?}");
}

#[test]
fn a_gpio_chip_that_is_not_there_is_said_to_be_gone() {
    let written = output("gpio", "/dev/gpiochip99", 17, 500).replace("channel", "active-low = true\nchannel");
    let [output] = load(profiles(), &written).unwrap().outputs.try_into().unwrap();
    let Err(trouble) = Board::open(&output.wiring) else { panic!("it was opened") };
    assert_eq!(trouble.cause, crate::devices::Cause::Gone);
    assert!(trouble.detail.starts_with("line 17 of /dev/gpiochip99 cannot be used: "), "{trouble:?}");
}

#[test]
fn every_profile_that_ships_is_tried_here() {
    let files = std::fs::read_dir(profiles().join("outputs"))
        .unwrap()
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "toml"));
    let ships: BTreeSet<_> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let tried = MANUALS.iter().map(|(profile, ..)| *profile).chain(["shelly", "gpio", "nothing"]);
    assert_eq!(ships, tried.map(str::to_owned).collect());
    let nothing = "[[output]]\nname = \"arm\"\nlane = 1\nprofile = \"nothing\"\nopens = { pulse-milliseconds = 500 }\n";
    let [output] = load(profiles(), nothing).unwrap().outputs.try_into().unwrap();
    assert!(matches!(output.duty, Duty::Opens(_)));
    Board::open(&output.wiring).unwrap().switch(&output.wiring, Switch::Off).unwrap();
}
