#![doc = include_str!("../README.md")]

mod binaries;
mod blocking;
mod cluster;
mod database;
mod error;
mod leash;
mod privilege;
mod schema;
mod server;
mod test_database;

pub use cluster::Durability;
pub use error::Error;
pub use leash::{Leash, LeashedChild};
pub use schema::Schema;
pub use server::Server;
pub use test_database::{TestDatabase, shared};
