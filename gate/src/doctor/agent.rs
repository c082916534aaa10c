//! The agent, or the ledger that it left: documents and their ages, lease, clock, what waits to be uploaded.

use countermark_shared::journal::ClockState;

use super::{Finding, Standing};
use crate::announcement::Sentence;
use crate::clock::Clock;
use crate::commands::{age, at_rest};
use crate::data_folder::DataFolder;
use crate::documents::DocumentKind;
use crate::local::{Answer, AskError, ClockStatus, LeaseCode, LedgerStatus, Question, Status, ask};

/// From here on the default policy warns of a list's age.
const LIST_IS_OLD: u64 = 15 * 60;
/// So many rows say that uploading does not keep up, or does not happen.
const MANY_ROWS: u64 = 1000;

/// `set-time` is refused while something else keeps the time, and sets the battery clock, too (`timedatectl(1)`).
const SET_TIME: &str = "`timedatectl set-ntp false; timedatectl set-time \"2026-11-26 18:05:00 UTC\"; timedatectl set-ntp true`, with what a watch says, in UTC";

pub(super) fn examine(folder: &DataFolder, enrolled: bool, clock: Clock) -> (Vec<Finding>, Option<Status>) {
    let start = "start it: `systemctl start countermark-gate`";
    let (agent, status) = match ask(folder, &Question::Status) {
        Ok(Answer::Status(status)) => (Finding::good("agent", "runs and answers"), Some(*status)),
        Ok(_) => {
            (Finding::bad(Standing::Wrong, "agent", "it answered another question", "restart it after an update"), None)
        }
        Err(AskError::NotRunning { .. }) if enrolled => {
            let stopped = Finding::bad(
                Standing::Wrong,
                "agent",
                "it does not run, or waits for its ledger; what follows is what the disk says",
                start,
            );
            match at_rest(folder, clock.now()) {
                Ok(status) => (stopped, Some(status)),
                Err(error) => {
                    let remedy = "see to what it says; an agent that waits for it tries again every minute";
                    return (
                        vec![stopped, Finding::bad(Standing::Wrong, "ledger", format!("{error:#}"), remedy)],
                        None,
                    );
                }
            }
        }
        Err(error) => (Finding::bad(Standing::Wrong, "agent", error.to_string(), "see to what it says"), None),
    };
    let mut findings = vec![agent];
    if let Some(status) = &status {
        findings.extend(documents(&status.ledger));
        findings.extend(lease(&status.ledger));
        findings.push(time(&status.ledger.clock));
        findings.push(uploads(&status.ledger));
        findings.extend(status.ledger.ledger_warnings.iter().map(defect));
        findings.extend(supervisors(&status.ledger));
    }
    (findings, status)
}

/// A defect says what is wrong, then what helps.
fn defect(warning: &Sentence) -> Finding {
    let (says, remedy) = warning.en.split_once(": ").unwrap_or((&warning.en, "look at the disk: `dmesg`, `df`"));
    Finding::bad(Standing::Wrong, "ledger", says, remedy)
}

fn supervisors(ledger: &LedgerStatus) -> Option<Finding> {
    let says = "there is none: nobody can let in whom this gate refuses, and tablets are let in without a PIN";
    let remedy = "make somebody one: `countermark-gate supervisor add NAME`";
    (!ledger.has_supervisors).then(|| Finding::bad(Standing::Warning, "supervisors", says, remedy))
}

fn documents(ledger: &LedgerStatus) -> Vec<Finding> {
    let fetch = "connect this gate, or bring documents on a stick: `countermark-gate import`";
    let mut findings = Vec::new();
    for kind in DocumentKind::NEEDED {
        if !ledger.documents.contains_key(&kind) {
            findings.push(Finding::bad(Standing::Wrong, kind.code(), "there is none: nothing can be decided", fetch));
        }
    }
    if !ledger.documents.contains_key(&DocumentKind::SlotList) {
        let says = "there is none: revocations are not known";
        findings.push(Finding::bad(Standing::Warning, DocumentKind::SlotList.code(), says, fetch));
    }
    for (kind, document) in &ledger.documents {
        let says = format!("revision {}, {} old", document.revision, age(document.age_seconds));
        let old = *kind == DocumentKind::SlotList && document.age_seconds > LIST_IS_OLD;
        findings.push(if old {
            Finding::bad(Standing::Warning, kind.code(), says, fetch)
        } else {
            Finding::good(kind.code(), says)
        });
    }
    for kind in &ledger.conflicts {
        let says = "the cloud has another of this revision: somebody signed two";
        findings.push(Finding::bad(Standing::Warning, kind.code(), says, "tell the administrator"));
    }
    if let Some(warning) = &ledger.trust_warning {
        let part = DocumentKind::TrustBundle.code();
        findings.push(Finding::bad(Standing::Warning, part, warning.en.clone(), "tell the administrator"));
    }
    findings
}

fn lease(ledger: &LedgerStatus) -> Option<Finding> {
    let lease = ledger.lease.as_ref()?;
    let says = format!("until {}, names until {}", lease.until, lease.names_until);
    let administrator = "ask the administrator for a new assignment";
    Some(match lease.state {
        LeaseCode::Held => Finding::good("lease", says),
        LeaseCode::WithoutNames => {
            Finding::bad(Standing::Warning, "lease", format!("{says}: no name is read any more"), administrator)
        }
        LeaseCode::Ended => {
            Finding::bad(Standing::Wrong, "lease", format!("ended {}: nobody is admitted", lease.until), administrator)
        }
        LeaseCode::Suspended => Finding::bad(
            Standing::Wrong,
            "lease",
            "this gate is suspended: nobody is admitted",
            "ask the administrator why",
        ),
    })
}

fn time(clock: &ClockStatus) -> Finding {
    let ClockStatus { state, now, error_milliseconds, waiting, warning: _ } = clock;
    match (state, error_milliseconds) {
        (ClockState::Signed, Some(error)) => {
            Finding::good("clock", format!("{now}, signed by the cloud, within {error} ms"))
        }
        (ClockState::Signed, None) => Finding::good("clock", format!("{now}, signed by the cloud")),
        (ClockState::Battery, _) => {
            let says = format!("{now} by this box's own clock: nobody signed it since the start");
            Finding::bad(Standing::Warning, "clock", says, "compare with a watch, in UTC; connecting this gate sets it")
        }
        (ClockState::Unknown, _) => Finding::bad(
            Standing::Wrong,
            "clock",
            "not set: no live ticket can be judged",
            format!("connect this gate, or set the time: {SET_TIME}"),
        ),
        (ClockState::RolledBack, _) => {
            let says = format!("it fell back to {now}: no live ticket can be judged");
            let remedy = format!("connect this gate, or set the time: {SET_TIME}; change the box's battery");
            Finding::bad(Standing::Wrong, "clock", says, remedy)
        }
        (ClockState::Ahead, _) => {
            let at = waiting.map(|at| at.to_string()).unwrap_or_default();
            let says = format!("the cloud says {at}, more than a day later than {now}");
            Finding::bad(
                Standing::Wrong,
                "clock",
                says,
                "compare with a watch, in UTC, then `countermark-gate clock confirm` or `dismiss`",
            )
        }
    }
}

fn uploads(ledger: &LedgerStatus) -> Finding {
    let LedgerStatus { rows, unsettled, contested, .. } = ledger;
    let says = format!("{rows} rows, {unsettled} not yet uploaded, {contested} put aside by the cloud");
    if *contested > 0 {
        Finding::bad(Standing::Warning, "journal", says, "tell the administrator")
    } else if *unsettled > MANY_ROWS {
        Finding::bad(Standing::Warning, "journal", says, "connect this gate; nothing is lost until then")
    } else {
        Finding::good("journal", says)
    }
}

#[cfg(test)]
mod tests;
