//! Tickets, as far as validation asks it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use countermark_service::contract::{WrapEventSecrets, WrappedEventSecret, WrappedEventSecrets, paths};
use countermark_service::extract::Json;
use countermark_service::problem::Problem;
use countermark_service::randomness::Randomness;
use countermark_shared::id::SealingGeneration;
use countermark_shared::sealing::EventSecret;
use countermark_shared::wire::Base64;
use zeroize::Zeroizing;

/// It wraps the generations that the test says.
pub(super) fn router(sealing: Arc<Mutex<Option<Vec<u8>>>>) -> Router {
    let wrap = async move |Json(request): Json<WrapEventSecrets>| {
        let generations = sealing.lock().unwrap().clone();
        let unknown = || Problem::new(StatusCode::NOT_FOUND, "event-unknown", "As the test says");
        let wrapped = generations.ok_or_else(unknown)?.into_iter().map(|generation| wrapped(request, generation));
        Ok::<_, Problem>(Json(WrappedEventSecrets { secrets: wrapped.collect() }))
    };
    Router::new().route(paths::EVENT_SECRETS, post(wrap))
}

fn wrapped(request: WrapEventSecrets, generation: u8) -> WrappedEventSecret {
    let WrapEventSecrets { event, gate, wrapping_key } = request;
    let generation = SealingGeneration(generation);
    let secret = EventSecret::new(event, generation, Zeroizing::new([generation.0; 32]));
    let wrapped = secret.wrap(gate, wrapping_key, &mut Randomness::system()).unwrap();
    let (encapsulated, ciphertext) = (Base64(wrapped.encapsulated), Base64(wrapped.ciphertext));
    WrappedEventSecret { generation, encapsulated, ciphertext }
}
