#![doc = include_str!("../README.md")]

mod assignment;
mod claim;
mod debt;
mod error;
mod findings;
mod head;
mod journal;
#[cfg(test)]
mod migrations;
mod publisher;
pub mod reconcile;
mod recover;
pub mod rehearsal;
mod routes;
mod secrets;
mod session;
mod settler;
mod start;
mod state;
mod store;
#[cfg(test)]
mod testing;
mod vouched;

use sqlx::migrate::Migrator;

pub use self::recover::{RecoverError, Recovered, recover};
pub use self::routes::api;
pub use self::start::{Settings, StartError, create_keys, run};
pub use self::state::State;

/// The tables of this service.
pub static MIGRATOR: Migrator = sqlx::migrate!();
