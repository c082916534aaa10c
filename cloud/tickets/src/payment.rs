//! The payment provider, as the ticket service needs it: open a payment for an order and say where the buyer pays.

use core::time::Duration;

use countermark_shared::id::OrderId;
use countermark_shared::money::Money;
use countermark_shared::time::Timestamp;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

/// POST [`OpenPayment`] → [`OpenedPayment`], with the merchant's key as bearer token.
pub const PAYMENTS_PATH: &str = "/v1/payments";
const LONGEST_ANSWER: u64 = 64 * 1024;
const TIMEOUT: Duration = Duration::from_secs(10);

/// A payment to be opened. The same reference again answers with the same payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenPayment {
    /// The order.
    pub reference: OrderId,
    /// What it costs.
    pub amount: Money,
    /// Nobody can pay from this instant on.
    pub expires: Timestamp,
}

/// A payment that waits for its buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenedPayment {
    /// The provider's name for it.
    pub payment: String,
    /// Where the buyer pays: an http or https URL.
    pub page: String,
}

/// Why no payment was opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PaymentError {
    /// The provider cannot be reached, or answered late.
    #[error("the payment provider cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// It refused, or said something unforeseen.
    #[error("the payment provider answered {status}")]
    Refused {
        /// The HTTP status.
        status: http::StatusCode,
    },
}

/// A payment provider.
pub(crate) trait PaymentProvider: Send + Sync {
    /// Opens a payment, or finds the one opened before for the same reference.
    fn open<'a>(&'a self, request: &'a OpenPayment) -> BoxFuture<'a, Result<OpenedPayment, PaymentError>>;
}

/// A provider reached by its HTTP interface, such as `countermark-cloud sandbox-payments`.
pub(crate) struct HttpProvider {
    http: reqwest::Client,
    payments: Url,
    key: SecretString,
}

impl HttpProvider {
    /// The provider at `base`, to whom `key` says who we are.
    pub(crate) fn new(http: reqwest::Client, mut base: Url, key: SecretString) -> Self {
        base.set_path(PAYMENTS_PATH);
        Self { http, payments: base, key }
    }

    async fn post(&self, request: &OpenPayment) -> Result<OpenedPayment, PaymentError> {
        // An address in an error would reach the log; it is the provider's own business.
        let unreachable = |error: reqwest::Error| PaymentError::Unreachable(error.without_url());
        let response = self
            .http
            .post(self.payments.clone())
            .bearer_auth(self.key.expose_secret())
            .timeout(TIMEOUT)
            .json(request)
            .send()
            .await
            .map_err(unreachable)?;
        let status = response.status();
        let is_short = response.content_length().is_some_and(|length| length <= LONGEST_ANSWER);
        if !status.is_success() || !is_short {
            return Err(PaymentError::Refused { status });
        }
        let opened: OpenedPayment = response.json().await.map_err(unreachable)?;
        // The buyer's browser is sent there.
        match Url::parse(&opened.page) {
            Ok(page) if matches!(page.scheme(), "http" | "https") => Ok(opened),
            _ => Err(PaymentError::Refused { status }),
        }
    }
}

impl PaymentProvider for HttpProvider {
    fn open<'a>(&'a self, request: &'a OpenPayment) -> BoxFuture<'a, Result<OpenedPayment, PaymentError>> {
        Box::pin(self.post(request))
    }
}
