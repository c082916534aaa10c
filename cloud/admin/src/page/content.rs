//! What the page shows to somebody who has signed in: figures, and findings with what they mean.

use askama::Template;
use countermark_service::contract::findings::{About, Finding, FindingPage, FindingQuery, FindingState, Rule, Weight};
use countermark_service::contract::{AdmissionFigures, GateFigures, ProductEntries};
use countermark_shared::documents::{EventDocument, Text};
use countermark_shared::id::{AccountId, EventId};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Language;

use super::bars::{Drawing, draw};
use super::sentences::{Writer, instant};
use super::words::{self, Words};

/// What is to be shown, as the services say it.
pub(crate) struct Shown<'a> {
    pub(crate) event: EventId,
    /// The document in force; nothing where none was published here.
    pub(crate) document: Option<&'a EventDocument>,
    /// Nothing when validation does not answer for them.
    pub(crate) figures: Option<&'a AdmissionFigures>,
    pub(crate) page: &'a FindingPage,
    pub(crate) query: &'a FindingQuery,
    /// Whoever reads it.
    pub(crate) reader: AccountId,
    pub(crate) now: Timestamp,
}

#[derive(Template)]
#[template(path = "findings_content.html")]
struct Content<'a> {
    event: EventId,
    words: &'static Words,
    name: String,
    as_of: String,
    figures: Option<Figures>,
    states: Vec<Choice>,
    /// Nothing where open ones were not asked for.
    open: Option<usize>,
    findings: Vec<Item<'a>>,
    has_newer: bool,
    next: Option<i64>,
}

struct Figures {
    came: u64,
    inside: u64,
    drawing: Option<Drawing>,
    gates: Vec<GateLine>,
    /// The names of those that have to tell again, as one text.
    owing: Option<String>,
    products: Vec<(String, u64)>,
}

struct GateLine {
    name: String,
    heard: Option<String>,
    admitted: u64,
    scans: u64,
    doubtful: u64,
    taken_back: u64,
    forgiven: u64,
    key: Option<VerifyingKey>,
}

struct Choice {
    value: &'static str,
    name: &'static str,
    chosen: bool,
}

struct Item<'a> {
    finding: &'a Finding,
    name: String,
    meaning: String,
    advice: String,
    weight: &'static str,
    weight_name: &'static str,
    state_name: &'static str,
    about: String,
    found: String,
    sentences: Vec<String>,
    more: bool,
    decided: Option<String>,
    acknowledgeable: bool,
    resolvable: bool,
}

/// The content in a language.
pub(crate) fn content(shown: &Shown<'_>, language: Language) -> Result<String, askama::Error> {
    let words = Words::of(language);
    let findings: Vec<_> = shown.page.findings.iter().map(|it| item(it, shown, words, language)).collect();
    let asks_for_open = shown.query.state.is_none_or(|state| state == FindingState::Open);
    let open = findings.iter().filter(|item| item.finding.state == FindingState::Open).count();
    Content {
        event: shown.event,
        words,
        name: shown.document.map(|document| said(&document.name, language)).unwrap_or_default(),
        as_of: instant(shown.now),
        figures: shown.figures.map(|figures| self::figures(figures, shown, words, language)),
        states: states(shown.query.state, words, language),
        open: asks_for_open.then_some(open),
        findings,
        has_newer: shown.query.before.is_some(),
        next: shown.page.next,
    }
    .render()
}

fn figures(figures: &AdmissionFigures, shown: &Shown<'_>, words: &Words, language: Language) -> Figures {
    let name = |gate: &GateFigures| {
        let name = format!("{} ({})", gate.name, gate.gate);
        gate.moved_to.map_or(name.clone(), |event| format!("{name}, {} {event}", words.moved_to))
    };
    let gate = |gate: &GateFigures| GateLine {
        name: name(gate),
        heard: gate.last_seen.map(instant),
        admitted: gate.admitted,
        scans: gate.scans,
        doubtful: gate.doubtful,
        taken_back: gate.taken_back,
        forgiven: gate.forgiven,
        key: gate.key,
    };
    let product = |entries: &ProductEntries| {
        let named = entries.product.and_then(|number| shown.document?.product(number));
        let name = match (named, entries.product) {
            (Some(product), _) => said(&product.name, language),
            (None, Some(number)) => number.to_string(),
            (None, None) => words.unknown_product.to_owned(),
        };
        (name, entries.entered)
    };
    let owing: Vec<_> = figures.gates.iter().filter(|gate| gate.owes).map(name).collect();
    Figures {
        came: figures.admitted,
        inside: figures.inside,
        drawing: draw(&figures.quarters, shown.now),
        gates: figures.gates.iter().map(gate).collect(),
        owing: (!owing.is_empty()).then(|| owing.join(", ")),
        products: figures.products.iter().map(product).collect(),
    }
}

fn states(chosen: Option<FindingState>, words: &Words, language: Language) -> Vec<Choice> {
    let all = Choice { value: "", name: words.all, chosen: chosen.is_none() };
    let of = |state: FindingState| Choice {
        value: state.as_str(),
        name: words::state(state, language),
        chosen: chosen == Some(state),
    };
    std::iter::once(all).chain(FindingState::ALL.map(of)).collect()
}

fn item<'a>(finding: &'a Finding, shown: &Shown<'_>, words: &Words, language: Language) -> Item<'a> {
    let writer = Writer { language, gates: &shown.page.gates };
    let explanation = finding.rule.explanation();
    let (sentences, more) = writer.sentences(&finding.evidence);
    let about = match finding.about {
        About::Seat { slot } => format!("{} {slot}", words.seat),
        About::Gate { gate, row: None } => writer.gate(gate),
        About::Gate { gate, row: Some(row) } => format!("{}, {} {row}", writer.gate(gate), words.row),
    };
    let weight: Weight = Rule::weight(finding.rule);
    Item {
        finding,
        name: said(&explanation.name, language),
        meaning: said(&explanation.meaning, language),
        advice: said(&explanation.advice, language),
        weight: weight.as_str(),
        weight_name: words::weight(weight, language),
        state_name: words::state(finding.state, language),
        about,
        found: instant(finding.found),
        sentences,
        more,
        decided: finding.decided.as_ref().map(|decided| writer.decided(decided, shown.reader)),
        acknowledgeable: finding.state == FindingState::Open,
        resolvable: finding.state != FindingState::Resolved,
    }
}

fn said(text: &Text, language: Language) -> String {
    match language {
        Language::En => text.en.clone(),
        Language::Fr => text.fr.clone(),
    }
}
