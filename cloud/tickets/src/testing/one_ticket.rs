//! One ticket, from its order to another account, and the power cuts on its way.

use std::time::Duration;

use axum::http::StatusCode;
use countermark_service::contract::GrantStanding;
use countermark_shared::decision::examine;
use countermark_shared::documents::TicketForm;
use countermark_shared::id::{AccountId, OrderId, TransferId};
use countermark_shared::ticket::VerifiedTicket;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use super::{Accepted, BUYER, EVENT, World, euros, offer};
use crate::event_secrets;

impl World {
    /// An order for one ticket, granted and paid, for Ada Lovelace in row 3 where tickets carry names.
    pub(crate) async fn buy_one(&self, form: TicketForm) -> OrderId {
        let solo = offer(3, 1, false, 10);
        self.publish(&solo).await;
        let names = if form.is_sealed() { json!([{ "name": "Ada Lovelace", "seat": "3" }]) } else { Value::Null };
        let key = self.state.randomness.uuid().to_string();
        let (status, order) = self.order_for(BUYER, &solo, 1, &key, names).await;
        assert_eq!(status, StatusCode::CREATED, "{order}");
        let id = self.grant(&order, GrantStanding::Open);
        assert_eq!(self.pay(&key, id, euros(1000)).await, StatusCode::NO_CONTENT);
        id
    }

    /// Such a ticket, issued.
    pub(crate) async fn one_ticket(&self, form: TicketForm) -> Value {
        let order = self.buy_one(form).await;
        self.until(order, "issued").await["tickets"][0].clone()
    }

    /// From now on, the power fails whenever such a row of the table is to be written.
    pub(crate) async fn break_at(&self, table: &str, when: &str) {
        let broken = format!(
            "CREATE FUNCTION power_cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'power cut'; END $$;
             CREATE TRIGGER power_cut BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW WHEN ({when})
             EXECUTE FUNCTION power_cut()"
        );
        sqlx::raw_sql(AssertSqlSafe(broken)).execute(&self.state.pool).await.unwrap();
    }

    /// Until now.
    pub(crate) async fn mend(&self) {
        sqlx::raw_sql("DROP FUNCTION power_cut CASCADE").execute(&self.state.pool).await.unwrap();
    }

    /// Waits until the issue job has failed once.
    pub(crate) async fn until_failed(&self) {
        let failed = async || {
            let failures =
                sqlx::query_scalar::<_, i64>("SELECT count(*) FROM outbox WHERE kind = 'issue' AND attempts > 0");
            failures.fetch_one(&self.state.pool).await.unwrap() > 0
        };
        assert!(self.is_seen(Duration::ZERO, failed).await, "nothing failed");
    }

    /// The verified ticket of a text.
    pub(crate) fn verified(&self, text: &Value) -> VerifiedTicket {
        examine(text.as_str().unwrap(), EVENT, &self.state.key_ring).unwrap()
    }

    /// Name and seat, as a gate with all of the event's secrets reads them.
    pub(crate) async fn name_on(&self, text: &Value) -> (String, String) {
        let mut connection = self.state.pool.acquire().await.unwrap();
        let secrets = event_secrets::all(&self.state, &mut connection, EVENT).await.unwrap();
        let ticket = self.verified(text);
        let opened = secrets.iter().find_map(|secret| secret.open(&ticket).ok()).unwrap();
        (opened.name().to_owned(), opened.seat().to_owned())
    }

    /// That auth knows the account to have accepted the ticket.
    pub(crate) fn accept(&self, transfer: TransferId, account: AccountId, ticket: &Value) {
        let accepted = Accepted {
            account,
            event: EVENT,
            slot: serde_json::from_value(ticket["slot"].clone()).unwrap(),
            replaces: serde_json::from_value(ticket["generation"].clone()).unwrap(),
        };
        self.peers.lock().unwrap().auth.transfers.insert(transfer, accepted);
    }

    /// A transfer's recipient asks for the ticket; the name is null for none.
    pub(crate) async fn take_over(&self, who: AccountId, transfer: TransferId, name: Value) -> (StatusCode, Value) {
        self.call(who, "POST", "/v1/transfers", json!({ "transfer": transfer, "name": name })).await
    }
}
