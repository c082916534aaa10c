//! The service's SQL: free functions over a connection. Owns how rows become the domain's types; refuses to decide anything.

pub(crate) mod audit;
pub(crate) mod events;
pub(crate) mod offers;
