#![doc = include_str!("../README.md")]

mod error;
mod journal;
mod publisher;
mod routes;
mod session;
mod start;
mod state;
mod store;
#[cfg(test)]
mod testing;

use sqlx::migrate::Migrator;

pub use self::routes::api;
pub use self::start::{Settings, StartError, create_keys, run};
pub use self::state::State;

/// The tables of this service.
pub static MIGRATOR: Migrator = sqlx::migrate!();
