//! Access tokens for the other services, given for auth's own.
//!
//! A buyer shows tickets a token that tickets alone takes, so a thief in tickets has nothing to show to auth. The idea is that
//! of resource indicators (RFC 8707) and token exchange (RFC 8693), without their parameters: there are four resources and
//! one way to get at them.

use countermark_service::caller::{Access, Caller, mint};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::service_name::ServiceName;
use countermark_shared::time::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;
use crate::log_in;
use crate::state::State;
use crate::store::accounts::Profile;

/// Where the token is to be used. Auth is not among them: its own tokens come from a password alone, so that none can be
/// used to outlive itself.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Audience {
    Tickets,
    Validation,
    Admin,
}

impl From<Audience> for ServiceName {
    fn from(audience: Audience) -> Self {
        match audience {
            Audience::Tickets => Self::Tickets,
            Audience::Validation => Self::Validation,
            Audience::Admin => Self::Admin,
        }
    }
}

/// Which token is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    /// The service that is to take it.
    audience: Audience,
}

/// A token for one service.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccessToken {
    /// For the header `Authorization: Bearer …`.
    access_token: String,
    /// The one service that takes it. Show it to no other.
    audience: ServiceName,
    /// When it ends.
    expires: Timestamp,
}

impl AccessToken {
    /// Signs one, now.
    pub(super) fn issue(state: &State, access: Access, audience: ServiceName) -> Result<Self, Error> {
        let token = mint(&state.keys.session, access, audience, state.clock.now(), &state.randomness)?;
        Ok(Self { access_token: token.expose_secret().to_owned(), audience, expires: access.until })
    }
}

/// Gives a token for another service. It ends when auth's own does, and has the role that the account has now.
#[utoipa::path(
    post,
    path = "/v1/access-tokens",
    operation_id = "exchange_access_token",
    request_body = Exchange,
    responses(
        (status = 200, description = "A token that the named service takes, and no other.", body = AccessToken),
        (status = 422, description = "`invalid-request`: no token is given for such an audience", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn exchange(
    state: State,
    access: Access,
    Json(Exchange { audience }): Json<Exchange>,
) -> Result<Json<AccessToken>, Error> {
    let Profile { role, .. } = log_in::standing(&mut *state.pool.acquire().await?, access).await?;
    let access = Access { caller: Caller { role, ..access.caller }, ..access };
    AccessToken::issue(&state, access, audience.into()).map(Json)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use countermark_service::caller::{AccessTokens, Role};
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Answer, Auth, NOW};

    const PASSWORD: &str = "correct horse";

    async fn log_in(auth: &Auth) -> Value {
        let body = json!({ "email": "anna@example.org", "password": PASSWORD });
        assert_eq!(auth.post("/v1/accounts", None, body.clone()).await.status, 201);
        let session = auth.post("/v1/sessions", None, body).await;
        assert_eq!(session.outcome(), (200, None));
        session.body
    }

    async fn exchange(auth: &Auth, token: &str, audience: &str) -> Answer {
        auth.post("/v1/access-tokens", Some(token), json!({ "audience": audience })).await
    }

    fn token(answer: &Value) -> &str {
        answer["access_token"].as_str().unwrap()
    }

    #[tokio::test]
    async fn a_token_is_exchanged_for_one_that_a_single_other_service_takes() {
        let auth = Auth::without_event().await;
        let session = log_in(&auth).await;
        assert_eq!(session["audience"], "auth");
        let own = AccessTokens::local(ServiceName::Auth, &auth.state.keys.session_public, auth.state.clock.clone());
        let access = own.verify(token(&session)).await.unwrap();
        for (name, audience) in
            [("tickets", ServiceName::Tickets), ("validation", ServiceName::Validation), ("admin", ServiceName::Admin)]
        {
            let exchanged = exchange(&auth, token(&session), name).await;
            assert_eq!((exchanged.outcome(), &exchanged.body["audience"]), ((200, None), &json!(name)));
            for service in ServiceName::ALL {
                let keys = &auth.state.keys.session_public;
                let checks = AccessTokens::local(service, keys, auth.state.clock.clone());
                let taken = checks.verify(token(&exchanged.body)).await.ok();
                assert_eq!(taken, (service == audience).then_some(access), "for {name}, at {service}");
            }
        }
    }

    #[tokio::test]
    async fn what_another_service_has_seen_buys_nothing() {
        let auth = Auth::start().await;
        let (account, _) = auth.buyer().await;
        for seen_by in [ServiceName::Tickets, ServiceName::Validation, ServiceName::Admin] {
            let stolen = auth.token_for(seen_by, account);
            for audience in ["tickets", "validation", "admin", "auth"] {
                let refused = exchange(&auth, &stolen, audience).await;
                assert_eq!(refused.outcome(), (401, Some("unauthenticated")), "{seen_by}'s, for {audience}");
            }
        }
        let own = auth.token_for(ServiceName::Auth, account);
        assert_eq!(exchange(&auth, &own, "tickets").await.outcome(), (200, None));
    }

    #[tokio::test]
    async fn no_token_outlives_the_one_that_the_password_gave() {
        let auth = Auth::without_event().await;
        let session = log_in(&auth).await;
        for audience in ["auth", "countermark", ""] {
            let refused = exchange(&auth, token(&session), audience).await;
            assert_eq!(refused.outcome(), (422, Some("invalid-request")), "{audience}");
        }
        auth.state.clock.advance(Duration::from_mins(14));
        let exchanged = exchange(&auth, token(&session), "tickets").await.body;
        assert_eq!(exchanged["expires"], json!(NOW + Duration::from_mins(15)));
        auth.state.clock.advance(Duration::from_mins(1));
        let refused = exchange(&auth, token(&session), "tickets").await;
        assert_eq!(refused.outcome(), (401, Some("unauthenticated")));
    }

    #[tokio::test]
    async fn the_role_is_the_accounts_and_nobody_else_has_one() {
        let auth = Auth::without_event().await;
        let session = log_in(&auth).await;
        sqlx::query("UPDATE accounts SET role = 'administrator'").execute(&auth.state.pool).await.unwrap();
        let exchanged = exchange(&auth, token(&session), "admin").await.body;
        let checks = AccessTokens::local(ServiceName::Admin, &auth.state.keys.session_public, auth.state.clock.clone());
        assert_eq!(checks.verify(token(&exchanged)).await.unwrap().caller.role, Role::Administrator);

        sqlx::query("DELETE FROM accounts").execute(&auth.state.pool).await.unwrap();
        let refused = exchange(&auth, token(&session), "admin").await;
        assert_eq!(refused.outcome(), (401, Some("unauthenticated")));
    }
}
