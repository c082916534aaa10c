//! `status`: how it stands, in words.

use std::process::ExitCode;

use anyhow::bail;

use super::staff::recent_words;
use super::{Common, clock, ledger_at_rest};
use crate::announcement::Sentence;
use crate::clock::{Clock, Moment};
use crate::data_folder::DataFolder;
use crate::devices::DeviceStatus;
use crate::documents::DocumentKind;
use crate::ledger::RECENT;
use crate::local::{Answer, AskError, LeaseStatus, LedgerStatus, Question, Status, ask};
use crate::outputs::Passages;
use crate::printer::Printer;
use crate::sync::Contact;

pub(super) fn status(arguments: &Common) -> anyhow::Result<ExitCode> {
    let folder = DataFolder::at(&arguments.data);
    let printer = Printer { json: arguments.json };
    let (status, code) = match ask(&folder, &Question::Status) {
        Ok(Answer::Status(status)) => (*status, ExitCode::SUCCESS),
        Ok(_) => bail!(AskError::Another),
        Err(AskError::NotRunning { .. }) => (at_rest(&folder, Clock::start().now())?, ExitCode::FAILURE),
        Err(error) => return Err(error.into()),
    };
    printer.line(&status, || words(&status));
    Ok(code)
}

/// What the disk says while no agent runs.
pub(crate) fn at_rest(folder: &DataFolder, now: Moment) -> anyhow::Result<Status> {
    let (identity, ledger) = ledger_at_rest(folder, now)?;
    Ok(Status {
        running: false,
        gate: identity.gate,
        name: identity.name,
        has_unwrapping_key: folder.unwrapping_key().exists(),
        ledger: LedgerStatus::new(&ledger.report()?, now),
        contact: Contact::default(),
        devices: Vec::new(),
        recent: ledger.recent(RECENT, now)?,
    })
}

fn words(status: &Status) -> String {
    let Status { running, gate, name, has_unwrapping_key: _, ledger, contact, devices, recent } = status;
    let mut lines = Vec::new();
    if !running {
        lines.push("the agent is not running; this is what the disk says".to_owned());
    }
    let event = ledger.event.map_or_else(|| "no event yet".to_owned(), |event| format!("event {event}"));
    lines.push(format!("gate {gate} (“{name}”), {event}"));
    for (kind, document) in &ledger.documents {
        let age = age(document.age_seconds);
        // A head is numbered by its instant: its age says it all.
        let revision =
            if *kind == DocumentKind::Head { String::new() } else { format!("revision {}, ", document.revision) };
        lines.push(format!("{:<16}{revision}{age} old", kind.code()));
    }
    for kind in &ledger.conflicts {
        lines.push(format!("conflict        the cloud has another {} of this revision; report this", kind.code()));
    }
    if let Some(LeaseStatus { warning, state: _, until, names_until }) = &ledger.lease {
        let names = match (*running, ledger.reads_names) {
            (true, true) => "; names can be read",
            (true, false) => "; no name can be read",
            (false, _) => "",
        };
        if let Some(Sentence { en, fr }) = warning {
            lines.push(format!("warning         {en} / {fr}"));
        }
        lines.push(format!("lease           until {until}, names until {names_until}{names}"));
    }
    if let Some(guests) = ledger.guests {
        lines.push(format!("guest list      {guests} found by their orders' codes"));
    }
    lines.push(clock::words(&ledger.clock));
    if let Some(Sentence { en, fr }) = &ledger.trust_warning {
        lines.push(format!("warning         {en} / {fr}"));
    }
    for Sentence { en, fr } in &ledger.ledger_warnings {
        lines.push(format!("warning         {en} / {fr}"));
    }
    for DeviceStatus { device, ready, trouble, passages, .. } in devices {
        let fine = if *ready { "works" } else { "is being opened" };
        let how = trouble.as_ref().map_or(fine, |trouble| trouble.detail.as_str());
        let passages = passages.map(|Passages { opened, turned, not_turned, not_opened }| {
            format!("; opened {opened}, turned {turned}, not turned {not_turned}, not opened {not_opened}")
        });
        lines.push(format!("{device:<16}{how}{}", passages.unwrap_or_default()));
    }
    lines.extend(recent.iter().rev().map(recent_words));
    lines.push(format!("{} rows, {} not yet uploaded", ledger.rows, ledger.unsettled));
    if ledger.contested > 0 {
        lines.push(format!("{} rows were put aside by the cloud; tell the administrator", ledger.contested));
    }
    if *running {
        let last = contact.last.map_or_else(|| "none yet".to_owned(), |at| at.to_string());
        lines.push(format!("last contact    {last}"));
    }
    if let Some(Sentence { en, fr }) = contact.log_in_warning() {
        lines.push(format!("warning         {en} / {fr}"));
    }
    if let Some(problem) = &contact.problem {
        lines.push(format!("last problem    {} {}", problem.at, problem.sentence));
    }
    for (kind, why) in &contact.refused {
        lines.push(format!("refused         {}: {why}", kind.code()));
    }
    lines.join("\n")
}

/// How old something is, for people.
pub(crate) fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        172_800.. => format!("{} days", seconds / 86_400),
    }
}
