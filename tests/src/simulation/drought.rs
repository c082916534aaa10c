//! Days at one gate without a network, and then one: what is held in memory meanwhile, and how the rows go up.

use std::fs;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use countermark_gate::rehearsal::{Reply, Request, Step};
use countermark_shared::documents::DocumentKind;
use countermark_shared::id::{GateId, Generation, Slot};
use countermark_shared::wire::RowOutcome;
use countermark_validation::rehearsal::Journals;

use super::entrance::Entrance;
use super::venue::{BEGIN, ENTRY, Kind, Venue, gate_key};
use super::witness::reaches;

/// Of so many people one comes with a ticket that was shown before.
const COPIED: u32 = 6;

/// Three days at eleven scans a minute are 47,520.
pub const SCANS: u32 = 72 * 60 * 11;
const BETWEEN: Duration = Duration::from_millis(60_000 / 11);

/// What was seen of it.
#[derive(Clone, Debug)]
pub struct Drought {
    /// Resident memory in bytes after the first twelve hours, and after all seventy-two.
    pub resident: [u64; 2],
    /// How many rows each upload had, in order.
    pub uploads: Vec<usize>,
    /// How many rows validation stored.
    pub stored: u64,
}

/// Lets people come for seventy-two hours, and then the network.
pub fn drought() -> anyhow::Result<Drought> {
    let venue = Venue::new()?;
    let id = GateId(1);
    let mut entrance = Entrance::new(id, venue.bundle.document().root_fingerprint(), 0, 0)?;
    entrance.start(Duration::ZERO)?;
    let assignment = venue.assignment(id, 1)?;
    let (gate, moment) = entrance.running(Duration::ZERO).context("the gate runs")?;
    gate.take(DocumentKind::TrustBundle, venue.bundle.bytes(), moment)?;
    gate.take(DocumentKind::Assignment, assignment.bytes(), moment)?;
    gate.take(DocumentKind::EventDocument, venue.event.bytes(), moment)?;

    let mut resident = [0; 2];
    for scan in 1..=SCANS {
        let now = BETWEEN * scan;
        let slot = Slot(if scan.is_multiple_of(COPIED) { scan - 1 } else { scan });
        let text = venue.ticket(Kind::Single, (slot, Generation(1)), None)?;
        let (gate, moment) = entrance.running(now).context("the gate runs")?;
        let ruled = *gate.scan(&[(ENTRY, &text)], moment).first().context("a scan is answered")?;
        ensure!(ruled.opens != scan.is_multiple_of(COPIED), "scan {scan} is {:?}", ruled.reason);
        match gate.poll(moment)? {
            Step::Send(_) => gate.on(Reply::Lost, moment, 0.5)?,
            Step::Wait { until: _ } => {}
        }
        if scan == SCANS / 6 {
            resident = [self::resident()?, 0];
        }
    }
    resident = [resident.first().copied().unwrap_or_default(), self::resident()?];
    upload(&mut entrance, &venue, resident)
}

fn upload(entrance: &mut Entrance, venue: &Venue, resident: [u64; 2]) -> anyhow::Result<Drought> {
    let (mut now, mut journals) = (BETWEEN * (SCANS + 1), Journals::default());
    let (mut uploads, mut stored) = (Vec::new(), 0);
    let id = entrance.id;
    let assignment = venue.assignment(id, 1)?;
    loop {
        let (gate, moment) = entrance.running(now).context("the gate runs")?;
        if gate.view()?.unsettled == 0 {
            break;
        }
        let request = match gate.poll(moment)? {
            Step::Send(request) => request,
            Step::Wait { until } => {
                now += entrance.until(until, now);
                continue;
            }
        };
        let reply = match request {
            Request::LogIn { .. } => Reply::LoggedIn { session: "session".to_owned().into(), known_up_to: None },
            Request::Fetch { .. } => Reply::Absent,
            Request::AskTime { .. } => Reply::Refused,
            Request::Upload { upload, session: _ } => {
                uploads.push(upload.rows.len());
                let key = gate_key(id).verifying_key();
                let told = (assignment.document(), key);
                let answer = journals.take(told, &venue.keys, upload, BEGIN + now)?;
                stored += answer.results.iter().filter(|row| row.outcome == RowOutcome::Stored).count() as u64;
                Reply::Uploaded(answer)
            }
        };
        gate.on(reply, moment, 0.5)?;
        now += Duration::from_millis(100);
    }
    let (gate, _) = entrance.running(now).context("the gate runs")?;
    let view = gate.view()?;
    ensure!(reaches(&journals, id)? == (view.rows, view.chain), "validation has another journal than the gate");
    Ok(Drought { resident, uploads, stored })
}

/// Bytes of this process that lie in memory, by `/proc/self/statm` (proc(5)): its second number, in pages.
fn resident() -> anyhow::Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let Some(pages) = statm.split_whitespace().nth(1) else { bail!("/proc/self/statm says `{statm}`") };
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)?.context("a page has a size")?;
    Ok(pages.parse::<u64>()? * u64::try_from(page)?)
}
