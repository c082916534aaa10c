//! Encrypted connections. Owns one decision: at which instants a certificate may be valid, which the gate's own clock says and not a calendar that
//! nobody signed.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use countermark_shared::time::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// When it may be: the time, where it is signed; otherwise what is surely over, and what the box's calendar says. A calendar that was set a year
/// ahead then keeps nobody from the cloud, which alone can put it right.
pub(crate) type Instants = [Timestamp; 2];

/// What verifies the cloud's certificate against the machine's roots, as of the first or the second of the instants.
pub(super) fn tls(instants: impl Fn() -> Instants + Send + Sync + 'static) -> Result<ClientConfig, Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = ByGateClock { inner: Verifier::new(Arc::clone(&provider))?, instants };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        // What rustls calls so is any verifier that is not its own: this one hands over to the platform's.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Whether a certificate was refused for its dates.
pub(super) fn is_about_dates(error: &Error) -> bool {
    let Error::InvalidCertificate(why) = error else { return false };
    matches!(
        why,
        CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
    )
}

struct ByGateClock<V, F> {
    inner: V,
    instants: F,
}

impl<V: fmt::Debug, F> fmt::Debug for ByGateClock<V, F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ByGateClock").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<V: ServerCertVerifier, F: Fn() -> Instants + Send + Sync> ServerCertVerifier for ByGateClock<V, F> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |at: Timestamp| {
            let at = UnixTime::since_unix_epoch(Duration::from_millis(at.unix_millis().unsigned_abs()));
            self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at)
        };
        let [first, second] = (self.instants)();
        match verify(first) {
            Err(error) if first != second && is_about_dates(&error) => verify(second),
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::DOORS;

    const YEAR: Duration = Duration::from_hours(24 * 365);

    /// Of a certificate that is valid for a day from the doors on.
    #[derive(Debug)]
    struct OneDay;

    impl ServerCertVerifier for OneDay {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            let doors = DOORS.unix_seconds().unsigned_abs();
            let why = match now.as_secs() {
                early if early < doors => CertificateError::NotValidYet,
                late if late > doors + 86_400 => CertificateError::Expired,
                _ => return Ok(ServerCertVerified::assertion()),
            };
            Err(Error::InvalidCertificate(why))
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            Vec::new()
        }
    }

    #[test]
    fn a_certificate_is_good_that_is_valid_at_one_of_the_instants() {
        for (instants, good) in [
            ([DOORS, DOORS], true),
            ([DOORS, DOORS + YEAR], true),
            ([DOORS - YEAR, DOORS], true),
            ([DOORS - YEAR, DOORS + YEAR], false),
            ([DOORS + YEAR, DOORS + YEAR], false),
        ] {
            let verifier = ByGateClock { inner: OneDay, instants: move || instants };
            let name = ServerName::try_from("gates.example.org").unwrap();
            let system = UnixTime::since_unix_epoch(Duration::from_secs(DOORS.unix_seconds().unsigned_abs()));
            let outcome = verifier.verify_server_cert(&CertificateDer::from(vec![0]), &[], &name, &[], system);
            assert_eq!(outcome.is_ok(), good, "{instants:?}");
        }
    }

    #[test]
    fn the_machines_roots_can_be_used() {
        assert_eq!(tls(|| [DOORS; 2]).unwrap().alpn_protocols.len(), 2);
    }
}
