#![doc = include_str!("../README.md")]

mod account_secrets;
mod administrator;
mod capacity;
mod email;
mod error;
mod keys;
mod password;
mod recover;
mod routes;
mod start;
mod state;
mod store;
mod terms;
#[cfg(test)]
mod testing;
mod transfer_code;
mod warrant;

pub use crate::administrator::{AddAdministratorError, add_administrator};
pub use crate::email::InvalidEmail;
pub use crate::keys::create_keys;
pub use crate::password::{HashingError, InvalidPassword};
pub use crate::recover::{RecoverError, Recovered, recover};
pub use crate::routes::api;
pub use crate::start::{MIGRATOR, Settings, StartError, run};
pub use crate::state::State;
