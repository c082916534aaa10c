//! Which gates have yet to tell again since the database was restored from a backup.

use countermark_shared::id::{EventId, GateId};
use sqlx::PgConnection;

use super::column;
use crate::debt::Debt;
use crate::error::Error;

/// From now on every gate that can have written rows owes, and none has said how much. A suspended one does, too: it may be resumed.
pub(crate) async fn all_owe(connection: &mut PgConnection) -> Result<(), Error> {
    let unsaid = Debt::UNSAID.row().cast_signed();
    sqlx::query!("UPDATE gates SET owes = $1 WHERE public_key IS NOT NULL", unsaid).execute(connection).await?;
    Ok(())
}

/// What the gate owes.
pub(crate) async fn of(connection: &mut PgConnection, gate: GateId) -> Result<Option<Debt>, Error> {
    let owes = sqlx::query_scalar!("SELECT owes FROM gates WHERE gate = $1", i64::from(gate.0));
    owes.fetch_one(connection).await?.map(debt).transpose()
}

/// Writes down what is left of it.
pub(crate) async fn keep(connection: &mut PgConnection, gate: GateId, left: Option<Debt>) -> Result<(), Error> {
    let owes = left.map(|debt| debt.row().cast_signed());
    sqlx::query!("UPDATE gates SET owes = $2 WHERE gate = $1", i64::from(gate.0), owes).execute(connection).await?;
    Ok(())
}

/// The gates but `asking` whose rows could tell of seats of the event, and that owe some, by number. Rows of an event that a gate never served are not
/// believed, and what suspended gates were granted has fallen.
pub(crate) async fn owing(connection: &mut PgConnection, event: EventId, asking: GateId) -> Result<Vec<GateId>, Error> {
    let gates = sqlx::query_scalar!(
        "SELECT gate FROM gates
         WHERE owes IS NOT NULL AND NOT suspended AND gate <> $2
           AND gate IN (SELECT gate FROM assignments WHERE event = $1)
         ORDER BY gate",
        i64::from(event.0),
        i64::from(asking.0),
    );
    gates.fetch_all(connection).await?.into_iter().map(number).collect()
}

/// All of them, by number.
pub(crate) async fn all(connection: &mut PgConnection) -> Result<Vec<GateId>, Error> {
    let gates = sqlx::query_scalar!("SELECT gate FROM gates WHERE owes IS NOT NULL AND NOT suspended ORDER BY gate");
    gates.fetch_all(connection).await?.into_iter().map(number).collect()
}

/// As the column holds it.
pub(super) fn debt(owes: i64) -> Result<Debt, Error> {
    column::number(owes, "gates.owes").map(Debt::up_to)
}

fn number(gate: i64) -> Result<GateId, Error> {
    column::number(gate, "gates.gate").map(GateId)
}
