//! The service's SQL: free functions over a connection, a file for each table, and one for the guest list. Refuses to decide anything.

pub(crate) mod event_secrets;
pub(crate) mod guests;
pub(crate) mod issues;
pub(crate) mod names;
pub(crate) mod offers;
pub(crate) mod orders;
pub(crate) mod payments;
pub(crate) mod slots;
pub(crate) mod tickets;

/// A row that this program cannot have written.
#[derive(Debug, thiserror::Error)]
#[error("table {table} holds a row that cannot be read: {what}")]
pub(crate) struct InvalidRow {
    table: &'static str,
    what: &'static str,
}

impl InvalidRow {
    /// For `map_err` and `ok_or_else`.
    fn of(table: &'static str, what: &'static str) -> impl FnOnce() -> Self {
        move || Self { table, what }
    }
}

/// A number as its domain type, or the reason it is none.
fn number<T, N: TryInto<T>>(value: N, table: &'static str, what: &'static str) -> Result<T, InvalidRow> {
    value.try_into().map_err(|_| InvalidRow { table, what })
}
