//! Tickets, as far as validation asks it.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use countermark_service::contract::{ListGuests, WrapEventSecrets, WrappedEventSecret, WrappedEventSecrets, paths};
use countermark_service::extract::Json;
use countermark_service::problem::Problem;
use countermark_service::randomness::Randomness;
use countermark_shared::id::SealingGeneration;
use countermark_shared::sealing::EventSecret;
use countermark_shared::wire::{Base64, GuestPage};
use zeroize::Zeroizing;

/// Its guest list, and what it was asked of it.
#[derive(Default)]
pub(crate) struct GuestList {
    /// Every page of it; none where tickets does not know the event.
    pub(crate) page: Option<GuestPage>,
    /// Whether tickets cannot answer.
    pub(crate) is_away: bool,
    pub(crate) asked: Vec<ListGuests>,
}

/// It wraps the generations, and tells the guests, that the test says.
pub(super) fn router(sealing: Arc<Mutex<Option<Vec<u8>>>>, guests: Arc<Mutex<GuestList>>) -> Router {
    let wrap = async move |Json(request): Json<WrapEventSecrets>| {
        let generations = sealing.lock().unwrap().clone();
        let wrapped = generations.ok_or_else(unknown)?.into_iter().map(|generation| wrapped(request, generation));
        Ok::<_, Problem>(Json(WrappedEventSecrets { secrets: wrapped.collect() }))
    };
    let list = async move |Json(request): Json<ListGuests>| {
        let mut guests = guests.lock().unwrap();
        if guests.is_away {
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "As the test says"));
        }
        guests.asked.push(request);
        guests.page.clone().map(Json).ok_or_else(unknown)
    };
    Router::new().route(paths::EVENT_SECRETS, post(wrap)).route(paths::GUESTS, post(list))
}

fn unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "event-unknown", "As the test says")
}

fn wrapped(request: WrapEventSecrets, generation: u8) -> WrappedEventSecret {
    let WrapEventSecrets { event, gate, wrapping_key } = request;
    let generation = SealingGeneration(generation);
    let secret = EventSecret::new(event, generation, Zeroizing::new([generation.0; 32]));
    let wrapped = secret.wrap(gate, wrapping_key, &mut Randomness::system()).unwrap();
    let (encapsulated, ciphertext) = (Base64(wrapped.encapsulated), Base64(wrapped.ciphertext));
    WrappedEventSecret { generation, encapsulated, ciphertext }
}
