#![doc = include_str!("../README.md")]

mod distribution;
mod error;
mod export;
mod page;
mod record;
mod routes;
mod start;
mod state;
mod store;
#[cfg(test)]
mod testing;

use sqlx::migrate::Migrator;

pub use self::routes::api;
pub use self::start::{Settings, StartError, run};
pub use self::state::State;

/// The tables of this service.
pub static MIGRATOR: Migrator = sqlx::migrate!();
