//! Table `attempts`.

use countermark_shared::id::AccountId;
use countermark_shared::time::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

/// What is counted.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Presentation,
    WrongTransferCode,
}

/// The attempts that count.
pub(crate) struct Attempts {
    pub(crate) count: i64,
    pub(crate) oldest: Option<Timestamp>,
}

/// The attempts of a kind since an instant; older ones are forgotten.
pub(crate) async fn since(
    connection: &mut PgConnection,
    account: AccountId,
    kind: Kind,
    from: Timestamp,
) -> Result<Attempts, sqlx::Error> {
    sqlx::query!(
        "DELETE FROM attempts WHERE account = $1 AND kind = $2 AND at <= $3",
        account.0,
        kind.as_str(),
        OffsetDateTime::from(from),
    )
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query!(
        r#"SELECT count(*) AS "count!", min(at) AS oldest FROM attempts WHERE account = $1 AND kind = $2"#,
        account.0,
        kind.as_str(),
    )
    .fetch_one(connection)
    .await?;
    Ok(Attempts { count: row.count, oldest: row.oldest.map(Timestamp::from) })
}

/// Writes one down.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    kind: Kind,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO attempts (account, kind, at) VALUES ($1, $2, $3)",
        account.0,
        kind.as_str(),
        OffsetDateTime::from(now),
    )
    .execute(connection)
    .await?;
    Ok(())
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Presentation => "presentation",
            Self::WrongTransferCode => "wrong-transfer-code",
        }
    }
}
