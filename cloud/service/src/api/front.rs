//! What the routes of every service stand on, and the one route they all have.

use axum::extract::State;
use axum::{Json, Router};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::AccessTokens;
use crate::problem::{Problem, ProblemDocument};
use crate::randomness::Randomness;
use crate::service_call::ServiceCalls;

/// What is needed to mount an [`super::Api`].
#[derive(Clone)]
pub struct Front {
    /// Checks people.
    pub access_tokens: AccessTokens,
    /// Checks services.
    pub service_calls: ServiceCalls,
    /// The service's database, for `/healthz`.
    pub pool: PgPool,
    /// For request ids.
    pub randomness: Randomness,
}

/// A service that can work.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Whether the service can work: it answers, and its database answers it.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "read_health",
    security(()),
    responses(
        (status = 200, description = "The service and its database answer.", body = Health),
        (status = 503, description = "The database does not answer.", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
async fn healthz(State(pool): State<PgPool>) -> Result<Json<Health>, Problem> {
    match sqlx::query("SELECT 1").execute(&pool).await {
        Ok(_) => Ok(Json(Health { status: "ok" })),
        Err(error) => {
            tracing::warn!(error = %crate::problem::chain(&error), "the database does not answer");
            Err(Problem::of_status(http::StatusCode::SERVICE_UNAVAILABLE))
        }
    }
}

pub(super) fn health<S: Clone + Send + Sync + 'static>(pool: PgPool) -> Router<S> {
    routes().with_state(pool).into()
}

pub(super) fn health_document() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<PgPool> {
    OpenApiRouter::default().routes(routes!(healthz))
}
