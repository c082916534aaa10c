//! Findings as files. Owns their columns and that no spreadsheet takes a word for a formula; refuses to know who asks.

use countermark_service::contract::ValidationClient;
use countermark_service::contract::findings::{About, Decided, Evidence, Finding, FindingQuery, NamedGate};
use countermark_shared::id::{EventId, GateId};

use crate::error::Error;

/// As many as validation gives at once.
const PAGE: u16 = 200;

const NAMES: [&str; 16] = [
    "finding",
    "rule",
    "weight",
    "state",
    "slot",
    "gate",
    "gate name",
    "row",
    "found",
    "grown",
    "count",
    "evidence",
    "decision",
    "decided",
    "decided by",
    "why",
];

/// All that was found at an event, the newest first, and its gates.
pub(crate) async fn all(
    validation: &ValidationClient,
    event: EventId,
) -> Result<(Vec<Finding>, Vec<NamedGate>), Error> {
    let mut query = FindingQuery { limit: Some(PAGE), ..FindingQuery::default() };
    let mut findings = Vec::new();
    loop {
        let page = validation.findings(event, &query).await?;
        findings.extend(page.findings);
        query.before = page.next;
        if page.next.is_none() {
            return Ok((findings, page.gates));
        }
    }
}

/// A line of JSON for each.
pub(crate) fn json_lines(findings: &[Finding]) -> Result<String, Error> {
    let lines: Result<Vec<_>, _> = findings.iter().map(serde_json::to_string).collect();
    Ok(lines?.into_iter().map(|line| line + "\n").collect())
}

/// A row for each (RFC 4180). The evidence is JSON in its cell.
pub(crate) fn csv(findings: &[Finding], gates: &[NamedGate]) -> String {
    let rows = findings.iter().map(|finding| row(&cells(finding, gates)));
    std::iter::once(row(&NAMES.map(str::to_owned))).chain(rows).collect()
}

fn cells(finding: &Finding, gates: &[NamedGate]) -> [String; 16] {
    let named = |gate: GateId| gates.iter().find(|named| named.gate == gate).map_or("", |named| named.name.as_str());
    let (slot, gate, name, place) = match finding.about {
        About::Seat { slot } => (slot.to_string(), String::new(), "", None),
        About::Gate { gate, row } => (String::new(), gate.to_string(), named(gate), row),
    };
    let evidence = serde_json::to_string(&finding.evidence).unwrap_or_default();
    let [decision, decided, by, why] = finding.decided.as_ref().map_or_else(Default::default, |decided| {
        let Decided { decision, at, account, why } = decided;
        [decision.as_str().to_owned(), at.to_string(), account.0.to_string(), why.clone()]
    });
    [
        finding.finding.to_string(),
        finding.rule.as_str().to_owned(),
        finding.rule.weight().as_str().to_owned(),
        finding.state.as_str().to_owned(),
        slot,
        gate,
        name.to_owned(),
        place.map(|row| row.to_string()).unwrap_or_default(),
        finding.found.to_string(),
        finding.grown.to_string(),
        count(&finding.evidence).to_string(),
        evidence,
        decision,
        decided,
        by,
        why,
    ]
}

/// How many scans, rows or jumps it is about.
fn count(evidence: &Evidence) -> u64 {
    match evidence {
        Evidence::Scans { count, .. } | Evidence::Jumps { count, .. } => *count,
        Evidence::Rows { first, last } => last.saturating_sub(*first).saturating_add(1),
        Evidence::Doubtful { unproved, unreadable } => unproved.saturating_add(*unreadable),
        Evidence::Silence { .. } => 1,
    }
}

fn row(cells: &[String]) -> String {
    cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(",") + "\r\n"
}

/// A spreadsheet reads a cell that begins with one of these as a formula (OWASP, CSV injection): an apostrophe before it says that it
/// is text.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        for (text, expected) in [
            ("North", "\"North\""),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            ("=HYPERLINK(1)", "\"'=HYPERLINK(1)\""),
            ("-1", "\"'-1\""),
            ("line\nline", "\"line\nline\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
