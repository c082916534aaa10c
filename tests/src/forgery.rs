//! Tickets that nobody sold. Each is made from a real one, with what a forger could have: its text, and keys of one's own.

use anyhow::{Context, Result};
use countermark_shared::keys::SigningKey;
use countermark_shared::ticket::UnverifiedTicket;

const PREFIX: &str = "CM1:";

/// The ticket with "sold" signed by a stranger, who names the real key.
pub fn issued_by(stranger: &SigningKey, text: &str) -> Result<String> {
    let ticket = UnverifiedTicket::parse(text)?;
    let issuer = ticket.body().issue(stranger);
    Ok(UnverifiedTicket::new(ticket.body().clone(), issuer, ticket.authority()).to_text())
}

/// The ticket with "granted" signed by a stranger, who names the real key.
pub fn authorised_by(stranger: &SigningKey, text: &str) -> Result<String> {
    let ticket = UnverifiedTicket::parse(text)?;
    let authority = ticket.body().authorise(stranger);
    Ok(UnverifiedTicket::new(ticket.body().clone(), ticket.issuer(), authority).to_text())
}

/// The ticket with one bit of its bytes flipped, counted from the highest of the first byte.
pub fn flipped(text: &str, bit: usize) -> Result<String> {
    let mut bytes = UnverifiedTicket::parse(text)?.to_bytes();
    let byte = bytes.get_mut(bit / 8).context("a ticket has fewer bits")?;
    *byte ^= 0x80 >> (bit % 8);
    Ok(format!("{PREFIX}{}", base45::encode(bytes)))
}
