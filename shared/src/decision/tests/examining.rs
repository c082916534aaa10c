//! Reading and verifying: which reason fits which damage.

use proptest::prelude::*;

use crate::decision::{examine, turn_away};
use crate::documents::Direction;
use crate::id::EventId;
use crate::samples;
use crate::verdict::{Reason, Verdict};

/// Which reason fits a flip is known from the field it hits.
#[test]
fn any_flipped_bit_is_refused_with_the_reason_that_fits() {
    let bytes = samples::ticket().to_bytes();
    for index in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[index] ^= 1 << bit;
            let text = format!("CM1:{}", base45::encode(&damaged));
            let reason = examine(&text, EventId(7), &samples::key_ring()).unwrap_err();
            let fits: &[Reason] = match index {
                0 => &[Reason::UnknownVersion],
                1 => &[Reason::UnknownVersion, Reason::Malformed],
                2..10 => &[Reason::KeyUnknown],
                10..14 => &[Reason::OtherEvent],

                19 | 27..35 => &[Reason::Malformed, Reason::IssuerForged],
                14..99 => &[Reason::IssuerForged],
                _ => &[Reason::AuthorityForged],
            };
            assert!(fits.contains(&reason), "byte {index}, bit {bit}: {reason}");
        }
    }
}

#[test]
fn on_the_way_out_nobody_is_accused() {
    for reason in [Reason::NotOurs, Reason::KeyRevoked, Reason::IssuerForged, Reason::OtherEvent] {
        assert_eq!(turn_away(reason, Direction::Entry), Verdict::refusal(reason));
        assert_eq!(turn_away(reason, Direction::Exit), Verdict::refusal(Reason::ExitUnread));
    }
}

proptest! {
    #[test]
    fn any_text_is_examined_without_a_panic(text in ".{0,600}") {
        prop_assert!(examine(&text, EventId(7), &samples::key_ring()).is_err());
    }

    #[test]
    fn any_base45_is_examined_without_a_panic(text in "CM1:[0-9A-Z $%*+./:-]{0,300}") {
        prop_assert!(examine(&text, EventId(7), &samples::key_ring()).is_err());
    }
}
