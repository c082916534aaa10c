//! The service's SQL: free functions over a connection. Owns how rows become the domain's types; refuses to decide anything.

pub(crate) mod assignments;
pub(crate) mod bundles;
pub(crate) mod claims;
pub(crate) mod column;
pub(crate) mod debts;
pub(crate) mod feed;
pub(crate) mod figures;
pub(crate) mod finding_marks;
pub(crate) mod findings;
pub(crate) mod gates;
pub(crate) mod heads;
pub(crate) mod histories;
pub(crate) mod journal;
pub(crate) mod publications;
pub(crate) mod seats;
pub(crate) mod sessions;
pub(crate) mod vouched;
