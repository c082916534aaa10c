//! Starting the service. Owns its settings and the order of its start; refuses to know any route.

use std::sync::Arc;

use clap::Args;
use countermark_service::api::Front;
use countermark_service::caller::AccessTokens;
use countermark_service::clock::Clock;
use countermark_service::contract::{TicketsClient, ValidationClient};
use countermark_service::outbox::Outbox;
use countermark_service::randomness::Randomness;
use countermark_service::serve::{ServeError, Shutdown, serve};
use countermark_service::service_call::{ServiceCalls, ServiceIdentity};
use countermark_service::service_name::ServiceName;
use countermark_service::settings::{
    Admin, OtherServiceKey, Peers, ServiceSettings, Trust, UnusableDatabase, base_url,
};
use countermark_service::trust::TrustError;
use url::{Host, Url};

use crate::state::State;
use crate::{MIGRATOR, api, distribution};

/// What the service is told.
#[derive(Args)]
pub struct Settings {
    /// Itself.
    #[command(flatten)]
    pub service: ServiceSettings<Admin>,
    /// The other services.
    #[command(flatten)]
    pub peers: Peers,
    /// What it trusts.
    #[command(flatten)]
    pub trust: Trust,
    /// Where gates find validation, as a box at an entrance reaches it: what their invitations say.
    #[arg(long, env = "COUNTERMARK_GATES_URL", value_name = "COUNTERMARK_GATES_URL", hide_env_values = true, value_parser = gates_url)]
    pub gates_url: Url,
}

/// An address that no gate would go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "gates go to https://host[:port], of at most {MAX_GATES_URL} characters; to http:// on this machine itself alone"
)]
pub(crate) struct InvalidGatesUrl;

/// The longest that an invitation carries.
const MAX_GATES_URL: usize = 200;

fn gates_url(text: &str) -> Result<Url, InvalidGatesUrl> {
    let url = base_url(text).map_err(|_| InvalidGatesUrl)?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let fits = url.as_str().len() <= MAX_GATES_URL && (url.scheme() == "https" || loopback);
    if fits { Ok(url) } else { Err(InvalidGatesUrl) }
}

/// Why the service does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The service key is not the one that the others are told.
    #[error(transparent)]
    ServiceKey(#[from] OtherServiceKey),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] UnusableDatabase),
    /// The bundle is missing or not believed.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The clients of the other services cannot be made.
    #[error("the HTTP clients cannot be made")]
    Client {
        /// What the library said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Serving failed.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// Runs the service until the shutdown.
pub async fn run(settings: Settings, shutdown: Shutdown) -> Result<(), StartError> {
    let Settings { service, peers, trust, gates_url } = settings;
    let (clock, randomness) = (Clock::system(), Randomness::system());
    service.expect_own_key(&peers)?;
    let pool = service.database.open(&MIGRATOR).await?;
    let bundle = Arc::new(trust.load(clock.now())?);
    trust.keep(&mut *pool.acquire().await.map_err(TrustError::from)?, &bundle).await?;
    let client = |source| StartError::Client { source };
    let identity = ServiceIdentity::new(ServiceName::Admin, service.service_key, clock.clone(), randomness.clone())
        .map_err(|source| client(source.into()))?;
    let of = |name| identity.client(name, peers.url(name).clone());
    let front = Front {
        access_tokens: AccessTokens::remote(ServiceName::Admin, peers.url(ServiceName::Auth), clock.clone())
            .map_err(|source| client(source.into()))?,
        service_calls: ServiceCalls::new(ServiceName::Admin, peers.public_keys(), clock.clone()),
        pool: pool.clone(),
        randomness: randomness.clone(),
    };
    let state = State {
        pool,
        clock,
        randomness,
        bundle,
        outbox: Outbox::new(),
        auth: of(ServiceName::Auth),
        tickets: TicketsClient(of(ServiceName::Tickets)),
        validation: ValidationClient(of(ServiceName::Validation)),
        gates_url,
    };
    let (router, _) = api().finish(&front, state.clone());
    let background = distribution::worker(state).run(shutdown.clone());
    Box::pin(serve(ServiceName::Admin, service.listen, router, shutdown, background)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_names_only_where_a_gate_would_go() {
        for good in ["https://gates.example.org", "https://gates.example.org:8443", "http://127.0.0.1:8003"] {
            assert!(gates_url(good).is_ok(), "{good}");
        }
        let long = format!("https://{}.example.org", ["a"; 60].join(".aa"));
        for bad in ["http://gates.example.org", "https://gates.example.org/path", "", "gates.example.org", &long] {
            assert_eq!(gates_url(bad), Err(InvalidGatesUrl), "{bad}");
        }
    }
}
