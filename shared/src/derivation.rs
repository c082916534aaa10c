//! Keys made of secrets: HKDF-SHA256 (RFC 5869) with an empty salt, and never without a [`Label`].

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::label::Label;

/// 32 bytes of key for one purpose: `info` is `label ‖ parts…`.
#[expect(clippy::expect_used, reason = "HKDF-SHA256 gives up to 8160 bytes (RFC 5869, 2.3), and this asks for 32")]
pub(crate) fn derive(secret: &[u8; 32], label: Label, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let label = label.bytes();
    let info: Vec<&[u8]> = core::iter::once(&label[..]).chain(parts.iter().copied()).collect();
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, secret).expand_multi_info(&info, &mut *key).expect("32 bytes of key");
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    /// RFC 5869, A.3: no salt and no info.
    #[test]
    fn the_function_is_the_rfcs() {
        let mut key = [0; 42];
        Hkdf::<Sha256>::new(None, &[0x0b; 22]).expand(&[], &mut key).unwrap();
        assert_eq!(
            HEXLOWER.encode(&key),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
        );
    }

    #[test]
    fn secret_label_and_parts_each_make_another_key() {
        let key = derive(&[1; 32], Label::Seal, &[b"one", b"two"]);
        assert_eq!(key, derive(&[1; 32], Label::Seal, &[b"onetwo"]));
        assert_ne!(key, derive(&[2; 32], Label::Seal, &[b"one", b"two"]));
        assert_ne!(key, derive(&[1; 32], Label::HolderKey, &[b"one", b"two"]));
        assert_ne!(key, derive(&[1; 32], Label::Seal, &[b"one", b"six"]));
    }
}
