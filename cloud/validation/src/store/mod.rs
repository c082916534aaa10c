//! The service's SQL: free functions over a connection. Owns how rows become the domain's types; refuses to decide anything.

pub(crate) mod column;
pub(crate) mod figures;
pub(crate) mod gates;
pub(crate) mod journal;
pub(crate) mod seats;
pub(crate) mod sessions;
pub(crate) mod slot_lists;
