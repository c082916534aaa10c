//! The service's routes, each with who may call it.

pub(crate) mod event_documents;
mod event_secrets;
mod guests;
pub(crate) mod offers;
mod order_list;
mod order_place;
mod order_read;
mod page;
mod payment_events;
mod payment_open;
mod recovery;
pub(crate) mod revoke;
mod sales;
mod ticket;
mod ticket_list;
mod transfer;

use countermark_service::api::Api;
use countermark_service::caller::Role;
use countermark_service::service_name::ServiceName;
use countermark_service::webhook;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::State;

/// Who buys: administrators are people too.
const BUYERS: &[Role] = &[Role::Buyer, Role::Administrator];

/// The service's API.
pub fn api() -> Api<State> {
    Api::new("Countermark tickets")
        .public(OpenApiRouter::default().routes(routes!(offers::list)))
        .signed_in(
            BUYERS,
            OpenApiRouter::default()
                .routes(routes!(order_place::place, order_list::list))
                .routes(routes!(order_read::read))
                .routes(routes!(payment_open::open))
                .routes(routes!(ticket_list::list))
                .routes(routes!(ticket::read))
                .routes(routes!(ticket::code))
                .routes(routes!(ticket::text))
                .routes(routes!(transfer::transfer)),
        )
        .guarded(
            webhook::SCHEME,
            webhook::scheme(),
            OpenApiRouter::default().routes(routes!(payment_events::receive)),
            |router, state| webhook::guard(router, state.provider_key, state.clock.clone()),
        )
        .services(
            &[ServiceName::Admin],
            OpenApiRouter::default()
                .routes(routes!(event_documents::push))
                .routes(routes!(offers::publish))
                .routes(routes!(offers::close))
                .routes(routes!(revoke::revoke))
                .routes(routes!(sales::read)),
        )
        .services(
            &[ServiceName::Validation],
            OpenApiRouter::default()
                .routes(routes!(event_secrets::wrap))
                .routes(routes!(guests::list))
                .routes(routes!(recovery::reports)),
        )
        .services(
            &[ServiceName::Auth],
            OpenApiRouter::default().routes(routes!(recovery::issues)).routes(routes!(recovery::ended_orders)),
        )
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use countermark_service::api::defects;
    use countermark_service::problem::ProblemDocument;

    use super::*;
    use crate::testing::World;

    #[test]
    fn the_document_leaves_nothing_unsaid() {
        assert_eq!(defects(api().document()), [""; 0]);
    }

    #[tokio::test]
    async fn strangers_read_offers_and_nothing_else() {
        let world = World::new().await;
        let paths = api().document().paths.paths;
        assert_eq!(paths.len(), 21);
        for path in paths.keys().filter(|path| !["/healthz", "/v1/events/{event}/offers"].contains(&path.as_str())) {
            let expected = match path.as_str() {
                "/v1/payment-events" => (StatusCode::BAD_REQUEST, "webhook-refused"),
                _ => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            };
            for method in ["GET", "POST"] {
                let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
                let (status, body) = world.send(request).await;
                let problem: ProblemDocument = serde_json::from_slice(&body).unwrap();
                assert_eq!((status, problem.slug().unwrap()), expected, "{path}");
            }
        }
    }
}
