//! Holder keys: those that auth derives, and those that devices enrol.

use countermark_shared::keys::{Signature, SigningKey};
use countermark_shared::label::Label;
use ed25519_dalek::Signer;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::file::{Content, EnrolmentCase, File, HolderKeyCase};
use crate::vectors::hex;
use crate::world::{beyond_order, holder, join, stranger};

pub(super) fn keys_file() -> File {
    let about = "Holder keys that auth derives from an account's secret.";
    let cases = [
        ("a seat", 0x55, 2026, 41_327, 1),
        ("the seat's next generation", 0x55, 2026, 41_327, 2),
        ("the next seat", 0x55, 2026, 41_328, 1),
        ("another event's seat", 0x55, 2027, 41_327, 1),
        ("another account's", 0x56, 2026, 41_327, 1),
        ("the lowest of all", 0, 0, 0, 0),
        ("the highest of all", 0xff, u32::MAX, u32::MAX, u8::MAX),
    ]
    .into_iter()
    .map(|(name, secret, event, slot, generation)| {
        let ticket = [&u32::to_be_bytes(event)[..], &u32::to_be_bytes(slot), &[generation]].concat();
        let mut seed = Zeroizing::new([0; 32]);
        let info = [&Label::HolderKey.bytes()[..], &ticket].concat();
        Hkdf::<Sha256>::new(None, &[secret; 32]).expand(&info, &mut *seed).unwrap();
        HolderKeyCase {
            name: name.to_owned(),
            account_secret: hex(&[secret; 32]),
            event,
            slot,
            generation,
            seed: hex(&*seed),
            key: hex(&SigningKey::from_seed(&seed).verifying_key().to_bytes()),
        }
    });
    File { about: about.to_owned(), content: Content::HolderKeys { cases: cases.collect() } }
}

pub(super) fn enrolments_file() -> File {
    let about = "Proofs that a device has the holder key it registers with an account.";
    let (account, other) = ([0xab; 16], [0xac; 16]);
    let key = holder().verifying_key().to_bytes();
    let message = [&account[..], &key].concat();
    let good = holder().sign(Label::HolderEnrolment, &message);
    let unlabelled = Signature::from_bytes(&holder().as_dalek().sign(&message).to_bytes());
    let key_first = holder().sign(Label::HolderEnrolment, &[&key[..], &account].concat());
    let cases = [
        ("good", "the key signed account and key", account, key, good, true),
        ("for another account", "the account is signed", other, key, good, false),
        ("of another key", "the key signs itself", account, stranger().verifying_key().to_bytes(), good, false),
        (
            "by another key",
            "the key signs itself",
            account,
            key,
            stranger().sign(Label::HolderEnrolment, &message),
            false,
        ),
        (
            "with label present",
            "signed for another purpose",
            account,
            key,
            holder().sign(Label::Present, &message),
            false,
        ),
        ("without label", "a label stands before every message", account, key, unlabelled, false),
        (
            "over the account alone",
            "the key is signed, too",
            account,
            key,
            holder().sign(Label::HolderEnrolment, &account),
            false,
        ),
        ("with the key first", "the account comes first", account, key, key_first, false),
        ("S + ℓ", "S is not below ℓ", account, key, beyond_order(good), false),
        ("zeros", "nobody signed it", account, key, join(&[0; 32], &[0; 32]), false),
    ]
    .into_iter()
    .map(|(name, why, account, key, proof, proved)| EnrolmentCase {
        name: name.to_owned(),
        why: why.to_owned(),
        account: hex(&account),
        key: hex(&key),
        proof: hex(&proof.to_bytes()),
        proved,
    });
    File { about: about.to_owned(), content: Content::Enrolments { cases: cases.collect() } }
}
