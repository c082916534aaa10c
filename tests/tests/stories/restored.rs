//! One service's database is put back to a backup, while the others, the gates and the buyers have gone on: no gate is stuck, no seat is
//! sold twice, and what was sold meanwhile is let in.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;

use anyhow::{Context, Result};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::{Buyer, Ticket};
use countermark_tests::cloud::{Cloud, Part};
use countermark_tests::gate::{Gate, RunningGate};
use countermark_tests::season::{FESTIVAL, SOLO};
use countermark_tests::wait::{PATIENCE, until};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::screen::browser::Browser;
use crate::stage::{Stage, tell};

async fn admit(gate: &mut RunningGate, lines: &mut impl Write, ticket: &Ticket) -> Result<()> {
    writeln!(lines, "{}", ticket.text)?;
    assert_eq!(gate.verdict().await?.verdict, Reason::Admitted);
    Ok(())
}

/// The epoch of the admission feed that the running gate holds.
async fn feed_epoch(gate: &Gate) -> Result<Option<u32>> {
    let documents = gate.status().await?.documents;
    let Some(feed) = documents.get("admission-feed") else { return Ok(None) };
    let (epoch, _) = feed.revision.split_once('.').unwrap_or(("0", ""));
    Ok(Some(epoch.parse()?))
}

/// Connected only while it is asked: a database in use is not put back.
async fn count(cloud: &Cloud, service: Part, table: &str) -> Result<i64> {
    let mut connection = PgConnection::connect(cloud.database(service)?).await?;
    let counted = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")));
    let rows = counted.fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(rows)
}

fn slots<'a>(tickets: impl IntoIterator<Item = &'a Ticket>) -> BTreeSet<u32> {
    tickets.into_iter().map(|ticket| ticket.slot).collect()
}

#[test]
fn validation_goes_on_and_gates_with_it() {
    tell(Stage::Own("restored_validation"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let buyer = Buyer::arrive(cloud).await?;
        let gate = Gate::enrol(cloud, "gate-that-went-on", &administrator.gate("North", FESTIVAL).await?).await?;
        // Nobody comes in there: of whom it says that they are in, it was told.
        let south = Gate::enrol(cloud, "gate-that-was-told", &administrator.gate("South", FESTIVAL).await?).await?;
        let (mut running, at_south) = (gate.listen().await?, south.listen().await?);
        let mut lines = running.lines()?;
        let before = buyer.buy(&offer, 1).await?;
        let [first] = &before[..] else { anyhow::bail!("{before:?}") };
        gate.would_say(&first.text, Reason::Admitted).await?;
        admit(&mut running, &mut lines, first).await?;
        gate.settled(PATIENCE).await?;
        cloud.back_up(Part::Validation).await?;

        let new =
            Gate::enrol(cloud, "gate-of-which-nothing-is-left", &administrator.gate("New", FESTIVAL).await?).await?;
        let at_new = new.listen().await?;
        let lost = buyer.buy(&offer, 4).await?;
        let [admitted, open, blocked, revoked] = &lost[..] else { anyhow::bail!("{lost:?}") };
        for ticket in &lost {
            gate.would_say(&ticket.text, Reason::Admitted).await?;
        }
        admit(&mut running, &mut lines, admitted).await?;
        administrator.block(FESTIVAL, blocked.slot, "misconduct").await?;
        administrator.revoke(FESTIVAL, revoked.slot, "given back").await?;
        new.would_say(&admitted.text, Reason::AlreadyUsed).await?;
        gate.would_say(&blocked.text, Reason::Blocked).await?;
        gate.would_say(&revoked.text, Reason::Revoked).await?;
        gate.settled(PATIENCE).await?;
        assert_eq!(count(cloud, Part::Validation, "journal").await?, 2);
        for ticket in [first, admitted] {
            south.would_say(&ticket.text, Reason::AlreadyUsed).await?;
        }
        assert_eq!(feed_epoch(&south).await?, Some(0));

        let said = cloud.go_back(Part::Validation).await?;
        assert_eq!(said["left"], json!([]), "{said}");
        assert!(said["reports"].as_u64() >= Some(5) && said["decisions"].as_u64() >= Some(2), "{said}");

        until("the gate had sent its rows again", PATIENCE, async || {
            Ok((count(cloud, Part::Validation, "journal WHERE believed").await? == 2).then_some(()))
        })
        .await?;
        until("South had the feed of the new epoch", PATIENCE, async || {
            Ok((feed_epoch(&south).await?.map(u64::from) == said["epoch"].as_u64()).then_some(()))
        })
        .await?;
        for ticket in [first, admitted] {
            south.would_say(&ticket.text, Reason::AlreadyUsed).await?;
            assert_eq!(south.check(&ticket.text).await?.earlier_gate, Some(gate.number));
        }
        south.would_say(&open.text, Reason::Admitted).await?;
        is_told_to_nobody(cloud, &new, &at_new).await?;
        let after = buyer.buy(&offer, 1).await?;
        let newest = after.first().context("nothing was sold")?;
        for (ticket, reason) in [
            (newest, Reason::Admitted),
            (open, Reason::Admitted),
            (blocked, Reason::Blocked),
            (revoked, Reason::Revoked),
        ] {
            gate.would_say(&ticket.text, reason).await?;
        }
        // What is decided from now on comes to the gate too.
        administrator.unblock(FESTIVAL, blocked.slot, "it was somebody else").await?;
        administrator.suspend(gate.number, "a drill").await?;
        gate.would_say(&blocked.text, Reason::Suspended).await?;
        administrator.resume(gate.number, "the drill is over").await?;
        gate.would_say(&blocked.text, Reason::Admitted).await?;
        admit(&mut running, &mut lines, open).await?;
        let status = gate.settled(PATIENCE).await?;
        assert_eq!((status.rows, status.contested), (3, 0));
        south.would_say(&open.text, Reason::AlreadyUsed).await?;
        let figures = administrator.figures(FESTIVAL).await?.admissions.context("validation did not answer")?;
        assert_eq!(figures.admitted, 3);
        running.kill().await?;
        at_south.kill().await?;
        at_new.kill().await?;
        Ok(())
    });
}

/// A gate that was enrolled since the backup says so wherever it is asked, and nobody is told to go on. What it holds is signed, and tickets are decided by it.
async fn is_told_to_nobody(cloud: &Cloud, gate: &Gate, running: &RunningGate) -> Result<()> {
    Browser::used(cloud.folder(), async |browser| {
        browser.display(1366, 768, 1).await?;
        browser.open(&format!("{}?language=fr", running.screen)).await?;
        let page = "document.body.innerText";
        for said in
            ["PORTIQUE INCONNU", "LE SERVEUR NE CONNAÎT PAS CE PORTIQUE : ", "THE CLOUD DOES NOT KNOW THIS GATE: "]
        {
            browser.wait("its screen said that it is not known", &format!("{page}.includes('{said}')")).await?;
        }
        let says: String = browser.ask(&format!("return {page}")).await?;
        assert!(!says.contains("PRÊT") && !says.contains("go on") && !says.contains("continuez"), "{says}");
        browser.picture("unknown").await.map(drop)
    })
    .await?;
    let standing = running.look_at_the_screen().await?.standing().await?;
    assert_eq!((&standing["offline"], &standing["ready"]), (&json!(false), &json!(true)), "{standing}");
    let watched = gate.watched()?.expect_line(PATIENCE).await?;
    assert!(watched.starts_with("UNKNOWN GATE  |  ") && !watched.contains("go on"), "{watched}");
    let diagnosis = gate.doctor(None).await?;
    let found = diagnosis.of("cloud").context("doctor says nothing of it")?;
    assert!(found.says.ends_with("the cloud does not know this gate"), "{found:?}");
    assert!(fs::read_to_string(gate.log_file())?.contains("the cloud does not know this gate, and takes nothing"));
    Ok(())
}

#[test]
fn tickets_sells_no_seat_twice() {
    tell(Stage::Own("restored_tickets"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let (buyer, other) = (Buyer::arrive(cloud).await?, Buyer::arrive(cloud).await?);
        let gate = Gate::enrol(cloud, "gate-of-the-sold", &administrator.gate("North", FESTIVAL).await?).await?;
        let running = gate.listen().await?;
        let before = buyer.buy(&offer, 2).await?;
        let waiting = buyer.order(&offer, 1).await?;
        buyer.grant(&waiting).await?;
        cloud.back_up(Part::Tickets).await?;

        let paid = buyer.pay_for(waiting.clone()).await?;
        let lost = other.buy(&offer, 2).await?;
        let said = cloud.go_back(Part::Tickets).await?;
        assert_eq!(said["adopted"], json!(1), "the paid order's ticket: {said}");
        assert_eq!(said["unpaid"][0]["order"], json!(waiting.order), "{said}");
        let seats = |lost: &serde_json::Value| lost["seats"].as_array().map(Vec::len);
        assert_eq!((said["lost"].as_array().map(Vec::len), seats(&said["lost"][0])), (Some(1), Some(2)), "{said}");
        assert_eq!(said["left"], json!([]), "{said}");

        let after = other.buy(&offer, 5).await?;
        let sold: Vec<_> = [before, paid, lost, after].into_iter().flatten().collect();
        assert_eq!(slots(&sold).len(), 10, "a seat was sold twice");
        // Auth was asked to sign each once: it never had to say that a seat is taken.
        assert_eq!(count(cloud, Part::Auth, "authorisations").await?, 10);
        assert_eq!(count(cloud, Part::Tickets, "outbox WHERE kind = 'issue' AND attempts > 1").await?, 0);
        for ticket in &sold {
            gate.would_say(&ticket.text, Reason::Admitted).await?;
        }
        assert_eq!(buyer.look(&waiting).await?.state, "reserved", "until the provider says again that it was paid");
        running.kill().await?;
        Ok(())
    });
}

#[test]
fn auth_knows_again_what_it_signed() {
    tell(Stage::Own("restored_auth"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let buyer = Buyer::arrive(cloud).await?;
        let before = buyer.buy(&offer, 1).await?;
        cloud.back_up(Part::Auth).await?;
        let lost = buyer.buy(&offer, 2).await?;
        let said = cloud.go_back(Part::Auth).await?;
        assert_eq!((&said["without_warrant"], said["left"].as_array().map(Vec::len)), (&json!(2), Some(1)), "{said}");
        assert!(said["left"][0].as_str().is_some_and(|left| left.contains("list-administrators")), "{said}");

        let after = Buyer::arrive(cloud).await?.buy(&offer, 2).await?;
        let sold: Vec<_> = [before, lost, after].into_iter().flatten().collect();
        assert_eq!(slots(&sold).len(), 5);
        let known = count(cloud, Part::Auth, "authorisations").await?;
        assert_eq!((known, count(cloud, Part::Auth, "recovered_issues").await?), (3, 2));
        Ok(())
    });
}
