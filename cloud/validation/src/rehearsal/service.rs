//! The service as a process has it, but for its clock, its people, and what goes on by itself.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use countermark_service::api::Front;
use countermark_service::caller::AccessTokens;
use countermark_service::clock::Clock;
use countermark_service::contract::TicketsClient;
use countermark_service::outbox::Outbox;
use countermark_service::randomness::Randomness;
use countermark_service::service_call::{ServiceCalls, ServiceIdentity};
use countermark_service::service_name::ServiceName;
use countermark_shared::documents::{Authentic, TrustBundle};
use countermark_shared::id::EventId;
use countermark_shared::keys::{SigningKey, VerifyingKey};
use sqlx::PgPool;
use tokio::net::TcpListener;

use crate::api;
use crate::settler::Settler;
use crate::state::{State, Trusted};
use crate::store::bundles;

/// The services that may call, and their keys.
pub type Callers = Vec<(ServiceName, VerifyingKey)>;

/// The service, and what it does by itself, which is done when the caller says so.
pub struct Served {
    /// Where it answers.
    pub address: SocketAddr,
    settler: Settler,
}

impl Served {
    /// Settles all that is marked of the event.
    pub async fn settle(&self, event: EventId) -> Result<(), Box<dyn Error + Send + Sync>> {
        while self.settler.settle_some(event).await? {}
        Ok(())
    }
}

/// Serves over a migrated database, by that clock, for as long as the runtime runs. Signs with the list key, and asks no other service anything.
pub async fn serve(
    pool: PgPool,
    clock: Clock,
    bundle: Authentic<TrustBundle>,
    list_key: SigningKey,
    callers: Callers,
) -> Result<Served, Box<dyn Error + Send + Sync>> {
    bundles::keep(&mut *pool.acquire().await?, &bundle).await?;
    let randomness = Randomness::system();
    let front = Front {
        access_tokens: AccessTokens::local(ServiceName::Validation, &[], clock.clone()),
        service_calls: ServiceCalls::new(ServiceName::Validation, callers, clock.clone()),
        pool: pool.clone(),
        randomness: randomness.clone(),
    };
    let own_keys = vec![list_key.verifying_key()];
    let identity = ServiceIdentity::new(ServiceName::Validation, list_key.clone(), clock.clone(), randomness.clone())?;
    let state = State {
        tickets: TicketsClient(identity.client(ServiceName::Tickets, "http://127.0.0.1:1".parse()?)),
        trust: Arc::new(Trusted::new(bundle, list_key, own_keys)),
        outbox: Outbox::new(),
        pool,
        clock,
        randomness,
    };
    let (router, _) = api().finish(&front, state.clone());
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(Served { address, settler: Settler::new(state) })
}
