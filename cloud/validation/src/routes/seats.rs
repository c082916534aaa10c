//! Tickets say what became of a seat.

use axum::http::StatusCode;
use countermark_service::contract::{ReportSlot, paths};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;

use crate::error::Error;
use crate::state::State;
use crate::store::seats;

/// Takes a report; the seat is in the next slot list. Reports may come again and in any order.
#[utoipa::path(
    post,
    path = paths::SLOTS,
    operation_id = "report_slot",
    request_body = ReportSlot,
    responses(
        (status = 204, description = "Taken, or something later was known."),
        (status = 422, description = "`slot-out-of-range`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn report(state: State, Json(report): Json<ReportSlot>) -> Result<StatusCode, Error> {
    let mut connection = state.pool.acquire().await?;
    seats::merge(&mut connection, &report, state.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use countermark_service::contract::ReportedState::{self, Issued, Revoked};
    use countermark_service::contract::ValidationClient;
    use countermark_service::service_name::ServiceName;
    use countermark_shared::id::{Generation, Slot};

    use super::*;
    use crate::store::seats::Seat;
    use crate::testing::{Bench, EVENT};

    const REPORTS: [(u8, ReportedState); 4] = [(1, Issued), (1, Revoked), (2, Issued), (2, Revoked)];

    /// Every order of those numbers.
    fn orders(numbers: &[usize]) -> Vec<Vec<usize>> {
        if numbers.is_empty() {
            return vec![Vec::new()];
        }
        let with_first = |first: usize| {
            let rest: Vec<_> = numbers.iter().copied().filter(|number| *number != first).collect();
            orders(&rest).into_iter().map(move |rest| [vec![first], rest].concat())
        };
        numbers.iter().copied().flat_map(with_first).collect()
    }

    #[tokio::test]
    async fn reports_in_any_order_end_the_same() {
        let bench = Bench::new().await;
        let mut expected = Vec::new();
        // Every subset of the reports, in every order, each on a seat of its own.
        for subset in 1_u32..16 {
            let chosen: Vec<_> = (0..4).filter(|index| subset >> index & 1 == 1).collect();
            let generation = chosen.iter().map(|index| REPORTS[*index].0).max().unwrap();
            let revoked = chosen.iter().any(|index| REPORTS[*index].1 == Revoked);
            for order in orders(&chosen) {
                let slot = u32::try_from(expected.len()).unwrap();
                for index in order {
                    let (generation, state) = REPORTS[index];
                    bench.report(slot, generation, state).await;
                }
                let generation = Generation(generation);
                expected.push(Seat { slot: Slot(slot), generation, revoked, blocked: None });
            }
        }
        assert_eq!(expected.len(), 64);
        let mut connection = bench.state.pool.acquire().await.unwrap();
        assert_eq!(seats::all(&mut connection, EVENT).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_report_that_changes_nothing_makes_no_list() {
        let bench = Bench::new().await;
        bench.report(1, 2, Issued).await;
        let mut connection = bench.state.pool.acquire().await.unwrap();
        let mut changes = async || seats::take_changes(&mut connection, EVENT, 10).await.unwrap();
        assert_eq!(changes().await, [Slot(1)].into());
        bench.report(1, 2, Issued).await;
        bench.report(1, 1, Issued).await;
        assert_eq!(changes().await, [].into());
        bench.report(1, 1, Revoked).await;
        assert_eq!(changes().await, [Slot(1)].into());
        for (generation, state) in REPORTS {
            bench.report(1, generation, state).await;
        }
        assert_eq!(changes().await, [].into());
    }

    #[tokio::test]
    async fn a_slot_that_no_list_holds_is_refused_and_only_tickets_may_report() {
        let bench = Bench::new().await;
        let report = Bench::slot_report(16_000_000, 1, Issued);
        let tickets = ValidationClient(bench.client(ServiceName::Tickets));
        assert_eq!(tickets.report_slot(&report).await.unwrap_err().slug(), Some("slot-out-of-range"));
        let admin = ValidationClient(bench.client(ServiceName::Admin));
        assert_eq!(admin.report_slot(&report).await.unwrap_err().slug(), Some("forbidden"));
    }
}
