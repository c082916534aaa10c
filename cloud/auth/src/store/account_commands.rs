//! Table `account_commands`.

use countermark_shared::id::AccountId;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// What was done about an account, on the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    AddAdministrator,
    RemoveAdministrator,
    SetPassword,
}

impl Act {
    /// As the database spells it.
    fn as_str(self) -> &'static str {
        match self {
            Self::AddAdministrator => "add-administrator",
            Self::RemoveAdministrator => "remove-administrator",
            Self::SetPassword => "set-password",
        }
    }
}

/// Writes it down for good.
pub(crate) async fn record(
    connection: &mut PgConnection,
    account: AccountId,
    act: Act,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO account_commands (account, at, act) VALUES ($1, $2, $3)",
        account.0,
        OffsetDateTime::from(now),
        act.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
