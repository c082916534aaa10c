//! Registering, and one's own account.

use axum::http::StatusCode;
use countermark_service::caller::{Caller, Role};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::id::AccountId;
use countermark_shared::time::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::email::EmailAddress;
use crate::error::Error;
use crate::password::Password;
use crate::state::State;
use crate::store::accounts::{self, NewAccount};

/// Who wants to buy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Register {
    /// Where they read mail. Addresses that differ by case only are one.
    #[schema(max_length = 254, format = Email)]
    email: String,
    /// Any characters.
    #[schema(value_type = String, min_length = 12, max_length = 128, format = Password)]
    password: SecretString,
}

/// The account was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct Registered {
    /// Its identity.
    account: AccountId,
}

/// An account, as its owner sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Account {
    /// Its identity.
    account: AccountId,
    /// The address.
    email: String,
    /// What it may do.
    role: Role,
    /// Since when.
    created: Timestamp,
}

/// Registers a buyer.
#[utoipa::path(
    post,
    path = "/v1/accounts",
    operation_id = "register_account",
    request_body = Register,
    responses(
        (status = 201, description = "Registered; log in now.", body = Registered),
        (status = 409, description = "`account-exists`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`email-refused`, `password-refused`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`busy`: try again in a few seconds", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn register(
    state: State,
    Json(Register { email, password }): Json<Register>,
) -> Result<(StatusCode, Json<Registered>), Error> {
    let (email, password) = (EmailAddress::parse(&email)?, Password::parse(password)?);
    // Hashed before the address is looked up: asking whether one is registered costs as much as registering it.
    let turn = state.passwords.turn().await?;
    let password = turn.hash(password, state.randomness.bytes()).await?;
    let account = AccountId(state.randomness.uuid());
    let new = &NewAccount { account, email: &email, role: Role::Buyer, password: &password };
    let (secrets, now) = (&state.account_secrets, state.clock.now());
    let is_new = transaction(&state.pool, "register an account", |mut transaction| {
        Box::pin(async move {
            let is_new = accounts::insert(&mut transaction, new, now).await?;
            if is_new {
                secrets.make(&mut transaction, account, now).await?;
            }
            Ok::<_, Error>(is_new)
        })
    })
    .await?;
    if is_new { Ok((StatusCode::CREATED, Json(Registered { account }))) } else { Err(Error::AccountExists) }
}

/// The caller's own account.
#[utoipa::path(
    get,
    path = "/v1/account",
    operation_id = "read_account",
    responses((status = 200, description = "The account.", body = Account))
)]
pub(crate) async fn account(state: State, caller: Caller) -> Result<Json<Account>, Error> {
    let profile =
        accounts::profile(&mut *state.pool.acquire().await?, caller.account).await?.ok_or(Error::NoAccount)?;
    Ok(Json(Account { account: caller.account, email: profile.email, role: profile.role, created: profile.created }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::password::Passwords;
    use crate::testing::Auth;

    async fn registered(auth: &Auth) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM accounts").fetch_one(&auth.state.pool).await.unwrap()
    }

    #[tokio::test]
    async fn whoever_registers_logs_in_as_a_buyer() {
        let auth = Auth::without_event().await;
        let credentials = json!({ "email": " Anna@Example.ORG ", "password": "correct horse" });
        let registered = auth.post("/v1/accounts", None, credentials.clone()).await;
        assert_eq!(registered.outcome(), (201, None));
        let session = auth.post("/v1/sessions", None, credentials).await;
        assert_eq!(session.outcome(), (200, None));
        let account = auth.get("/v1/account", session.body["access_token"].as_str()).await;
        assert_eq!(
            account.body,
            json!({
                "account": registered.body["account"],
                "email": "Anna@example.org",
                "role": "buyer",
                "created": auth.state.clock.now(),
            })
        );
    }

    #[tokio::test]
    async fn what_is_not_acceptable_changes_nothing() {
        let auth = Auth::without_event().await;
        let (email, password) = ("anna@example.org", "correct horse");
        let good = json!({ "email": email, "password": password });
        assert_eq!(auth.post("/v1/accounts", None, good).await.outcome(), (201, None));
        for (body, expected) in [
            (json!({ "email": "anna", "password": password }), (422, Some("email-refused"))),
            (json!({ "email": "b@example.org", "password": "short" }), (422, Some("password-refused"))),
            (json!({ "email": "b@example.org", "password": "x".repeat(129) }), (422, Some("password-refused"))),
            (json!({ "email": "b@example.org" }), (422, Some("invalid-request"))),
            (
                json!({ "email": "b@example.org", "password": password, "role": "administrator" }),
                (422, Some("invalid-request")),
            ),
            (json!({ "email": email, "password": "another horse" }), (409, Some("account-exists"))),
            (json!({ "email": "ANNA@EXAMPLE.ORG", "password": password }), (409, Some("account-exists"))),
        ] {
            let answer = auth.post("/v1/accounts", None, body.clone()).await;
            assert_eq!(answer.outcome(), expected, "{body}");
            assert!(!answer.body.to_string().contains("horse"), "{}", answer.body);
        }
        assert_eq!(registered(&auth).await, 1);
    }

    #[tokio::test]
    async fn too_many_at_once_are_sent_away() {
        let auth = Auth::without_event().await;
        let state = State { passwords: Passwords::exhausted(), ..auth.state.clone() };
        let body = Register { email: "anna@example.org".to_owned(), password: "correct horse".into() };
        let Err(error) = register(state, Json(body)).await else { panic!("it was registered") };
        let problem = countermark_service::problem::Problem::from(error);
        assert_eq!((problem.status().as_u16(), problem.slug()), (503, "busy"));
        assert_eq!(registered(&auth).await, 0);
    }
}
