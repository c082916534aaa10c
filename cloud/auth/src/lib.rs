#![doc = include_str!("../README.md")]

mod account_commands;
mod account_secrets;
mod capacity;
mod email;
mod error;
mod keys;
mod log_in;
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

pub use crate::account_commands::{
    AccountCommandError, Administrator, add_administrator, administrators, remove_administrator, set_password,
};
pub use crate::email::InvalidEmail;
pub use crate::keys::create_keys;
pub use crate::password::{HashingError, InvalidPassword};
pub use crate::recover::{RecoverError, Recovered, recover};
pub use crate::routes::api;
pub use crate::start::{MIGRATOR, Settings, StartError, run};
pub use crate::state::State;
