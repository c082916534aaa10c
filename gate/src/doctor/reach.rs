//! Whether the cloud can be reached, and takes this gate for who it is.

use countermark_shared::keys::SigningKey;
use countermark_shared::time::Timestamp;

use super::{Finding, Standing};
use crate::clock::Clock;
use crate::cloud::{CallError, Client};
use crate::identity::Identity;
use crate::local::Status;
use crate::sync::Contact;

const LOOK_AT_THE_LINE: &str = "look at the cable, the router and the name server (`resolvectl query`); the gate goes on without, and documents come on a stick: `countermark-gate import`";
const ENROL_ANEW: &str =
    "tell the administrator; `countermark-gate retire` puts this gate aside, then enrol this box anew";

/// Whether the cloud answers: asked with the gate's key, or by the word of the agent, where that alone has it.
pub(super) fn examine(identity: &Identity, key: Option<&SigningKey>, status: Option<&Status>, clock: Clock) -> Finding {
    match (key, status.filter(|status| status.running)) {
        (Some(key), _) => log_in(identity, key, status, clock),
        (None, Some(status)) => as_the_agent_says(identity, &status.contact),
        (None, None) => {
            let says = format!("{} was not asked: the key is not here", identity.cloud);
            Finding::bad(
                Standing::Warning,
                "cloud",
                says,
                "start the agent, which asks: `systemctl start countermark-gate`",
            )
        }
    }
}

fn as_the_agent_says(identity: &Identity, contact: &Contact) -> Finding {
    let cloud = &identity.cloud;
    match (contact.last, &contact.problem) {
        (Some(last), problem) if problem.as_ref().is_none_or(|problem| problem.at < last) => {
            Finding::good("cloud", format!("{cloud} answered the agent, last at {last}"))
        }
        (_, Some(problem)) => {
            let remedy = if contact.log_in_refused { ENROL_ANEW } else { LOOK_AT_THE_LINE };
            Finding::bad(Standing::Warning, "cloud", format!("{cloud}: {}", problem.sentence), remedy)
        }
        (_, None) => {
            Finding::bad(Standing::Warning, "cloud", format!("{cloud} has not answered yet"), "ask again in a moment")
        }
    }
}

/// Logs in, as the agent does. TLS is judged by the time that the agent knows, if one runs; else by the calendar.
fn log_in(identity: &Identity, key: &SigningKey, status: Option<&Status>, clock: Clock) -> Finding {
    let calendar = clock.now().battery;
    let now: Timestamp = status.map_or(calendar, |status| status.ledger.clock.now);
    let begin = clock.now().uptime;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Finding::bad(Standing::Wrong, "cloud", error.to_string(), "restart this box"),
    };
    let address = identity.cloud.clone();
    let client = match Client::new(address.clone(), move || [now, calendar]) {
        Ok(client) => client,
        Err(error) => {
            let remedy = "install this machine's certificates: `apt-get install ca-certificates`";
            return Finding::bad(Standing::Wrong, "cloud", error.to_string(), remedy);
        }
    };
    match runtime.block_on(client.log_in(identity.gate, key)) {
        Ok(_session) => {
            let took = clock.now().uptime.saturating_sub(begin);
            Finding::good("cloud", format!("{address} knows this gate; logging in took {} ms", took.as_millis()))
        }
        Err(error) => unreached(&address.to_string(), &error),
    }
}

/// Nobody stands outside for want of a network: tickets are checked here, and scans are kept.
fn unreached(address: &str, error: &CallError) -> Finding {
    let remedy = match error {
        CallError::Unreachable { .. } => LOOK_AT_THE_LINE,
        CallError::OutOfDate { .. } => "compare `date` with a watch; if it is right, tell the administrator",
        CallError::LogInRefused => ENROL_ANEW,
        CallError::Unauthorised | CallError::Refused { .. } => {
            "ask the administrator whether this gate is known and not suspended"
        }
        CallError::TooLong { .. } | CallError::Unreadable { .. } => {
            "something else answers there: look at the address and at what stands between (a captive portal?)"
        }
    };
    Finding::bad(Standing::Warning, "cloud", format!("{address}: {error}"), remedy)
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use std::time::Duration;

    use super::*;
    use crate::samples::{self, DOORS};
    use crate::sync::Problem;

    #[test]
    fn without_the_key_the_agents_word_counts_and_its_last() {
        let problem = |at| Some(Problem { at, sentence: "the cloud does not answer".to_owned() });
        let later = DOORS + Duration::from_secs(1);
        for (last, problem, standing, says) in [
            (Some(DOORS), None, Standing::Good, "answered the agent, last at 2"),
            (Some(later), problem(DOORS), Standing::Good, "answered the agent, last at 2"),
            (Some(DOORS), problem(later), Standing::Warning, "the cloud does not answer"),
            (None, problem(DOORS), Standing::Warning, "the cloud does not answer"),
            (None, None, Standing::Warning, "has not answered yet"),
        ] {
            let contact = Contact { last, problem, ..Contact::default() };
            let status = Status { contact, ..samples::status() };
            let finding = examine(&samples::identity(), None, Some(&status), Clock::start());
            assert_eq!(finding.standing, standing, "{finding:?}");
            assert!(finding.says.contains(says), "{finding:?}");
        }
        let contact = Contact { problem: problem(DOORS), log_in_refused: true, ..Contact::default() };
        let finding =
            examine(&samples::identity(), None, Some(&Status { contact, ..samples::status() }), Clock::start());
        assert_eq!(finding.remedy.as_deref(), Some(ENROL_ANEW));
        let stopped = Status { running: false, ..samples::status() };
        for status in [None, Some(&stopped)] {
            let finding = examine(&samples::identity(), None, status, Clock::start());
            assert!(finding.standing == Standing::Warning && finding.says.contains("was not asked"), "{finding:?}");
        }
    }

    #[test]
    fn each_cause_has_its_own_remedy_and_none_keeps_people_outside() {
        let no_address = || reqwest::Client::new().get("").build().unwrap_err();
        let unreadable = serde_json::from_str::<u8>("a captive portal").unwrap_err();
        let refused = CallError::Refused { status: StatusCode::FORBIDDEN, problem: "no such gate".to_owned() };
        for (error, says, remedy) in [
            (CallError::Unreachable { source: no_address() }, "does not answer", "look at the cable"),
            (CallError::OutOfDate { source: no_address() }, "not valid by this gate's date", "compare `date`"),
            (CallError::LogInRefused, "does not know this gate", "enrol this box anew"),
            (CallError::Unauthorised, "log in again", "whether this gate is known"),
            (refused, "403 Forbidden): no such gate", "whether this gate is known"),
            (CallError::TooLong { limit: 7 }, "longer than 7 bytes", "something else answers there"),
            (CallError::Unreadable { source: unreadable }, "cannot be read", "something else answers there"),
        ] {
            let finding = unreached("https://gates.example.org", &error);
            assert_eq!((&*finding.part, finding.standing), ("cloud", Standing::Warning), "{error}");
            assert!(finding.says.starts_with("https://gates.example.org: "), "{}", finding.says);
            assert!(finding.says.contains(says), "{}", finding.says);
            let told = finding.remedy.unwrap();
            assert!(told.contains(remedy), "{told}");
        }
    }
}
