//! The keys that access tokens are signed with.

use countermark_service::caller::{KEY_SET_PATH, KeySet};
use countermark_service::extract::Json;

use crate::state::State;

/// The keys that access tokens are signed with (JWKS, RFC 7517).
#[utoipa::path(
    get,
    path = KEY_SET_PATH,
    operation_id = "read_key_set",
    responses((status = 200, description = "The keys, the one in use first.", body = KeySet))
)]
pub(crate) async fn key_set(state: State) -> Json<KeySet> {
    Json(KeySet::new(&state.keys.session_public))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Auth;

    #[tokio::test]
    async fn everyone_may_have_the_session_keys_and_they_are_not_the_authority_key() {
        let auth = Auth::without_event().await;
        let answer = auth.get(KEY_SET_PATH, None).await;
        let keys = serde_json::from_value::<KeySet>(answer.body).unwrap().verifying_keys();
        assert_eq!(keys, auth.state.keys.session_public);
        assert!(!keys.contains(&auth.authority));
    }
}
