//! The operator's screen, as the page gets it.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::wait::PATIENCE;

/// An operator's screen that is open.
pub struct Screen {
    answer: reqwest::Response,
    unread: Vec<u8>,
}

impl Screen {
    pub(super) async fn open(page: &str) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let answer = http.get(format!("{page}events")).send().await?.error_for_status()?;
        Ok(Self { answer, unread: Vec::new() })
    }

    /// The next verdict that it shows, as the page gets it: JSON.
    pub async fn verdict(&mut self) -> Result<String> {
        tokio::time::timeout(PATIENCE, async {
            loop {
                let event = self.event().await?;
                if let Some(verdict) = event.strip_prefix("event: verdict\ndata: ") {
                    return Ok(verdict.to_owned());
                }
            }
        })
        .await
        .context("the screen shows no verdict")?
    }

    /// The next heartbeat, as the page gets it.
    pub async fn standing(&mut self) -> Result<Value> {
        tokio::time::timeout(PATIENCE, async {
            loop {
                let event = self.event().await?;
                if let Some(standing) = event.strip_prefix("event: heartbeat\ndata: ") {
                    return Ok(serde_json::from_str(standing)?);
                }
            }
        })
        .await
        .context("the screen has no heartbeat")?
    }

    async fn event(&mut self) -> Result<String> {
        const END: &[u8] = b"\n\n";
        loop {
            if let Some(end) = self.unread.windows(END.len()).position(|bytes| bytes == END) {
                let event = self.unread.drain(..end + END.len()).collect();
                return Ok(String::from_utf8(event)?);
            }
            let more = self.answer.chunk().await?.context("the screen's stream ended")?;
            self.unread.extend_from_slice(&more);
        }
    }
}
