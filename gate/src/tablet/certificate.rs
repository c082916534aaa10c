//! The certificate that tablets are shown: the gate's own, signed by itself, made once. Nobody vouches for it: staff compare its fingerprint, once, and the
//! tablet's browser remembers it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use data_encoding::HEXUPPER;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::data_folder::DataFolder;

/// Why there is no encrypted connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// The files cannot be read or written.
    #[error("the certificate for tablets cannot be read or written in the gate's folder")]
    File(#[from] io::Error),
    /// It cannot be made.
    #[error("the certificate for tablets cannot be made")]
    Made(#[from] rcgen::Error),
    /// It is no certificate, or not of the key.
    #[error("tablet.key or tablet.certificate is damaged: remove both, pair the tablets anew")]
    Damaged(#[from] rustls::Error),
}

/// What encrypts, and by what people know it.
pub(super) struct Certificate {
    pub(super) config: Arc<ServerConfig>,
    /// SHA-256 of the certificate, as browsers show it.
    pub(super) fingerprint: String,
}

impl Certificate {
    /// The folder's, made now where it has none.
    pub(super) fn of(folder: &DataFolder) -> Result<Self, CertificateError> {
        let (key, certificate) = match (read(&folder.tablet_key())?, read(&folder.tablet_certificate())?) {
            (Some(key), Some(certificate)) => (key, certificate),
            (None, _) | (_, None) => make(folder)?,
        };
        let fingerprint = Sha256::digest(certificate.as_slice());
        let groups: Vec<_> = fingerprint.iter().map(|byte| HEXUPPER.encode(&[*byte])).collect();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.to_vec()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(certificate.to_vec())], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), fingerprint: groups.join(":") })
    }
}

type Bytes = Zeroizing<Vec<u8>>;

fn read(file: &Path) -> io::Result<Option<Bytes>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// ECDSA on P-256, which every browser has. Its dates say nothing: a box may not know the day, and what is compared is the fingerprint.
fn make(folder: &DataFolder) -> Result<(Bytes, Bytes), CertificateError> {
    let pair = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(["countermark-gate".to_owned()])?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, "Countermark gate");
    (parameters.not_before, parameters.not_after) = (date_time_ymd(1970, 1, 2), date_time_ymd(2099, 12, 31));
    let certificate = Zeroizing::new(parameters.self_signed(&pair)?.der().to_vec());
    let key = Zeroizing::new(pair.serialize_der());
    folder.write(&folder.tablet_key(), &key)?;
    folder.write(&folder.tablet_certificate(), &certificate)?;
    Ok((key, certificate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_a_damaged_one_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let folder = DataFolder::at(folder.path());
        let first = Certificate::of(&folder).unwrap().fingerprint;
        assert_eq!((first.len(), first.matches(':').count()), (95, 31));
        assert_eq!(Certificate::of(&folder).unwrap().fingerprint, first);
        fs::write(folder.tablet_key(), "x").unwrap();
        assert!(matches!(Certificate::of(&folder), Err(CertificateError::Damaged(_))));
        fs::remove_file(folder.tablet_key()).unwrap();
        assert_ne!(Certificate::of(&folder).unwrap().fingerprint, first);
    }
}
