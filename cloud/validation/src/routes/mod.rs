//! Who may ask for what. Owns the groups of routes; each file below holds one route or a closely related pair.

mod admission_feed;
mod admissions;
mod answer;
mod assignment;
pub(crate) mod blocks;
mod claims;
mod documents;
mod enrol;
pub(crate) mod event_documents;
mod findings;
pub(crate) mod gates;
mod guests;
mod head;
mod journal;
mod login;
mod seats;
mod slot_lists;
pub(crate) mod suspensions;
mod time;
mod trust_bundles;

use axum::extract::DefaultBodyLimit;
use countermark_service::api::Api;
use countermark_service::service_name::ServiceName;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::session;
use crate::state::State;

/// The service's routes and its OpenAPI document.
pub fn api() -> Api<State> {
    let new = OpenApiRouter::default;
    let upload = new().routes(routes!(journal::upload)).layer(DefaultBodyLimit::max(journal::LONGEST_UPLOAD));
    Api::new("Countermark validation")
        .public(
            new()
                .routes(routes!(enrol::enrol))
                .routes(routes!(login::nonce))
                .routes(routes!(login::login))
                .routes(routes!(documents::read)),
        )
        .guarded(
            "gate-session",
            session::scheme(),
            new()
                .routes(routes!(head::read))
                .routes(routes!(trust_bundles::newest))
                .routes(routes!(trust_bundles::after))
                .routes(routes!(assignment::read))
                .routes(routes!(slot_lists::delta))
                .routes(routes!(slot_lists::snapshot))
                .routes(routes!(admission_feed::batch))
                .routes(routes!(admission_feed::snapshot))
                .routes(routes!(time::ask))
                .routes(routes!(claims::claim))
                .routes(routes!(guests::list))
                .merge(upload),
            session::guard,
        )
        .services(&[ServiceName::Tickets], new().routes(routes!(seats::report)))
        .services(
            &[ServiceName::Admin],
            new()
                .routes(routes!(gates::create))
                .routes(routes!(gates::assign))
                .routes(routes!(suspensions::suspend))
                .routes(routes!(suspensions::resume))
                .routes(routes!(blocks::block))
                .routes(routes!(blocks::unblock))
                .routes(routes!(admissions::figures))
                .routes(routes!(findings::list))
                .routes(routes!(findings::read))
                .routes(routes!(findings::decide))
                .routes(routes!(event_documents::push)),
        )
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use countermark_service::api::defects;
    use serde_json::json;

    use super::*;
    use crate::testing::Bench;

    #[test]
    fn the_document_leaves_nothing_unsaid() {
        assert_eq!(defects(api().document()), [""; 0]);
    }

    #[tokio::test]
    async fn strangers_may_join_and_log_in_and_nothing_else() {
        let bench = Bench::new().await;
        let mut open = Vec::new();
        for path in api().document().paths.paths.keys() {
            for answer in [bench.get(path, "a token of nobody").await, bench.post(path, None, &json!({})).await] {
                if answer.status == StatusCode::UNAUTHORIZED {
                    answer.is_problem(StatusCode::UNAUTHORIZED, "unauthenticated");
                } else {
                    open.push(path.clone());
                }
            }
        }
        open.dedup();
        // Who reads a document by its name must know the name.
        assert_eq!(open, ["/healthz", "/v1/documents/{hash}", "/v1/gates/enrol", "/v1/gates/login", "/v1/gates/nonce"]);
    }
}
