//! A gate asks before it admits: the one moment at which gates that are far from one another agree on a seat.

use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::decision::examine;
use countermark_shared::journal::{LAST_SEQUENCE, Subject};
use countermark_shared::wire::{AskClaim, ClaimAnswered, paths};

use crate::claim::answer;
use crate::error::Error;
use crate::journal::Seat;
use crate::session::Gate;
use crate::state::State;
use crate::store::claims::{self, Question};
use crate::store::gates;

/// Whether the persons of a ticket may enter at this gate, by what every other gate told or was granted. A grant counts as an entry until a
/// row of the gate's journal ends the claim, or the gate is suspended. An attempt that is asked again is answered as it was, unless the gate is suspended. After a restore nobody is answered
/// before every other gate that serves the event or served it, and is not suspended, has told again what it told since the backup.
#[utoipa::path(
    post,
    path = paths::CLAIMS,
    operation_id = "claim_admission",
    request_body = AskClaim,
    responses(
        (status = 200, description = "Granted to so many persons, or to nobody; now or before.", body = ClaimAnswered),
        (status = 400, description = "`invalid-request`: no persons, or no row of a journal", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "`gate-suspended`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`event-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`attempt-spent`: something else was asked under it", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`ticket-unproved`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`gates-owe-rows`: the detail names the gates that have not told again since a restore", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn claim(state: State, gate: Gate, Json(asked): Json<AskClaim>) -> Result<Json<ClaimAnswered>, Error> {
    let ticket = examine(&asked.ticket, gate.event, &state.trust.key_ring).map_err(|_| Error::TicketUnproved)?;
    let seat = Seat::of(&Subject::of(&ticket)).ok_or(Error::TicketUnproved)?;
    let row = i64::try_from(asked.row).ok().filter(|_| (1..=LAST_SEQUENCE).contains(&asked.row));
    let sequence = row.ok_or(Error::ClaimRow { row: asked.row })?;
    let question = Question { gate: gate.gate, attempt: asked.attempt.0, sequence, seat, persons: asked.persons };
    let now = state.clock.now();
    let (asked, ticket, question, trust) = (&asked, &ticket, &question, &state.trust);
    let answer = transaction(&state.pool, "answer a claim", |mut transaction| {
        Box::pin(async move {
            claims::lock_seat(&mut transaction, question.seat).await?;
            // First: what it was granted before has fallen with the suspension, and somebody else may have been granted since.
            if gates::is_suspended(&mut transaction, question.gate).await? {
                return Err(Error::GateSuspended);
            }
            if let Some((before, answer)) = claims::answered(&mut transaction, question.gate, question.attempt).await? {
                return if before == *question { Ok(answer) } else { Err(Error::AttemptSpent) };
            }
            let event =
                event_documents::in_force(&mut transaction, question.seat.event, trust.bundle.document(), now).await?;
            let event = event.ok_or(Error::EventUnknown)?;
            let elsewhere = claims::elsewhere(&mut transaction, question.gate, question.seat).await?;
            let answer = answer(ticket, asked, &elsewhere, event.document(), now)?;
            claims::insert(&mut transaction, question, &answer, now).await?;
            Ok::<_, Error>(answer)
        })
    })
    .await?;
    Ok(Json(answer))
}

#[cfg(test)]
mod tests;
