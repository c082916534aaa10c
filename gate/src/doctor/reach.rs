//! Whether the cloud can be reached, and takes this gate for who it is.

use countermark_shared::time::Timestamp;

use super::folder::Enrolled;
use super::{Finding, Standing};
use crate::clock::Clock;
use crate::cloud::{CallError, Client};
use crate::local::Status;

/// Logs in, as the agent does. TLS is judged by the time that the agent knows, if one runs; else by the calendar.
pub(super) fn examine(enrolled: &Enrolled, status: Option<&Status>, clock: Clock) -> Finding {
    let calendar = clock.now().battery;
    let now: Timestamp = status.map_or(calendar, |status| status.ledger.clock.now);
    let begin = clock.now().uptime;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Finding::bad(Standing::Wrong, "cloud", error.to_string(), "restart this box"),
    };
    let address = enrolled.identity.cloud.clone();
    let client = match Client::new(address.clone(), move || [now, calendar]) {
        Ok(client) => client,
        Err(error) => {
            let remedy = "install this machine's certificates: `apt-get install ca-certificates`";
            return Finding::bad(Standing::Wrong, "cloud", error.to_string(), remedy);
        }
    };
    match runtime.block_on(client.log_in(enrolled.identity.gate, &enrolled.key)) {
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
        CallError::Unreachable { .. } => {
            "look at the cable, the router and the name server (`resolvectl query`); the gate goes on without, and documents come on a stick: `countermark-gate import`"
        }
        CallError::OutOfDate { .. } => "compare `date` with a watch; if it is right, tell the administrator",
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

    use super::*;

    #[test]
    fn each_cause_has_its_own_remedy_and_none_keeps_people_outside() {
        let no_address = || reqwest::Client::new().get("").build().unwrap_err();
        let unreadable = serde_json::from_str::<u8>("a captive portal").unwrap_err();
        let refused = CallError::Refused { status: StatusCode::FORBIDDEN, problem: "no such gate".to_owned() };
        for (error, says, remedy) in [
            (CallError::Unreachable { source: no_address() }, "does not answer", "look at the cable"),
            (CallError::OutOfDate { source: no_address() }, "not valid by this gate's date", "compare `date`"),
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
