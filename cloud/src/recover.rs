//! `countermark-cloud recover`: what is to be done before a service starts on a database that was restored from a backup. Owns what people
//! are told; what is done is each service's own.

use clap::{Args, Subcommand};
use countermark_auth as auth;
use countermark_tickets as tickets;
use countermark_validation as validation;
use serde_json::json;

use crate::output::answer;

/// Whose database was restored.
#[derive(Subcommand)]
pub(crate) enum Recover {
    /// The account service's: it knows again what it signed, by its own signatures on the tickets that were sold.
    ///
    /// Not to be had back: accounts, log-ins, devices, grants, payments and transfers made since the backup. Whoever registered since
    /// registers again, and live tickets that such an account held by itself cannot be shown any more. Orders under way end by themselves:
    /// the provider's money for them is owed back.
    Auth(Box<Recovery<auth::Settings>>),
    /// The ticket service's: no seat is sold twice, tickets that auth signed are taken over.
    ///
    /// Not to be had back: orders placed since the backup. Those that were paid are listed with their seats, whose tickets gates admit:
    /// tell their buyers, or give the money back and block the seats. Orders whose payment was lost come whole once the payment provider
    /// sends its webhook again, within a day: ask it to. Offers are published again with places for the lost orders: auth counts those, so
    /// that no more are sold than the event holds.
    Tickets(Box<Recovery<tickets::Settings>>),
    /// The validation service's: gates take its lists again, seats and administrators' decisions come back, gates send their rows again.
    ///
    /// Not to be had back: gates made or enrolled since the backup. Make them anew and enrol them in another folder; what the old folder
    /// holds is in its journal.
    Validation(Box<Recovery<validation::Settings>>),
    /// The administrator's service's: there is nothing to run, and this says what to do.
    ///
    /// Admin signs nothing and gates never meet it. Not to be had back: the record of what administrators did since the backup. The other
    /// services keep what they were told. Publish event documents that came since again: the same files, which the others have already. An
    /// offer that is sent again is another offer: look first whether it is on sale.
    Admin,
}

/// What the service is told, and how to answer.
#[derive(Args)]
pub(crate) struct Recovery<S: Args> {
    #[command(flatten)]
    service: S,
    /// Print a line of JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(target: Recover) -> anyhow::Result<()> {
    match target {
        Recover::Auth(settings) => say_auth(settings.json, &auth::recover(settings.service).await?),
        Recover::Tickets(settings) => say_tickets(settings.json, &tickets::recover(settings.service).await?),
        Recover::Validation(settings) => say_validation(settings.json, &validation::recover(settings.service).await?),
        Recover::Admin => {
            answer(false, &(), "admin: nothing is to be recovered; see `countermark-cloud recover admin --help`")
        }
    }
}

fn say_auth(json: bool, recovered: &auth::Recovered) -> anyhow::Result<()> {
    let auth::Recovered { authorised, without_warrant, closed, documents, left } = recovered;
    let value = json!({
        "authorised": authorised, "without_warrant": without_warrant, "closed": closed, "documents": documents, "left": left,
    });
    let mut lines = vec![
        "auth may start".to_owned(),
        format!("{authorised} tickets are on the record again, and {without_warrant} whose order or transfer is lost"),
        format!("{closed} grants are closed, whose orders have ended; {documents} event documents are in force"),
    ];
    lines.extend(for_a_person(left));
    answer(json, &value, &lines.join("\n"))
}

fn say_tickets(json: bool, recovered: &tickets::Recovered) -> anyhow::Result<()> {
    let tickets::Recovered { adopted, next_slots, sealed_anew, decisions, unpaid, lost, left } = recovered;
    let seats = |lost: &tickets::LostOrder| {
        lost.seats.iter().map(|(event, slot, _)| format!("{event}/{slot}")).collect::<Vec<_>>()
    };
    let lost_orders: Vec<_> = lost
        .iter()
        .map(|(order, lost)| json!({ "order": order, "payment": lost.payment, "seats": seats(lost) }))
        .collect();
    let value = json!({
        "adopted": adopted, "next_slots": next_slots, "sealed_anew": sealed_anew, "decisions": decisions, "unpaid": unpaid,
        "lost": lost_orders, "left": left,
    });
    let mut lines = vec![
        "tickets may start".to_owned(),
        format!("{adopted} tickets that auth had signed were taken over; {decisions} decisions of administrators hold"),
    ];
    lines.extend(next_slots.iter().map(|(event, slot)| format!("event {event} is sold on from seat {slot}")));
    lines.extend(sealed_anew.iter().map(|event| {
        format!("event {event}: names are sealed with a new secret; suspend and resume its gates, so that they get it")
    }));
    lines.extend(unpaid.iter().map(|paid| {
        format!(
            "order {} is paid: have the payment provider send its webhook for payment {} again",
            paid.order, paid.payment
        )
    }));
    lines.extend(lost.iter().map(|(order, lost)| {
        let payment = lost.payment.as_deref().unwrap_or("unknown");
        let seats = seats(lost).join(", ");
        format!("order {order} is lost here; payment {payment}, seats admitted at the gates: {seats}")
    }));
    lines.extend(for_a_person(left));
    answer(json, &value, &lines.join("\n"))
}

fn say_validation(json: bool, recovered: &validation::Recovered) -> anyhow::Result<()> {
    let validation::Recovered { epoch, reports, decisions, left, owing } = recovered;
    let value = json!({ "epoch": epoch, "reports": reports, "decisions": decisions, "left": left, "owing": owing });
    let mut lines = vec![
        format!("validation may start; it publishes in epoch {epoch}"),
        format!("{reports} reports of seats and {decisions} decisions of administrators hold"),
        "gates that are not known here any more say so themselves: make and enrol them anew".to_owned(),
    ];
    if !owing.is_empty() {
        let gates = owing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        lines.push(format!(
            "gates {gates} have to tell again what they did since the backup: until each has, strict tickets of its events are left to staff; the page \
             of findings says which are missing, and one that will not come back is to be suspended"
        ));
    }
    lines.extend(for_a_person(left));
    answer(json, &value, &lines.join("\n"))
}

fn for_a_person(left: &[String]) -> impl Iterator<Item = String> {
    left.iter().map(|left| format!("for a person: {left}"))
}
