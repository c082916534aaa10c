//! One pulse, tried before the doors open.

use super::fake::{FakeBoard, folder};
use super::{load, profiles};
use crate::clock::Clock;
use crate::outputs::{Passage, Tried, try_once};

const OFF: [u8; 4] = [0xA0, 1, 0, 0xA1];
const ON: [u8; 4] = [0xA0, 1, 1, 0xA2];

fn tried(output: &str) -> Tried {
    let [output] = load(profiles(), output).unwrap().outputs.try_into().unwrap();
    try_once(output, Clock::start()).unwrap()
}

fn relay(device: &std::path::Path, duty: &str) -> String {
    format!("[[output]]\nname = \"arm\"\nlane = 1\nprofile = \"lcus\"\ndevice = {device:?}\nchannel = 1\n{duty}\n")
}

#[test]
fn an_arm_is_opened_once_for_its_pulse_and_is_shut_when_that_is_said() {
    let (_folder, name) = folder();
    let board = FakeBoard::silent(&name);
    let Tried { passage, trouble } = tried(&relay(&name, "opens = { pulse-milliseconds = 50, turns = \"person\" }"));
    assert_eq!((passage, trouble), (Some(Passage::Opened), None));
    std::fs::write(&name, "!").unwrap();
    assert_eq!(board.hears(17), [&OFF[..], &ON, &OFF, &OFF, b"!"].concat(), "at first, its pulse, and at the end");
}

#[test]
fn a_lamp_shows_its_first_pattern() {
    let (_folder, name) = folder();
    let board = FakeBoard::silent(&name);
    let Tried { passage, trouble } = tried(&relay(&name, "shows = { admit = [], refuse = [50] }"));
    assert_eq!((passage, trouble), (None, None));
    assert_eq!(board.hears(8), [OFF, ON].concat());
}

#[test]
fn an_arm_that_turns_is_said_to_have() {
    let (_folder, name) = folder();
    let mut pulsed = false;
    let _board = FakeBoard::plug_in(&name, move |heard| match heard {
        [1, 2, 0, 0, 0, 8, 0x79, 0xCC] => vec![1, 2, 1, u8::from(pulsed), 0, 0],
        _ if heard.len() == 8 => {
            pulsed |= heard[..3] == [1, 5, 2];
            heard.to_vec()
        }
        _ => Vec::new(),
    });
    let Tried { passage, trouble } = tried(&format!(
        "[[output]]\nname = \"arm\"\nlane = 1\nprofile = \"waveshare-modbus\"\ndevice = {name:?}\nchannel = 1\n[output.opens]\npulse-milliseconds = 500\nturned = {{ within-milliseconds = 60000, input = 1 }}\n"
    ));
    assert_eq!((passage, trouble), (Some(Passage::Turned), None));
}

#[test]
fn what_is_not_plugged_in_is_said_with_its_line() {
    let (_folder, name) = folder();
    let Tried { passage, trouble } = tried(&relay(&name, "opens = { pulse-milliseconds = 50 }"));
    assert_eq!(passage, Some(Passage::NotOpened));
    let detail = trouble.unwrap().detail;
    assert!(detail.contains("/gate.toml:3: ") && detail.contains("plug the board in"), "{detail}");
}
