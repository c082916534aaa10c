//! A gate settles: the rows of its journal, and a result for each.

use std::collections::BTreeSet;

use countermark_service::event_documents;
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::time::Timestamp;
use countermark_shared::wire::{Upload, Uploaded, paths};
use sqlx::PgConnection;

use crate::assignment;
use crate::error::Error;
use crate::journal::{Batch, Served, Settled};
use crate::session::Gate;
use crate::state::State;
use crate::store::gates::{self, Locked};
use crate::store::{claims, debts, feed, finding_marks, journal, vouched as words};
use crate::vouched::{self, Vouched};

/// 1,000 rows of 512 bytes with the longest ticket, in base64 and JSON, are 1.4 MB.
pub(crate) const LONGEST_UPLOAD: usize = 2 << 20;

/// Takes rows of the gate's journal. Whole or not at all; the same rows again are well. Nothing is stored when the checkpoint does
/// not hold; otherwise every row is, in the journal or aside, whatever the rows before it were.
#[utoipa::path(
    post,
    path = paths::JOURNAL,
    operation_id = "upload_journal",
    request_body = Upload,
    responses(
        (status = 200, description = "A result for each row.", body = Uploaded),
        (status = 400, description = "`invalid-request`: no rows, or more than 1,000", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`checkpoint-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn upload(state: State, gate: Gate, Json(upload): Json<Upload>) -> Result<Json<Uploaded>, Error> {
    let trust = state.trust.clone();
    // A thousand tickets are a fifth of a second of curve arithmetic, too long for a thread that serves others.
    let batch = tokio::task::spawn_blocking(move || Batch::read(upload, &gate, &trust.key_ring))
        .await
        .map_err(|source| Error::Verification { source })??;
    let now = state.clock.now();
    let (batch, state) = (&batch, &state);
    let results = transaction(&state.pool, "take a piece of a journal", |mut transaction| {
        Box::pin(async move {
            let locked = gates::lock(&mut transaction, gate.gate).await?.ok_or(Error::GateUnknown)?;
            let served = if batch.is_of_entries_to(locked.event) {
                Served::from([(locked.event, BTreeSet::new())])
            } else {
                assignment::served(state, &mut transaction, gate.gate).await?
            };
            let stored = journal::stored(&mut transaction, gate.gate, batch, served.clone()).await?;
            let is_retracted = locked.retracted_from.is_some();
            let mut settled = batch.settle(stored, locked.suspended || is_retracted, now);
            let vouched = if is_retracted {
                Vec::new()
            } else {
                vouch(state, &mut transaction, (&locked, &served), &mut settled, now).await?
            };
            journal::insert(&mut transaction, gate.gate, &settled.entries, now).await?;
            words::insert(&mut transaction, gate.gate, &vouched, locked.suspended).await?;
            journal::set_aside(&mut transaction, gate.gate, &settled.aside, now).await?;
            claims::end(&mut transaction, gate.gate, &settled.claims_ended).await?;
            if let Some(debt) = locked.owes {
                let known_up_to = journal::known_up_to(&mut transaction, gate.gate).await?;
                debts::keep(&mut transaction, gate.gate, debt.left(known_up_to)).await?;
            }
            tell(&mut transaction, &locked, &settled, now).await?;
            if settled.is_news() {
                finding_marks::rows(&mut transaction, gate.gate, batch.span()).await?;
            }
            Ok::<_, Error>(settled.results)
        })
    })
    .await?;
    Ok(Json(Uploaded { results }))
}

/// The rows that the gate vouches for, where it finds seats by their order, or did before the organiser would have it so no more: it hears of
/// that later, or sends later what it did before.
async fn vouch(
    state: &State,
    connection: &mut PgConnection,
    (gate, served): (&Locked, &Served),
    settled: &mut Settled,
    now: Timestamp,
) -> Result<Vec<Vouched>, Error> {
    let mut finds_by_order = BTreeSet::new();
    for event in vouched::events(settled).into_iter().filter(|event| served.contains_key(event)) {
        let documents = event_documents::all(connection, event, state.trust.bundle.document(), now).await?;
        if documents.iter().any(|document| document.document().find_by_order) {
            finds_by_order.insert(event);
        }
    }
    if finds_by_order.is_empty() {
        return Ok(Vec::new());
    }
    let known = words::known(connection, gate.gate, &vouched::of(settled)).await?;
    Ok(vouched::take(settled, &finds_by_order, known))
}

/// Has the feed tell what is new, and that the gate is in doubt where it was not before.
async fn tell(connection: &mut PgConnection, gate: &Locked, settled: &Settled, now: Timestamp) -> Result<(), Error> {
    let told = settled.told();
    let newly_doubtful = settled.doubtful && !gate.contested;
    if newly_doubtful {
        gates::contest(connection, gate.gate, true).await?;
    }
    if newly_doubtful || !told.is_empty() {
        feed::mark_change(connection, gate.gate, &told, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
