//! Admin takes a gate out of service, and puts it back.

use countermark_service::contract::{GateSuspension, ResumeGate, SuspendGate, paths};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::id::GateId;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::MAX_ROWS_PER_UPLOAD;
use sqlx::PgConnection;

use crate::error::Error;
use crate::state::State;
use crate::store::{feed, finding_marks, gates, journal, vouched};
use crate::{assignment, secrets};

/// Suspends a gate: its next assignment lets nobody in and opens no names. It still logs in, so that it hears of it. What it sends from now on
/// is not believed until it is resumed; where it may have been in other hands before, what was received since then is taken back too, here and from the other
/// gates, for good.
#[utoipa::path(
    post,
    path = paths::SUSPEND_GATE,
    operation_id = "suspend_gate",
    request_body = SuspendGate,
    responses(
        (status = 200, description = "Suspended, now or before; or a later decision was known, and stands.", body = GateSuspension),
        (status = 404, description = "`gate-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn suspend(
    state: State,
    Json(SuspendGate { gate, decided, believed_until }): Json<SuspendGate>,
) -> Result<Json<GateSuspension>, Error> {
    decide(&state, gate, Decision::Suspend { believed_until }, decided).await
}

/// Puts a gate back into service, and takes what is in doubt about it for looked into: what it proved meanwhile counts from now on. One that
/// is not suspended is well.
#[utoipa::path(
    post,
    path = paths::RESUME_GATE,
    operation_id = "resume_gate",
    request_body = ResumeGate,
    responses(
        (status = 200, description = "In service, now or before; or a later decision was known, and stands.", body = GateSuspension),
        (status = 404, description = "`gate-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`gate-retracted`: its key is not believed any more", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn resume(
    state: State,
    Json(ResumeGate { gate, decided }): Json<ResumeGate>,
) -> Result<Json<GateSuspension>, Error> {
    decide(&state, gate, Decision::Resume, decided).await
}

/// What an administrator decided about a gate.
#[derive(Clone, Copy)]
enum Decision {
    /// `believed_until` is when it left known hands, if it did.
    Suspend {
        believed_until: Option<Timestamp>,
    },
    Resume,
}

async fn decide(
    state: &State,
    gate: GateId,
    decision: Decision,
    decided: Timestamp,
) -> Result<Json<GateSuspension>, Error> {
    let now = state.clock.now();
    // A clock ahead of this one must not make later decisions look earlier.
    let decided = decided.min(now);
    let suspended = transaction(&state.pool, "decide about a gate", |mut transaction| {
        Box::pin(async move {
            let locked = gates::lock(&mut transaction, gate).await?.ok_or(Error::GateUnknown)?;
            if locked.suspension_decided.is_some_and(|last| last > decided) {
                return Ok(locked.suspended);
            }
            let suspended = match decision {
                Decision::Suspend { believed_until } => {
                    if let Some(until) = believed_until {
                        gates::retract(&mut transaction, gate, until.min(now)).await?;
                        vouched::retract(&mut transaction, gate).await?;
                        feed::mark_change(&mut transaction, gate, &[], now).await?;
                    }
                    true
                }
                Decision::Resume if locked.retracted_from.is_some() => return Err(Error::GateRetracted),
                Decision::Resume => {
                    if locked.contested {
                        gates::contest(&mut transaction, gate, false).await?;
                        feed::mark_change(&mut transaction, gate, &[], now).await?;
                    }
                    believe(&mut transaction, gate, now).await?;
                    false
                }
            };
            gates::suspend(&mut transaction, gate, suspended, decided).await?;
            if suspended != locked.suspended {
                let locked = gates::Locked { suspended, ..locked };
                let version = assignment::revise(state, &mut transaction, &locked, &[]).await?;
                // Its secrets went with the suspension.
                secrets::ask(&mut transaction, gate, &format!("assignment-{version}"), now).await?;
            }
            Ok::<_, Error>(suspended)
        })
    })
    .await?;
    state.outbox.poke();
    Ok(Json(GateSuspension { gate, suspended }))
}

/// Has what the gate proved while it was suspended count from now on, told to the other gates and looked at by settling as an upload is; and
/// what it vouched for, as far as that counts.
async fn believe(connection: &mut PgConnection, gate: GateId, now: Timestamp) -> Result<(), Error> {
    vouched::release(connection, gate).await?;
    let released = journal::release(connection, gate).await?;
    for rows in released.chunks(MAX_ROWS_PER_UPLOAD) {
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            feed::mark_change(connection, gate, rows, now).await?;
            finding_marks::rows(connection, gate, (*first, *last)).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
