#![doc = include_str!("../README.md")]

mod body;
mod code;
mod error;
mod event_secrets;
mod expire;
mod guests;
mod issue;
mod names;
mod order;
mod payment;
mod recover;
mod routes;
mod showing;
mod start;
mod state;
mod store;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod transfer;

pub use self::order::{Order, OrderState};
pub use self::payment::{OpenPayment, OpenedPayment, PAYMENTS_PATH};
pub use self::recover::{LostOrder, RecoverError, Recovered, recover};
pub use self::routes::api;
pub use self::start::{Settings, StartError, create_keys, run};
pub use self::state::State;

/// The service's own tables.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();
