//! Encrypted connections. Owns one decision: certificates are judged by the gate's own clock, whose floor a box without a battery clock has from
//! signed documents, and not by a calendar that nobody signed.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use countermark_shared::time::Timestamp;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use rustls_platform_verifier::BuilderVerifierExt;

/// What verifies the cloud's certificate against the machine's roots, as of `now`.
pub(super) fn tls(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Result<ClientConfig, rustls::Error> {
    let config = ClientConfig::builder_with_details(Arc::new(aws_lc_rs::default_provider()), Arc::new(Now(now)))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?;
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

struct Now<F>(F);

impl<F> fmt::Debug for Now<F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Now")
    }
}

impl<F: Fn() -> Timestamp + Send + Sync> TimeProvider for Now<F> {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis((self.0)().unix_millis().unsigned_abs())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::DOORS;

    #[test]
    fn certificates_are_judged_by_the_clock_that_is_given() {
        let config = tls(|| DOORS).unwrap();
        let judged_at = config.time_provider.current_time().unwrap();
        assert_eq!(judged_at.as_secs(), DOORS.unix_seconds().unsigned_abs());
    }
}
