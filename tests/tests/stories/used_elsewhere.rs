//! Two gates of one event: who was let in at one is refused at the other, which says where and when. Cut off from the cloud, it goes on by what
//! it was told, and calls staff where that has grown old.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use countermark_shared::documents::ListAgePolicy;
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::clock;
use countermark_tests::gate::Gate;
use countermark_tests::proxy::Fault;
use countermark_tests::season::{self, FESTIVAL, SOLO};

use crate::stage::{Stage, tell};

/// Long enough to see a word that is fresh, and short enough to see it grow old.
const FRESH_SECONDS: u32 = 10;

#[test]
fn is_refused_by_a_fresh_word_and_left_to_staff_by_an_old_one() {
    tell(Stage::Bare("used_elsewhere"), async |cloud| {
        let now = clock::now();
        let mut festival = season::festival(now, now + Duration::from_hours(6))?;
        festival.policy.list_age_static =
            ListAgePolicy { warn_after_seconds: FRESH_SECONDS, ..ListAgePolicy::default() };
        let administrator = Administrator::log_in(cloud).await?;
        administrator.publish(&festival).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 3).await?;
        let [used, unheard, unused] = &tickets[..] else { anyhow::bail!("{} tickets", tickets.len()) };
        let enrol = async |name, entrance| {
            Gate::enrol_by_code(cloud, name, &administrator.gate(entrance, FESTIVAL).await?).await
        };
        let (north, south) = (enrol("north-gate", "North").await?, enrol("south-gate", "South").await?);
        let (mut at_north, at_south) = (north.listen().await?, south.listen().await?);
        let mut line = at_north.lines()?;
        for gate in [&north, &south] {
            until_known(gate, &used.text).await?;
        }

        writeln!(line, "{}", used.text)?;
        assert!(at_north.verdict().await?.opens);
        south.would_say(&used.text, Reason::AlreadyUsed).await?;
        let said = south.check(&used.text).await?;
        assert_eq!(said.earlier_gate, Some(north.number));
        let earlier = said.earlier.context("it does not say when")?;
        assert!(earlier >= now && earlier <= clock::now(), "{earlier}");
        assert_eq!(north.check(&used.text).await?.verdict, Reason::AlreadyUsed, "and at the first as before");

        // Nobody hears of anybody any more.
        cloud.gate_line().cut(Fault::Refuse);
        writeln!(line, "{}", unheard.text)?;
        assert!(at_north.verdict().await?.opens);
        south.would_say(&used.text, Reason::UsedElsewhere).await?;
        let said = south.check(&used.text).await?;
        assert!(!said.opens && said.earlier == Some(earlier), "{said:?}");
        for ticket in [unheard, unused] {
            assert!(south.check(&ticket.text).await?.opens, "it goes by what it knows");
        }

        cloud.gate_line().mend();
        for ticket in [used, unheard] {
            south.would_say(&ticket.text, Reason::AlreadyUsed).await?;
        }
        assert!(south.check(&unused.text).await?.opens);
        at_north.kill().await?;
        at_south.kill().await?;
        Ok(())
    });
}

/// The ticket is on the gate's list, whether or not that is as young as this festival asks for.
async fn until_known(gate: &Gate, text: &str) -> Result<()> {
    countermark_tests::wait::until("the gate knew the ticket", countermark_tests::wait::PATIENCE, async || {
        Ok(matches!(gate.check(text).await?.verdict, Reason::Admitted | Reason::ListOld).then_some(()))
    })
    .await
}
