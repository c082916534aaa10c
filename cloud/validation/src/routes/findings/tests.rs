//! Reading findings and deciding about them.

use axum::http::StatusCode;
use countermark_service::contract::ValidationClient;
use countermark_service::contract::findings::{Decided, FindingDecision, Rule};
use countermark_service::service_name::ServiceName;
use countermark_shared::id::{AccountId, Slot};

use super::*;
use crate::settler::Settler;
use crate::testing::{Bench, EVENT, TestGate, ticket};

const ANNA: AccountId = AccountId(uuid::Uuid::from_u128(7));

/// Seats that nobody sold, which came in; and the gate that let them.
async fn with_findings(bench: &Bench, slots: std::ops::Range<u32>) -> TestGate {
    let mut gate = bench.gate().await;
    for slot in slots {
        gate.admit(slot, Some(&ticket(slot, 1)));
    }
    bench.upload(&mut gate).await;
    settle(bench).await;
    gate
}

async fn settle(bench: &Bench) {
    let settler = Settler::new(bench.state.clone());
    while settler.settle_some(EVENT).await.unwrap() {}
}

fn decision(finding: &Finding, decision: FindingDecision, why: &str) -> DecideFinding {
    DecideFinding { finding: finding.finding, revision: finding.revision, decision, account: ANNA, why: why.to_owned() }
}

#[tokio::test]
async fn findings_come_in_pages_by_state_and_rule() {
    let bench = Bench::new().await;
    let gate = with_findings(&bench, 0..5).await;
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let mut query = FindingQuery { limit: Some(2), ..FindingQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = admin.findings(EVENT, &query).await.unwrap();
        assert!(page.findings.len() <= 2);
        assert_eq!(page.gates.iter().map(|named| named.gate).collect::<Vec<_>>(), [gate.gate]);
        seen.extend(page.findings.iter().map(|finding| finding.finding));
        let Some(next) = page.next else { break };
        query.before = Some(next);
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|a, b| a > b));
    let count = async |query: FindingQuery| admin.findings(EVENT, &query).await.unwrap().findings.len();
    let by_rule = |rule| FindingQuery { rule: Some(rule), ..FindingQuery::default() };
    let by_state = |state| FindingQuery { state: Some(state), ..FindingQuery::default() };
    assert_eq!((count(by_rule(Rule::NeverIssued)).await, count(by_rule(Rule::Fork)).await), (5, 0));
    assert_eq!((count(by_state(FindingState::Open)).await, count(by_state(FindingState::Resolved)).await), (5, 0));
    for limit in [0, 201] {
        let query = FindingQuery { limit: Some(limit), ..FindingQuery::default() };
        assert_eq!(admin.findings(EVENT, &query).await.unwrap_err().slug(), Some("invalid-request"));
    }
}

#[tokio::test]
async fn a_finding_is_acknowledged_resolved_and_open_again_when_it_grows() {
    use FindingDecision::{Acknowledge, Resolve};
    use FindingState::{Acknowledged, Open, Resolved};
    let bench = Bench::new().await;
    let mut gate = with_findings(&bench, 0..1).await;
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let finding = admin.findings(EVENT, &FindingQuery::default()).await.unwrap().findings.remove(0);
    for _ in 0..2 {
        let decided = admin.decide_finding(&decision(&finding, Acknowledge, " I ask the box office. ")).await.unwrap();
        assert_eq!(decided.state, Acknowledged);
    }
    let at = bench.clock.now();
    bench.clock.advance(std::time::Duration::from_secs(1));
    let said = |decision, at, why: &str| Some(Decided { decision, at, account: ANNA, why: why.to_owned() });
    let by_rule = FindingQuery { rule: Some(finding.rule), ..FindingQuery::default() };
    let listed = async || admin.findings(EVENT, &by_rule).await.unwrap().findings.remove(0);
    assert_eq!(finding.decided, None);
    assert_eq!(listed().await.decided, said(Acknowledge, at, "I ask the box office."));
    let resolved = admin.decide_finding(&decision(&finding, Resolve, "Sold at the door.")).await.unwrap();
    let decided = said(Resolve, bench.clock.now(), "Sold at the door.");
    assert_eq!((resolved.state, &resolved.decided), (Resolved, &decided));
    let again = admin.decide_finding(&decision(&finding, Acknowledge, "No.")).await.unwrap_err();
    assert_eq!(again.slug(), Some("finding-resolved"));

    gate.pass(0, 1, countermark_shared::verdict::Reason::Admitted, None);
    bench.upload(&mut gate).await;
    settle(&bench).await;
    let history = admin.finding(finding.finding).await.unwrap();
    assert_eq!((history.finding.state, history.finding.revision), (Open, 2));
    assert_eq!((&history.finding.decided, &listed().await.decided), (&decided, &decided), "they said so");
    let unseen = admin.decide_finding(&decision(&finding, Resolve, "As before.")).await.unwrap_err();
    assert_eq!(unseen.slug(), Some("finding-grown"));
    let steps: Vec<_> = history.steps.iter().map(|step| (step.state, step.account, step.why.as_str())).collect();
    assert_eq!(
        steps,
        [
            (Open, None, "found"),
            (Acknowledged, Some(ANNA), "I ask the box office."),
            (Resolved, Some(ANNA), "Sold at the door."),
            (Open, None, "grown"),
        ]
    );
}

/// Found in review: what settling had read before somebody resolved the finding was written after, and a further admission lay buried.
#[tokio::test]
async fn what_grows_while_somebody_decides_opens_the_finding_again() {
    let bench = Bench::new().await;
    let mut gate = with_findings(&bench, 0..1).await;
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let finding = admin.findings(EVENT, &FindingQuery::default()).await.unwrap().findings.remove(0).finding;
    gate.pass(0, 1, countermark_shared::verdict::Reason::Admitted, None);
    bench.upload(&mut gate).await;

    let mut decision = bench.state.pool.begin().await.unwrap();
    findings::lock(&mut decision, finding).await.unwrap();
    let (resolved, now) = (FindingState::Resolved, bench.clock.now());
    findings::take_step(&mut decision, finding, resolved, Some(ANNA), "Sold at the door.", now).await.unwrap();
    let decide = async {
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&bench.state.pool).await.unwrap() == 0 {}
        decision.commit().await.unwrap();
    };
    tokio::join!(settle(&bench), decide);
    let found = admin.finding(finding).await.unwrap().finding;
    assert_eq!((found.state, found.revision), (FindingState::Open, 2));
}

#[tokio::test]
async fn what_is_no_decision_is_refused_and_no_step_is_changed() {
    let bench = Bench::new().await;
    with_findings(&bench, 3..4).await;
    let admin = ValidationClient(bench.client(ServiceName::Admin));
    let finding = admin.findings(EVENT, &FindingQuery::default()).await.unwrap().findings.remove(0);
    assert_eq!(finding.about, countermark_service::contract::findings::About::Seat { slot: Slot(3) });
    for why in ["", " ", "\0", &"x".repeat(501)] {
        let refused = admin.decide_finding(&decision(&finding, FindingDecision::Resolve, why)).await.unwrap_err();
        assert_eq!(refused.slug(), Some("invalid-request"));
    }
    let nobody = DecideFinding { finding: 99, ..decision(&finding, FindingDecision::Resolve, "Why not.") };
    assert_eq!(admin.decide_finding(&nobody).await.unwrap_err().slug(), Some("finding-unknown"));
    assert_eq!(admin.finding(99).await.unwrap_err().slug(), Some("finding-unknown"));
    let stranger = bench.get("/v1/internal/findings/1", "no token of a service").await;
    stranger.is_problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    for sql in ["UPDATE finding_steps SET why = 'no'", "DELETE FROM finding_steps", "TRUNCATE finding_steps"] {
        let error = sqlx::query(sql).execute(&bench.state.pool).await.unwrap_err().to_string();
        assert!(error.contains("the steps of findings only grow"), "{sql}: {error}");
    }
}
