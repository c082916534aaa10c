#![doc = include_str!("../README.md")]

pub mod api;
pub mod caller;
pub mod clock;
pub mod contract;
pub mod database;
pub mod event_documents;
pub mod extract;
pub mod keystore;
pub mod master_key;
pub mod outbox;
pub mod problem;
pub mod randomness;
pub mod secret_file;
pub mod serve;
pub mod service_call;
pub mod service_name;
pub mod settings;
pub mod telemetry;
mod token;
pub mod transaction;
pub mod trust;
pub mod webhook;
