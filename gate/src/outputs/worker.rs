//! The thread of a device: what its outputs have to do, when, and what becomes of it. Owns opening the device, finding it again, and
//! switching everything off first and last. A device that is dead holds up this thread alone.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use countermark_shared::id::LaneId;

use super::board::{Board, LineInput, Switch};
use super::machine::{Act, Machine, Verdict};
use super::passage::PassageLine;
use super::tally::Telling;
use super::wiring::{Sensor, Wiring};
use crate::clock::Clock;
use crate::config::{OutputConfig, Place};
use crate::devices::{Cause, Post, Trouble};

/// How often the arm's input is asked while it may turn.
const LOOK_EVERY: Duration = Duration::from_millis(30);
/// Between two attempts to open a device that is not there: the first, and the longest.
const REOPEN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));
/// At the end: for how long of a pulse it is waited at most, and how much longer for what becomes of it. With both the agent has ended before it is killed
/// for that (systemd's `TimeoutStopSec=`).
const LAST_PULSE: Duration = Duration::from_secs(5);
const LAST_WORD: Duration = Duration::from_secs(1);

/// A verdict of a lane, on its way to a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) lane: LaneId,
    pub(super) verdict: Verdict,
}

/// A device and its outputs.
pub(crate) struct Worker {
    outputs: Vec<Output>,
    told: Receiver<Told>,
    board: Option<Board>,
    /// When to try to open it, or to ask whether it is there; and how long after that again.
    look: Duration,
    pause: Duration,
    /// For how long staff are told of somebody who did not pass.
    tell: Duration,
    clock: Clock,
    passages: Sender<Telling>,
}

struct Output {
    name: String,
    lane: LaneId,
    place: Place,
    wiring: Wiring,
    sensor: Option<Sensor>,
    /// The sensor's line, while it can be read.
    line: Option<LineInput>,
    /// Whether the board said last that its input is active.
    active: bool,
    machine: Machine,
    post: Post,
    on: bool,
    /// Until when staff are told.
    notice: Option<Duration>,
}

impl Worker {
    /// Of the outputs of one device, which is not open yet.
    pub(super) fn new(
        outputs: Vec<(OutputConfig, Post)>,
        told: Receiver<Told>,
        tell: Duration,
        clock: Clock,
        passages: Sender<Telling>,
    ) -> Self {
        let outputs = outputs.into_iter().map(|(config, post)| Output {
            name: config.entry.name,
            lane: config.entry.lane,
            place: config.entry.place,
            wiring: config.wiring,
            sensor: config.sensor,
            line: None,
            active: false,
            machine: Machine::new(config.duty),
            post,
            on: false,
            notice: None,
        });
        let outputs = outputs.collect();
        Self { outputs, told, board: None, look: Duration::ZERO, pause: REOPEN.0, tell, clock, passages }
    }

    /// Works until nobody can tell it anything any more; then everything is off.
    pub(crate) fn work(mut self) {
        loop {
            self.look_after(self.now());
            self.advance();
            match self.told.recv_timeout(self.wait()) {
                Ok(Told { lane, verdict }) => {
                    let now = self.now();
                    for output in self.outputs.iter_mut().filter(|output| output.lane == lane) {
                        output.machine.hear(&verdict, now);
                    }
                    // The pulse begins at once: what else there is to look after comes later.
                    self.advance();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.finish();
        self.end();
    }

    /// Lets whoever is on their way go through, so that it is known what became of them. Nobody else is let through.
    fn finish(&mut self) {
        let begun = self.now();
        for output in &mut self.outputs {
            output.machine.close();
        }
        self.advance();
        let (_never, pause) = mpsc::channel::<()>();
        while let Some(pulse) = self.outputs.iter().filter_map(|output| output.machine.under_way()).max() {
            let left = (begun + pulse.min(LAST_PULSE) + LAST_WORD).saturating_sub(self.now());
            if left.is_zero() {
                return;
            }
            pause.recv_timeout(self.wait().min(left)).unwrap_or_default();
            self.look_after(self.now());
            self.advance();
        }
    }

    /// Off, and told of: nobody waits for a pulse that is owed.
    fn end(&mut self) {
        let now = self.now();
        for output in &mut self.outputs {
            output.machine.failed(now);
            let off = self.board.as_mut().map_or(Ok(()), |board| board.switch(&output.wiring, Switch::Off));
            if let Err(trouble) = off {
                output.trouble(&trouble);
            }
        }
        // Without its device, what is left of a machine are words.
        self.board = None;
        self.advance();
    }

    fn now(&self) -> Duration {
        self.clock.now().uptime
    }

    /// Until something is due.
    fn wait(&self) -> Duration {
        let looks = self.outputs.iter().filter(|output| output.machine.awaits_turn()).map(|_| self.now() + LOOK_EVERY);
        let dues = self.outputs.iter().filter_map(|output| output.machine.due());
        let notices = self.outputs.iter().filter_map(|output| output.notice);
        let next = looks.chain(dues).chain(notices).fold(self.look, Duration::min);
        next.saturating_sub(self.now())
    }

    /// Does what is due of every output, until nothing is.
    fn advance(&mut self) {
        for index in 0..self.outputs.len() {
            loop {
                let now = self.now();
                let Some(output) = self.outputs.get_mut(index) else { return };
                if let Some(board) = &mut self.board {
                    output.watch(board, now);
                }
                let acts = output.machine.advance(now);
                if acts.is_empty() {
                    break;
                }
                self.perform(index, &acts);
            }
        }
    }

    fn perform(&mut self, index: usize, acts: &[Act]) {
        for act in acts {
            let now = self.now();
            let Some(output) = self.outputs.get_mut(index) else { return };
            let switch = match *act {
                Act::On(length) => Switch::On(length),
                Act::Off => Switch::Off,
                Act::Say(row, passage) => {
                    output.notice = passage.notice(output.lane).map(|_| now + self.tell);
                    output.post.passed(passage);
                    let line = PassageLine { sequence: row, lane: output.lane, output: output.name.clone(), passage };
                    // Whoever reads standard output may be slow; a pulse must not wait for that. No more can wait there than were let in.
                    self.passages.send(Telling::Passed(line)).unwrap_or_default();
                    continue;
                }
            };
            // What is wrong was said when the device was lost. What is to be said of others is said all the same.
            let Some(board) = &mut self.board else {
                output.machine.failed(now);
                continue;
            };
            match output.switch(board, switch) {
                Ok(()) if output.on => output.machine.switched_on(self.clock.now().uptime),
                Ok(()) => {}
                Err(trouble) => self.lose(&trouble),
            }
        }
    }

    /// Opens the device if it is not open, asks it otherwise, when it is time.
    fn look_after(&mut self, now: Duration) {
        for output in &mut self.outputs {
            match output.notice {
                // Of whom this thread was never told: it did not keep up.
                None if output.post.tells_of_passage() => output.notice = Some(now + self.tell),
                Some(until) if now >= until => {
                    output.notice = None;
                    output.post.forget_passage();
                }
                Some(_) | None => {}
            }
        }
        if now < self.look {
            return;
        }
        let idle = self.is_idle();
        let outcome = match &mut self.board {
            Some(board) => {
                let wiring = self.outputs.first().map(|output| &output.wiring).filter(|_| idle);
                wiring.map_or(Ok(()), |wiring| board.check(wiring))
            }
            None => self.open(),
        };
        if let Err(trouble) = outcome {
            return self.lose(&trouble);
        }
        self.pause = REOPEN.0;
        self.look = self.now() + self.board.as_ref().map_or(self.pause, Board::check_every);
        // A device that was opened is.
        let idle = self.is_idle();
        if let Some(board) = self.board.as_mut().filter(|_| idle) {
            for output in &mut self.outputs {
                output.check_sensor(board);
            }
        }
    }

    /// Whether no pulse has to wait for what can be asked later.
    fn is_idle(&self) -> bool {
        self.outputs.iter().all(|output| !output.on && !output.machine.awaits_turn())
    }

    /// Opens the device and switches everything off, first of all: nobody knows what it was told before.
    fn open(&mut self) -> Result<(), Trouble> {
        let Some(first) = self.outputs.first() else { return Ok(()) };
        let mut board = Board::open(&first.wiring)?;
        for output in &mut self.outputs {
            board.switch(&output.wiring, Switch::Off)?;
            output.on = false;
        }
        self.board = Some(board);
        Ok(())
    }

    /// The device is dead until it can be opened again: at once, for it may be on, and then now and again.
    fn lose(&mut self, trouble: &Trouble) {
        let now = self.now();
        self.look = now;
        if self.board.take().is_none() {
            self.look += self.pause;
            self.pause = (self.pause * 2).min(REOPEN.1);
        }
        for output in &mut self.outputs {
            output.trouble(trouble);
            output.machine.failed(now);
        }
    }
}

impl Output {
    fn switch(&mut self, board: &mut Board, switch: Switch) -> Result<(), Trouble> {
        if matches!(switch, Switch::On(_)) {
            // A turn before this is nobody's. What is wrong with the sensor is said while a turn is awaited.
            self.turned(board).unwrap_or_default();
        }
        board.switch(&self.wiring, switch)?;
        self.on = matches!(switch, Switch::On(_));
        Ok(())
    }

    /// Sees whether the arm turned, if it may.
    fn watch(&mut self, board: &mut Board, now: Duration) {
        if !self.machine.awaits_turn() {
            return;
        }
        match self.turned(board) {
            Ok(true) => self.machine.turned(now),
            Ok(false) => {}
            Err(trouble) => {
                self.lose_sensor(trouble);
                self.machine.blinded();
            }
        }
    }

    /// Says that all of it works, when it does. Whoever turns the arm meanwhile was not let in by this.
    fn check_sensor(&mut self, board: &mut Board) {
        match self.turned(board) {
            Ok(_) => self.post.works(),
            Err(trouble) => self.lose_sensor(trouble),
        }
    }

    /// It opens without: nobody is held up for want of a count.
    fn lose_sensor(&mut self, Trouble { cause: _, detail }: Trouble) {
        self.line = None;
        self.trouble(&Trouble::new(Cause::Sensor, detail));
    }

    /// Whether the arm turned since this was asked last.
    fn turned(&mut self, board: &mut Board) -> Result<bool, Trouble> {
        match (&self.sensor, &self.line) {
            (Some(Sensor::Board(question)), _) => {
                let active = board.ask(question)?;
                let before = std::mem::replace(&mut self.active, active);
                Ok(active && !before)
            }
            (Some(Sensor::Line(_)), Some(line)) => line.turned(),
            (Some(Sensor::Line(line)), None) => {
                let line = self.line.insert(LineInput::open(line)?);
                line.turned()
            }
            (None, _) => Ok(false),
        }
    }

    fn trouble(&self, Trouble { cause, detail }: &Trouble) {
        self.post.troubled(Trouble::new(*cause, format!("{}: {detail}", self.place)));
    }
}
