//! What auth answers, and to whom. Each file: extract, one transaction, respond.

mod access_tokens;
mod accounts;
mod authorise;
pub(crate) mod event_documents;
mod grants;
mod holder_keys;
mod key_set;
mod next_holder;
mod order_grants;
mod payment_events;
mod presentations;
mod recovery;
mod sessions;
mod transfer_acceptance;
mod transfer_confirmation;
mod transfers;

use countermark_service::api::Api;
use countermark_service::caller::Role;
use countermark_service::service_name::ServiceName;
use countermark_service::webhook;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::log_in;
use crate::state::State;

/// Auth's routes with those who may call each.
pub fn api() -> Api<State> {
    let new = OpenApiRouter::<State>::default;
    Api::new("Countermark auth")
        .public(
            new()
                .routes(routes!(accounts::register))
                .routes(routes!(sessions::log_in))
                .routes(routes!(key_set::key_set)),
        )
        .signed_in_and(
            &[Role::Buyer, Role::Administrator],
            new()
                .routes(routes!(access_tokens::exchange))
                .routes(routes!(accounts::account))
                .routes(routes!(grants::grant))
                .routes(routes!(holder_keys::register, holder_keys::list))
                .routes(routes!(holder_keys::remove))
                .routes(routes!(transfers::offer, transfers::list))
                .routes(routes!(transfers::withdraw))
                .routes(routes!(transfer_acceptance::accept))
                .routes(routes!(presentations::present)),
            log_in::guard,
        )
        .guarded(
            webhook::SCHEME,
            webhook::scheme(),
            new().routes(routes!(payment_events::payment_event)),
            |router, state| webhook::guard(router, state.payment_provider, state.clock.clone()),
        )
        .services(
            &[ServiceName::Tickets],
            new()
                .routes(routes!(order_grants::confirm_grant))
                .routes(routes!(order_grants::close_grant))
                .routes(routes!(next_holder::next_holder))
                .routes(routes!(authorise::authorise))
                .routes(routes!(transfer_confirmation::confirm))
                .routes(routes!(recovery::issues))
                .routes(routes!(recovery::paid_orders)),
        )
        .services(&[ServiceName::Admin], new().routes(routes!(event_documents::push)))
}

#[cfg(test)]
mod tests;
