//! A gate proves itself: a nonce, and its answer. No clock is needed on the gate's side.

use std::time::Duration;

use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::enrolment::login_is_answered;
use countermark_shared::keys::Signature;
use countermark_shared::wire::{Base64, LoggedIn, Login, Nonce, RequestNonce, paths};

use crate::error::Error;
use crate::session::{LIFETIME, Token};
use crate::state::State;
use crate::store::{debts, gates, journal, sessions};

/// How long a nonce may be answered.
const NONCE_LIFETIME: Duration = Duration::from_mins(1);

/// Something to sign. A number that is no gate's gets one as well: who asks does not learn which numbers are.
#[utoipa::path(
    post,
    path = paths::NONCE,
    operation_id = "request_nonce",
    request_body = RequestNonce,
    responses((status = 200, description = "Good once and for a minute.", body = Nonce))
)]
pub(crate) async fn nonce(state: State, Json(request): Json<RequestNonce>) -> Result<Json<Nonce>, Error> {
    let (nonce, now) = (state.randomness.bytes(), state.clock.now());
    let mut connection = state.pool.acquire().await?;
    sessions::offer_nonce(&mut connection, request.gate, &nonce, now, now + NONCE_LIFETIME).await?;
    Ok(Json(Nonce { nonce: Base64(nonce) }))
}

/// A session of an hour for a gate that answers its nonce.
#[utoipa::path(
    post,
    path = paths::LOGIN,
    operation_id = "log_in",
    request_body = Login,
    responses(
        (status = 200, description = "The session.", body = LoggedIn),
        (status = 401, description = "`login-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn login(state: State, Json(request): Json<Login>) -> Result<Json<LoggedIn>, Error> {
    let token = Token::random(&state.randomness);
    let (token_hash, now) = (token.hash(), state.clock.now());
    let until = now + LIFETIME;
    let request = &request;
    // A wrong answer is no error within: the nonce stays taken.
    let known_up_to = transaction(&state.pool, "log a gate in", |mut transaction| {
        Box::pin(async move {
            let Login { gate, nonce, answer, written_up_to } = request;
            let Some(key) = sessions::take_nonce(&mut transaction, *gate, &nonce.0, now).await? else {
                return Ok::<_, Error>(None);
            };
            if !login_is_answered(*gate, &nonce.0, key, &Signature::from_bytes(&answer.0)) {
                return Ok(None);
            }
            sessions::open(&mut transaction, *gate, token_hash, now, until).await?;
            // From here on nothing else writes its journal.
            gates::seen(&mut transaction, *gate, now).await?;
            let known_up_to = journal::known_up_to(&mut transaction, *gate).await?;
            if let (Some(debt), Some(written_up_to)) = (debts::of(&mut transaction, *gate).await?, written_up_to) {
                debts::keep(&mut transaction, *gate, debt.said(*written_up_to).left(known_up_to)).await?;
            }
            Ok(Some(known_up_to))
        })
    })
    .await?;
    if known_up_to.is_none() {
        return Err(Error::LoginRefused);
    }
    Ok(Json(LoggedIn { token: token.into_text(), until, known_up_to }))
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use countermark_shared::enrolment::answer_login;
    use countermark_shared::id::GateId;
    use countermark_shared::keys::SigningKey;

    use super::*;
    use crate::testing::{self, Bench};

    async fn nonce(bench: &Bench, gate: GateId) -> [u8; 32] {
        let answer = bench.post(paths::NONCE, None, &RequestNonce { gate }).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.json::<Nonce>().nonce.0
    }

    fn answer(gate: GateId, nonce: [u8; 32], key: &SigningKey) -> Login {
        let answer = Base64(answer_login(gate, &nonce, key).to_bytes());
        Login { gate, nonce: Base64(nonce), answer, written_up_to: None }
    }

    #[tokio::test]
    async fn a_nonce_is_answered_once() {
        let bench = Bench::new().await;
        let gate = bench.gate().await;
        let login = answer(gate.gate, nonce(&bench, gate.gate).await, &gate.key);
        let session: LoggedIn = bench.post(paths::LOGIN, None, &login).await.json();
        assert_eq!(bench.get(paths::ASSIGNMENT, &session.token).await.status, StatusCode::OK);
        bench.post(paths::LOGIN, None, &login).await.is_problem(StatusCode::UNAUTHORIZED, "login-refused");
    }

    #[tokio::test]
    async fn a_nonce_is_good_for_a_minute_and_a_session_for_an_hour() {
        let bench = Bench::new().await;
        let gate = bench.gate().await;
        let login = answer(gate.gate, nonce(&bench, gate.gate).await, &gate.key);
        bench.clock.advance(NONCE_LIFETIME);
        bench.post(paths::LOGIN, None, &login).await.is_problem(StatusCode::UNAUTHORIZED, "login-refused");

        assert_eq!(bench.get(paths::ASSIGNMENT, &gate.token).await.status, StatusCode::OK);
        bench.clock.advance(LIFETIME.saturating_sub(NONCE_LIFETIME));
        bench.get(paths::ASSIGNMENT, &gate.token).await.is_problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    }

    #[tokio::test]
    async fn only_the_gates_own_key_and_nonce_let_it_in() {
        let bench = Bench::new().await;
        let (gate, other) = (bench.gate().await, bench.gate().await);
        let unknown = GateId(99);
        for login in [
            answer(gate.gate, nonce(&bench, gate.gate).await, &other.key),
            answer(gate.gate, nonce(&bench, other.gate).await, &gate.key),
            answer(gate.gate, [7; 32], &gate.key),
            answer(unknown, nonce(&bench, unknown).await, &testing::key(99)),
        ] {
            bench.post(paths::LOGIN, None, &login).await.is_problem(StatusCode::UNAUTHORIZED, "login-refused");
        }
        let spent = nonce(&bench, gate.gate).await;
        bench.post(paths::LOGIN, None, &answer(gate.gate, spent, &other.key)).await;
        let again = bench.post(paths::LOGIN, None, &answer(gate.gate, spent, &gate.key)).await;
        again.is_problem(StatusCode::UNAUTHORIZED, "login-refused");
    }

    #[tokio::test]
    async fn a_gate_that_has_not_enrolled_cannot_log_in() {
        let bench = Bench::new().await;
        let (gate, _) = bench.create_gate().await;
        let login = answer(gate, nonce(&bench, gate).await, &testing::key(30));
        bench.post(paths::LOGIN, None, &login).await.is_problem(StatusCode::UNAUTHORIZED, "login-refused");
    }
}
