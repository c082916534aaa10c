//! Telling the merchant: every address, again and again until it has answered 2xx.

use core::time::Duration;
use std::sync::Arc;

use countermark_service::clock::Clock;
use countermark_service::webhook::{ID, PaymentEvent, SIGNATURE, TIMESTAMP, sign};
use countermark_shared::keys::SigningKey;
use http::header::CONTENT_TYPE;
use url::Url;

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Where events go, and the key that signs them.
#[derive(Clone)]
pub(super) struct Webhooks {
    http: reqwest::Client,
    addresses: Arc<[Url]>,
    key: SigningKey,
    clock: Clock,
}

impl Webhooks {
    pub(super) fn new(http: reqwest::Client, addresses: Vec<Url>, key: SigningKey, clock: Clock) -> Self {
        Self { http, addresses: addresses.into(), key, clock }
    }

    /// Sends an event to every address, in the background.
    pub(super) fn send(&self, event: &PaymentEvent) {
        let body = match serde_json::to_vec(event) {
            Ok(body) => Arc::from(body),
            Err(error) => return tracing::error!(%error, "a payment event cannot be written"),
        };
        for address in self.addresses.iter().cloned() {
            tokio::spawn(self.clone().deliver(address, event.data.payment.clone(), Arc::clone(&body)));
        }
    }

    async fn deliver(self, address: Url, id: String, body: Arc<[u8]>) {
        let mut wait = FIRST_WAIT;
        while !self.attempt(&address, &id, &body).await {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn attempt(&self, address: &Url, id: &str, body: &[u8]) -> bool {
        let now = self.clock.now();
        let answer = self
            .http
            .post(address.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ID, id)
            .header(TIMESTAMP, now.unix_seconds())
            .header(SIGNATURE, sign(&self.key, id, now, body))
            .body(body.to_vec())
            .send()
            .await;
        match answer {
            Ok(response) if response.status().is_success() => true,
            Ok(response) => {
                tracing::warn!(status = %response.status(), "a webhook was refused; it is sent again");
                false
            }
            Err(error) => {
                tracing::warn!(error = %error.without_url(), "a webhook did not arrive; it is sent again");
                false
            }
        }
    }
}
