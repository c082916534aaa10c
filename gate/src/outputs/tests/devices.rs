//! Whole outputs, from a verdict to the bytes and back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use countermark_shared::verdict::Reason;

use super::fake::{FakeBoard, FakeHttp, PATIENCE, folder};
use super::{Running, has_trouble, load, passed, profiles};
use crate::clock::Clock;
use crate::devices::Devices;
use crate::outputs::{BACKLOG, Passage, switch_off};

const ON: [u8; 4] = [0xA0, 1, 1, 0xA2];
const OFF: [u8; 4] = [0xA0, 1, 0, 0xA1];

fn arm(device: &std::path::Path) -> String {
    format!(
        "[[output]]\nname = \"arm\"\nlane = 1\nprofile = \"lcus\"\ndevice = {:?}\nchannel = 1\nopens = {{ pulse-milliseconds = 100, pause-milliseconds = 50, turns = \"person\" }}\n",
        device.to_str().unwrap()
    )
}

impl Running {
    fn hears_of(&self) -> Passage {
        loop {
            if let Some(passage) = passed(self.passages.recv_timeout(PATIENCE).unwrap()) {
                return passage;
            }
        }
    }
}

#[test]
fn a_relay_is_off_first_and_on_for_admissions_of_its_lane_alone() {
    let (_folder, name) = folder();
    let board = FakeBoard::silent(&name);
    let mut running = Running::start(&arm(&name));
    assert_eq!(board.hears(4), OFF);
    running.tell(1, Reason::Revoked, 0);
    running.tell(2, Reason::Admitted, 1);
    running.tell(1, Reason::Admitted, 2);
    for _ in 0..2 {
        assert_eq!(board.hears(8), [ON, OFF].concat());
        assert_eq!(running.hears_of(), Passage::Opened);
    }
    running.until("two were let through", |devices| {
        devices.statuses().iter().any(|status| status.passages.is_some_and(|passages| passages.opened == 2))
    });
    running.end();
    assert_eq!(board.hears(4), OFF, "it is off when the agent has ended");
}

#[test]
fn a_board_that_is_pulled_out_is_said_to_be_dead_and_found_again() {
    let (_folder, name) = folder();
    let mut running = Running::start(&arm(&name));
    running.until("nothing is plugged in", has_trouble);
    let trouble = running.devices.borrow().statuses().into_iter().find_map(|status| status.trouble).unwrap();
    assert!(trouble.detail.contains("/gate.toml:3: ") && trouble.detail.contains("lsusb -d 1a86:7523"), "{trouble:?}");
    running.tell(1, Reason::Admitted, 1);
    assert_eq!(running.hears_of(), Passage::NotOpened);

    let board = FakeBoard::silent(&name);
    running.until("it was plugged in", |devices| !has_trouble(devices));
    assert_eq!(board.hears(4), OFF, "who was admitted before is not let in now");
    running.tell(1, Reason::Admitted, 1);
    assert_eq!(board.hears(8), [ON, OFF].concat());
    assert_eq!(running.hears_of(), Passage::Opened);

    drop(board);
    running.until("it was pulled out", has_trouble);
    let warning = running.devices.borrow().warnings().into_iter().next().unwrap();
    assert_eq!(warning.en, "GATE OUTPUT arm DOES NOT ANSWER: open by hand, call staff");
    let board = FakeBoard::silent(&name);
    running.until("it was plugged in again", |devices| !has_trouble(devices));
    assert_eq!(board.hears(4), OFF);
    let failures = running.devices.borrow().statuses().iter().map(|status| status.failures).sum::<u64>();
    assert!(failures >= 2, "{failures}");
    running.end();
}

#[test]
fn a_dead_lamp_or_buzzer_is_no_reason_to_open_by_hand() {
    let (_folder, name) = folder();
    let buzzer = format!(
        "[[output]]\nname = \"buzzer\"\nlane = 1\nprofile = \"lcus\"\ndevice = {name:?}\nchannel = 2\nshows = {{ refuse = [600] }}\n"
    );
    let mut running = Running::start(&(buzzer + &arm(&name)));
    running.until("nothing is plugged in", |devices| devices.warnings().len() == 2);
    let warnings = running.devices.borrow().warnings();
    let said: Vec<_> = warnings.iter().flat_map(|said| [&*said.en, &*said.fr]).collect();
    assert_eq!(
        said,
        [
            "GATE OUTPUT arm DOES NOT ANSWER: open by hand, call staff",
            "OUVERTURE arm NE RÉPOND PAS : ouvrez à la main, appelez un responsable",
            "LAMP OR BUZZER buzzer DOES NOT ANSWER: go by the screen, call staff",
            "LAMPE OU BUZZER buzzer NE RÉPOND PAS : fiez-vous à l'écran, appelez un responsable",
        ]
    );
    running.end();
}

#[test]
fn whoever_was_let_in_is_told_of_though_the_device_dies_then() {
    let mut calls = 0;
    let device = FakeHttp::answering(move |call| {
        // The first one switches off before anything else.
        calls += usize::from(call.contains("on=false"));
        if calls == 2 { "500 Internal Server Error" } else { "200 OK" }
    });
    let mut running = Running::start(&format!(
        "[[output]]\nname = \"arm\"\nlane = 1\nprofile = \"shelly\"\ndevice = \"http://{}\"\nchannel = 0\nopens = {{ pulse-milliseconds = 50 }}\n",
        device.address
    ));
    running.tell(1, Reason::Admitted, 1);
    assert_eq!(running.hears_of(), Passage::Opened);
    running.until("it is asked again", |devices| !has_trouble(devices));
    running.end();
    let calls: String = (0..5).map(|_| if device.hears().contains("on=true") { "on " } else { "off " }).collect();
    assert_eq!(calls, "off on off off off ", "of the last two, one is as it was found again, one as the agent ended");
}

#[test]
fn without_an_agent_a_relay_is_told_until_it_is_off() {
    let (mut calls, clock) = (0, Clock::start());
    let device = FakeHttp::answering(move |_| {
        calls += 1;
        if calls == 1 { "503 Service Unavailable" } else { "200 OK" }
    });
    let lamp = |channel: u32, address| {
        format!(
            "[[output]]\nname = \"lamp-{channel}\"\nlane = 1\nprofile = \"shelly\"\ndevice = \"http://{address}\"\nchannel = {channel}\nshows = {{}}\n"
        )
    };
    let config = load(profiles(), &lamp(0, device.address)).unwrap();
    assert_eq!(switch_off(config.outputs, clock), Vec::<String>::new());
    assert_eq!(device.hears(), device.hears());

    let refuses = FakeHttp::start("404 Not Found");
    let config = load(profiles(), &(lamp(0, refuses.address) + &lamp(1, device.address))).unwrap();
    let [trouble] = switch_off(config.outputs, clock).try_into().unwrap();
    assert!(trouble.contains("gate.toml:3: ") && trouble.contains("refuses (404 Not Found)"), "{trouble}");
}

#[test]
fn whoever_is_on_their_way_goes_through_when_the_agent_ends_and_nobody_else() {
    let (_folder, name) = folder();
    let board = FakeBoard::silent(&name);
    let running = Running::start(&arm(&name));
    assert_eq!(board.hears(4), OFF);
    running.tell(1, Reason::Admitted, 2);
    assert_eq!(board.hears(4), ON);
    assert_eq!(running.end(), [Passage::NotOpened, Passage::Opened]);
    assert_eq!(board.hears(8), [OFF, OFF].concat(), "at the end of the pulse, and once more at the agent's");
}

#[test]
fn a_lamp_and_an_arm_of_one_board_are_each_told_what_is_theirs() {
    let (_folder, name) = folder();
    let board = FakeBoard::silent(&name);
    let lamp = format!(
        "[[output]]\nname = \"red\"\nlane = 1\nprofile = \"lcus\"\ndevice = {:?}\nchannel = 2\nshows = {{ refuse = [50, 50, 50] }}\n",
        name.to_str().unwrap()
    );
    let running = Running::start(&(arm(&name) + &lamp));
    let (lamp_on, lamp_off) = ([0xA0, 2, 1, 0xA3], [0xA0, 2, 0, 0xA2]);
    assert_eq!(board.hears(8), [OFF, lamp_off].concat());
    running.tell(1, Reason::Revoked, 0);
    assert_eq!(board.hears(16), [lamp_on, lamp_off, lamp_on, lamp_off].concat());
    running.tell(1, Reason::Admitted, 1);
    assert_eq!(board.hears(8), [ON, OFF].concat());
    running.end();
}

#[test]
fn an_arm_that_turns_is_seen_and_one_that_does_not_is_told_to_staff() {
    let (_folder, name) = folder();
    // The board's inputs, and how often it was asked after the relay was switched on.
    let inputs = Arc::new(AtomicU8::new(0));
    let arm_turns = Arc::clone(&inputs);
    let board = FakeBoard::plug_in(&name, move |heard| match heard {
        [1, 2, 0, 0, 0, 8, 0x79, 0xCC] => vec![1, 2, 1, arm_turns.load(Ordering::Relaxed), 0, 0],
        [1, 5, 2, ..] if heard.len() == 8 => {
            // Whoever was waited for goes through.
            arm_turns.fetch_or(0x80, Ordering::Relaxed);
            heard.to_vec()
        }
        _ if heard.len() == 8 => heard.to_vec(),
        _ => Vec::new(),
    });
    let device = name.to_str().unwrap();
    let mut running = Running::start(&format!(
        "[[output]]\nname = \"arm\"\nlane = 4\nprofile = \"waveshare-modbus\"\ndevice = {device:?}\nchannel = 3\n[output.opens]\npulse-milliseconds = 500\nturned = {{ within-milliseconds = 600, input = 3 }}\n"
    ));
    running.until("the board answers", |devices| !has_trouble(devices));
    running.tell(4, Reason::Admitted, 1);
    // Another input of the board says nothing of this arm.
    assert_eq!(running.hears_of(), Passage::NotTurned);
    let [notice] = running.devices.borrow().warnings().try_into().unwrap();
    assert_eq!(notice.en, "LANE 4: admitted, but the arm did not turn: see who waits");
    inputs.store(0x04, Ordering::Relaxed);
    running.tell(4, Reason::Admitted, 1);
    // It was active before the pulse: nobody passed because of it.
    assert_eq!(running.hears_of(), Passage::NotTurned);
    inputs.store(0x00, Ordering::Relaxed);
    running.tell(4, Reason::Admitted, 1);
    let flash_on = [1, 5, 2, 2, 0, 5];
    let mut heard = Vec::new();
    while heard.windows(6).filter(|bytes| *bytes == flash_on).count() < 3 {
        heard.extend(board.hears(1));
    }
    inputs.store(0x04, Ordering::Relaxed);
    assert_eq!(running.hears_of(), Passage::Turned);
    assert!(running.devices.borrow().warnings().is_empty(), "the notice is over");
    running.end();
}

#[test]
fn a_sensor_that_fails_holds_nobody_up_and_is_not_said_to_be_the_relay() {
    let (_folder, name) = folder();
    let works = Arc::new(AtomicBool::new(false));
    let sensor = Arc::clone(&works);
    let _board = FakeBoard::plug_in(&name, move |heard| match heard {
        [1, 2, 0, 0, 0, 8, 0x79, 0xCC] if sensor.load(Ordering::Relaxed) => vec![1, 2, 1, 0, 0, 0],
        // An exception of Modbus, in as many bytes as an answer has.
        [1, 2, 0, 0, 0, 8, 0x79, 0xCC] => vec![1, 0x82, 2, 0xC1, 0x61, 0],
        _ if heard.len() == 8 => heard.to_vec(),
        _ => Vec::new(),
    });
    let mut running = Running::start(&format!(
        "[[output]]\nname = \"arm\"\nlane = 4\nprofile = \"waveshare-modbus\"\ndevice = {name:?}\nchannel = 3\n[output.opens]\npulse-milliseconds = 500\nturned = {{ within-milliseconds = 60000, input = 3 }}\n"
    ));
    running.until("its sensor fails", has_trouble);
    running.tell(4, Reason::Admitted, 1);
    assert_eq!(running.hears_of(), Passage::Opened);
    let [warning] = running.devices.borrow().warnings().try_into().unwrap();
    assert_eq!(warning.en, "ARM SENSOR arm DOES NOT WORK: turns are not counted, go on");
    works.store(true, Ordering::Relaxed);
    running.until("its sensor works again", |devices| !has_trouble(devices));
    running.end();
}

/// How often an output of this name did not open, and whether staff are told.
fn not_opened(devices: &Devices, name: &str) -> (u64, bool) {
    let status = devices.statuses().into_iter().find(|status| status.device == name).unwrap();
    (status.passages.unwrap_or_default().not_opened, status.notice.is_some())
}

#[test]
fn a_dead_network_relay_costs_no_other_its_time() {
    let (_folder, name) = folder();
    let board = FakeBoard::silent(&name);
    // A listener that never answers.
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!(
        "[[output]]\nname = \"dead\"\nlane = 2\nprofile = \"shelly\"\ndevice = \"http://{}\"\nchannel = 0\nopens = {{ pulse-milliseconds = 100 }}\n",
        mute.local_addr().unwrap()
    );
    let running = Running::start(&(arm(&name) + &dead));
    assert_eq!(board.hears(4), OFF);
    // Far more than may wait.
    let (told, all_told) = std::sync::mpsc::channel();
    let teller = std::thread::spawn(move || {
        (0..200).for_each(|_| running.tell(2, Reason::Admitted, 1));
        told.send(running).unwrap();
    });
    let mut running = all_told.recv_timeout(PATIENCE).expect("telling waits for a dead device");
    teller.join().unwrap();
    running.tell(1, Reason::Admitted, 1);
    assert_eq!(board.hears(8), [ON, OFF].concat());
    running.until("each is told of", |devices| not_opened(devices, "output/dead") == (200, true));
    running.end();
}

#[test]
fn staff_are_told_of_whom_a_device_was_never_told_and_not_for_ever() {
    let (_folder, name) = folder();
    let board = FakeBoard::silent(&name);
    let lamp = format!(
        "[[output]]\nname = \"red\"\nlane = 1\nprofile = \"lcus\"\ndevice = {name:?}\nchannel = 2\nshows = {{}}\n"
    );
    // Its thread hangs.
    let (mut running, workers) = Running::prepare(&(arm(&name) + &lamp), Duration::from_millis(1));
    (0..BACKLOG).for_each(|_| running.tell(1, Reason::Revoked, 0));
    running.tell(1, Reason::Admitted, 1);
    assert_eq!(not_opened(&running.devices.borrow(), "output/arm"), (1, true));
    running.work(workers);
    running.until("staff are told no more", |devices| not_opened(devices, "output/arm") == (1, false));
    assert_eq!(board.hears(8), [OFF, [0xA0, 2, 0, 0xA2]].concat());
    running.end();
}
