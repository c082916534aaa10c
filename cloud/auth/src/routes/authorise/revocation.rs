//! A key is revoked, or believed with a list only, between the two signatures; and the organiser's while a ticket is passed on.

use std::sync::Arc;

use countermark_shared::documents::{KeyStatus, TrustBundle};
use countermark_shared::keys::{Signature, VerifyingKey};
use countermark_shared::label::Label;

use super::*;
use crate::keys::Keys;
use crate::testing::{Auth, Buyer, LIVE, event_of, key, master_key, other_issuing_key, signed_for};

struct Scene {
    auth: Auth,
    anna: Buyer,
    warrant: Warrant,
    body: TicketBody,
}

impl Scene {
    /// Anna's order is paid, and its first body was written down before the answer was lost.
    async fn new() -> Self {
        let event = event_of(LIVE);
        let auth = Auth::with(&event).await;
        let anna = auth.buyer().await;
        let body = auth.ticket(&anna, &event, 1).await;
        Self { warrant: Warrant::Order(crate::testing::order(1)), auth, anna, body }
    }

    /// The same auth after a rotation, with the old keys of that role in that standing.
    async fn after(&self, role: KeyRole, status: KeyStatus) -> State {
        let rotated = self.auth.rotated().await;
        let mut bundle = (*rotated.bundle).clone();
        for trusted in bundle.keys.iter_mut().filter(|trusted| trusted.role == role) {
            if [self.body.authority_key, self.body.issuing_key].contains(&trusted.key.id()) {
                trusted.status = status;
            }
        }
        with_bundle(rotated, bundle).await
    }

    /// The body made anew, with the keys that are active then.
    fn anew(&self, state: &State) -> TicketBody {
        TicketBody {
            issuing_key: other_issuing_key().id(),
            authority_key: active_authority(state).id(),
            ..self.body.clone()
        }
    }
}

async fn with_bundle(state: State, bundle: TrustBundle) -> State {
    let mut connection = state.pool.acquire().await.unwrap();
    let keys = Keys::load(&mut connection, master_key(), &bundle).await.ok().unwrap();
    State { keys: Arc::new(keys), bundle: Arc::new(bundle), ..state.clone() }
}

fn active_authority(state: &State) -> VerifyingKey {
    state.bundle.active(KeyRole::Authority).last().unwrap()
}

async fn asked(state: &State, warrant: Warrant, body: &TicketBody) -> Result<Signature, Error> {
    let Json(authorised) = authorise(state.clone(), Json(signed_for(warrant, body))).await?;
    Ok(Signature::from_bytes(&authorised.signature.0))
}

async fn counted(auth: &Auth) -> (i64, i64, i32) {
    let sql = "SELECT (SELECT count(*) FROM authorisations), (SELECT count(*) FROM reauthorisations),
                      (SELECT sum(authorised)::integer FROM grants)";
    sqlx::query_as(sql).fetch_one(&auth.state.pool).await.unwrap()
}

#[tokio::test]
async fn a_body_of_a_revoked_key_is_replaced_once_by_the_same_warrant() {
    for role in [KeyRole::Authority, KeyRole::Issuing] {
        let scene = Scene::new().await;
        let state = scene.after(role, KeyStatus::Revoked).await;
        let new = scene.anew(&state);
        let told = asked(&state, scene.warrant, &scene.body).await;
        assert!(matches!(told, Err(Error::WrittenDownKeyGone)), "{role:?} {told:?}");
        // With a key that is not active it is no better than before.
        let half_new = TicketBody { authority_key: new.authority_key, ..scene.body.clone() };
        let told = asked(&state, scene.warrant, &half_new).await;
        assert!(matches!(told, Err(Error::KeyNotActive)), "{role:?} {told:?}");
        // Another order's warrant does not make it.
        let bert = scene.auth.buyer().await;
        let berts = Warrant::Order(scene.auth.bought(&bert, &event_of(LIVE), 2).await);
        assert!(asked(&state, berts, &new).await.is_err());
        for _answer_lost_and_again in 0..2 {
            let signature = asked(&state, scene.warrant, &new).await.unwrap();
            assert!(active_authority(&state).verifies(Label::Authorise, &new.to_bytes(), &signature));
        }
        assert_eq!(counted(&scene.auth).await, (1, 1, 1), "{role:?}");
        // What stands in its place is as final as anything.
        let other = TicketBody { issuing_key: key(2).verifying_key().id(), ..new.clone() };
        assert!(asked(&state, scene.warrant, &other).await.is_err());
        assert!(matches!(asked(&state, scene.warrant, &scene.body).await, Err(Error::SlotTaken)));
        // Its owner passes on the issue as it now stands.
        assert_eq!(scene.auth.present(&scene.anna, 1).await.outcome(), (200, None));
    }
}

/// The old body is worth something still: a second one beside it would be one too many.
#[tokio::test]
async fn a_body_of_a_key_that_some_gate_believes_is_told_again_and_not_replaced() {
    for status in [KeyStatus::VerifyOnly, KeyStatus::ListedOnly] {
        let scene = Scene::new().await;
        let old = scene.auth.authority;
        let state = scene.after(KeyRole::Authority, status).await;
        let new = scene.anew(&state);
        assert!(matches!(asked(&state, scene.warrant, &new).await, Err(Error::SlotTaken)), "{status:?}");
        let signature = asked(&state, scene.warrant, &scene.body).await.unwrap();
        assert!(old.verifies(Label::Authorise, &scene.body.to_bytes(), &signature));
        assert_eq!(counted(&scene.auth).await, (1, 0, 1));
    }
}

/// The next issue is the recipient's: nothing is signed any more for the one before.
#[tokio::test]
async fn an_issue_that_was_passed_on_is_not_made_anew() {
    let scene = Scene::new().await;
    let bert = scene.auth.buyer().await;
    let transfer = Warrant::Transfer(scene.auth.passed_on(&scene.anna, &bert, 1).await);
    let state = scene.after(KeyRole::Authority, KeyStatus::Revoked).await;
    assert!(matches!(asked(&state, scene.warrant, &scene.anew(&state)).await, Err(Error::SlotTaken)));
    // And the recipient has theirs, whatever became of the keys.
    let next = scene.auth.body_for(transfer, &event_of(LIVE), (1, 2)).await;
    let next = TicketBody { live: next.live, generation: next.generation, ..scene.anew(&state) };
    asked(&state, transfer, &next).await.unwrap();
}

#[tokio::test]
async fn a_transfer_s_body_of_a_revoked_key_is_replaced_too() {
    let scene = Scene::new().await;
    let (event, bert) = (event_of(LIVE), scene.auth.buyer().await);
    let transfer = scene.auth.passed_on(&scene.anna, &bert, 1).await;
    let second = scene.auth.reissued(transfer, &bert, &event, 1).await;
    let state = scene.after(KeyRole::Authority, KeyStatus::Revoked).await;
    let new = TicketBody { live: second.live, generation: second.generation, ..scene.anew(&state) };
    let warrant = Warrant::Transfer(transfer);
    assert!(matches!(asked(&state, warrant, &second).await, Err(Error::WrittenDownKeyGone)));
    asked(&state, warrant, &new).await.unwrap();
    assert_eq!(counted(&scene.auth).await, (2, 1, 1));
}

#[tokio::test]
async fn what_was_signed_anew_is_final() {
    let scene = Scene::new().await;
    let state = scene.after(KeyRole::Authority, KeyStatus::Revoked).await;
    asked(&state, scene.warrant, &scene.anew(&state)).await.unwrap();
    for sql in ["UPDATE reauthorisations SET slot = 2", "DELETE FROM reauthorisations", "TRUNCATE reauthorisations"] {
        let error = sqlx::query(sql).execute(&state.pool).await.unwrap_err();
        assert!(error.to_string().contains("are final"), "{error}");
    }
}

/// Found in review: whoever had accepted a ticket by then never got it, and its last owner had lost it.
#[tokio::test]
async fn a_transfer_needs_no_organiser_who_is_still_believed() {
    let scene = Scene::new().await;
    let bert = scene.auth.buyer().await;
    let warrant = Warrant::Transfer(scene.auth.passed_on(&scene.anna, &bert, 1).await);
    let next = scene.auth.body_for(warrant, &event_of(LIVE), (1, 2)).await;
    let mut bundle = (*scene.auth.state.bundle).clone();
    for trusted in bundle.keys.iter_mut().filter(|trusted| trusted.role == KeyRole::Organiser) {
        trusted.status = KeyStatus::Revoked;
    }
    let state = with_bundle(scene.auth.state.clone(), bundle).await;
    assert!(matches!(asked(&state, scene.warrant, &scene.body).await, Err(Error::NotGranted { .. })));
    asked(&state, warrant, &next).await.unwrap();
}
