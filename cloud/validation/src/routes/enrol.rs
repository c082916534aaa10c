//! A new gate spends its code.

use countermark_service::extract::Json;
use countermark_service::problem::ProblemDocument;
use countermark_service::transaction::transaction;
use countermark_shared::enrolment::{EnrolmentCode, enrolment_is_proved};
use countermark_shared::keys::Signature;
use countermark_shared::wire::{Enrol, Enrolled, paths};
use data_encoding::HEXLOWER_PERMISSIVE;

use crate::error::Error;
use crate::state::State;
use crate::store::gates;
use crate::{assignment, secrets};

/// A gate joins: its key is the one its code admits from now on. The same gate may ask again and is answered the same, so that a
/// lost answer does not lose the gate.
#[utoipa::path(
    post,
    path = paths::ENROL,
    operation_id = "enrol_gate",
    request_body = Enrol,
    responses(
        (status = 200, description = "The gate is enrolled.", body = Enrolled),
        (status = 404, description = "`code-unknown`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`code-spent` by another gate", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 410, description = "`code-expired`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`proof-refused`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn enrol(state: State, Json(request): Json<Enrol>) -> Result<Json<Enrolled>, Error> {
    let secret = HEXLOWER_PERMISSIVE.decode(request.secret.as_bytes()).map_err(|_| Error::CodeUnknown)?;
    let secret = secret.try_into().map_err(|_| Error::CodeUnknown)?;
    let code_hash = EnrolmentCode::new(secret, state.trust.bundle.document().root_fingerprint()).secret_hash();
    let proof = Signature::from_bytes(&request.proof.0);
    let (key, wrapping_key, now) = (request.key, request.wrapping_key, state.clock.now());
    let (state, code_hash, proof) = (&state, &code_hash, &proof);
    let enrolled = transaction(&state.pool, "enrol a gate", |mut transaction| {
        Box::pin(async move {
            let code = gates::lock_code(&mut transaction, code_hash).await?.ok_or(Error::CodeUnknown)?;
            if !enrolment_is_proved(code_hash, key, wrapping_key, proof) {
                return Err(Error::ProofRefused);
            }
            match code.spent_by {
                Some(spent_by) if spent_by == key => {}
                Some(_) => return Err(Error::CodeSpent),
                None if code.until <= now => return Err(Error::CodeExpired),
                None => {
                    gates::enrol(&mut transaction, code.place.gate, key, wrapping_key, now).await?;
                    // The event's document may have changed while the gate was being made.
                    let gate = gates::lock(&mut transaction, code.place.gate).await?.ok_or(Error::GateUnknown)?;
                    assignment::revise(state, &mut transaction, &gate, &[]).await?;
                    secrets::ask(&mut transaction, gate.gate, "enrolment", now).await?;
                }
            }
            Ok(code.place)
        })
    })
    .await?;
    state.outbox.poke();
    Ok(Json(enrolled))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;
    use countermark_shared::enrolment::prove_enrolment;
    use countermark_shared::keys::SigningKey;
    use countermark_shared::wire::Base64;

    use super::*;
    use crate::testing::{self, Answer, Bench};

    fn request(code: &EnrolmentCode, key: &SigningKey) -> Enrol {
        let proof = Base64(prove_enrolment(code, key, testing::wrapping_key()).to_bytes());
        let wrapping_key = testing::wrapping_key();
        Enrol { secret: code.secret_text(), key: key.verifying_key(), wrapping_key, proof }
    }

    async fn spend(bench: &Bench, code: &EnrolmentCode, key: &SigningKey) -> Answer {
        bench.post(paths::ENROL, None, &request(code, key)).await
    }

    #[tokio::test]
    async fn a_code_admits_one_key_however_often_it_asks() {
        let bench = Bench::new().await;
        let (gate, code) = bench.create_gate().await;
        let first = spend(&bench, &code, &testing::key(30)).await;
        assert_eq!(first.status, StatusCode::OK);
        let enrolled: Enrolled = first.json();
        assert_eq!(enrolled, Enrolled { gate, event: testing::EVENT, name: "North".to_owned() });

        // The answer was lost; by now the code would have expired.
        bench.clock.advance(Duration::from_hours(24 * 8));
        assert_eq!(spend(&bench, &code, &testing::key(30)).await.json::<Enrolled>(), enrolled);
        spend(&bench, &code, &testing::key(31)).await.is_problem(StatusCode::CONFLICT, "code-spent");
    }

    #[tokio::test]
    async fn two_gates_at_once_do_not_both_get_in() {
        let bench = Bench::new().await;
        let (_, code) = bench.create_gate().await;
        let (one, other) = (testing::key(30), testing::key(31));
        let (one, other) = tokio::join!(spend(&bench, &code, &one), spend(&bench, &code, &other));
        let mut statuses = [one.status, other.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT]);
    }

    #[tokio::test]
    async fn what_proves_nothing_spends_nothing() {
        let bench = Bench::new().await;
        let (_, code) = bench.create_gate().await;
        let key = testing::key(30);
        let root = bench.state.trust.bundle.document().root_fingerprint();
        spend(&bench, &EnrolmentCode::new([9; 16], root), &key).await.is_problem(StatusCode::NOT_FOUND, "code-unknown");
        for secret in ["", "zz", "00"] {
            let request = Enrol { secret: secret.to_owned(), ..request(&code, &key) };
            bench.post(paths::ENROL, None, &request).await.is_problem(StatusCode::NOT_FOUND, "code-unknown");
        }
        let stolen = Enrol { key: testing::key(31).verifying_key(), ..request(&code, &key) };
        let answer = bench.post(paths::ENROL, None, &stolen).await;
        answer.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "proof-refused");
        assert_eq!(spend(&bench, &code, &key).await.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_code_is_good_for_seven_days() {
        let bench = Bench::new().await;
        let (_, code) = bench.create_gate().await;
        bench.clock.advance(Duration::from_hours(24 * 7));
        spend(&bench, &code, &testing::key(30)).await.is_problem(StatusCode::GONE, "code-expired");
    }
}
