//! Table `vouched`.

use std::collections::BTreeSet;

use countermark_shared::id::GateId;
use sqlx::PgConnection;

use super::column;
use crate::error::Error;
use crate::vouched::Vouched;

/// Those of the gate's rows at these numbers that it vouches for.
pub(crate) async fn known(
    connection: &mut PgConnection,
    gate: GateId,
    sequences: &[u64],
) -> Result<BTreeSet<u64>, Error> {
    // Beyond what a column holds nothing is stored.
    let sequences: Vec<_> = sequences.iter().filter_map(|sequence| i64::try_from(*sequence).ok()).collect();
    let known = sqlx::query_scalar!(
        "SELECT sequence FROM vouched WHERE gate = $1 AND sequence = ANY($2)",
        i64::from(gate.0),
        &sequences,
    )
    .fetch_all(connection)
    .await?;
    known.into_iter().map(|sequence| column::number(sequence, "vouched.sequence")).collect()
}

/// Notes which of the rows that were stored the gate vouches for; its word is `withheld` while it is suspended.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    gate: GateId,
    rows: &[Vouched],
    withheld: bool,
) -> Result<(), Error> {
    let sequences: Vec<_> = rows.iter().map(|row| row.sequence.cast_signed()).collect();
    let events: Vec<_> = rows.iter().map(|row| i64::from(row.seat.event.0)).collect();
    let slots: Vec<_> = rows.iter().map(|row| i64::from(row.seat.slot.0)).collect();
    sqlx::query!(
        "INSERT INTO vouched (gate, sequence, event, slot, withheld)
         SELECT $1, row.*, $5 FROM unnest($2::int8[], $3::int8[], $4::int8[]) AS row",
        i64::from(gate.0),
        &sequences,
        &events,
        &slots,
        withheld,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the gate's word of what happened while it was suspended; settling looks at the seats.
pub(crate) async fn release(connection: &mut PgConnection, gate: GateId) -> Result<(), Error> {
    sqlx::query!(
        "WITH released AS (
             UPDATE vouched SET withheld = false WHERE gate = $1 AND withheld RETURNING event, slot
         )
         INSERT INTO finding_marks (event, slot) SELECT DISTINCT event, slot FROM released",
        i64::from(gate.0),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the gate's word no longer where nothing it says is believed; settling looks at the seats.
pub(crate) async fn retract(connection: &mut PgConnection, gate: GateId) -> Result<(), Error> {
    sqlx::query!(
        "WITH retracted AS (
             DELETE FROM vouched USING gates
             WHERE gates.gate = $1 AND vouched.gate = $1 AND sequence >= retracted_from RETURNING vouched.event, slot
         )
         INSERT INTO finding_marks (event, slot) SELECT DISTINCT event, slot FROM retracted",
        i64::from(gate.0),
    )
    .execute(connection)
    .await?;
    Ok(())
}
