//! Admin holds a seat back, or lets it in again.

use countermark_service::contract::{BlockSeat, SeatStanding, UnblockSeat, paths};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::id::{EventId, Slot};

use crate::error::Error;
use crate::state::State;
use crate::store::seats::{self, Decision};

/// Blocks a seat; the next slot list says so. A block for another reason replaces the reason.
#[utoipa::path(
    post,
    path = paths::BLOCK,
    operation_id = "block_seat",
    request_body = BlockSeat,
    responses(
        (status = 200, description = "Blocked, now or before; or a later decision was known, and stands.", body = SeatStanding),
        (status = 404, description = "`seat-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`seat-revoked`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn block(state: State, Json(request): Json<BlockSeat>) -> Result<Json<SeatStanding>, Error> {
    let BlockSeat { event, slot, reason, decided } = request;
    decide(&state, event, slot, Decision { blocked: Some(reason), decided }).await
}

/// Lifts a seat's block; the next slot list says so. A seat without one is well.
#[utoipa::path(
    post,
    path = paths::UNBLOCK,
    operation_id = "unblock_seat",
    request_body = UnblockSeat,
    responses(
        (status = 200, description = "Not blocked, now or before; or a later decision was known, and stands.", body = SeatStanding),
        (status = 404, description = "`seat-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`seat-revoked`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn unblock(state: State, Json(request): Json<UnblockSeat>) -> Result<Json<SeatStanding>, Error> {
    let UnblockSeat { event, slot, decided } = request;
    decide(&state, event, slot, Decision { blocked: None, decided }).await
}

async fn decide(state: &State, event: EventId, slot: Slot, decision: Decision) -> Result<Json<SeatStanding>, Error> {
    // A clock ahead of this one must not make later decisions look earlier.
    let now = state.clock.now();
    let decision = Decision { decided: decision.decided.min(now), ..decision };
    let standing = transaction(&state.pool, "decide about a seat", |mut transaction| {
        Box::pin(async move {
            let (seat, last) = seats::lock(&mut transaction, event, slot).await?.ok_or(Error::SeatUnknown)?;
            if seat.revoked {
                return Err(Error::SeatRevoked);
            }
            let standing = |blocked| SeatStanding { slot, generation: seat.generation, blocked };
            if last.is_some_and(|last| last > decision.decided) {
                return Ok(standing(seat.blocked));
            }
            seats::decide(&mut transaction, event, slot, decision).await?;
            if decision.blocked != seat.blocked {
                seats::mark_change(&mut transaction, event, slot, now).await?;
            }
            Ok(standing(decision.blocked))
        })
    })
    .await?;
    Ok(Json(standing))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use countermark_service::contract::BlockReason::{self, LostOrStolen, Misconduct};
    use countermark_service::contract::ReportedState::{Issued, Revoked};
    use countermark_service::contract::ValidationClient;
    use countermark_service::service_call::CallError;
    use countermark_service::service_name::ServiceName;
    use countermark_shared::documents::{SlotEntry, SlotReason, SlotState};
    use countermark_shared::id::Generation;
    use countermark_shared::time::Timestamp;

    use super::*;
    use crate::publisher::{COALESCE, Publisher};
    use crate::testing::{Bench, EVENT, newest_slots};

    const SLOT: Slot = Slot(3);

    /// What admin decides about the seat, now.
    async fn decide(bench: &Bench, blocked: Option<BlockReason>) -> Result<SeatStanding, CallError> {
        decide_at(bench, blocked, bench.clock.now()).await
    }

    async fn decide_at(
        bench: &Bench,
        blocked: Option<BlockReason>,
        decided: Timestamp,
    ) -> Result<SeatStanding, CallError> {
        let admin = ValidationClient(bench.client(ServiceName::Admin));
        match blocked {
            Some(reason) => admin.block(&BlockSeat { event: EVENT, slot: SLOT, reason, decided }).await,
            None => admin.unblock(&UnblockSeat { event: EVENT, slot: SLOT, decided }).await,
        }
    }

    /// What the next slot list says of the seat; nothing when there is no next list.
    async fn published(bench: &Bench) -> Option<SlotEntry> {
        bench.clock.advance(COALESCE);
        Publisher::slot_lists(bench.state.clone()).publish(EVENT).await.unwrap()?;
        Some(newest_slots(bench).await.entry(SLOT))
    }

    fn entry(state: SlotState, least_generation: u8, reason: SlotReason) -> SlotEntry {
        SlotEntry { state, least_generation: Generation(least_generation), reason }
    }

    fn good(least_generation: u8) -> SlotEntry {
        entry(SlotState::Good, least_generation, SlotReason::Unspecified)
    }

    async fn stored(bench: &Bench) -> Option<i16> {
        sqlx::query_scalar("SELECT blocked FROM seats").fetch_one(&bench.state.pool).await.unwrap()
    }

    #[tokio::test]
    async fn a_block_and_its_end_are_in_the_next_slot_list() {
        let bench = Bench::new().await;
        bench.report(SLOT.0, 2, Issued).await;
        assert_eq!(published(&bench).await, Some(good(2)));

        let standing = decide(&bench, Some(LostOrStolen)).await.unwrap();
        assert_eq!(standing, SeatStanding { slot: SLOT, generation: Generation(2), blocked: Some(LostOrStolen) });
        assert_eq!(published(&bench).await, Some(entry(SlotState::Blocked, 2, SlotReason::LostOrStolen)));
        assert_eq!(decide(&bench, None).await.unwrap().blocked, None);
        assert_eq!(published(&bench).await, Some(good(2)));
    }

    #[tokio::test]
    async fn the_same_again_changes_nothing_and_another_reason_is_kept() {
        let bench = Bench::new().await;
        bench.report(SLOT.0, 1, Issued).await;
        for reason in BlockReason::ALL {
            for is_new in [true, false] {
                assert_eq!(decide(&bench, Some(reason)).await.unwrap().blocked, Some(reason));
                assert_eq!(published(&bench).await, is_new.then_some(entry(SlotState::Blocked, 0, reason.listed())));
            }
            assert_eq!(stored(&bench).await, Some(i16::from(reason.code())));
        }
        for is_new in [true, false] {
            assert_eq!(decide(&bench, None).await.unwrap().blocked, None);
            assert_eq!(published(&bench).await, is_new.then_some(good(0)));
        }
    }

    #[tokio::test]
    async fn what_was_revoked_is_neither_blocked_nor_let_in_again() {
        let bench = Bench::new().await;
        bench.report(SLOT.0, 1, Issued).await;
        decide(&bench, Some(Misconduct)).await.unwrap();
        bench.report(SLOT.0, 1, Revoked).await;
        assert_eq!(published(&bench).await, Some(entry(SlotState::Revoked, 0, SlotReason::Unspecified)));
        for blocked in [None, Some(Misconduct), Some(LostOrStolen)] {
            assert_eq!(decide(&bench, blocked).await.unwrap_err().slug(), Some("seat-revoked"));
        }
        assert_eq!(published(&bench).await, None);
        assert_eq!(stored(&bench).await, Some(i16::from(Misconduct.code())));
    }

    #[tokio::test]
    async fn a_block_outlives_a_re_issue_of_the_seat() {
        let bench = Bench::new().await;
        bench.report(SLOT.0, 1, Issued).await;
        decide(&bench, Some(LostOrStolen)).await.unwrap();
        bench.report(SLOT.0, 2, Issued).await;
        assert_eq!(published(&bench).await, Some(entry(SlotState::Blocked, 2, SlotReason::LostOrStolen)));
        assert_eq!(decide(&bench, None).await.unwrap().generation, Generation(2));
        assert_eq!(published(&bench).await, Some(good(2)));
    }

    #[tokio::test]
    async fn the_later_decision_stands_whichever_arrives_first() {
        let bench = Bench::new().await;
        bench.report(SLOT.0, 1, Issued).await;
        let before = bench.clock.now();
        bench.clock.advance(Duration::from_secs(1));
        // Decided before, and held up on its way: for instance by a line that was down, or by whoever recorded it.
        for (later, earlier) in [(Some(Misconduct), None), (None, Some(Misconduct))] {
            decide(&bench, later).await.unwrap();
            assert_eq!(decide_at(&bench, earlier, before).await.unwrap().blocked, later);
            assert_eq!(stored(&bench).await, later.map(|reason| i16::from(reason.code())));
        }
        // A clock that is ahead cannot hold the seat for as long as it is ahead.
        decide_at(&bench, Some(Misconduct), before + Duration::from_hours(1)).await.unwrap();
        assert_eq!(decide(&bench, None).await.unwrap().blocked, None);
    }

    #[tokio::test]
    async fn a_seat_that_was_never_issued_is_unknown_and_only_admin_decides() {
        let bench = Bench::new().await;
        for blocked in [None, Some(Misconduct)] {
            assert_eq!(decide(&bench, blocked).await.unwrap_err().slug(), Some("seat-unknown"));
        }
        let request = UnblockSeat { event: EVENT, slot: SLOT, decided: bench.clock.now() };
        let tickets = ValidationClient(bench.client(ServiceName::Tickets));
        assert_eq!(tickets.unblock(&request).await.unwrap_err().slug(), Some("forbidden"));
    }
}
