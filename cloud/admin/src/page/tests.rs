//! The page as a browser and an administrator get it.

use axum::http::{Method, StatusCode};
use countermark_service::caller::Role;
use countermark_service::contract::PushEventDocument;
use countermark_service::contract::findings::Rule;
use countermark_service::contract::paths;
use countermark_shared::id::AccountId;
use countermark_shared::wire::Base64;
use serde_json::{Value, json};

use super::*;
use crate::testing::{self, Bench};

fn scan(gate: u32, at: &str) -> Value {
    json!({
        "gate": gate, "row": 12, "lane": 1, "at": at, "clock": "signed", "generation": 1, "persons": 1, "reason": "admitted",
    })
}

fn double() -> Value {
    let objection = json!({
        "kind": "passed-before", "before": scan(3, "2027-01-15T08:00:00Z"), "apart": 754_000, "would_say": "already-used",
    });
    json!({
        "finding": 5, "event": 7, "about": { "kind": "seat", "slot": 42 }, "rule": "double-admission", "state": "open", "revision": 2,
        "found": "2027-01-15T08:30:00Z", "grown": "2027-01-15T08:30:00Z",
        "evidence": {
            "kind": "scans", "count": 60, "scans": [{ "scan": scan(4, "2027-01-15T08:12:34Z"), "objection": objection }],
        },
    })
}

/// A page of each rule's finding.
fn every_rule() -> Value {
    let evidence = |rule| match rule {
        Rule::DoubleAdmission => double()["evidence"].clone(),
        Rule::UsedAfterRevocation => of(&json!({ "kind": "revoked", "since": "2027-01-15T07:00:00Z" })),
        Rule::NeverIssued => of(&json!({ "kind": "not-issued" })),
        Rule::ExitWithoutEntry => of(&json!({ "kind": "no-entry" })),
        Rule::Overruled => of(&json!({ "kind": "overruled", "supervisor": 2, "why": "identified" })),
        Rule::TakenBack => of(&json!({
            "kind": "taken-back", "row": 13, "at": "2027-01-15T08:13:00Z", "then": scan(3, "2027-01-15T08:14:00Z"),
        })),
        Rule::Held => of(&json!({ "kind": "held" })),
        Rule::Gap | Rule::Fork => json!({ "kind": "rows", "first": 4, "last": 6 }),
        Rule::ClockJump => {
            json!({ "kind": "jumps", "count": 1, "jumps": [{ "kind": "disowned", "row": 4, "state": "rolled-back" }] })
        }
        Rule::LostGate => json!({ "kind": "silence", "since": "2027-01-15T07:00:00Z", "last_row": null }),
        Rule::Unproved => json!({ "kind": "doubtful", "unproved": 50, "unreadable": 1 }),
    };
    let findings = Rule::ALL.map(|rule| {
        let mut finding = double();
        (finding["rule"], finding["evidence"]) = (json!(rule), evidence(rule));
        finding
    });
    json!({ "findings": findings, "gates": gates(), "next": 5 })
}

fn of(objection: &Value) -> Value {
    json!({ "kind": "scans", "count": 1, "scans": [{ "scan": scan(4, "2027-01-15T08:12:34Z"), "objection": objection }] })
}

fn gates() -> Value {
    json!([{ "gate": 3, "name": "North" }, { "gate": 4, "name": "<script>alert(1)</script>" }])
}

async fn content(bench: &Bench, query: &str) -> String {
    let answer = bench.get(&format!("/v1/events/7/findings/page{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.text()
}

async fn with(findings: Value) -> Bench {
    let bench = Bench::new().await;
    bench.validation.answers(&paths::FINDINGS.replace("{event}", "7"), StatusCode::OK, findings);
    let gate = json!({
        "gate": 4, "name": "<script>alert(1)</script>", "key": testing::key(9).verifying_key(), "enrolled": null, "last_seen": null, "suspended": false, "moved_to": 8,
        "scans": 5, "admitted": 4, "doubtful": 1, "taken_back": 2, "forgiven": 3,
    });
    let figures = json!({
        "admitted": 31, "inside": 17, "gates": [gate], "products": [{ "product": 1, "entered": 31 }, { "product": null, "entered": 1 }],
        "quarters": [{ "from": "2027-01-15T08:00:00Z", "entered": 31, "left": 14 }],
    });
    bench.validation.answers(&paths::ADMISSIONS.replace("{event}", "7"), StatusCode::OK, figures);
    let document = Base64(testing::event_document(1, &testing::key(4)));
    bench.post("/v1/event-documents", &PushEventDocument { document }).await;
    bench
}

#[tokio::test]
async fn anybody_sees_a_form_and_the_browser_runs_this_services_script_alone() {
    let bench = Bench::new().await;
    for (path, lang) in [("/events/7/findings", "en"), ("/events/7/findings?language=fr", "fr")] {
        let answer = bench.ask(Method::GET, path, None, &[], Vec::new()).await;
        let text = answer.text();
        assert_eq!((answer.status, answer.header("content-security-policy")), (StatusCode::OK, Some(POLICY)));
        assert!(text.contains(&format!("<html lang=\"{lang}\">")), "{text}");
        assert!(
            !text.contains("http")
                && !text.contains(" style=")
                && !text.contains("onclick")
                && !text.contains("onsubmit"),
            "{text}"
        );
        for asset in ["/assets/findings.js", "/assets/findings.css"] {
            assert!(text.contains(asset));
            let answer = bench.ask(Method::GET, asset, None, &[], Vec::new()).await;
            assert!(answer.status == StatusCode::OK && !answer.text().contains("http"), "nothing from elsewhere");
        }
    }
    let stranger = bench.ask(Method::GET, "/v1/events/7/findings/page", None, &[], Vec::new()).await;
    stranger.is_problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    let buyer = bench.token(Role::Buyer);
    let buyer = bench.ask(Method::GET, "/v1/events/7/findings/page", Some(&buyer), &[], Vec::new()).await;
    buyer.is_problem(StatusCode::FORBIDDEN, "forbidden");
}

#[tokio::test]
async fn a_double_admission_says_where_how_far_apart_and_what_to_do() {
    let bench = with(json!({ "findings": [double()], "gates": gates(), "next": null })).await;
    let text = content(&bench, "?state=open").await;
    for words in [
        "Admitted too often · Seat 42",
        "North (3), lane 1, 2027-01-15 08:00:00 UTC: 1 person(s), row 12; then, 12 min 34 s later, ",
        "This ticket was already used.",
        "Compare where and how far apart",
        "data-finding=\"5\" data-revision=\"2\"",
        "<option value=\"open\" selected>",
        "<strong>31</strong> persons came",
        "<strong>17</strong> are inside now",
        "<td>Standing<td>31",
        "<td>not known<td>1",
        "<td>4<td>5<td>2<td>3<td>1",
        "height=\"120\"",
        "and more …",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // What an auditor verifies its export against, and where the gate is now.
    let key = format!(" (4), moved to event 8: <code>{}</code>", testing::key(9).verifying_key());
    assert!(text.contains(&key) && text.contains(" (4), moved to event 8<td>"), "{text}");
    let french = content(&bench, "?language=fr").await;
    for words in
        ["Admis trop de fois · Place 42", "12 min 34 s après", "Ce billet a déjà servi.", "présentes maintenant"]
    {
        assert!(french.contains(words), "{words}: {french}");
    }
    for text in [text, french] {
        assert!(!text.contains("<script") && text.contains("&#60;script&#62;"), "{text}");
    }
}

#[tokio::test]
async fn gates_that_have_not_told_again_since_a_restore_are_named_with_what_to_do() {
    let bench = Bench::new().await;
    bench.validation.answers(
        &paths::FINDINGS.replace("{event}", "7"),
        StatusCode::OK,
        json!({ "findings": [], "gates": [], "next": null }),
    );
    let gate = |number: u32, owes: bool| {
        json!({
            "gate": number, "name": "Door", "enrolled": null, "last_seen": null, "suspended": false, "owes": owes, "scans": 0, "admitted": 0, "doubtful": 0,
        })
    };
    let figures = |owe: bool| json!({ "admitted": 0, "gates": [gate(3, owe), gate(4, false), gate(5, owe)] });
    let admissions = paths::ADMISSIONS.replace("{event}", "7");
    bench.validation.answers(&admissions, StatusCode::OK, figures(false));
    assert!(!content(&bench, "").await.contains("role=\"alert\""));
    bench.validation.answers(&admissions, StatusCode::OK, figures(true));
    for (query, words) in
        [("", "suspend one that will not come back:"), ("?language=fr", "suspendez celui qui ne reviendra pas :")]
    {
        let text = content(&bench, query).await;
        assert!(text.contains(&format!("{words} <strong>Door (3), Door (5)</strong>")), "{text}");
    }
}

#[tokio::test]
async fn every_rule_is_shown_with_its_explanation_in_both_languages() {
    let bench = with(every_rule()).await;
    for (query, language) in [("", Language::En), ("?language=fr", Language::Fr)] {
        let text = content(&bench, query).await.replace("&#39;", "'");
        for rule in Rule::ALL {
            let explanation = rule.explanation();
            for said in [explanation.name, explanation.meaning, explanation.advice] {
                let said = match language {
                    Language::En => said.en,
                    Language::Fr => said.fr,
                };
                assert!(text.contains(&said), "{said}: {text}");
            }
        }
        let [taken_back, held] = match language {
            Language::En => [
                "Taken back at 2027-01-15 08:13:00 UTC, row 13; then North (3), lane 1, ",
                ": held back since 2027-01-15 08:12:34 UTC, row 12.",
            ],
            Language::Fr => [
                "Annulé le 2027-01-15 08:13:00 UTC, ligne 13 ; puis North (3), couloir 1, ",
                " : bloqué depuis le 2027-01-15 08:12:34 UTC, ligne 12.",
            ],
        };
        assert!(text.contains(taken_back) && text.contains(held), "{text}");
        assert!(text.contains("id=\"older\" data-before=\"5\""));
    }
}

#[tokio::test]
async fn the_last_decision_says_what_when_who_and_why() {
    let decided = |account: u128| {
        let mut finding = double();
        finding["decided"] = json!({
            "decision": "resolve", "at": "2027-01-15T09:00:00Z", "account": AccountId(uuid::Uuid::from_u128(account)), "why": "<b>One</b> couple.",
        });
        finding
    };
    let bench = with(json!({ "findings": [decided(7), decided(9)], "gates": gates(), "next": 5 })).await;
    let (you, other) = ("00000000-0000-0000-0000-000000000007", "00000000-0000-0000-0000-000000000009");
    let why = "&#60;b&#62;One&#60;/b&#62; couple.";
    let at = "2027-01-15 09:00:00 UTC";
    let english = content(&bench, "?state=resolved&before=9").await;
    for words in [
        format!("Last decision:</strong> resolved, {at}, by you ({you}): “{why}”"),
        format!("resolved, {at}, by {other}: “{why}”"),
        "id=\"newest\"".to_owned(),
        format!("As of {}", sentences::instant(bench.clock.now())),
    ] {
        assert!(english.contains(&words), "{words}: {english}");
    }
    assert!(!english.contains("findings open"), "open ones were not asked for: {english}");
    let french = content(&bench, "?language=fr").await;
    assert!(
        french.contains(&format!("Dernière décision :</strong> résolu, {at}, par vous ({you}) : « {why} »")),
        "{french}"
    );
    assert!(french.contains("constats ouverts") && !french.contains("id=\"newest\""), "{french}");
}

#[tokio::test]
async fn figures_that_are_not_known_are_not_invented() {
    let bench = with(json!({ "findings": [], "gates": [], "next": null })).await;
    let unknown = testing::problem(500, "internal");
    bench.validation.answers(&paths::ADMISSIONS.replace("{event}", "7"), StatusCode::INTERNAL_SERVER_ERROR, unknown);
    let text = content(&bench, "").await;
    assert!(
        text.contains("its figures are not known") && text.contains("Nothing.") && !text.contains("<svg"),
        "{text}"
    );
}
