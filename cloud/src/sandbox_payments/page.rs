//! The hosted page, in English and French.

use askama::Template;
use countermark_shared::money::Money;

use super::payments::Paying;

/// No script, nothing from elsewhere, nobody frames it.
pub(super) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

#[derive(Template)]
#[template(path = "sandbox_payment.html")]
struct Page {
    amount: String,
    waiting: bool,
    paid: bool,
}

pub(super) fn render(paying: &Paying) -> Result<String, askama::Error> {
    let (amount, waiting, paid) = match paying {
        Paying::Waiting { amount } => (*amount, true, false),
        Paying::PaidNow(event) => (event.data.amount, false, true),
        Paying::PaidBefore { amount } => (*amount, false, true),
        Paying::TooLate { amount } => (*amount, false, false),
    };
    Page { amount: in_major_units(amount), waiting, paid }.render()
}

/// Two decimals, as the currencies that the sandbox is for have.
fn in_major_units(amount: Money) -> String {
    format!("{}.{:02} {}", amount.minor / 100, amount.minor % 100, amount.currency)
}
