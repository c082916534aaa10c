//! Admin asks who came in.

use countermark_service::contract::{AdmissionFigures, paths};
use countermark_service::event_documents;
use countermark_service::extract::{Json, Path};
use countermark_shared::id::EventId;

use crate::error::Error;
use crate::state::State;
use crate::store::{figures, finding_marks};

/// Who came in, by what believed rows of journals say, and how the event's gates are. Zero for an event that nobody has heard of.
#[utoipa::path(
    get,
    path = paths::ADMISSIONS,
    operation_id = "read_admissions",
    params(("event" = EventId, Path, description = "The event")),
    responses((status = 200, description = "The figures.", body = AdmissionFigures))
)]
pub(crate) async fn figures(state: State, Path(event): Path<EventId>) -> Result<Json<AdmissionFigures>, Error> {
    let mut connection = state.pool.acquire().await?;
    let admitted = figures::admitted(&mut connection, event).await?;
    let gates = figures::by_gate(&mut connection, event).await?;
    let unpublished = figures::unpublished(&mut connection, event).await?;
    let unsettled = finding_marks::put_back_count(&mut connection, event).await?;
    let (bundle, now) = (state.trust.bundle.document(), state.clock.now());
    let document = event_documents::in_force(&mut connection, event, bundle, now).await?;
    let last_reset = document.and_then(|document| document.document().last_reset(now));
    let inside = figures::inside(&mut connection, event, last_reset).await?;
    let products = figures::by_product(&mut connection, event).await?;
    let quarters = figures::by_quarter(&mut connection, event).await?;
    Ok(Json(AdmissionFigures { admitted, gates, unpublished, unsettled, inside, products, quarters }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use countermark_service::contract::{GateFigures, ProductEntries, QuarterHour, ValidationClient};
    use countermark_service::service_name::ServiceName;
    use countermark_shared::documents::{Direction, EventDocument};
    use countermark_shared::id::{Generation, LaneId, ProductId, Slot};
    use countermark_shared::journal::{JournalRow, Subject};
    use countermark_shared::ticket::{TicketBody, UnverifiedTicket};
    use countermark_shared::verdict::Reason;
    use countermark_shared::wire::RowOutcome::{Stored, Unproved};

    use super::*;
    use crate::testing::{self, Bench, DOORS, EVENT, ticket, ticket_of};

    #[tokio::test]
    async fn a_seat_counts_once_and_only_where_it_is_proved() {
        let bench = Bench::new().await;
        let (mut north, mut south) = (bench.gate().await, bench.gate().await);
        let (_waiting, _) = bench.create_gate().await;
        north.admit(42, Some(&ticket(42, 1)));
        north.admit(43, Some(&ticket(43, 1)));
        north.admit(44, None);
        north.refuse("junk");
        assert_eq!(bench.upload(&mut north).await, [Stored, Stored, Unproved, Stored]);
        bench.clock.advance(Duration::from_secs(1));
        // The same seat, offline, with a newer ticket.
        south.admit_generation(42, 2, Some(&ticket(42, 2)));
        assert_eq!(bench.upload(&mut south).await, [Stored]);

        let admin = ValidationClient(bench.client(ServiceName::Admin));
        let figures = admin.admissions(EVENT).await.unwrap();
        assert_eq!(figures.admitted, 4);
        let [north_figures, south_figures, waiting] = &figures.gates[..] else { panic!("{figures:?}") };
        let counts = |gate: &GateFigures| (gate.scans, gate.admitted, gate.doubtful);
        assert_eq!(counts(north_figures), (4, 4, 1));
        assert_eq!(counts(south_figures), (1, 2, 0));
        assert_eq!((counts(waiting), waiting.enrolled, waiting.last_seen), ((0, 0, 0), None, None));
        assert!(north_figures.enrolled.is_some() && north_figures.last_seen.is_some());
        let nothing = admin.admissions(EventId(9)).await.unwrap();
        assert!(
            (nothing.admitted, nothing.inside) == (0, 0) && nothing.gates.is_empty() && nothing.quarters.is_empty()
        );
    }

    /// Two kinds of tickets, quarters of an hour, an exit, and a night in which nobody stays.
    #[tokio::test]
    async fn an_evening_in_figures() {
        let bench = Bench::new().await;
        let minutes = |minutes: u64| DOORS + Duration::from_mins(minutes);
        bench.push(&EventDocument { resets: vec![minutes(60)], ..testing::event(2) }).await;
        bench.clock.advance(Duration::from_hours(2));
        let mut gate = bench.gate().await;
        for (slot, product, at, persons, reason) in [
            (42, 1, minutes(5), 2, Reason::Admitted),
            (43, 2, minutes(20), 1, Reason::Admitted),
            (42, 1, minutes(25), 1, Reason::Exit),
            (44, 1, minutes(70), 2, Reason::Admitted),
        ] {
            let body = TicketBody { product: ProductId(product), ..ticket_of(EVENT, slot, 1).body().clone() };
            let (issuer, authority) = (body.issue(&testing::key(2)), body.authorise(&testing::key(3)));
            let subject = Subject::Ticket { event: EVENT, slot: Slot(slot), generation: Generation(1) };
            let (lane, direction) =
                if reason.leaves() { (LaneId(2), Direction::Exit) } else { (LaneId(1), Direction::Entry) };
            let row = JournalRow { at, subject, persons, lane, direction, reason, proved: true, ..gate.next() };
            gate.write(&row, Some(&UnverifiedTicket::new(body, issuer, authority).to_text()));
        }
        assert_eq!(bench.upload(&mut gate).await, [Stored; 4]);

        let figures = ValidationClient(bench.client(ServiceName::Admin)).admissions(EVENT).await.unwrap();
        let entered = |product, entered| ProductEntries { product: Some(ProductId(product)), entered };
        let quarter = |from, entered, left| QuarterHour { from: minutes(from), entered, left };
        let of_gate = GateFigures {
            gate: gate.gate,
            name: "North".to_owned(),
            key: Some(gate.key.verifying_key()),
            enrolled: Some(bench.clock.now()),
            last_seen: Some(bench.clock.now()),
            suspended: false,
            owes: false,
            moved_to: None,
            scans: 4,
            admitted: 5,
            doubtful: 0,
            taken_back: 0,
            forgiven: 0,
        };
        let expected = AdmissionFigures {
            admitted: 5,
            gates: vec![of_gate],
            unpublished: None,
            unsettled: 0,
            inside: 2,
            products: vec![entered(1, 4), entered(2, 1)],
            quarters: vec![quarter(0, 2, 0), quarter(15, 1, 1), quarter(60, 2, 0)],
        };
        assert_eq!(figures, expected);
    }

    #[tokio::test]
    async fn whoever_leaves_and_comes_again_counts_once() {
        use Reason::{Admitted, Exit, ExitWithoutEntry, Forgiven};
        let bench = Bench::new().await;
        let admin = ValidationClient(bench.client(ServiceName::Admin));
        // Tickets are for two. By seat: what passed, and who came.
        for (slot, rows, came) in [
            (1, vec![(2, Admitted), (2, Exit), (2, Admitted)], 2),
            (2, vec![(1, Admitted), (1, Admitted)], 2),
            (3, vec![(1, Admitted), (1, Exit), (1, Admitted), (1, Exit), (1, Admitted)], 1),
            (4, vec![(1, Admitted), (1, Exit), (2, Admitted)], 2),
            // The turnstile did not turn, and a second scan opened it.
            (5, vec![(1, Admitted), (1, Forgiven)], 1),
            (6, vec![(2, ExitWithoutEntry)], 0),
            // Who left by an exit that knew of the entry, before that entry is told here.
            (7, vec![(2, Exit)], 2),
            (8, vec![(2, Admitted), (2, Admitted)], 2),
            // The exit's clock was behind the entry's.
            (9, vec![(1, Exit), (1, Admitted)], 1),
            (10, vec![(2, Exit), (2, Admitted), (2, Exit), (2, Admitted)], 2),
        ] {
            let before = admin.admissions(EVENT).await.unwrap().admitted;
            let mut gate = bench.gate().await;
            let proof = ticket(slot, 1);
            for (persons, reason) in rows {
                gate.pass(slot, persons, reason, Some(&proof));
            }
            assert!(bench.upload(&mut gate).await.iter().all(|outcome| *outcome == Stored));
            assert_eq!(admin.admissions(EVENT).await.unwrap().admitted - before, came, "seat {slot}");
        }
        let gates = admin.admissions(EVENT).await.unwrap().gates;
        assert_eq!(gates.iter().map(|gate| gate.forgiven).collect::<Vec<_>>(), [0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
        let by_gate: Vec<_> =
            admin.admissions(EVENT).await.unwrap().gates.into_iter().map(|gate| gate.admitted).collect();
        assert_eq!(by_gate, [4, 2, 3, 3, 1, 0, 0, 4, 1, 4]);
    }
}
