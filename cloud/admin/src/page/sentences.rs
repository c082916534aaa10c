//! Evidence in sentences, in English and French.

use std::time::Duration;

use countermark_service::contract::findings::{Decided, Doubt, Evidence, Jump, NamedGate, Objection, Scan};
use countermark_shared::id::{AccountId, GateId};
use countermark_shared::journal::{ClockState, OverruleReason};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Language::{self, En, Fr};

use super::words;

/// Whoever writes about an event's gates in a language.
pub(super) struct Writer<'a> {
    pub(super) language: Language,
    pub(super) gates: &'a [NamedGate],
}

impl Writer<'_> {
    /// A sentence for each thing that a finding rests on, and whether there are more.
    pub(super) fn sentences(&self, evidence: &Evidence) -> (Vec<String>, bool) {
        match evidence {
            Evidence::Scans { scans, count } => {
                (scans.iter().map(|doubt| self.doubt(doubt)).collect(), *count > scans.len() as u64)
            }
            Evidence::Jumps { jumps, count } => {
                (jumps.iter().map(|jump| self.jump(*jump)).collect(), *count > jumps.len() as u64)
            }
            Evidence::Rows { first, last } => (vec![self.rows(*first, *last)], false),
            Evidence::Doubtful { unproved, unreadable } => (vec![self.doubtful(*unproved, *unreadable)], false),
            Evidence::Silence { since, last_row } => (vec![self.silence(*since, *last_row)], false),
        }
    }

    /// What a gate is called.
    pub(super) fn gate(&self, gate: GateId) -> String {
        match self.gates.iter().find(|named| named.gate == gate) {
            Some(NamedGate { name, .. }) => format!("{name} ({gate})"),
            None => gate.to_string(),
        }
    }

    /// What somebody decided, when, who and why. An account is its number here, as in the record of what administrators did.
    pub(super) fn decided(&self, decided: &Decided, reader: AccountId) -> String {
        let Decided { decision, at, account, why } = decided;
        let (what, at) = (words::state(decision.state(), self.language), instant(*at));
        match (self.language, *account == reader) {
            (En, true) => format!("{what}, {at}, by you ({account}): “{why}”"),
            (En, false) => format!("{what}, {at}, by {account}: “{why}”"),
            (Fr, true) => format!("{what}, {at}, par vous ({account}) : « {why} »"),
            (Fr, false) => format!("{what}, {at}, par {account} : « {why} »"),
        }
    }

    fn doubt(&self, Doubt { scan, objection }: &Doubt) -> String {
        let entry = self.scan(scan);
        match (objection, self.language) {
            (Objection::PassedBefore { before, apart, would_say }, language) => {
                let (before, apart) = (self.scan(before), span(*apart));
                let would_say = would_say.sentence(language);
                match language {
                    En => format!(
                        "{before}; then, {apart} later, {entry}. A gate that knew of it would have said: {would_say}"
                    ),
                    Fr => {
                        format!("{before} ; puis, {apart} après, {entry}. Un portique informé aurait dit : {would_say}")
                    }
                }
            }
            (Objection::Revoked { since }, En) => {
                format!("{entry}. Cancelled since {}, {} before.", instant(*since), until(*since, scan))
            }
            (Objection::Revoked { since }, Fr) => {
                format!("{entry}. Annulé depuis {}, {} avant.", instant(*since), until(*since, scan))
            }
            (Objection::Replaced { since }, En) => {
                format!("{entry}. Replaced since {}, {} before.", instant(*since), until(*since, scan))
            }
            (Objection::Replaced { since }, Fr) => {
                format!("{entry}. Remplacé depuis {}, {} avant.", instant(*since), until(*since, scan))
            }
            (Objection::Held, language) => {
                let Scan { gate, row, at, .. } = *scan;
                let (gate, at) = (self.gate(gate), instant(at));
                match language {
                    En => format!("{gate}: held back since {at}, row {row}."),
                    Fr => format!("{gate} : bloqué depuis le {at}, ligne {row}."),
                }
            }
            (Objection::NotIssued | Objection::NoEntry, _) => format!("{entry}."),
            (Objection::Overruled { supervisor, why }, En) => {
                format!("{entry}. Supervisor {supervisor}: {}.", overruled(*why, En))
            }
            (Objection::Overruled { supervisor, why }, Fr) => {
                format!("{entry}. Superviseur {supervisor} : {}.", overruled(*why, Fr))
            }
            (Objection::TakenBack { row, at, then }, language) => {
                let (at, then) = (instant(*at), then.map(|then| self.scan(&then)));
                match (language, then) {
                    (En, None) => format!("{entry}. Taken back at {at}, row {row}."),
                    (En, Some(then)) => format!("{entry}. Taken back at {at}, row {row}; then {then}."),
                    (Fr, None) => format!("{entry}. Annulé le {at}, ligne {row}."),
                    (Fr, Some(then)) => format!("{entry}. Annulé le {at}, ligne {row} ; puis {then}."),
                }
            }
        }
    }

    fn scan(&self, scan: &Scan) -> String {
        let Scan { gate, row, lane, at, persons, .. } = *scan;
        let (gate, at) = (self.gate(gate), instant(at));
        let unsure = match (scan.clock, self.language) {
            (ClockState::Signed, _) => "",
            (_, En) => ", by a clock that nobody had set",
            (_, Fr) => ", selon une horloge que personne n'avait réglée",
        };
        match self.language {
            En => format!("{gate}, lane {lane}, {at}{unsure}: {persons} person(s), row {row}"),
            Fr => format!("{gate}, couloir {lane}, {at}{unsure} : {persons} personne(s), ligne {row}"),
        }
    }

    fn jump(&self, jump: Jump) -> String {
        match (jump, self.language) {
            (Jump::Back { row, from, to }, En) => format!("Row {row}: from {} back to {}.", instant(from), instant(to)),
            (Jump::Back { row, from, to }, Fr) => {
                format!("Ligne {row} : de {}, retour à {}.", instant(from), instant(to))
            }
            (Jump::Ahead { row, at, received }, En) => {
                format!("Row {row} is of {}, and arrived at {}.", instant(at), instant(received))
            }
            (Jump::Ahead { row, at, received }, Fr) => {
                format!("La ligne {row} est datée de {}, et est arrivée à {}.", instant(at), instant(received))
            }
            (Jump::Disowned { row, .. }, En) => format!("Row {row}: the gate itself says that its clock is wrong."),
            (Jump::Disowned { row, .. }, Fr) => {
                format!("Ligne {row} : le portique dit lui-même que son horloge est fausse.")
            }
        }
    }

    fn rows(&self, first: u64, last: u64) -> String {
        match (self.language, first == last) {
            (En, true) => format!("Row {first}."),
            (En, false) => format!("Rows {first} to {last}."),
            (Fr, true) => format!("Ligne {first}."),
            (Fr, false) => format!("Lignes {first} à {last}."),
        }
    }

    fn doubtful(&self, unproved: u64, unreadable: u64) -> String {
        match self.language {
            En => format!("{unproved} rows without proof or while suspended, {unreadable} that cannot be read."),
            Fr => format!("{unproved} lignes sans preuve ou pendant une suspension, {unreadable} illisibles."),
        }
    }

    fn silence(&self, since: Timestamp, last_row: Option<u64>) -> String {
        let since = instant(since);
        match (self.language, last_row) {
            (En, Some(row)) => format!("Not heard since {since}. The last row that is here is {row}."),
            (En, None) => format!("Not heard since {since}. It has never uploaded a row."),
            (Fr, Some(row)) => format!("Sans nouvelles depuis {since}. La dernière ligne reçue est la {row}."),
            (Fr, None) => format!("Sans nouvelles depuis {since}. Il n'a jamais transmis de ligne."),
        }
    }
}

const fn overruled(why: OverruleReason, language: Language) -> &'static str {
    match (why, language) {
        (OverruleReason::Identified, En) => "the holder showed who they are",
        (OverruleReason::Identified, Fr) => "le titulaire a prouvé son identité",
        (OverruleReason::Unreadable, En) => "the code could not be read as it should",
        (OverruleReason::Unreadable, Fr) => "le code ne se lisait pas comme il faut",
        (OverruleReason::NotPassed, En) => "let in before, and nobody went through",
        (OverruleReason::NotPassed, Fr) => "déjà admis, et personne n'était passé",
        (OverruleReason::OrganisersDecision, En) => "the organiser wants it so",
        (OverruleReason::OrganisersDecision, Fr) => "décision de l'organisateur",
        (OverruleReason::Other, En) => "another reason",
        (OverruleReason::Other, Fr) => "autre motif",
    }
}

/// To the second, in UTC.
pub(super) fn instant(at: Timestamp) -> String {
    let whole = Timestamp::from_unix_seconds(at.unix_seconds()).to_string();
    whole.replace('T', " ").replace('Z', " UTC")
}

fn until(since: Timestamp, scan: &Scan) -> String {
    span(u64::try_from(scan.at.since(since).as_millis()).unwrap_or(u64::MAX))
}

/// Hours, minutes and seconds, the two greatest of which there are any.
fn span(milliseconds: u64) -> String {
    let seconds = Duration::from_millis(milliseconds).as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
