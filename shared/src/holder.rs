//! Holder keys: whoever has one holds a live ticket. A buyer's device makes its own and proves that it has it; for an account
//! without one auth keeps a secret, from which each ticket's key follows.

use zeroize::Zeroizing;

use crate::derivation::derive;
use crate::id::{AccountId, EventId, Generation, Slot};
use crate::keys::{Signature, SigningKey, VerifyingKey};
use crate::label::Label;

/// What auth keeps for an account, made at sign-up from 32 random bytes. Wiped when dropped; it has no `Debug`.
#[derive(Clone)]
pub struct AccountSecret(Zeroizing<[u8; 32]>);

impl AccountSecret {
    /// From 32 random bytes.
    pub fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        Self(secret)
    }

    /// The secret, for sealing at rest.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The account's holder key for one issue of one seat: HKDF-SHA256 over label `holder-key` ‖ event ‖ slot ‖ generation gives
    /// its seed. The next generation, of a transferred ticket, has another.
    pub fn holder_key(&self, event: EventId, slot: Slot, generation: Generation) -> SigningKey {
        let ticket: [&[u8]; 3] = [&event.0.to_be_bytes(), &slot.0.to_be_bytes(), &[generation.0]];
        SigningKey::from_seed(&derive(&self.0, Label::HolderKey, &ticket))
    }
}

/// A device's proof that it has the key it registers with an account.
pub fn prove_holder(account: AccountId, key: &SigningKey) -> Signature {
    key.sign(Label::HolderEnrolment, &enrolment(account, key.verifying_key()))
}

/// Whether the proof is this key's, for this account.
pub fn holder_is_proved(account: AccountId, key: VerifyingKey, proof: &Signature) -> bool {
    key.verifies(Label::HolderEnrolment, &enrolment(account, key), proof)
}

fn enrolment(account: AccountId, key: VerifyingKey) -> Vec<u8> {
    [&account.0.as_bytes()[..], &key.to_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use uuid::Uuid;

    #[test]
    fn each_issue_of_each_seat_has_its_own_key() {
        let secret = AccountSecret::new(Zeroizing::new([8; 32]));
        let key = |event, slot, generation| {
            secret.holder_key(EventId(event), Slot(slot), Generation(generation)).verifying_key()
        };
        assert_eq!(key(7, 42, 1), key(7, 42, 1));
        for other in [key(8, 42, 1), key(7, 43, 1), key(7, 42, 2)] {
            assert_ne!(other, key(7, 42, 1));
        }
        let another = AccountSecret::new(Zeroizing::new([9; 32]));
        assert_ne!(another.holder_key(EventId(7), Slot(42), Generation(1)).verifying_key(), key(7, 42, 1));
    }

    #[test]
    fn a_proof_binds_key_and_account() {
        let (account, other) = (AccountId(Uuid::from_u128(1)), AccountId(Uuid::from_u128(2)));
        let key = samples::signing_key(30);
        let proof = prove_holder(account, &key);
        assert!(holder_is_proved(account, key.verifying_key(), &proof));
        assert!(!holder_is_proved(other, key.verifying_key(), &proof));
        assert!(!holder_is_proved(account, samples::signing_key(31).verifying_key(), &proof));
    }
}
