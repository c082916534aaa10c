//! Event secrets: made once, kept sealed, given to validation for a gate.

use countermark_service::contract::{WrapEventSecrets, WrappedEventSecret, WrappedEventSecrets, paths};
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::{EventDocument, HolderName, TicketForm};
use countermark_shared::id::{EventId, GateId, SealingGeneration};
use countermark_shared::sealing::{EventSecret, UnwrappingKey, Wrapped};
use zeroize::Zeroizing;

use crate::event_secrets;
use crate::testing::{EVENT, World, event};

const SEALED: TicketForm = TicketForm { live_window_seconds: 0, holder: HolderName::Sealed };

fn gate_key() -> UnwrappingKey {
    UnwrappingKey::new(Zeroizing::new([77; 32]))
}

async fn wrapped(world: &World, event: EventId) -> WrappedEventSecrets {
    let ask = WrapEventSecrets { event, gate: GateId(4), wrapping_key: gate_key().wrapping_key() };
    world.as_service(ServiceName::Validation).post(paths::EVENT_SECRETS, &ask).await.unwrap()
}

/// As the gate reads them.
fn unwrapped(secrets: &WrappedEventSecrets) -> Vec<EventSecret> {
    let unwrap = |secret: &WrappedEventSecret| {
        let wrapped = Wrapped { encapsulated: secret.encapsulated.0, ciphertext: secret.ciphertext.0 };
        EventSecret::unwrap(&wrapped, GateId(4), &gate_key(), EVENT, secret.generation).unwrap()
    };
    secrets.secrets.iter().map(unwrap).collect()
}

#[tokio::test]
async fn whoever_brings_the_document_an_event_has_one_secret() {
    let world = World::selling(SEALED).await;
    let first = *unwrapped(&wrapped(&world, EVENT).await)[0].bytes();
    let (document, moved) = (event(SEALED), EventDocument { version: 2, ..event(SEALED) });
    tokio::join!(world.push(&document), world.push(&document), wrapped(&world, EVENT));
    world.push(&moved).await;
    // Two that find none at once, as when the document came before there were secrets.
    sqlx::query("DELETE FROM event_secrets").execute(&world.state.pool).await.unwrap();
    let (one, other) = tokio::join!(wrapped(&world, EVENT), wrapped(&world, EVENT));
    let (one, other) = (unwrapped(&one), unwrapped(&other));
    assert_eq!((one.len(), one[0].bytes()), (1, other[0].bytes()));
    assert_ne!(one[0].bytes(), &first);
}

#[tokio::test]
async fn a_secret_is_stored_sealed_for_its_event_and_generation() {
    let world = World::selling(SEALED).await;
    let secret = *unwrapped(&wrapped(&world, EVENT).await)[0].bytes();
    let sealed: Vec<u8> =
        sqlx::query_scalar("SELECT sealed FROM event_secrets").fetch_one(&world.state.pool).await.unwrap();
    assert!(!sealed.windows(32).any(|window| window == secret));
    // Whoever can write to the database cannot give it to another event or generation.
    for moved in ["UPDATE event_secrets SET generation = 2", "UPDATE event_secrets SET generation = 1, event = 8"] {
        sqlx::query(moved).execute(&world.state.pool).await.unwrap();
        let event = if moved.contains('8') { EventId(8) } else { EVENT };
        let mut connection = world.state.pool.acquire().await.unwrap();
        assert!(event_secrets::all(&world.state, &mut connection, event).await.is_err(), "{moved}");
    }
}

#[tokio::test]
async fn a_lost_gate_means_a_new_generation_for_tickets_to_come() {
    let world = World::selling(SEALED).await;
    let before = world.one_ticket(SEALED).await;
    let mut connection = world.state.pool.acquire().await.unwrap();
    for _ in 0..2 {
        event_secrets::make(&world.state, &mut connection, EVENT, SealingGeneration(2)).await.unwrap();
    }
    drop(connection);
    let after = world.one_ticket(SEALED).await;
    let secrets = unwrapped(&wrapped(&world, EVENT).await);
    assert_eq!(secrets.iter().map(EventSecret::generation).collect::<Vec<_>>(), [1, 2].map(SealingGeneration));
    for (secret, ticket) in secrets.iter().zip([&before, &after]) {
        assert_eq!(secret.open(&world.verified(&ticket["text"])).unwrap().name(), "Ada Lovelace");
    }
}

/// The organiser says whether gates may read names; tickets has the secret all the same.
#[tokio::test]
async fn gates_are_given_no_secrets_where_the_organiser_gives_them_no_names() {
    let world = World::selling(SEALED).await;
    let later = |version, names_at_gates| EventDocument { version, names_at_gates, ..event(SEALED) };
    world.push(&later(2, false)).await;
    assert_eq!(wrapped(&world, EVENT).await.secrets, []);
    let ticket = world.one_ticket(SEALED).await;
    world.push(&later(3, true)).await;
    let secrets = unwrapped(&wrapped(&world, EVENT).await);
    assert_eq!(secrets[0].open(&world.verified(&ticket["text"])).unwrap().name(), "Ada Lovelace");
}

#[tokio::test]
async fn only_validation_is_given_secrets_and_only_of_events_that_have_any() {
    let world = World::new().await;
    assert_eq!(wrapped(&world, EVENT).await.secrets, []);
    let ask = |event| WrapEventSecrets { event, gate: GateId(4), wrapping_key: gate_key().wrapping_key() };
    let validation = world.as_service(ServiceName::Validation);
    let unknown = validation.post::<_, WrappedEventSecrets>(paths::EVENT_SECRETS, &ask(EventId(8))).await.unwrap_err();
    assert_eq!(unknown.slug(), Some("event-unknown"));
    for other in [ServiceName::Auth, ServiceName::Admin, ServiceName::Tickets] {
        let client = world.as_service(other);
        let refused = client.post::<_, WrappedEventSecrets>(paths::EVENT_SECRETS, &ask(EVENT)).await.unwrap_err();
        assert_eq!(refused.slug(), Some("forbidden"), "{other}");
    }
}
