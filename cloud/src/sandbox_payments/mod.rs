//! A payment provider that takes no money: its own process, its own key, a hosted page, signed webhooks. What it knows, it
//! knows until it ends.

mod page;
mod payments;
mod webhooks;

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use clap::Args;
use countermark_service::clock::Clock;
use countermark_service::extract::Json;
use countermark_service::problem::Problem;
use countermark_service::randomness::Randomness;
use countermark_service::secret_file;
use countermark_service::serve::Shutdown;
use countermark_service::service_call::http_client;
use countermark_service::settings::{ListenAddress, base_url};
use countermark_shared::keys::SigningKey;
use countermark_tickets::{OpenPayment, OpenedPayment, PAYMENTS_PATH};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use url::Url;

use self::payments::{Paying, Payments};
use self::webhooks::Webhooks;

/// What the sandbox is told.
#[derive(Args)]
pub(crate) struct Settings {
    /// Address to serve plain HTTP on, on loopback only; port 0 takes any free one.
    #[arg(long, env = "COUNTERMARK_SANDBOX_PAYMENTS_LISTEN", value_name = "COUNTERMARK_SANDBOX_PAYMENTS_LISTEN")]
    listen: ListenAddress,
    /// File of the key that signs webhooks, mode 600.
    #[arg(
        long = "key-file",
        env = "COUNTERMARK_SANDBOX_PAYMENTS_KEY_FILE",
        value_name = "COUNTERMARK_SANDBOX_PAYMENTS_KEY_FILE",
        hide_env_values = true,
        value_parser = secret_file::signing_key,
    )]
    key: SigningKey,
    /// File of the secret by which the merchant says who they are, mode 600.
    #[arg(
        long = "secret-file",
        env = "COUNTERMARK_SANDBOX_PAYMENTS_SECRET_FILE",
        value_name = "COUNTERMARK_SANDBOX_PAYMENTS_SECRET_FILE",
        hide_env_values = true,
        value_parser = secret_file::text,
    )]
    secret: SecretString,
    /// Where to send webhooks: URLs with commas between them.
    #[arg(
        long,
        env = "COUNTERMARK_SANDBOX_PAYMENTS_WEBHOOKS",
        value_name = "COUNTERMARK_SANDBOX_PAYMENTS_WEBHOOKS",
        value_delimiter = ',',
        required = true
    )]
    webhooks: Vec<Url>,
    /// Base URL of the payment page as buyers reach it; without it, the address it listens on.
    #[arg(
        long,
        env = "COUNTERMARK_SANDBOX_PAYMENTS_PUBLIC_URL",
        value_name = "COUNTERMARK_SANDBOX_PAYMENTS_PUBLIC_URL",
        value_parser = base_url,
    )]
    public_url: Option<Url>,
}

#[derive(Clone)]
struct Sandbox {
    payments: Arc<Payments>,
    webhooks: Webhooks,
    secret: SecretString,
    public_url: Url,
    clock: Clock,
    randomness: Randomness,
}

/// Runs the sandbox until the shutdown.
pub(crate) async fn run(settings: Settings, shutdown: Shutdown) -> anyhow::Result<()> {
    let address = settings.listen.address();
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;
    let (clock, randomness) = (Clock::system(), Randomness::system());
    let sandbox = Sandbox {
        payments: Arc::default(),
        webhooks: Webhooks::new(http_client()?, settings.webhooks, settings.key, clock.clone()),
        secret: settings.secret,
        public_url: match settings.public_url {
            Some(url) => url,
            None => Url::parse(&format!("http://{address}/"))?,
        },
        clock,
        randomness,
    };
    announce(address)?;
    axum::serve(listener, router(sandbox)).with_graceful_shutdown(async move { shutdown.requested().await }).await?;
    Ok(())
}

fn announce(address: SocketAddr) -> std::io::Result<()> {
    let line = serde_json::json!({ "service": "sandbox-payments", "listening": address });
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}

fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route(PAYMENTS_PATH, post(open))
        .route("/pay/{payment}", get(show).post(pay))
        .fallback(async || Problem::not_found())
        .with_state(sandbox)
}

async fn open(
    State(sandbox): State<Sandbox>,
    headers: HeaderMap,
    Json(request): Json<OpenPayment>,
) -> Result<(StatusCode, Json<OpenedPayment>), Problem> {
    let expected = format!("Bearer {}", sandbox.secret.expose_secret());
    let given = headers.get(AUTHORIZATION).map_or(&[][..], HeaderValue::as_bytes);
    if !bool::from(given.ct_eq(expected.as_bytes())) {
        return Err(Problem::unauthenticated());
    }
    let payment = sandbox
        .payments
        .open(request, || sandbox.randomness.uuid().simple().to_string())
        .ok_or_else(|| Problem::new(StatusCode::CONFLICT, "reference-exists", "Another payment has this reference"))?;
    let mut page = sandbox.public_url.clone();
    page.set_path(&format!("/pay/{payment}"));
    Ok((StatusCode::CREATED, Json(OpenedPayment { payment, page: page.into() })))
}

async fn show(State(sandbox): State<Sandbox>, Path(payment): Path<String>) -> Response {
    respond(sandbox.payments.look(&payment, sandbox.clock.now()))
}

async fn pay(State(sandbox): State<Sandbox>, Path(payment): Path<String>) -> Response {
    let paying = sandbox.payments.pay(&payment, sandbox.clock.now());
    if let Some(Paying::PaidNow(event)) = &paying {
        sandbox.webhooks.send(event);
    }
    respond(paying)
}

fn respond(paying: Option<Paying>) -> Response {
    let Some(paying) = paying else { return Problem::not_found().into_response() };
    let status = if matches!(paying, Paying::TooLate { .. }) { StatusCode::GONE } else { StatusCode::OK };
    match page::render(&paying) {
        Ok(html) => (status, [(header::CONTENT_SECURITY_POLICY, page::POLICY)], Html(html)).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

#[cfg(test)]
mod tests;
