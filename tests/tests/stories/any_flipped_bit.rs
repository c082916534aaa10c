//! A really sold ticket with any one bit flipped.

use countermark_shared::decision::examine;
use countermark_shared::ticket::UnverifiedTicket;
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::forgery::flipped;
use countermark_tests::gate::Gate;
use countermark_tests::season::{FESTIVAL, SOLO};

use crate::stage::{Stage, tell};

/// The gate's own answer is asked for this many flips, spread over the ticket; the decision it shares is asked for all.
const ASKED_AT_THE_GATE: usize = 64;

#[test]
fn is_refused_with_the_reason_that_fits() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 1).await?;
        let text = &tickets[0].text;
        let keys = cloud.key_ring()?;
        assert!(examine(text, FESTIVAL, &keys).is_ok(), "the ticket is not good to begin with");

        let bits = UnverifiedTicket::parse(text)?.to_bytes().len() * 8;
        for bit in 0..bits {
            let reason = examine(&flipped(text, bit)?, FESTIVAL, &keys).unwrap_err();
            assert!(fitting(bit / 8).contains(&reason), "bit {bit}: {reason}");
        }

        let code = administrator.gate("Flipped bits", FESTIVAL).await?;
        let gate = Gate::enrol(cloud, "gate-of-flipped-bits", &code).await?;
        let _running = gate.listen().await?;
        gate.would_say(text, Reason::Admitted).await?;
        for bit in (0..bits).step_by(bits / ASKED_AT_THE_GATE) {
            let verdict = gate.check(&flipped(text, bit)?).await?;
            assert!(fitting(bit / 8).contains(&verdict.verdict), "bit {bit}: {}", verdict.verdict);
            assert!(!verdict.opens && verdict.persons == 0, "bit {bit} opens");
        }
        assert_eq!(gate.status().await?.rows, 0, "a check was written down");
        Ok(())
    });
}

/// By the field that the byte belongs to, as the format lays it out.
fn fitting(byte: usize) -> &'static [Reason] {
    match byte {
        0 => &[Reason::UnknownVersion],
        1 => &[Reason::Malformed],
        2..10 => &[Reason::KeyUnknown],
        10..14 => &[Reason::OtherEvent],
        // Places and the window's ends can also contradict the format by themselves.
        19 | 27..35 => &[Reason::Malformed, Reason::IssuerForged],
        14..99 => &[Reason::IssuerForged],
        _ => &[Reason::AuthorityForged],
    }
}
