//! Tickets and auth killed (`kill -9`) at each step between a payment and its tickets. Driven from outside alone: lines
//! that are cut, tables that are locked. Every paid order must end with exactly its tickets, or with its refund due.

mod locked_table;

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use countermark_shared::decision::examine;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::{Buyer, Order, Ticket};
use countermark_tests::cloud::{Cloud, Part};
use countermark_tests::proxy::Fault;
use countermark_tests::season::{DUO, FESTIVAL};
use countermark_tests::wait::{PATIENCE, until};
use sqlx::{Connection, PgConnection};

use self::locked_table::LockedTable;
use crate::stage::{Stage, tell};

/// The story's own eyes, on orders that are about to be paid.
struct Scene<'a> {
    cloud: &'a Cloud,
    administrator: Administrator<'a>,
    buyer: Buyer,
    offer: String,
    issued: Vec<Ticket>,
    refunds: u64,
}

#[test]
fn tickets_killed_at_each_step_loses_nothing_and_issues_nothing_twice() {
    tell(Stage::Own("tickets_killed"), async |cloud| {
        let mut scene = Scene::set(cloud).await?;
        tickets_killed_until_auth_is_asked(cloud, &mut scene).await?;
        tickets_killed_from_auths_answer_on(cloud, &mut scene).await?;
        scene.end().await
    });
}

async fn tickets_killed_until_auth_is_asked(cloud: &Cloud, scene: &mut Scene<'_>) -> Result<()> {
    let order = scene.payable("before it hears of the payment").await?;
    cloud.kill(Part::Tickets).await?;
    order.pay(scene).await?;
    scene.resume(Part::Tickets, order).await?;

    let order = scene.payable("while it writes the payment down").await?;
    let mut orders = LockedTable::lock(cloud.database(Part::Tickets)?, "orders").await?;
    order.pay(scene).await?;
    orders.holds_up("WHERE id = $1 FOR UPDATE").await?;
    cloud.kill(Part::Tickets).await?;
    orders.release().await?;
    scene.resume(Part::Tickets, order).await?;

    let order = scene.payable("while it writes down a payment that came too late").await?;
    scene.expire(&order).await?;
    let mut payments = LockedTable::lock_against_changes(cloud.database(Part::Tickets)?, "payments").await?;
    order.pay(scene).await?;
    payments.holds_up("INSERT INTO payments").await?;
    cloud.kill(Part::Tickets).await?;
    payments.release().await?;
    scene.resume_too_late(Part::Tickets, order).await?;

    let order = scene.payable("between the payment and the job that is to follow it").await?;
    let mut outbox = LockedTable::lock_against_changes(cloud.database(Part::Tickets)?, "outbox").await?;
    order.pay(scene).await?;
    outbox.holds_up("INSERT INTO outbox").await?;
    cloud.kill(Part::Tickets).await?;
    outbox.release().await?;
    scene.resume(Part::Tickets, order).await?;

    let order = scene.payable("between paid and the first slot").await?;
    let mut blocks = LockedTable::lock(cloud.database(Part::Tickets)?, "slot_blocks").await?;
    order.pay(scene).await?;
    blocks.holds_up("slot_blocks").await?;
    scene.sees(Part::Tickets, "SELECT state = 'paid' FROM orders WHERE id = $1::uuid", &order).await?;
    cloud.kill(Part::Tickets).await?;
    blocks.release().await?;
    scene.resume(Part::Tickets, order).await?;

    let order = scene.payable("while it stores the issuer's signatures").await?;
    let mut tickets = LockedTable::lock_against_changes(cloud.database(Part::Tickets)?, "tickets").await?;
    order.pay(scene).await?;
    tickets.holds_up("INSERT INTO tickets").await?;
    cloud.kill(Part::Tickets).await?;
    tickets.release().await?;
    scene.resume(Part::Tickets, order).await?;

    let order = scene.payable("while auth cannot be reached").await?;
    cloud.line(Part::Auth).cut(Fault::Refuse);
    order.pay(scene).await?;
    scene.sees(Part::Tickets, FAILED_TO_ISSUE, &order).await?;
    cloud.kill(Part::Tickets).await?;
    cloud.line(Part::Auth).mend();
    scene.resume(Part::Tickets, order).await?;
    Ok(())
}

async fn tickets_killed_from_auths_answer_on(cloud: &Cloud, scene: &mut Scene<'_>) -> Result<()> {
    let order = scene.payable("after auth signed, before the answer came").await?;
    cloud.line(Part::Auth).cut(Fault::LoseReplies);
    order.pay(scene).await?;
    scene.sees(Part::Auth, AUTHORISED, &order).await?;
    cloud.kill(Part::Tickets).await?;
    cloud.line(Part::Auth).mend();
    scene.resume(Part::Tickets, order).await?;

    let order = scene.payable("with auth's answer in its hands, before it is stored").await?;
    let mut authorisations = LockedTable::lock(cloud.database(Part::Auth)?, "authorisations").await?;
    order.pay(scene).await?;
    authorisations.holds_up("FROM issues").await?;
    let mut tickets = LockedTable::lock(cloud.database(Part::Tickets)?, "tickets").await?;
    authorisations.release().await?;
    tickets.holds_up("UPDATE tickets SET authority_signature").await?;
    cloud.kill(Part::Tickets).await?;
    tickets.release().await?;
    scene.resume(Part::Tickets, order).await?;

    let order = scene.payable("with every signature stored, before the order has ended").await?;
    let mut authorisations = LockedTable::lock(cloud.database(Part::Auth)?, "authorisations").await?;
    order.pay(scene).await?;
    authorisations.holds_up("FROM issues").await?;
    let mut orders = LockedTable::lock(cloud.database(Part::Tickets)?, "orders").await?;
    authorisations.release().await?;
    scene.sees(Part::Tickets, ALL_SIGNED, &order).await?;
    orders.holds_up("WHERE id = $1 FOR UPDATE").await?;
    cloud.kill(Part::Tickets).await?;
    orders.release().await?;
    scene.resume(Part::Tickets, order).await?;

    let order = scene.payable("while it ends the order, before the reports are written").await?;
    let mut authorisations = LockedTable::lock(cloud.database(Part::Auth)?, "authorisations").await?;
    order.pay(scene).await?;
    authorisations.holds_up("FROM issues").await?;
    let mut outbox = LockedTable::lock_against_changes(cloud.database(Part::Tickets)?, "outbox").await?;
    authorisations.release().await?;
    outbox.holds_up("INSERT INTO outbox").await?;
    cloud.kill(Part::Tickets).await?;
    outbox.release().await?;
    scene.resume(Part::Tickets, order).await?;

    let order = scene.payable("after the order was issued, before validation was told").await?;
    cloud.line(Part::Validation).cut(Fault::Refuse);
    order.pay(scene).await?;
    scene.sees(Part::Tickets, "SELECT state = 'issued' FROM orders WHERE id = $1::uuid", &order).await?;
    cloud.kill(Part::Tickets).await?;
    cloud.line(Part::Validation).mend();
    scene.resume(Part::Tickets, order).await?;

    let order = scene.payable("after validation was told, before it said so").await?;
    cloud.line(Part::Validation).cut(Fault::LoseReplies);
    let lost = cloud.line(Part::Validation).lost_replies();
    order.pay(scene).await?;
    until("a report's answer was lost", PATIENCE, async || {
        Ok((cloud.line(Part::Validation).lost_replies() > lost).then_some(()))
    })
    .await?;
    cloud.kill(Part::Tickets).await?;
    cloud.line(Part::Validation).mend();
    scene.resume(Part::Tickets, order).await?;
    Ok(())
}

#[test]
fn auth_killed_at_each_step_loses_nothing_and_signs_nothing_twice() {
    tell(Stage::Own("auth_killed"), async |cloud| {
        let mut scene = Scene::set(cloud).await?;

        let order = scene.payable("before it hears of the payment").await?;
        cloud.kill(Part::Auth).await?;
        order.pay(&scene).await?;
        scene.sees(Part::Tickets, FAILED_TO_ISSUE, &order).await?;
        scene.resume(Part::Auth, order).await?;

        let order = scene.payable("while it writes the payment down").await?;
        let mut payments = LockedTable::lock(cloud.database(Part::Auth)?, "payments").await?;
        order.pay(&scene).await?;
        payments.holds_up("INSERT INTO payments").await?;
        cloud.kill(Part::Auth).await?;
        payments.release().await?;
        scene.resume(Part::Auth, order).await?;

        let order = scene.payable("after it wrote the payment down, before it said so").await?;
        cloud.line(Part::Auth).cut(Fault::LoseReplies);
        order.pay(&scene).await?;
        let kept = "SELECT EXISTS (SELECT FROM payments WHERE order_id = $1::uuid)";
        scene.sees(Part::Auth, kept, &order).await?;
        cloud.kill(Part::Auth).await?;
        cloud.line(Part::Auth).mend();
        scene.resume(Part::Auth, order).await?;

        let order = scene.payable("while it writes down what it is about to sign").await?;
        let mut authorisations = LockedTable::lock(cloud.database(Part::Auth)?, "authorisations").await?;
        order.pay(&scene).await?;
        authorisations.holds_up("FROM issues").await?;
        cloud.kill(Part::Auth).await?;
        authorisations.release().await?;
        scene.resume(Part::Auth, order).await?;

        let order = scene.payable("after it signed, before the answer arrived").await?;
        cloud.line(Part::Auth).cut(Fault::LoseReplies);
        order.pay(&scene).await?;
        scene.sees(Part::Auth, AUTHORISED, &order).await?;
        cloud.kill(Part::Auth).await?;
        cloud.line(Part::Auth).mend();
        scene.resume(Part::Auth, order).await?;

        scene.end().await
    });
}

const FAILED_TO_ISSUE: &str =
    "SELECT EXISTS (SELECT FROM outbox WHERE kind = 'issue' AND key = $1 AND attempts > 0 AND done_at IS NULL)";
const AUTHORISED: &str = "SELECT EXISTS (SELECT FROM authorisations WHERE order_id = $1::uuid)";
const ALL_SIGNED: &str = "SELECT count(authority_signature) = 2 FROM tickets WHERE order_id = $1::uuid";

/// An order that waits for its payment.
struct Payable {
    step: &'static str,
    order: Order,
    page: String,
}

impl Payable {
    async fn pay(&self, scene: &Scene<'_>) -> Result<()> {
        Ok(scene.buyer.pay(&self.page).await?)
    }
}

impl<'a> Scene<'a> {
    async fn set(cloud: &'a Cloud) -> Result<Self> {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&DUO).await?;
        let buyer = Buyer::arrive(cloud).await?;
        Ok(Self { cloud, administrator, buyer, offer, issued: Vec::new(), refunds: 0 })
    }

    /// An order of two tickets, for the step that is about to go wrong.
    async fn payable(&self, step: &'static str) -> Result<Payable> {
        let order = self.buyer.order(&self.offer, 1).await.context(step)?;
        self.buyer.grant(&order).await.context(step)?;
        let page = self.buyer.payment_page(&order).await.context(step)?;
        Ok(Payable { step, order, page })
    }

    /// Waits until a question to a service's database, about the order, is answered with yes.
    async fn sees(&self, service: Part, question: &'static str, payable: &Payable) -> Result<()> {
        let mut connection = PgConnection::connect(self.cloud.database(service)?).await?;
        until(format_args!("{} ({question})", payable.step), PATIENCE, async || {
            let yes: bool = sqlx::query_scalar(question).bind(&payable.order.order).fetch_one(&mut connection).await?;
            Ok(yes.then_some(()))
        })
        .await
    }

    /// Lets the order's reservation end, as if its buyer had left the provider's page open for too long. The page is forgotten
    /// too: soon after its start the service waits for words about payments that were opened.
    async fn expire(&self, payable: &Payable) -> Result<()> {
        let mut connection = PgConnection::connect(self.cloud.database(Part::Tickets)?).await?;
        let aged =
            "UPDATE orders SET reserved_until = now() - interval '1 second', payment_page = NULL WHERE id = $1::uuid";
        sqlx::query(aged).bind(&payable.order.order).execute(&mut connection).await?;
        self.sees(Part::Tickets, "SELECT state = 'expired' FROM orders WHERE id = $1::uuid", payable).await
    }

    /// Starts what was killed: the order, paid in time, gets its two tickets.
    async fn resume(&mut self, killed: Part, payable: Payable) -> Result<()> {
        let settled = self.settle(killed, &payable).await?;
        let (step, count) = (payable.step, settled.tickets.len());
        ensure!(settled.state == "issued" && count == 2, "killed {step}: {}, {count} tickets", settled.state);
        self.issued.extend(settled.tickets);
        Ok(())
    }

    /// Starts what was killed: the order, paid too late, gets no ticket, and its money is owed back.
    async fn resume_too_late(&mut self, killed: Part, payable: Payable) -> Result<()> {
        let settled = self.settle(killed, &payable).await?;
        let (step, count) = (payable.step, settled.tickets.len());
        ensure!(settled.state == "refund-due" && count == 0, "killed {step}: {}, {count} tickets", settled.state);
        self.refunds += 1;
        Ok(())
    }

    async fn settle(&self, killed: Part, payable: &Payable) -> Result<Order> {
        self.cloud.restart(killed).await.context(payable.step)?;
        self.buyer.settled(&payable.order).await.context(payable.step)
    }

    /// What must hold over all orders together.
    async fn end(self) -> Result<()> {
        let keys = self.cloud.key_ring()?;
        for ticket in &self.issued {
            ensure!(examine(&ticket.text, FESTIVAL, &keys).is_ok(), "a ticket of slot {} is not good", ticket.slot);
        }
        let slots: BTreeSet<_> = self.issued.iter().map(|ticket| ticket.slot).collect();
        ensure!(slots.len() == self.issued.len(), "a slot was issued twice: {slots:?}");

        let sales = self.administrator.figures(FESTIVAL).await?.sales.context("tickets did not say what was sold")?;
        let expected = (slots.len() as u64, slots.len() as u64, self.refunds);
        ensure!((sales.sold, sales.issued, sales.refunds_due) == expected, "the figures differ: {sales:?}");

        let mut validation = PgConnection::connect(self.cloud.database(Part::Validation)?).await?;
        until("validation knew every slot", PATIENCE, async || {
            let known: Vec<i64> = sqlx::query_scalar("SELECT slot FROM seats WHERE NOT revoked ORDER BY slot")
                .fetch_all(&mut validation)
                .await?;
            Ok(known.into_iter().eq(slots.iter().map(|slot| i64::from(*slot))).then_some(()))
        })
        .await?;

        // Nothing is signed for an order that has ended, so every grant must be closed in the end.
        let mut auth = PgConnection::connect(self.cloud.database(Part::Auth)?).await?;
        until("every grant was closed", PATIENCE, async || {
            let open: i64 =
                sqlx::query_scalar("SELECT count(*) FROM grants WHERE closed_at IS NULL").fetch_one(&mut auth).await?;
            Ok((open == 0).then_some(()))
        })
        .await
    }
}
