//! The processes that make the cloud, by name.

use std::fmt;

/// One process of the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The account service.
    Auth,
    /// The ticket service.
    Tickets,
    /// The validation service.
    Validation,
    /// The administrator's service.
    Admin,
    /// The sandbox payment provider.
    Payments,
}

impl Part {
    /// All five.
    pub const ALL: [Self; 5] = [Self::Auth, Self::Tickets, Self::Validation, Self::Admin, Self::Payments];

    /// The four services, which have databases and keys.
    pub const SERVICES: [Self; 4] = [Self::Auth, Self::Tickets, Self::Validation, Self::Admin];

    /// The name: the command that runs it, its database, its files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Tickets => "tickets",
            Self::Validation => "validation",
            Self::Admin => "admin",
            Self::Payments => "sandbox-payments",
        }
    }

    /// Its setting of that name, such as `COUNTERMARK_AUTH_LISTEN`.
    pub fn variable(self, setting: &str) -> String {
        format!("COUNTERMARK_{}_{setting}", self.name().to_uppercase().replace('-', "_"))
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
