//! The time, for a box that has no clock of its own.

use countermark_service::extract::Json;
use countermark_shared::clock::{TimeQuestion, answer_time};
use countermark_shared::wire::{AskTime, Base64, TimeAnswer, paths};

use crate::session::Gate;
use crate::state::State;

/// The instant at which this is answered, signed for this gate and its nonce.
#[utoipa::path(
    post,
    path = paths::TIME,
    operation_id = "ask_time",
    request_body = AskTime,
    responses((status = 200, description = "The time.", body = TimeAnswer))
)]
pub(crate) async fn ask(state: State, gate: Gate, Json(AskTime { nonce }): Json<AskTime>) -> Json<TimeAnswer> {
    let at = state.clock.now();
    let question = TimeQuestion { gate: gate.gate, nonce: nonce.0 };
    let signature = Base64(answer_time(&question, at, &state.trust.list_key).to_bytes());
    Json(TimeAnswer { at, signature })
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use countermark_shared::keys::Signature;

    use super::*;
    use crate::testing::{self, Bench};

    #[tokio::test]
    async fn a_gate_learns_the_time_by_its_own_nonce_alone() {
        let bench = Bench::new().await;
        let (gate, other) = (bench.gate().await, bench.gate().await);
        let answer = bench.post(paths::TIME, Some(&gate.token), &AskTime { nonce: Base64([7; 32]) }).await;
        assert_eq!((answer.status, &answer.headers["cache-control"]), (StatusCode::OK, &"no-store".parse().unwrap()));
        let TimeAnswer { at, signature } = answer.json();
        assert_eq!(at, bench.clock.now());
        let verify = |gate, nonce| {
            let signature = Signature::from_bytes(&signature.0);
            TimeQuestion { gate, nonce }.verify(at, &signature, &testing::bundle())
        };
        assert_eq!(verify(gate.gate, [7; 32]).unwrap().at(), at);
        assert!(verify(gate.gate, [8; 32]).is_err());
        assert!(verify(other.gate, [7; 32]).is_err());
    }
}
