//! Log-ins: how long one lasts, and when it is over before. Owns the guard behind which auth takes its own tokens; refuses to know passwords.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use countermark_service::caller::Access;
use sqlx::PgConnection;

use crate::error::Error;
use crate::state::State;
use crate::store::accounts::{self, Profile};

/// How long an access token is good: how long a stolen one may be used at the other services, and how long a role may outlive its loss.
pub(crate) const LIFETIME: Duration = Duration::from_mins(15);

/// Lets nobody through whose account is closed, or has another password than they logged in with.
pub(crate) fn guard(router: Router<State>, state: &State) -> Router<State> {
    router.layer(middleware::from_fn_with_state(state.clone(), only_standing))
}

async fn only_standing(state: State, access: Access, request: Request, next: Next) -> Result<Response, Error> {
    standing(&mut *state.pool.acquire().await?, access).await?;
    Ok(next.run(request).await)
}

/// The account of a log-in that is not over.
pub(crate) async fn standing(connection: &mut PgConnection, access: Access) -> Result<Profile, Error> {
    let profile = accounts::profile(connection, access.caller.account).await?.ok_or(Error::NoAccount)?;
    // The log-in was as long before the end of its token as any is.
    if profile.sessions_from.is_some_and(|from| access.until - LIFETIME < from) {
        return Err(Error::SessionEnded);
    }
    Ok(profile)
}
