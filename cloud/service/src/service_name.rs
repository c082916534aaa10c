//! The four services' names. Owns their text form, which is what tokens and logs say; refuses to know where they run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One of the four services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceName {
    /// Accounts, grants, the authority signature.
    Auth,
    /// Offers, orders, the issuer signature.
    Tickets,
    /// Gates, lists, journals.
    Validation,
    /// The administrator's desk.
    Admin,
}

impl ServiceName {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Auth, Self::Tickets, Self::Validation, Self::Admin];

    /// The name as tokens, logs and commands spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Tickets => "tickets",
            Self::Validation => "validation",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Text that names no service.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no service; there are auth, tickets, validation and admin")]
pub struct UnknownService {
    /// What was read.
    pub text: String,
}

impl FromStr for ServiceName {
    type Err = UnknownService;

    fn from_str(text: &str) -> Result<Self, UnknownService> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| UnknownService { text: text.to_owned() })
    }
}
