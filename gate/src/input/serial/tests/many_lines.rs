//! Ten thousand lines at full speed, from four scanners, through noise and pulled cables.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use countermark_shared::id::LaneId;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc;

use super::plug::{Bench, send};
use crate::input::serial::{Feedbacks, Scanner};
use crate::input::{CAPACITY, ScannedText};
use crate::ledger::Work;

const NAMES: [&str; 4] = ["north", "east", "south", "west"];
const LINES: usize = 2500;
/// Between two lines of one scanner the machine may be busy with something else for a while: that is no silence here.
const PROFILE: &str = "title = \"Any\"\nidle-milliseconds = 10000\ntried = false\n";

/// The lines of one scanner, and how it sends them.
struct Sending<'a> {
    bench: &'a Bench,
    name: &'static str,
    lane: LaneId,
    randomness: StdRng,
    /// Says each time that the ledger has one more of its tickets.
    taken: Receiver<()>,
    /// How many those are not yet.
    under_way: usize,
}

impl Sending<'_> {
    fn ticket(&mut self, number: usize) -> String {
        const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
        let length = self.randomness.random_range(200..400);
        let filling = (0..length).map(|_| char::from(ALPHABET[self.randomness.random_range(0..ALPHABET.len())]));
        format!("CM1:{}:{number}:{}", self.name, filling.collect::<String>())
    }

    /// Bytes that are no ticket, with an end of their own, or begun anew by STX.
    fn junk(&mut self) -> Vec<u8> {
        let length = match self.randomness.random_range(0..100) {
            0 => 100_000,
            _ => self.randomness.random_range(1..300),
        };
        let mut junk = vec![b'j'];
        junk.extend((0..length).map(|_| self.randomness.random::<u8>()));
        junk.push([b'\r', b'\n', 3, 2][self.randomness.random_range(0..4)]);
        junk
    }

    /// A ticket as some scanner sends it.
    fn line(&mut self, ticket: &str) -> Vec<u8> {
        let before = ["", "", "\x02", "]Q1", "\x02]Q3", "]Q2\\000026", "\0"][self.randomness.random_range(0..7)];
        let after = ["\r", "\n", "\r\n", "\x03", "\x03\r\n"][self.randomness.random_range(0..5)];
        [before, ticket, after].concat().into_bytes()
    }

    /// Sends all; the answer is what the ledger must have had, in order.
    fn send_all(mut self) -> Vec<String> {
        let mut scanner = self.bench.plug_in(self.name);
        self.bench.works(self.lane);
        let mut tickets = Vec::with_capacity(LINES);
        for number in 0..LINES {
            let ticket = self.ticket(number);
            let mut bytes = if self.randomness.random_ratio(1, 10) { self.junk() } else { Vec::new() };
            bytes.extend(self.line(&ticket));
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(self.randomness.random_range(1..=rest.len().min(200)));
                send(&scanner, piece);
                rest = after;
            }
            tickets.push(ticket);
            self.under_way += 1;
            if self.randomness.random_ratio(1, 250) {
                // What was whole is taken by then: a person looks at the screen before pulling a cable.
                let half = self.ticket(LINES);
                send(&scanner, half.as_bytes());
                for () in self.taken.iter().take(std::mem::take(&mut self.under_way)) {}
                drop(scanner);
                self.bench.trouble(self.lane);
                scanner = self.bench.plug_in(self.name);
                self.bench.works(self.lane);
            }
        }
        for () in self.taken.iter().take(self.under_way) {}
        tickets
    }
}

#[test]
fn every_whole_ticket_of_four_scanners_is_read_once_and_in_order() {
    let bench = Bench::new();
    let (ledger, mut work) = mpsc::channel(CAPACITY);
    let mut feedbacks = Feedbacks::default();
    let scanners: Vec<_> = bench
        .scanners(&NAMES, PROFILE)
        .into_iter()
        .map(|config| {
            let intake = bench.intake(&config, &ledger);
            Scanner::new(config, intake, &mut feedbacks)
        })
        .collect();
    drop(ledger);
    let (takers, taken): (Vec<Sender<()>>, Vec<_>) = NAMES.iter().map(|_| channel()).unzip();

    let (sent, read) = thread::scope(|threads| {
        for scanner in scanners {
            threads.spawn(move || scanner.run());
        }
        // Nothing is plugged in yet.
        for lane in 1..=4 {
            bench.trouble(LaneId(lane));
        }
        let sendings: Vec<_> = (1_u8..)
            .zip(NAMES)
            .zip(taken)
            .map(|((lane, name), taken)| {
                let randomness = StdRng::seed_from_u64(lane.into());
                let sending = Sending { bench: &bench, name, lane: LaneId(lane), randomness, taken, under_way: 0 };
                threads.spawn(move || sending.send_all())
            })
            .collect();
        let ledger = threads.spawn(move || {
            let mut read = [const { Vec::new() }; 4];
            while let Some(item) = work.blocking_recv() {
                let Work::Scan(scan) = item else { panic!("only scans come from an input") };
                let ScannedText::Whole(text) = scan.text else { continue };
                if !text.starts_with("CM1:") {
                    continue;
                }
                let lane = usize::from(scan.lane.0) - 1;
                assert_eq!(scan.source.to_string(), format!("scanner/{}", NAMES[lane]));
                read[lane].push(text);
                takers[lane].send(()).unwrap();
            }
            read
        });
        let sent: Vec<_> = sendings.into_iter().map(|sending| sending.join().unwrap()).collect();
        drop(feedbacks);
        (sent, ledger.join().unwrap())
    });
    for (name, (sent, read)) in NAMES.iter().zip(sent.iter().zip(&read)) {
        assert_eq!(sent.len(), LINES);
        assert!(sent == read, "{name}: {} were sent, {} were read", sent.len(), read.len());
    }
}
