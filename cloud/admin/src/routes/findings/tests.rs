//! Findings towards administrators: what validation says is passed on, and decisions are on the record.

use axum::http::StatusCode;
use countermark_service::contract::paths;
use serde_json::Value;

use super::*;
use crate::record::Outcome;
use crate::testing::{self, Bench};

const ROUTES: [(&str, &str, Act, &str); 2] = [
    ("/v1/findings/acknowledge", "acknowledge", Act::AcknowledgeFinding, "acknowledged"),
    ("/v1/findings/resolve", "resolve", Act::ResolveFinding, "resolved"),
];

fn finding(number: i64, state: &str) -> Value {
    json!({
        "finding": number, "event": 7, "about": { "kind": "gate", "gate": 3, "row": 4 }, "rule": "gap", "state": state, "revision": 2,
        "found": "2027-01-22T08:00:00Z", "grown": "2027-01-22T08:05:00Z", "evidence": { "kind": "rows", "first": 4, "last": 6 },
    })
}

fn page(findings: &[Value], next: Option<i64>) -> Value {
    json!({ "findings": findings, "gates": [{ "gate": 3, "name": "=North" }], "next": next })
}

#[tokio::test]
async fn a_decision_is_passed_on_with_who_and_why_and_is_on_the_record() {
    let mut bench = Bench::new().await;
    for (route, decision, act, state) in ROUTES {
        bench.validation.answers(paths::DECIDE_FINDING, StatusCode::OK, finding(5, state));
        let body = json!({ "finding": 5, "revision": 2, "reason": " The box was restored. " });
        let answer = bench.post(route, &body).await;
        assert_eq!((answer.status, answer.json::<Value>()), (StatusCode::OK, finding(5, state)));
        let account = Bench::administrator().account;
        let asked = json!({
            "finding": 5, "revision": 2, "decision": decision, "account": account, "why": "The box was restored.",
        });
        assert_eq!(bench.validation.called().await, (paths::DECIDE_FINDING.to_owned(), asked));
        let log = bench.log().await;
        let [.., intent, outcome] = &log[..] else { panic!("{log:?}") };
        assert_eq!((intent.act, intent.outcome, intent.subject.as_str()), (act, Outcome::Intended, "finding 5"));
        assert_eq!(intent.detail, json!({ "revision": 2, "reason": "The box was restored." }));
        assert_eq!((outcome.act, outcome.outcome, &outcome.detail["state"]), (act, Outcome::Done, &json!(state)));
    }
}

#[tokio::test]
async fn a_refusal_is_passed_on_and_without_a_reason_nothing_is_asked() {
    let mut bench = Bench::new().await;
    for (route, ..) in ROUTES {
        for reason in ["", " ", &"x".repeat(501)] {
            let body = json!({ "finding": 5, "revision": 2, "reason": reason });
            bench.post(route, &body).await.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
        }
    }
    assert!(bench.validation.is_quiet() && bench.log().await.is_empty());
    for (route, ..) in ROUTES {
        let body = json!({ "finding": 5, "revision": 1, "reason": "Why not." });
        bench.validation.answers(paths::DECIDE_FINDING, StatusCode::CONFLICT, testing::problem(409, "finding-grown"));
        bench.post(route, &body).await.is_problem(StatusCode::CONFLICT, "finding-grown");
        assert_eq!(bench.log().await.last().unwrap().outcome, Outcome::Refused);
    }
}

#[tokio::test]
async fn findings_are_what_validation_says_and_every_rule_is_explained() {
    let mut bench = Bench::new().await;
    let path = paths::FINDINGS.replace("{event}", "7");
    bench.validation.answers(&path, StatusCode::OK, page(&[finding(5, "open")], None));
    let answer: Value = bench.get("/v1/events/7/findings?state=open&rule=gap&limit=1").await.json();
    assert_eq!(answer, page(&[finding(5, "open")], None));
    assert_eq!(bench.validation.called().await.0, path);
    bench.get("/v1/events/7/findings?state=lost").await.is_problem(StatusCode::BAD_REQUEST, "invalid-request");

    let history = json!({ "finding": finding(5, "open"), "gates": [], "steps": [] });
    bench.validation.answers("/v1/internal/findings/5", StatusCode::OK, history.clone());
    assert_eq!(bench.get("/v1/findings/5").await.json::<Value>(), history);
    bench.validation.answers(
        "/v1/internal/findings/6",
        StatusCode::NOT_FOUND,
        testing::problem(404, "finding-unknown"),
    );
    bench.get("/v1/findings/6").await.is_problem(StatusCode::NOT_FOUND, "finding-unknown");

    let rules: Vec<Explanation> = bench.get("/v1/finding-rules").await.json();
    assert_eq!(rules, explanations());
}

#[tokio::test]
async fn all_findings_are_taken_away_as_a_file() {
    let bench = Bench::new().await;
    let path = paths::FINDINGS.replace("{event}", "7");
    let mut resolved = finding(5, "resolved");
    resolved["decided"] = json!({
        "decision": "resolve", "at": "2027-01-22T09:00:00Z", "account": uuid::Uuid::from_u128(7), "why": "=The box was restored.",
    });
    bench.validation.answers(&path, StatusCode::OK, page(&[finding(6, "open"), resolved.clone()], None));
    let csv = bench.get("/v1/events/7/findings.csv").await.text();
    let lines: Vec<_> = csv.split("\r\n").collect();
    let [names, first, second, ""] = lines[..] else { panic!("{csv}") };
    assert!(names.starts_with("\"finding\",\"rule\",\"weight\",\"state\","), "{names}");
    assert!(first.starts_with("\"6\",\"gap\",\"concern\",\"open\",\"\",\"3\",\"'=North\",\"4\","), "{first}");
    assert!(names.ends_with("\"evidence\",\"decision\",\"decided\",\"decided by\",\"why\""), "{names}");
    assert!(first.ends_with(",\"\",\"\",\"\",\"\""), "{first}");
    let decided =
        "\"resolve\",\"2027-01-22T09:00:00Z\",\"00000000-0000-0000-0000-000000000007\",\"'=The box was restored.\"";
    assert!(second.starts_with("\"5\",") && second.ends_with(decided), "{second}");
    let lines = bench.get("/v1/events/7/findings.jsonl").await.text();
    let read: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read, [finding(6, "open"), resolved]);
}
