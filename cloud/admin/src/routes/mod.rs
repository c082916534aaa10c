//! Who may ask for what: administrators, a service that was restored from a backup, and anyone for a page's frame. Each file below holds one route or a closely related pair.

mod audit;
mod blocks;
mod decisions;
mod event_documents;
mod events;
mod figures;
mod findings;
mod findings_page;
mod gates;
mod offers;
mod page;
mod revocations;
mod suspensions;

use countermark_service::api::Api;
use countermark_service::caller::Role;
use countermark_service::service_name::ServiceName;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::State;

/// The service's routes and its OpenAPI document.
pub fn api() -> Api<State> {
    let new = OpenApiRouter::default;
    let frame = new()
        .routes(routes!(findings_page::frame))
        .routes(routes!(findings_page::script))
        .routes(routes!(findings_page::style));
    Api::new("Countermark admin")
        .public(frame)
        .signed_in(
            &[Role::Administrator],
            new()
                .routes(routes!(event_documents::publish))
                .routes(routes!(events::list))
                .routes(routes!(events::event))
                .routes(routes!(offers::publish))
                .routes(routes!(offers::close))
                .routes(routes!(gates::create))
                .routes(routes!(gates::assign))
                .routes(routes!(gates::list))
                .routes(routes!(suspensions::suspend))
                .routes(routes!(suspensions::resume))
                .routes(routes!(revocations::revoke))
                .routes(routes!(blocks::block))
                .routes(routes!(blocks::unblock))
                .routes(routes!(figures::figures))
                .routes(routes!(findings::list))
                .routes(routes!(findings::read))
                .routes(routes!(findings::explain))
                .routes(routes!(findings::acknowledge))
                .routes(routes!(findings::resolve))
                .routes(routes!(findings::export_csv))
                .routes(routes!(findings::export_json_lines))
                .routes(routes!(findings_page::content))
                .routes(routes!(audit::list)),
        )
        .services(
            &[ServiceName::Auth, ServiceName::Tickets, ServiceName::Validation],
            new().routes(routes!(decisions::read)),
        )
}

#[cfg(test)]
mod tests {
    use axum::http::{Method, StatusCode};
    use countermark_service::api::defects;
    use countermark_service::contract;

    use super::*;
    use crate::testing::Bench;

    #[test]
    fn the_document_leaves_nothing_unsaid() {
        assert_eq!(defects(api().document()), [""; 0]);
    }

    #[tokio::test]
    async fn only_administrators_get_in() {
        let bench = Bench::new().await;
        let paths = api().document().paths.paths;
        let mut routes = 0;
        // What says nothing of anybody's: whether the service lives, and a page that asks who is there.
        let open = ["/healthz", "/events/{event}/findings", "/assets/findings.js", "/assets/findings.css"];
        assert!(open.iter().all(|path| paths.contains_key(*path)));
        for path in paths.keys().filter(|path| !open.contains(&path.as_str())) {
            for method in [Method::GET, Method::POST] {
                let stranger = bench.ask(method.clone(), path, None, &[], Vec::new()).await;
                stranger.is_problem(StatusCode::UNAUTHORIZED, "unauthenticated");
                // Nobody's own token is a service's.
                let (status, slug) = if path == contract::paths::DECISIONS {
                    (StatusCode::UNAUTHORIZED, "unauthenticated")
                } else {
                    (StatusCode::FORBIDDEN, "forbidden")
                };
                let buyer = bench.token(Role::Buyer);
                let buyer = bench.ask(method, path, Some(&buyer), &[], Vec::new()).await;
                buyer.is_problem(status, slug);
                routes += 1;
            }
        }
        assert_eq!(routes, 2 * 24);
    }

    #[tokio::test]
    async fn an_administrators_token_for_another_service_opens_nothing_here() {
        let bench = Bench::new().await;
        for audience in ServiceName::ALL {
            let token = bench.token_for(audience, Role::Administrator);
            let answer = bench.ask(Method::GET, "/v1/audit", Some(&token), &[], Vec::new()).await;
            match audience {
                ServiceName::Admin => assert_eq!(answer.status, StatusCode::OK),
                ServiceName::Auth | ServiceName::Tickets | ServiceName::Validation => {
                    answer.is_problem(StatusCode::UNAUTHORIZED, "unauthenticated");
                }
            }
        }
    }
}
