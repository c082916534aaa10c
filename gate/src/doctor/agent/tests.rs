//! What is said of each state that a ledger can be in, and what helps.

use std::time::Duration;

use countermark_shared::documents::Revision;

use super::*;
use crate::clock::Moment;
use crate::documents::Standing as Held;
use crate::ledger::{Defect, Report};
use crate::local::LeaseStatus;
use crate::samples::{self, DOORS};

fn ledger() -> LedgerStatus {
    of(&samples::report())
}

fn of(report: &Report) -> LedgerStatus {
    LedgerStatus::new(report, Moment { battery: DOORS, uptime: Duration::ZERO })
}

/// With a document of each of these kinds, so old.
fn holding(kinds: &[DocumentKind], age: Duration) -> LedgerStatus {
    let revision = Revision { epoch: 0, sequence: 4 };
    let held = Held { name: [0; 32], revision, as_of: DOORS - age };
    of(&Report { documents: kinds.iter().map(|kind| (*kind, held)).collect(), ..samples::report() })
}

/// Which parts are not as they should be, and how bad that is.
fn bad(findings: &[Finding]) -> Vec<(&str, Standing)> {
    let bad = findings.iter().filter(|finding| finding.standing != Standing::Good);
    bad.map(|finding| (&*finding.part, finding.standing)).collect()
}

/// What is bad is told with what helps, and what is good without.
#[track_caller]
fn assert_says(finding: &Finding, standing: Standing, says: &str, remedy: Option<&str>) {
    assert_eq!(finding.standing, standing, "{finding:?}");
    assert!(finding.says.contains(says), "{finding:?}");
    assert_eq!(finding.remedy.is_some(), remedy.is_some(), "{finding:?}");
    let told = finding.remedy.as_deref().unwrap_or_default();
    assert!(told.contains(remedy.unwrap_or_default()), "{finding:?}");
}

#[test]
fn each_defect_has_its_own_remedy() {
    let defects = [
        Defect::Full,
        Defect::Unwritable,
        Defect::Damaged,
        Defect::Incomplete,
        Defect::Forked,
        Defect::Unopened,
        Defect::Replaced,
    ];
    for defect in defects {
        let Finding { says, remedy, .. } = super::defect(&defect.sentence());
        let remedy = remedy.unwrap();
        assert_eq!(format!("{says}: {remedy}"), defect.sentence().en);
        let anew = matches!(defect, Defect::Incomplete | Defect::Forked);
        assert_eq!(remedy.contains("`countermark-gate retire`, then enrol this box anew"), anew, "{defect:?}");
    }
}

#[test]
fn a_gate_that_nobody_can_overrule_is_told() {
    let status = |has_supervisors| of(&Report { has_supervisors, ..samples::report() });
    assert!(supervisors(&status(true)).is_none());
    assert_eq!(supervisors(&status(false)).unwrap().standing, Standing::Warning);
}

#[test]
fn without_a_document_that_the_decision_needs_the_box_is_wrong() {
    let all = DocumentKind::HELD;
    assert_eq!(bad(&documents(&holding(&all, Duration::ZERO))), []);
    for missing in all {
        let rest: Vec<_> = all.into_iter().filter(|kind| *kind != missing).collect();
        let expected = match missing {
            DocumentKind::TrustBundle | DocumentKind::Assignment | DocumentKind::EventDocument => {
                vec![(missing.code(), Standing::Wrong)]
            }
            DocumentKind::SlotList => vec![(missing.code(), Standing::Warning)],
            DocumentKind::AdmissionFeed | DocumentKind::Head | DocumentKind::SlotDelta | DocumentKind::FeedBatch => {
                vec![]
            }
        };
        assert_eq!(bad(&documents(&holding(&rest, Duration::ZERO))), expected, "without {missing:?}");
    }
}

#[test]
fn of_age_only_the_list_is_warned_of_and_only_past_a_quarter_of_an_hour() {
    let seen = |age| documents(&holding(&DocumentKind::HELD, age));
    assert_eq!(bad(&seen(Duration::from_mins(15))), []);
    let old = seen(Duration::from_mins(15) + Duration::from_secs(1));
    assert_eq!(bad(&old), [("slot-list", Standing::Warning)]);
    let list = old.iter().find(|finding| finding.part == "slot-list").unwrap();
    assert_says(list, Standing::Warning, "revision 4, 15 min old", Some("`countermark-gate import`"));
}

#[test]
fn a_document_of_which_there_are_two_and_a_bundle_past_its_end_go_to_the_administrator() {
    let mut ledger = holding(&DocumentKind::HELD, Duration::ZERO);
    ledger.conflicts = vec![DocumentKind::EventDocument];
    ledger.trust_warning = Some(Sentence::trust_ended());
    let findings = documents(&ledger);
    let told: Vec<_> = findings.iter().filter(|finding| finding.standing == Standing::Warning).collect();
    let [conflict, ended] = told[..] else { panic!("{told:?}") };
    assert_eq!([&*conflict.part, &*ended.part], ["event-document", "trust-bundle"]);
    assert_says(conflict, Standing::Warning, "somebody signed two", Some("tell the administrator"));
    assert_says(ended, Standing::Warning, "out of date", Some("tell the administrator"));
}

#[test]
fn a_lease_is_wrong_when_nobody_is_admitted_by_it() {
    assert!(lease(&ledger()).is_none(), "before there is one");
    let anew = Some("a new assignment");
    for (state, standing, says, remedy) in [
        (LeaseCode::Held, Standing::Good, "names until", None),
        (LeaseCode::WithoutNames, Standing::Warning, "no name is read any more", anew),
        (LeaseCode::Ended, Standing::Wrong, "nobody is admitted", anew),
        (LeaseCode::Suspended, Standing::Wrong, "suspended: nobody is admitted", Some("ask the administrator why")),
    ] {
        let held = LeaseStatus { warning: None, state, until: samples::END, names_until: DOORS };
        let finding = lease(&LedgerStatus { lease: Some(held), ..ledger() }).unwrap();
        assert_says(&finding, standing, says, remedy);
    }
}

#[test]
fn a_clock_is_wrong_when_no_live_ticket_can_be_judged_by_it() {
    let tomorrow = DOORS + Duration::from_hours(25);
    let ahead = format!("the cloud says {tomorrow}, more than a day later than {DOORS}");
    for (state, error_milliseconds, standing, says, remedy) in [
        (ClockState::Signed, Some(40), Standing::Good, "within 40 ms", None),
        (ClockState::Signed, None, Standing::Good, "signed by the cloud", None),
        (ClockState::Battery, None, Standing::Warning, "nobody signed it", Some("compare with a watch")),
        (ClockState::Unknown, None, Standing::Wrong, "no live ticket can be judged", Some("timedatectl set-time")),
        (ClockState::RolledBack, None, Standing::Wrong, "no live ticket can be judged", Some("timedatectl set-time")),
        (ClockState::Ahead, None, Standing::Wrong, &*ahead, Some("`countermark-gate clock confirm` or `dismiss`")),
    ] {
        let waiting = (state == ClockState::Ahead).then_some(tomorrow);
        let finding = time(&ClockStatus { state, now: DOORS, error_milliseconds, waiting, warning: None });
        assert_says(&finding, standing, says, remedy);
    }
}

#[test]
fn rows_that_wait_are_told_from_a_thousand_on_and_those_put_aside_from_the_first() {
    for (unsettled, contested, standing, remedy) in [
        (1000, 0, Standing::Good, None),
        (1001, 0, Standing::Warning, Some("connect this gate")),
        (1001, 1, Standing::Warning, Some("tell the administrator")),
        (0, 1, Standing::Warning, Some("tell the administrator")),
    ] {
        let finding = uploads(&LedgerStatus { rows: 2000, unsettled, contested, ..ledger() });
        let says = format!("2000 rows, {unsettled} not yet uploaded, {contested} put aside");
        assert_says(&finding, standing, &says, remedy);
    }
}
