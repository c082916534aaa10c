//! Logging in.

use std::time::Duration;

use countermark_service::caller::{Access, Caller};
use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::service_name::ServiceName;
use countermark_service::transaction::{Transaction, transaction};
use countermark_shared::id::AccountId;
use countermark_shared::time::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use utoipa::ToSchema;

use super::access_tokens::AccessToken;
use crate::email::EmailAddress;
use crate::error::Error;
use crate::log_in::LIFETIME;
use crate::password::{Password, PasswordHash, Verdict};
use crate::state::State;
use crate::store::accounts::{self, Credentials};
use crate::store::login_attempts;

/// How many attempts may fail within [`WINDOW`]; below the 100 in all that NIST SP 800-63B, 3.2.2, allows.
const MOST_ATTEMPTS: i64 = 10;
const WINDOW: Duration = Duration::from_mins(15);

/// Who wants to log in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogIn {
    /// The account's address.
    email: String,
    /// Its password.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Logs in: gives a token for auth itself, which it exchanges for tokens for the other services.
#[utoipa::path(
    post,
    path = "/v1/sessions",
    operation_id = "log_in",
    request_body = LogIn,
    responses(
        (status = 200, description = "Logged in.", body = AccessToken),
        (status = 401, description = "`wrong-credentials`", body = ProblemDocument, content_type = "application/problem+json"),
        (
            status = 429,
            description = "`too-many-attempts`",
            body = ProblemDocument,
            content_type = "application/problem+json",
            headers(("Retry-After" = u64, description = "Seconds until the account is open again."))
        ),
        (status = 503, description = "`busy`: try again in a few seconds", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn log_in(
    state: State,
    Json(LogIn { email, password }): Json<LogIn>,
) -> Result<Json<AccessToken>, Error> {
    // What cannot be registered is nobody's: nothing about any account shows here.
    let email = &EmailAddress::parse(&email).map_err(|_| Error::WrongCredentials)?;
    let password = Password::parse(password).map_err(|_| Error::WrongCredentials)?;
    // Before the attempt is counted: whoever is sent away here has not tried.
    let turn = state.passwords.turn().await?;
    let now = state.clock.now();
    let credentials = transaction(&state.pool, "begin a log-in", |mut transaction| {
        Box::pin(async move { begin(&mut transaction, email, now).await })
    })
    .await?;
    let (caller, stored) = match credentials {
        Some(Credentials { account, role, password }) => (Some(Caller { account, role }), Some(password)),
        None => (None, None),
    };
    let verdict = turn.verify(password, stored.clone(), state.randomness.bytes()).await?;
    let (Some(caller), Verdict::Right { renewed }) = (caller, verdict) else {
        return Err(Error::WrongCredentials);
    };
    let renewal = stored.zip(renewed);
    let renewal = renewal.as_ref();
    transaction(&state.pool, "complete a log-in", |mut transaction| {
        Box::pin(async move { complete(&mut transaction, caller.account, renewal).await })
    })
    .await?;
    AccessToken::issue(&state, Access { caller, until: now + LIFETIME }, ServiceName::Auth).map(Json)
}

/// Counts the attempt before the password is looked at, so that many at once are not more than one after the other.
async fn begin(
    transaction: &mut Transaction<'_, '_>,
    email: &EmailAddress,
    now: Timestamp,
) -> Result<Option<Credentials>, Error> {
    let Some(credentials) = accounts::lock_by_email(transaction, email).await? else { return Ok(None) };
    let attempts = login_attempts::since(transaction, credentials.account, now - WINDOW).await?;
    if attempts.count >= MOST_ATTEMPTS {
        let oldest = attempts.oldest.unwrap_or(now);
        return Err(Error::TooManyAttempts { retry_after: (oldest + WINDOW).since(now) });
    }
    login_attempts::insert(transaction, credentials.account, now).await?;
    Ok(Some(credentials))
}

async fn complete(
    transaction: &mut Transaction<'_, '_>,
    account: AccountId,
    renewal: Option<&(PasswordHash, PasswordHash)>,
) -> Result<(), Error> {
    if let Some((known, renewed)) = renewal {
        accounts::renew_password(transaction, account, known, renewed).await?;
    }
    login_attempts::clear(transaction, account).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::header::RETRY_AFTER;
    use futures_util::future::join_all;
    use serde_json::json;

    use super::*;
    use crate::testing::{Answer, Auth};

    const PASSWORD: &str = "correct horse";
    const WRONG: &str = "another horse";

    async fn with_anna() -> Auth {
        let auth = Auth::without_event().await;
        let body = json!({ "email": "anna@example.org", "password": PASSWORD });
        assert_eq!(auth.post("/v1/accounts", None, body).await.status, 201);
        auth
    }

    async fn log_in(auth: &Auth, email: &str, password: &str) -> Answer {
        auth.post("/v1/sessions", None, json!({ "email": email, "password": password })).await
    }

    async fn anna(auth: &Auth, password: &str) -> Answer {
        log_in(auth, "anna@example.org", password).await
    }

    #[tokio::test]
    async fn a_session_lasts_fifteen_minutes() {
        let auth = with_anna().await;
        let session = log_in(&auth, "ANNA@example.org", PASSWORD).await;
        assert_eq!(session.body["expires"], json!(auth.state.clock.now() + Duration::from_mins(15)));
        let token = session.body["access_token"].as_str();
        auth.state.clock.advance(Duration::from_secs(899));
        assert_eq!(auth.get("/v1/account", token).await.status, 200);
        auth.state.clock.advance(Duration::from_secs(1));
        assert_eq!(auth.get("/v1/account", token).await.outcome(), (401, Some("unauthenticated")));
    }

    #[tokio::test]
    async fn a_wrong_password_and_an_unknown_address_read_the_same() {
        let auth = with_anna().await;
        let wrong = anna(&auth, WRONG).await;
        assert_eq!(wrong.outcome(), (401, Some("wrong-credentials")));
        for (email, password) in [("bob@example.org", PASSWORD), ("nobody", PASSWORD), ("anna@example.org", "short")] {
            assert_eq!(log_in(&auth, email, password).await.body, wrong.body);
        }
    }

    #[tokio::test]
    async fn ten_wrong_passwords_lock_the_account_for_fifteen_minutes() {
        let auth = with_anna().await;
        for _ in 0..10 {
            assert_eq!(anna(&auth, WRONG).await.outcome(), (401, Some("wrong-credentials")));
            auth.state.clock.advance(Duration::from_secs(1));
        }
        let answer = anna(&auth, PASSWORD).await;
        assert_eq!(answer.outcome(), (429, Some("too-many-attempts")));
        // The first was ten seconds ago.
        assert_eq!(answer.headers[RETRY_AFTER], "890");
        auth.state.clock.advance(Duration::from_secs(889));
        assert_eq!(anna(&auth, PASSWORD).await.status, 429);
        auth.state.clock.advance(Duration::from_secs(1));
        assert_eq!(anna(&auth, PASSWORD).await.status, 200);
    }

    #[tokio::test]
    async fn success_forgives_what_failed_before() {
        let auth = with_anna().await;
        for _ in 0..2 {
            for _ in 0..9 {
                assert_eq!(anna(&auth, WRONG).await.status, 401);
            }
            assert_eq!(anna(&auth, PASSWORD).await.status, 200);
        }
    }

    #[tokio::test]
    async fn many_at_once_are_not_more_than_one_after_the_other() {
        let auth = with_anna().await;
        let answers = std::array::from_fn::<_, 20, _>(|_| anna(&auth, WRONG));
        let mut wrong = 0;
        for answer in join_all(answers).await {
            match answer.outcome() {
                (401, Some("wrong-credentials")) => wrong += 1,
                outcome => assert_eq!(outcome, (429, Some("too-many-attempts"))),
            }
        }
        assert_eq!(wrong, 10);
    }

    #[tokio::test]
    async fn an_attempt_waits_for_those_being_counted() {
        let auth = with_anna().await;
        let email = EmailAddress::parse("anna@example.org").unwrap();
        let mut first = auth.state.pool.begin().await.unwrap();
        let account = accounts::lock_by_email(&mut first, &email).await.unwrap().unwrap().account;
        for _ in 0..MOST_ATTEMPTS {
            login_attempts::insert(&mut first, account, auth.state.clock.now()).await.unwrap();
        }
        assert_eq!(auth.after(first, anna(&auth, PASSWORD)).await.outcome(), (429, Some("too-many-attempts")));
    }

    #[tokio::test]
    async fn an_old_hash_is_renewed_when_its_password_is_known() {
        let auth = with_anna().await;
        // The same password with 8 MiB and one pass.
        sqlx::query("UPDATE accounts SET password = $1")
            .bind(crate::password::weaker_hash(PASSWORD))
            .execute(&auth.state.pool)
            .await
            .unwrap();
        for _ in 0..2 {
            assert_eq!(anna(&auth, PASSWORD).await.status, 200);
            let stored: String =
                sqlx::query_scalar("SELECT password FROM accounts").fetch_one(&auth.state.pool).await.unwrap();
            assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        }
    }

    /// Found in review: the log-in wrote a new hash of what it had read.
    #[tokio::test]
    async fn a_log_in_under_way_does_not_bring_the_old_password_back() {
        let auth = with_anna().await;
        let State { pool, clock, randomness, passwords, .. } = &auth.state;
        let known = PasswordHash(crate::password::weaker_hash(PASSWORD));
        sqlx::query("UPDATE accounts SET password = $1").bind(&known.0).execute(pool).await.unwrap();
        let set = crate::set_password(pool, "anna@example.org", WRONG.into(), clock, randomness);
        let account = set.await.unwrap();

        let password = Password::parse(PASSWORD.into()).unwrap();
        let renewed = passwords.turn().await.unwrap().hash(password, randomness.bytes()).await.unwrap();
        let renewal = Some(&(known, renewed));
        transaction(pool, "complete a log-in", |mut transaction| {
            Box::pin(async move { complete(&mut transaction, account, renewal).await })
        })
        .await
        .unwrap();
        assert_eq!(anna(&auth, PASSWORD).await.outcome(), (401, Some("wrong-credentials")));
        assert_eq!(anna(&auth, WRONG).await.status, 200);
    }
}
