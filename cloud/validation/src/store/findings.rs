//! Findings and their steps: what settling writes, what people decide, what they read.

use std::collections::BTreeMap;

use countermark_service::contract::findings::{
    About, Decided, Evidence, Finding, FindingDecision, FindingQuery, FindingState, FindingStep, NamedGate, Rule,
};
use countermark_shared::id::{AccountId, EventId, GateId, Slot};
use countermark_shared::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::column;
use crate::error::Error;
use crate::findings::{Change, Known, Step};
use crate::reconcile::Found;

struct Row {
    finding: i64,
    event: i64,
    rule: String,
    slot: Option<i64>,
    gate: Option<i64>,
    place: Option<i64>,
    found_at: OffsetDateTime,
    grown_at: OffsetDateTime,
    revision: i64,
    evidence: Value,
    stands: bool,
    state: String,
}

impl TryFrom<Row> for Known {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let stands = row.stands;
        let Finding { finding, about, rule, evidence, state, .. } = row.try_into()?;
        Ok(Self { finding, about, rule, evidence, stands, state })
    }
}

impl TryFrom<Row> for Finding {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            finding: row.finding,
            event: EventId(column::number(row.event, "findings.event")?),
            about: about(row.slot, row.gate, row.place)?,
            rule: named(row.rule, "findings.rule")?,
            state: named(row.state, "findings.state")?,
            revision: column::number(row.revision, "findings.revision")?,
            found: row.found_at.into(),
            grown: row.grown_at.into(),
            evidence: serde_json::from_value(row.evidence)
                .map_err(|_| Error::Corrupt { column: "findings.evidence" })?,
            decided: None,
        })
    }
}

fn about(slot: Option<i64>, gate: Option<i64>, place: Option<i64>) -> Result<About, Error> {
    match (slot, gate) {
        (Some(slot), None) => Ok(About::Seat { slot: Slot(column::number(slot, "findings.slot")?) }),
        (None, Some(gate)) => Ok(About::Gate {
            gate: GateId(column::number(gate, "findings.gate")?),
            row: place.map(|place| column::number(place, "findings.place")).transpose()?,
        }),
        (Some(_), Some(_)) | (None, None) => Err(Error::Corrupt { column: "findings.slot" }),
    }
}

fn named<T: for<'de> Deserialize<'de>>(name: String, column: &'static str) -> Result<T, Error> {
    serde_json::from_value(Value::String(name)).map_err(|_| Error::Corrupt { column })
}

/// Slot, gate and place.
fn columns(about: About) -> (Option<i64>, Option<i64>, Option<i64>) {
    match about {
        About::Seat { slot } => (Some(slot.0.into()), None, None),
        About::Gate { gate, row } => (None, Some(gate.0.into()), row.map(u64::cast_signed)),
    }
}

/// All that was found of those seats, locked until the transaction ends: what people decide meanwhile comes before or after.
pub(crate) async fn of_seats(
    connection: &mut PgConnection,
    event: EventId,
    slots: &[Slot],
) -> Result<Vec<Known>, Error> {
    let slots: Vec<_> = slots.iter().map(|slot| i64::from(slot.0)).collect();
    let rows = sqlx::query_as!(
        Row,
        "SELECT finding, event, rule, slot, gate, place, found_at, grown_at, revision, evidence, stands, state
         FROM findings WHERE event = $1 AND slot = ANY($2) ORDER BY finding FOR UPDATE",
        i64::from(event.0),
        &slots,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Known::try_from).collect()
}

/// All that was found in a gate's journal, whichever event it served then; locked as those of seats are.
pub(crate) async fn of_journal(connection: &mut PgConnection, gate: GateId) -> Result<Vec<Known>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT finding, event, rule, slot, gate, place, found_at, grown_at, revision, evidence, stands, state
         FROM findings WHERE gate = $1 AND rule <> $2 ORDER BY finding FOR UPDATE",
        i64::from(gate.0),
        Rule::LostGate.as_str(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Known::try_from).collect()
}

/// Whether an event missed a gate; locked likewise.
pub(crate) async fn of_silence(
    connection: &mut PgConnection,
    event: EventId,
    gate: GateId,
) -> Result<Vec<Known>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT finding, event, rule, slot, gate, place, found_at, grown_at, revision, evidence, stands, state
         FROM findings WHERE event = $1 AND gate = $2 AND rule = $3 ORDER BY finding FOR UPDATE",
        i64::from(event.0),
        i64::from(gate.0),
        Rule::LostGate.as_str(),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Known::try_from).collect()
}

/// Whether a gate of the event was lost when settling last looked.
pub(crate) async fn misses_gates(connection: &mut PgConnection, event: EventId) -> Result<bool, Error> {
    let misses = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM findings WHERE event = $1 AND rule = $2 AND stands) AS "misses!""#,
        i64::from(event.0),
        Rule::LostGate.as_str(),
    )
    .fetch_one(connection)
    .await?;
    Ok(misses)
}

/// Writes down what has changed.
pub(crate) async fn write(
    connection: &mut PgConnection,
    event: EventId,
    changes: Vec<Change>,
    now: Timestamp,
) -> Result<(), Error> {
    for change in changes {
        let (finding, step) = match change {
            Change::New(found) => (insert(connection, event, &found, now).await?, Some(Step::Found)),
            Change::Other { finding, evidence, grown, step } => {
                update(connection, finding, Some((&evidence, grown)), now).await?;
                (finding, step)
            }
            Change::Gone { finding, step } => {
                update(connection, finding, None, now).await?;
                (finding, step)
            }
        };
        if let Some(step) = step {
            take_step(connection, finding, step.state(), None, step.why(), now).await?;
        }
    }
    Ok(())
}

async fn insert(connection: &mut PgConnection, event: EventId, found: &Found, now: Timestamp) -> Result<i64, Error> {
    let (slot, gate, place) = columns(found.about);
    let finding = sqlx::query_scalar!(
        "INSERT INTO findings (event, rule, slot, gate, place, found_at, grown_at, revision, evidence, stands, state)
         VALUES ($1, $2, $3, $4, $5, $6, $6, 1, $7, true, $8) RETURNING finding",
        i64::from(event.0),
        found.rule.as_str(),
        slot,
        gate,
        place,
        OffsetDateTime::from(now),
        serde_json::to_value(&found.evidence)?,
        Step::Found.state().as_str(),
    )
    .fetch_one(connection)
    .await?;
    Ok(finding)
}

/// What it rests on now and whether that has grown; nothing when it is found no more.
async fn update(
    connection: &mut PgConnection,
    finding: i64,
    evidence: Option<(&Evidence, bool)>,
    now: Timestamp,
) -> Result<(), Error> {
    let grown = evidence.is_some_and(|(_, grown)| grown);
    let stands = evidence.is_some();
    sqlx::query!(
        "UPDATE findings
         SET evidence = coalesce($2, evidence), stands = $3,
             revision = revision + CASE WHEN $4 THEN 1 ELSE 0 END, grown_at = CASE WHEN $4 THEN $5 ELSE grown_at END
         WHERE finding = $1",
        finding,
        evidence.map(|(evidence, _)| serde_json::to_value(evidence)).transpose()?,
        stands,
        grown,
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes a step down, by somebody or by settling itself.
pub(crate) async fn take_step(
    connection: &mut PgConnection,
    finding: i64,
    state: FindingState,
    account: Option<AccountId>,
    why: &str,
    now: Timestamp,
) -> Result<(), Error> {
    sqlx::query!(
        "WITH stepped AS (UPDATE findings SET state = $2 WHERE finding = $1)
         INSERT INTO finding_steps (finding, state, at, account, why) VALUES ($1, $2, $3, $4, $5)",
        finding,
        state.as_str(),
        OffsetDateTime::from(now),
        account.map(|account| account.0),
        why,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Leaves so many numbers out.
pub(crate) async fn skip_numbers(connection: &mut PgConnection, skipped: u32) -> Result<(), Error> {
    sqlx::query!(
        r#"SELECT setval(pg_get_serial_sequence('findings', 'finding'),
                         nextval(pg_get_serial_sequence('findings', 'finding')) + $1) AS "last!""#,
        i64::from(skipped),
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// A finding without what was decided about it, locked until the transaction ends.
pub(crate) async fn lock(connection: &mut PgConnection, finding: i64) -> Result<Option<Finding>, Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT finding, event, rule, slot, gate, place, found_at, grown_at, revision, evidence, stands, state
         FROM findings WHERE finding = $1 FOR UPDATE",
        finding,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Finding::try_from).transpose()
}

/// A finding as it is.
pub(crate) async fn one(connection: &mut PgConnection, finding: i64) -> Result<Option<Finding>, Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT finding, event, rule, slot, gate, place, found_at, grown_at, revision, evidence, stands, state
         FROM findings WHERE finding = $1",
        finding,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let finding: Vec<_> = row.map(Finding::try_from).transpose()?.into_iter().collect();
    Ok(with_decisions(connection, finding).await?.pop())
}

/// Some of an event's findings, the newest first.
pub(crate) async fn page(
    connection: &mut PgConnection,
    event: EventId,
    query: &FindingQuery,
    limit: u16,
) -> Result<Vec<Finding>, Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT finding, event, rule, slot, gate, place, found_at, grown_at, revision, evidence, stands, state
         FROM findings
         WHERE event = $1 AND finding < $2 AND ($3::text IS NULL OR state = $3) AND ($4::text IS NULL OR rule = $4)
         ORDER BY finding DESC LIMIT $5",
        i64::from(event.0),
        query.before.unwrap_or(i64::MAX),
        query.state.map(FindingState::as_str),
        query.rule.map(Rule::as_str),
        i64::from(limit),
    )
    .fetch_all(&mut *connection)
    .await?;
    let findings: Result<Vec<_>, Error> = rows.into_iter().map(Finding::try_from).collect();
    with_decisions(connection, findings?).await
}

/// These findings, each with what somebody last decided about it.
async fn with_decisions(connection: &mut PgConnection, findings: Vec<Finding>) -> Result<Vec<Finding>, Error> {
    let numbers: Vec<_> = findings.iter().map(|finding| finding.finding).collect();
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (finding) finding, state, at, account AS "account!", why FROM finding_steps
           WHERE finding = ANY($1) AND account IS NOT NULL ORDER BY finding, step DESC"#,
        &numbers,
    )
    .fetch_all(connection)
    .await?;
    let mut decided = BTreeMap::new();
    for row in rows {
        let column = "finding_steps.state";
        let decision = FindingDecision::to(named(row.state, column)?).ok_or(Error::Corrupt { column })?;
        let (at, account, why) = (row.at.into(), AccountId(row.account), row.why);
        decided.insert(row.finding, Decided { decision, at, account, why });
    }
    Ok(findings.into_iter().map(|it| Finding { decided: decided.remove(&it.finding), ..it }).collect())
}

/// How a finding came to its state, the oldest step first.
pub(crate) async fn steps(connection: &mut PgConnection, finding: i64) -> Result<Vec<FindingStep>, Error> {
    let rows =
        sqlx::query!("SELECT state, at, account, why FROM finding_steps WHERE finding = $1 ORDER BY step", finding)
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|row| {
            Ok(FindingStep {
                state: named(row.state, "finding_steps.state")?,
                at: row.at.into(),
                account: row.account.map(AccountId),
                why: row.why,
            })
        })
        .collect()
}

/// The event's gates and what they are called, by number.
pub(crate) async fn gates(connection: &mut PgConnection, event: EventId) -> Result<Vec<NamedGate>, Error> {
    let rows = sqlx::query!(
        "SELECT gate, name FROM gates WHERE gate IN (SELECT gate FROM assignments WHERE event = $1) ORDER BY gate",
        i64::from(event.0),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| Ok(NamedGate { gate: GateId(column::number(row.gate, "gates.gate")?), name: row.name }))
        .collect()
}
