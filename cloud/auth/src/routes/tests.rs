//! Who may call what.

use std::collections::BTreeSet;

use countermark_service::api::defects;
use countermark_service::contract::{
    AskHolderKey, AuthProblem, CloseGrant, ConfirmTransfer, PushEventDocument, Warrant, paths,
};
use countermark_shared::id::{AccountId, Generation, Slot, TransferId};
use countermark_shared::wire::Base64;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Auth, EVENT, body, confirmation, order, other_authority, other_device, request, terms};
use crate::transfer_code::TransferCode;

const PUBLIC: [&str; 4] = ["/v1/accounts", "/v1/sessions", "/.well-known/jwks.json", "/healthz"];
const BY_SERVICES: [&str; 8] = [
    paths::CONFIRM_GRANT,
    paths::CLOSE_GRANT,
    paths::AUTHORISE,
    paths::HOLDER_KEYS,
    paths::CONFIRM_TRANSFER,
    paths::EVENT_DOCUMENTS,
    paths::ISSUES,
    paths::PAID_ORDERS,
];
const BY_PEOPLE: [&str; 9] = [
    "/v1/access-tokens",
    "/v1/account",
    "/v1/grants",
    "/v1/holder-keys",
    "/v1/holder-keys/{key}",
    "/v1/transfers",
    "/v1/transfers/{event}/{slot}",
    "/v1/transfers/accept",
    "/v1/presentations",
];

#[test]
fn the_document_leaves_nothing_unsaid() {
    assert_eq!(defects(api().document()), [""; 0]);
}

/// What the document says of tickets' calls is what tickets understands, to the letter.
#[test]
fn tickets_calls_are_refused_in_the_words_of_the_contract() {
    let document = serde_json::to_value(api().document()).unwrap();
    let mut said = BTreeSet::new();
    for path in [paths::CONFIRM_GRANT, paths::AUTHORISE, paths::HOLDER_KEYS, paths::CONFIRM_TRANSFER] {
        let responses = &document["paths"][path]["post"]["responses"];
        for status in ["404", "409", "422"] {
            let description = responses[status]["description"].as_str().unwrap_or_default();
            said.extend(description.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    let known: BTreeSet<_> = AuthProblem::ALL.map(|problem| problem.slug().to_owned()).into();
    assert_eq!(said, known);
}

#[tokio::test]
async fn every_route_but_the_public_ones_refuses_strangers_and_services_routes_people_too() {
    let auth = Auth::start().await;
    let (_, buyer) = auth.buyer().await;
    let document = serde_json::to_value(api().document()).unwrap();
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(paths.len(), PUBLIC.len() + BY_SERVICES.len() + BY_PEOPLE.len() + 1, "{paths:?}");
    for path in paths.iter().filter(|path| !PUBLIC.contains(&path.as_str())) {
        for token in [None, Some("nonsense"), BY_SERVICES.contains(&path.as_str()).then_some(buyer.as_str())] {
            let path = &path.replace("{event}/{slot}", "7/1").replace("{key}", &other_authority().to_string());
            let asked =
                [auth.get(path, token).await, auth.post(path, token, json!({})).await, auth.delete(path, token).await];
            for answer in asked {
                let expected = match path.as_str() {
                    "/v1/payment-events" => (400, Some("webhook-refused")),
                    _ => (401, Some("unauthenticated")),
                };
                assert_eq!(answer.outcome(), expected, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_for_another_service_opens_nothing_here() {
    let auth = Auth::start().await;
    let (account, own) = auth.buyer().await;
    for audience in [ServiceName::Tickets, ServiceName::Validation, ServiceName::Admin] {
        let foreign = auth.token_for(audience, account);
        let anna = (account, foreign.clone());
        for answer in [auth.present(&anna, 1).await, auth.offer(&anna, 1).await, auth.accept(&anna, "", None).await] {
            assert_eq!(answer.outcome(), (401, Some("unauthenticated")), "{audience}");
        }
        let granted = auth.grant(&foreign, order(1), &terms()).await;
        assert_eq!(granted.outcome(), (401, Some("unauthenticated")), "{audience}");
        assert_eq!(auth.get("/v1/account", Some(&foreign)).await.outcome(), (401, Some("unauthenticated")));
    }
    assert_eq!(auth.grant(&own, order(1), &terms()).await.status, 201);
}

#[tokio::test]
async fn a_service_may_ask_only_what_is_its_to_ask() {
    let auth = Auth::start().await;
    let push = PushEventDocument { document: Base64(Vec::new()) };
    let warrant = Warrant::Order(order(1));
    let ask = AskHolderKey { warrant, event: EVENT, slot: Slot(1), generation: Generation(1) };
    let nobody = uuid::Uuid::nil();
    let transfer = ConfirmTransfer { transfer: TransferId(nobody), account: AccountId(nobody) };
    for name in [ServiceName::Admin, ServiceName::Validation, ServiceName::Auth] {
        let client = auth.client(name).await;
        let confirmation = confirmation(AccountId(uuid::Uuid::nil()), order(1), &terms());
        let refused = [
            client.post::<_, Value>(paths::CONFIRM_GRANT, &confirmation).await.unwrap_err(),
            client.post::<_, ()>(paths::CLOSE_GRANT, &CloseGrant { order: order(1) }).await.unwrap_err(),
            client.post::<_, Value>(paths::AUTHORISE, &request(order(1), &body(1))).await.unwrap_err(),
            client.post::<_, Value>(paths::HOLDER_KEYS, &ask).await.unwrap_err(),
            client.post::<_, Value>(paths::CONFIRM_TRANSFER, &transfer).await.unwrap_err(),
        ];
        for error in refused {
            assert_eq!(error.slug(), Some("forbidden"), "{name}");
        }
    }
    let tickets = auth.client(ServiceName::Tickets).await;
    let error = tickets.post::<_, Value>(paths::EVENT_DOCUMENTS, &push).await.unwrap_err();
    assert_eq!(error.slug(), Some("forbidden"));
}

#[tokio::test]
async fn a_token_without_an_account_grants_nothing() {
    let auth = Auth::start().await;
    let token = auth.token(AccountId(uuid::Uuid::nil()));
    assert_eq!(auth.grant(&token, order(1), &terms()).await.outcome(), (401, Some("unauthenticated")));
    assert_eq!(auth.get("/v1/account", Some(&token)).await.outcome(), (401, Some("unauthenticated")));
    let nobody = (AccountId(uuid::Uuid::nil()), token);
    let code = TransferCode::new([1; 16]).to_string();
    let device = other_device();
    for answer in [
        auth.present(&nobody, 1).await,
        auth.accept(&nobody, &code, None).await,
        auth.register(&nobody.1, &device, nobody.0).await,
    ] {
        assert_eq!(answer.outcome(), (401, Some("unauthenticated")));
    }
}
