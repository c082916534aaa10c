//! The time, asked for with a nonce and answered with a signature.

use core::time::Duration;

use crate::documents::{KeyRole, Refusal, TrustBundle};
use crate::id::GateId;
use crate::keys::{Signature, SigningKey};
use crate::label::Label;
use crate::time::Timestamp;

const NAME: &str = "time answer";

/// What a gate asks: 32 random bytes that it never used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeQuestion {
    /// Who asks.
    pub gate: GateId,
    /// The nonce.
    pub nonce: [u8; 32],
}

/// An instant that a list key signed for one question. Only [`TimeQuestion::verify`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedTime(Timestamp);

/// When, by the gate's monotonic clock (Linux: `CLOCK_BOOTTIME`, which goes on while the machine sleeps), a nonce was made and its answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Since boot, when the nonce was made.
    pub asked: Duration,
    /// Since boot, when the answer was there.
    pub answered: Duration,
}

/// The answer of whoever holds a list key.
pub fn answer_time(question: &TimeQuestion, at: Timestamp, key: &SigningKey) -> Signature {
    key.sign(Label::GateTime, &question.message(at))
}

impl TimeQuestion {
    /// Believes an answer to this question if an active list key signed it: one that was retired signs nothing new.
    pub fn verify(&self, at: Timestamp, signature: &Signature, bundle: &TrustBundle) -> Result<SignedTime, Refusal> {
        let message = self.message(at);
        let signed = bundle.active(KeyRole::List).any(|key| key.verifies(Label::GateTime, &message, signature));
        if signed { Ok(SignedTime(at)) } else { Err(Refusal::NotSigned { document: NAME }) }
    }

    fn message(&self, at: Timestamp) -> Vec<u8> {
        [&self.gate.0.to_be_bytes()[..], &self.nonce, &at.unix_millis().to_be_bytes()].concat()
    }
}

impl SignedTime {
    /// The instant at which it was signed.
    pub fn at(self) -> Timestamp {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::KeyStatus;
    use crate::samples;

    const QUESTION: TimeQuestion = TimeQuestion { gate: GateId(3), nonce: [7; 32] };

    #[test]
    fn an_answer_is_good_for_one_gate_nonce_and_instant() {
        let signature = answer_time(&QUESTION, samples::DOORS, &samples::list_key());
        let bundle = samples::bundle();
        assert_eq!(QUESTION.verify(samples::DOORS, &signature, &bundle).unwrap().at(), samples::DOORS);
        let later = samples::DOORS + Duration::from_millis(1);
        for (question, at) in [
            (TimeQuestion { gate: GateId(4), ..QUESTION }, samples::DOORS),
            (TimeQuestion { nonce: [8; 32], ..QUESTION }, samples::DOORS),
            (QUESTION, later),
        ] {
            assert_eq!(question.verify(at, &signature, &bundle), Err(Refusal::NotSigned { document: NAME }));
        }
    }

    #[test]
    fn only_a_list_key_tells_the_time() {
        for key in [samples::issuing_key(), samples::authority_key(), samples::organiser_key(), samples::root_key()] {
            let signature = answer_time(&QUESTION, samples::DOORS, &key);
            assert!(QUESTION.verify(samples::DOORS, &signature, &samples::bundle()).is_err());
        }
    }

    #[test]
    fn a_retired_list_key_tells_the_time_no_more() {
        let mut bundle = samples::bundle();
        let signature = answer_time(&QUESTION, samples::DOORS, &samples::list_key());
        for trusted in bundle.keys.iter_mut().filter(|trusted| trusted.role == KeyRole::List) {
            trusted.status = KeyStatus::VerifyOnly;
        }
        assert!(!bundle.list_keys().is_empty(), "its lists are still believed");
        assert!(QUESTION.verify(samples::DOORS, &signature, &bundle).is_err());
    }

    /// The specification's words, in bytes.
    #[test]
    fn the_message_is_gate_nonce_and_milliseconds() {
        let message = QUESTION.message(Timestamp::from_unix_millis(0x0102));
        assert_eq!(message, [&[0, 0, 0, 3][..], &[7; 32], &[0, 0, 0, 0, 0, 0, 1, 2]].concat());
    }
}
