//! A relay on the local network. One call, one bounded answer; nobody is followed elsewhere.

use std::time::Duration;

use reqwest::{Client, redirect};
use tokio::runtime::Runtime;
use url::Url;

use crate::devices::{Cause, Trouble};
use crate::outputs::wiring::Call;

/// A device that takes longer is dead.
const PATIENCE: Duration = Duration::from_secs(1);

pub(in crate::outputs) struct HttpDevice {
    client: Client,
    /// Of this output's thread alone.
    runtime: Runtime,
}

impl HttpDevice {
    pub(super) fn open() -> Result<Self, Trouble> {
        let failed = |error: &dyn std::fmt::Display| {
            Trouble::new(Cause::Failed, format!("cannot use the network: {error}; call staff"))
        };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| failed(&error))?;
        let client = Client::builder().no_proxy().redirect(redirect::Policy::none()).timeout(PATIENCE);
        // A call that finds its connection closed would come late.
        let client = client.pool_max_idle_per_host(0);
        Ok(Self { client: client.build().map_err(|error| failed(&error))?, runtime })
    }

    /// Calls the device, and waits for it to say that it did as it was told.
    pub(super) fn call(&self, call: &Call, device: &Url, channel: u32, length: Duration) -> Result<(), Trouble> {
        let failed = |error: &dyn std::fmt::Display| {
            let advice = "look at its power and its network, and whether gate.toml has its address";
            Trouble::new(Cause::Gone, format!("{device} does not answer: {error}; {advice}"))
        };
        let url = call.url(device, channel, length).ok_or_else(|| failed(&"its address takes no path"))?;
        let request = if call.posts { self.client.post(url) } else { self.client.get(url) };
        let answer = self.runtime.block_on(async { request.send().await }).map_err(|error| {
            if error.is_timeout() { failed(&"it took longer than a second") } else { failed(&error.without_url()) }
        })?;
        if answer.status().is_success() {
            return Ok(());
        }
        let detail = format!("{device} refuses ({}); gate.toml must name its channel and its profile", answer.status());
        Err(Trouble::new(Cause::Failed, detail))
    }
}
