//! A gate without threads, devices and network, for whoever rehearses one: a simulation in virtual time, a benchmark.
//!
//! It is the ledger, its decisions, and the machine that keeps step with the cloud, joined as the agent joins them; the caller has the
//! clock, the randomness and the network. What is decided, written and asked is decided elsewhere: nothing here is a second way of doing it.
//!
//! ```no_run
//! # use countermark_gate::rehearsal::{Failed, Gate, Identity, Moment, Reply, Request, Step};
//! # use countermark_shared::{id::LaneId, journal::BootId};
//! # fn carry(_: Request) -> Reply { Reply::Lost }
//! # fn night(identity: Identity, now: Moment) -> Result<(), Failed> {
//! let mut gate = Gate::open("/tmp/a-gate".as_ref(), identity, BootId::new([1; 16]), now)?;
//! let ruled = gate.scan(&[(LaneId(1), "CM1:…")], now);
//! if let Step::Send(request) = gate.poll(now)? {
//!     gate.on(carry(request), now, 0.5)?;
//! }
//! # Ok(())
//! # }
//! ```

mod claims;
mod staff;

use std::collections::BTreeMap;
use std::error::Error;
use std::mem;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use countermark_shared::clock::{Exchange, TimeQuestion};
use countermark_shared::documents::{self as law, Held as DocumentsHeld, RootFingerprint};
use countermark_shared::id::{GateId, LaneId, Slot};
use countermark_shared::journal::{BootId, ChainHash};
use countermark_shared::keys::{Signature, SigningKey};
use countermark_shared::sealing::UnwrappingKey;
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;
use countermark_shared::wire::{AskClaim, TimeAnswer, Upload, Uploaded};
use secrecy::SecretString;

pub use crate::clock::Moment;
pub use crate::cloud::Wanted;
pub use crate::ledger::Word;

use crate::announcement::Announcement;
use crate::data_folder::DataFolder;
use crate::input::{RawScan, ScannedText, Source};
use crate::ledger::{Ledger, Owner, PruneError, TimeAnswered};
use crate::sync::claims::machine::Machine as Claims;
use crate::sync::{self, Held, Jitter, Machine, Response};

pub use self::claims::{ClaimReply, ClaimStep};

/// Who the gate is, as enrolment made it.
pub struct Identity {
    /// Its number.
    pub gate: GateId,
    /// The roots that its code named.
    pub root: RootFingerprint,
    /// What it signs its journal with.
    pub key: SigningKey,
    /// What event secrets are wrapped for.
    pub unwrapping_key: Option<UnwrappingKey>,
    /// How often it asks for a newer head.
    pub poll: Duration,
}

/// The ledger cannot be used, or failed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Failed(Box<dyn Error + Send + Sync>);

impl Failed {
    fn from(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

/// A gate. What it holds in memory is lost when it is dropped; the rest is in its folder.
pub struct Gate {
    gate: GateId,
    key: SigningKey,
    ledger: Ledger,
    machine: Machine,
    under_way: UnderWay,
    claims: Claims,
    /// What is asked of the others and has no verdict, by the rows that ask.
    asks: BTreeMap<u64, AskClaim>,
}

/// What the answer to the request under way is read by.
enum UnderWay {
    Nothing,
    Time { asked: Duration },
    Rows(RangeInclusive<u64>),
}

/// What was said of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// The journal row; none when it could not be written, which never opens.
    pub sequence: Option<u64>,
    /// When, by the gate's clock.
    pub at: Timestamp,
    /// What.
    pub reason: Reason,
    /// Whether people may pass.
    pub opens: bool,
    /// How many.
    pub persons: u8,
    /// The seat, of a verified ticket.
    pub slot: Option<Slot>,
}

/// What to do now.
#[derive(Clone, Debug)]
pub enum Step {
    /// Carry this to validation. Its reply, or that none came, is for [`Gate::on`] before the next is asked for.
    Send(Request),
    /// Nothing before this uptime, unless rows are written.
    Wait {
        /// The uptime.
        until: Duration,
    },
}

/// Something to ask validation.
#[derive(Clone, Debug)]
pub enum Request {
    /// A session, by the gate's signature over a nonce.
    LogIn {
        /// The last row of its journal, where every one is there.
        written_up_to: Option<u64>,
    },
    /// A document.
    Fetch {
        /// Which.
        wanted: Wanted,
        /// By which session.
        session: SecretString,
    },
    /// The time, for a nonce that the caller draws.
    AskTime {
        /// By which session.
        session: SecretString,
    },
    /// To take journal rows.
    Upload {
        /// The rows.
        upload: Upload,
        /// By which session.
        session: SecretString,
    },
}

/// What came of a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A session.
    LoggedIn {
        /// What goes with every request.
        session: SecretString,
        /// How far the gate's journal is known, where that is told: rows after that are sent again.
        known_up_to: Option<u64>,
    },
    /// A document, or a set of bundles.
    Document(Vec<u8>),
    /// The document that is held is the newest.
    Unchanged,
    /// There is no such document yet.
    Absent,
    /// The time, for this question.
    Time(TimeQuestion, TimeAnswer),
    /// What became of the rows.
    Uploaded(Uploaded),
    /// The session is over.
    Unauthorised,
    /// An answer that does not help.
    Refused,
    /// No answer: whether the request arrived is unknown.
    Lost,
}

/// What the gate has.
#[derive(Clone, Debug)]
pub struct View {
    /// The documents in force.
    pub documents: DocumentsHeld,
    /// What was offered and not taken, and why.
    pub refused: Vec<String>,
    /// Rows written.
    pub rows: u64,
    /// The chain after the last of them.
    pub chain: ChainHash,
    /// Rows that validation has not answered for.
    pub unsettled: u64,
    /// Rows that validation put aside.
    pub contested: u64,
    /// Whether its journal takes rows: not where it is known that there is another one.
    pub is_whole: bool,
    /// The instant that the cloud says it is, where staff are asked about it.
    pub waiting: Option<Timestamp>,
}

impl Gate {
    /// Opens the gate's folder, made before, as a start of the agent does.
    pub fn open(folder: &Path, identity: Identity, boot: BootId, now: Moment) -> Result<Self, Failed> {
        let Identity { gate, root, key, unwrapping_key, poll } = identity;
        let owner = Owner { gate, root, unwrapping_key };
        let file = DataFolder::at(folder).ledger();
        let mut ledger = Ledger::open(&file, owner, boot, now.uptime).map_err(Failed::from)?;
        ledger.release_claims(now);
        let (machine, under_way, claims, asks) =
            (Machine::new(poll), UnderWay::Nothing, Claims::default(), BTreeMap::new());
        Ok(Self { gate, key, ledger, machine, under_way, claims, asks })
    }

    /// Takes a document as it comes in a file.
    pub fn take(&mut self, kind: law::DocumentKind, envelope: &[u8], now: Moment) -> Result<(), Failed> {
        self.ledger.take(kind.into(), envelope, now).map(|_| ()).map_err(Failed::from)
    }

    /// Decides about texts that were shown now, in one transaction, and says what is durable. A gate that is dropped before the next
    /// transaction does not know whether this was told: whoever was let in is asked for by staff (`interrupted`) when they come again.
    /// Of what the others are asked about first nothing is said yet: [`Gate::asks`] has it, and [`Gate::poll_claims`] goes on.
    pub fn scan(&mut self, shown: &[(LaneId, &str)], now: Moment) -> Vec<Ruled> {
        let scan = |(lane, text): &(LaneId, &str)| {
            let text = ScannedText::Whole((*text).to_owned());
            RawScan { lane: *lane, source: Source::Lines, text, at: now.uptime, in_sight_since: None }
        };
        let scans: Vec<_> = shown.iter().map(scan).collect();
        let said = self.ledger.scan(&scans, now);
        for question in self.ledger.questions() {
            self.claims.ask(question.sequence, now.uptime);
            self.asks.insert(question.sequence, question.ask);
        }
        said.into_iter().map(Ruled::of).collect()
    }

    /// What to ask validation now.
    pub fn poll(&mut self, now: Moment) -> Result<Step, Failed> {
        let report = self.ledger.report().map_err(Failed::from)?;
        let request = match self.machine.poll(now.uptime, &Held::of(&report)) {
            sync::Step::Wait { until } => return Ok(Step::Wait { until }),
            sync::Step::Send(request) => request,
        };
        self.under_way = UnderWay::Nothing;
        Ok(Step::Send(match request {
            sync::Request::LogIn => Request::LogIn { written_up_to: self.ledger.last_row().map_err(Failed::from)? },
            sync::Request::Fetch { wanted, session } => Request::Fetch { wanted, session },
            sync::Request::AskTime { session } => {
                self.under_way = UnderWay::Time { asked: now.uptime };
                Request::AskTime { session }
            }
            // The caller's network carries no guest list, which bears on no verdict.
            sync::Request::Guests { .. } => {
                self.machine.on(Response::Absent, now.uptime, Jitter(0.0));
                return Ok(Step::Wait { until: now.uptime });
            }
            sync::Request::Upload { session, most } => {
                // The machine asks only where the report says that there are rows.
                let Some(batch) = self.ledger.batch(most).map_err(Failed::from)? else {
                    return Ok(Step::Wait { until: now.uptime });
                };
                self.under_way = UnderWay::Rows(batch.sequences());
                Request::Upload { upload: sync::upload(batch, self.gate, &self.key), session }
            }
        }))
    }

    /// Takes what came of the request. `jitter` is a random share in [0, 1).
    pub fn on(&mut self, reply: Reply, now: Moment, jitter: f64) -> Result<(), Failed> {
        if let Reply::LoggedIn { session: _, known_up_to: Some(known_up_to) } = reply {
            self.ledger.unsettle(known_up_to).map_err(Failed::from)?;
        }
        let response = self.response(reply, now);
        if let Some(delivery) = self.machine.on(response, now.uptime, Jitter(jitter)) {
            let outcome = self.ledger.deliver(delivery, now);
            self.machine.delivered(outcome, now.uptime, Jitter(jitter));
        }
        Ok(())
    }

    fn response(&mut self, reply: Reply, now: Moment) -> Response {
        match (reply, mem::replace(&mut self.under_way, UnderWay::Nothing)) {
            (Reply::LoggedIn { session, known_up_to: _ }, _) => Response::LoggedIn(session),
            (Reply::Document(bytes), _) => Response::Document(bytes),
            (Reply::Unchanged, _) => Response::Unchanged,
            (Reply::Absent, _) => Response::Absent,
            (Reply::Time(question, TimeAnswer { at, signature }), UnderWay::Time { asked }) => {
                let exchange = Exchange { asked, answered: now.uptime };
                Response::Time(TimeAnswered { question, at, signature: Signature::from_bytes(&signature.0), exchange })
            }
            (Reply::Uploaded(uploaded), UnderWay::Rows(sent)) => Response::to_rows(&sent, uploaded),
            (Reply::Unauthorised, _) => Response::Unauthorised,
            (Reply::Refused | Reply::Time(..) | Reply::Uploaded(_), _) => {
                Response::Refused { problem: "refused".to_owned() }
            }
            (Reply::Lost, _) => Response::Lost { problem: "lost".to_owned() },
        }
    }

    /// Staff's word on the instant that waits for it.
    pub fn hear(&mut self, word: Word, now: Moment) -> Result<(), Failed> {
        self.ledger.hear(word, now).map(|_| ()).map_err(Failed::from)
    }

    /// Lets rows go that are older than `keep`, as far as they may; the answer is how many went.
    pub fn prune(&mut self, keep: Duration, now: Moment) -> Result<u64, Failed> {
        match self.ledger.prune(keep, now) {
            Ok(pruned) => Ok(pruned.rows),
            // Nobody knows how old a row is.
            Err(PruneError::ClockUnsure) => Ok(0),
            Err(why) => Err(Failed::from(why)),
        }
    }

    /// What time alone changes, as the agent does each minute.
    pub fn pass_time(&mut self, now: Moment) -> Result<(), Failed> {
        self.ledger.pass_time(now).map_err(Failed::from)
    }

    /// What it has now.
    pub fn view(&self) -> Result<View, Failed> {
        let report = self.ledger.report().map_err(Failed::from)?;
        Ok(View {
            documents: self.ledger.documents_held(),
            refused: self.machine.refused().values().cloned().collect(),
            rows: report.rows,
            chain: report.chain,
            unsettled: report.unsettled,
            contested: report.contested,
            is_whole: report.stopped_by().is_none(),
            waiting: report.clock.waiting(),
        })
    }
}

impl Ruled {
    fn of(announcement: Announcement) -> Self {
        let Announcement { sequence, at, ruling, lane: _, source: _, announced: _, holder: _ } = announcement;
        Self { sequence, at, reason: ruling.verdict, opens: ruling.opens, persons: ruling.persons, slot: ruling.slot }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countermark_shared::wire::{RowOutcome, RowResult};

    use crate::samples::{self, DOORS, GATE};

    const DOOR: LaneId = LaneId(1);

    fn moment(seconds: u64) -> Moment {
        Moment { battery: DOORS, uptime: Duration::from_secs(seconds) }
    }

    fn open(folder: &Path) -> Gate {
        let Owner { gate, root, unwrapping_key } = samples::owner();
        let key = samples::signing_key(20);
        let identity = Identity { gate, root, key, unwrapping_key, poll: Duration::from_secs(2) };
        Gate::open(folder, identity, BootId::new([1; 16]), moment(0)).unwrap()
    }

    /// The next request that is due within a minute, when it is due.
    fn asked(gate: &mut Gate, now: &mut Moment) -> Request {
        loop {
            match gate.poll(*now).unwrap() {
                Step::Send(request) => return request,
                Step::Wait { until } => now.uptime = until,
            }
            assert!(now.uptime < Duration::from_mins(1), "nothing is asked");
        }
    }

    #[test]
    fn what_was_decided_is_uploaded_and_what_was_committed_outlives_the_power() {
        let (folder, survived) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut gate = open(folder.path());
        for (kind, bytes) in samples::documents() {
            gate.take(kind.into(), &bytes, moment(0)).unwrap();
        }
        let ticket = samples::ticket_of(42, 1).to_text();
        let said = gate.scan(&[(DOOR, &ticket), (DOOR, "junk")], moment(1));
        assert_eq!([said[0].reason, said[1].reason], [Reason::Admitted, Reason::NotOurs]);
        assert_eq!((said[0].sequence, said[0].opens, said[0].slot), (Some(1), true, Some(Slot(42))));

        let mut now = moment(2);
        assert!(matches!(asked(&mut gate, &mut now), Request::LogIn { written_up_to: Some(2) }));
        gate.on(Reply::LoggedIn { session: "session".into(), known_up_to: None }, now, 0.5).unwrap();
        let upload = loop {
            match asked(&mut gate, &mut now) {
                Request::Upload { upload, session: _ } => break upload,
                Request::LogIn { .. } | Request::Fetch { .. } | Request::AskTime { .. } => {
                    gate.on(Reply::Absent, now, 0.5).unwrap();
                }
            }
        };
        let result = |row: &countermark_shared::wire::UploadedRow| RowResult {
            sequence: row.sequence,
            outcome: RowOutcome::Stored,
        };
        let results = upload.rows.iter().map(result).collect();
        gate.on(Reply::Uploaded(Uploaded { results }), now, 0.5).unwrap();
        let before = gate.view().unwrap();
        assert_eq!((before.rows, before.unsettled), (2, 0));
        assert_eq!(upload.checkpoint.hash, before.chain);

        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let file = entry.unwrap();
            std::fs::copy(file.path(), survived.path().join(file.file_name())).unwrap();
        }
        drop(gate);
        let mut gate = open(survived.path());
        let after = gate.view().unwrap();
        assert_eq!((after.rows, after.chain, after.unsettled), (before.rows, before.chain, before.unsettled));
        // The power went before anything said that the verdict was shown.
        assert_eq!(gate.scan(&[(DOOR, &ticket)], moment(3))[0].reason, Reason::Interrupted);
        assert_eq!(gate.view().unwrap().documents.slots, before.documents.slots);
        assert_eq!(GATE, gate.gate);
    }
}
