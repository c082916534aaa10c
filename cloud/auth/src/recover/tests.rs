use axum::Router;
use axum::routing::post;
use countermark_service::contract::{After, Page, PushEventDocument, SeatIssue, paths};
use countermark_service::service_call::CallError;
use countermark_shared::id::{AccountId, Generation, OrderId, TransferId};
use countermark_shared::keys::SigningKey;
use countermark_shared::wire::Base64;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::testing::{self, Auth, event, key, order, request, sealed, tickets};

/// Tickets and admin, as far as they are asked, one ticket and one order on a page.
async fn neighbours(
    issues: Vec<SignedIssue>,
    ended: Vec<OrderId>,
    documents: Vec<Vec<u8>>,
) -> (TicketsClient, AdminClient) {
    let of = |signed: &SignedIssue| {
        // What cannot be read comes first.
        let body = TicketBody::from_bytes(&signed.body.0).ok();
        body.map(|TicketBody { event, slot, generation, .. }| SeatIssue { event, slot, generation })
    };
    let issues = async move |Json(After { after }): Json<After<SeatIssue>>| {
        let mut rest = issues.iter().filter(|signed| after.is_none() || of(signed) > after);
        let items: Vec<_> = rest.next().cloned().into_iter().collect();
        let next = items.first().and_then(of).filter(|_| rest.next().is_some());
        Json(Page { items, next })
    };
    let ended_orders = async move |Json(After { after }): Json<After<OrderId>>| {
        let mut rest = ended.iter().copied().filter(|order| after.is_none_or(|after| *order > after));
        let items: Vec<_> = rest.next().into_iter().collect();
        let next = items.last().copied().filter(|_| rest.next().is_some());
        Json(Page { items, next })
    };
    let decisions = async move || {
        let of = |document: &Vec<u8>| Decision::Document(PushEventDocument { document: Base64(document.clone()) });
        Json(Page { items: documents.iter().map(of).collect(), next: None::<i64> })
    };
    let router = Router::new()
        .route(paths::ISSUES, post(issues))
        .route(paths::ENDED_ORDERS, post(ended_orders))
        .route(paths::DECISIONS, post(decisions));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let identity = testing::identity(ServiceName::Auth);
    let client = |name| identity.client(name, address.parse().unwrap());
    (TicketsClient(client(ServiceName::Tickets)), AdminClient(client(ServiceName::Admin)))
}

fn signed(number: u128, body: &TicketBody, key: &SigningKey) -> SignedIssue {
    SignedIssue {
        warrant: Warrant::Order(order(number)),
        account: AccountId(Uuid::nil()),
        body: Base64(body.to_bytes()),
        signature: Some(Base64(body.authorise(key).to_bytes())),
    }
}

fn slug<T>(answer: Result<T, CallError>) -> Option<String> {
    answer.err().and_then(|error| error.slug().map(str::to_owned))
}

/// Nothing was lost but what nobody can be asked for.
fn nothing() -> Recovered {
    Recovered { left: vec![ACCOUNTS.to_owned()], ..Recovered::default() }
}

/// Of the order that the backup knew, one of its two tickets was signed afterwards; another order came afterwards altogether.
#[tokio::test]
async fn what_was_signed_is_known_again_and_nothing_else_is_signed_for_it() {
    let auth = Auth::without_event().await;
    let key_of_auth = auth.state.keys.authority(auth.authority.id()).unwrap();
    auth.publish(&event()).await;
    let known = auth.paid_order(1, &tickets(2)).await;
    let (first, lost) = (auth.body(42), auth.body(50));
    let shown =
        vec![signed(1, &first, key_of_auth), signed(2, &lost, key_of_auth), signed(2, &auth.body(51), &key(77))];
    let (tickets_service, admin) = neighbours(shown, Vec::new(), vec![sealed(&event())]).await;
    let recovered = go_on(&auth.state, &tickets_service, &admin).await.unwrap();
    let left = vec!["issue 1 of seat 51 of event 7: auth did not sign it".to_owned(), ACCOUNTS.to_owned()];
    assert_eq!(recovered, Recovered { authorised: 1, without_warrant: 1, closed: 0, documents: 1, left: left.clone() });

    let ask = async |order, body: &TicketBody| slug(auth.tickets().await.authorise(&request(order, body)).await);
    let other = TicketBody { entries: first.entries + 1, ..first.clone() };
    assert_eq!(ask(known, &first).await, None, "the same body again");
    assert_eq!(ask(known, &other).await.as_deref(), Some("not-granted"));
    assert_eq!(ask(known, &lost).await.as_deref(), Some("slot-taken"));
    assert_eq!(ask(known, &auth.body(43)).await, None, "the second ticket is still to be had");
    assert_eq!(ask(known, &auth.body(44)).await.as_deref(), Some("not-granted"), "and no third");

    let mut connection = auth.state.pool.acquire().await.unwrap();
    let held = grants::held(&mut connection, lost.event, lost.product).await.unwrap();
    assert_eq!((held.event, held.product), (3, 3), "the lost order's ticket holds its place");
    drop(connection);

    // Once more: all of it is known.
    let again = go_on(&auth.state, &tickets_service, &admin).await.unwrap();
    assert_eq!(again, Recovered { documents: 1, left, ..Recovered::default() });
}

/// Found in review: the backup had the orders as granted and confirmed. They were paid and one of two tickets of each was signed afterwards; the
/// first order has ended since.
#[tokio::test]
async fn what_was_signed_counts_for_a_grant_whose_payment_is_lost() {
    let auth = Auth::start().await;
    let key_of_auth = auth.state.keys.authority(auth.authority.id()).unwrap();
    let granted = tickets(2);
    for number in [1, 2] {
        auth.confirmed_order(&auth.buyer().await, number, &granted).await;
    }
    let (first, second) = (auth.body(42), auth.body(43));
    let other = TicketBody { entries: first.entries + 1, ..auth.body(44) };
    let shown = vec![signed(1, &first, key_of_auth), signed(2, &second, key_of_auth), signed(2, &other, key_of_auth)];
    // One that was granted since, too.
    let ended = vec![order(1), order(3)];
    let (tickets_service, admin) = neighbours(shown, ended, Vec::new()).await;
    let recovered = go_on(&auth.state, &tickets_service, &admin).await.unwrap();
    assert_eq!(recovered, Recovered { authorised: 2, without_warrant: 1, closed: 1, ..nothing() });
    let again = go_on(&auth.state, &tickets_service, &admin).await.unwrap();
    assert_eq!(again, nothing());

    let held = grants::held(&mut auth.state.pool.acquire().await.unwrap(), first.event, first.product).await.unwrap();
    assert_eq!((held.event, held.product), (1 + 2 + 1, 4), "of the closed grant what was signed, of the open one all");
    let ask = async |order, body: &TicketBody| slug(auth.tickets().await.authorise(&request(order, body)).await);
    assert_eq!(ask(order(2), &auth.body(50)).await.as_deref(), Some("payment-not-confirmed"));
    // The provider says it again.
    for number in [1, 2] {
        auth.pay(order(number), &granted).await;
    }
    assert_eq!(ask(order(1), &auth.body(51)).await.as_deref(), Some("grant-closed"));
    assert_eq!(ask(order(2), &second).await, None, "the same body again");
    assert_eq!(ask(order(2), &auth.body(52)).await, None, "the second ticket");
    assert_eq!(ask(order(2), &auth.body(53)).await.as_deref(), Some("not-granted"), "and no third");
    let (_, token) = auth.buyer().await;
    assert_eq!(auth.grant(&token, order(3), &granted).await.slug(), Some("grant-closed"));
}

#[tokio::test]
async fn a_transfer_that_was_lost_leaves_its_issue_taken() {
    let auth = Auth::start().await;
    let key_of_auth = auth.state.keys.authority(auth.authority.id()).unwrap();
    let (owner, recipient) = (auth.buyer().await, auth.buyer().await);
    let old = auth.ticket(&owner, &event(), 42).await;
    let second = TicketBody { generation: Generation(2), ..old };
    let lost =
        SignedIssue { warrant: Warrant::Transfer(TransferId(Uuid::from_u128(9))), ..signed(0, &second, key_of_auth) };
    let (tickets_service, admin) = neighbours(vec![lost], Vec::new(), Vec::new()).await;
    let recovered = go_on(&auth.state, &tickets_service, &admin).await.unwrap();
    assert_eq!(recovered, Recovered { without_warrant: 1, ..nothing() });

    // The owner of the backup passes it on to another: two tickets of one issue would come of it.
    let transfer = auth.passed_on(&owner, &recipient, 42).await;
    let other = TicketBody { issuing_key: testing::other_issuing_key().id(), ..second };
    let answer = auth.tickets().await.authorise(&testing::signed_for(Warrant::Transfer(transfer), &other)).await;
    assert_eq!(slug(answer).as_deref(), Some("slot-taken"));
}

#[tokio::test]
async fn tickets_reads_what_was_signed_and_who_paid_page_by_page() {
    let auth = Auth::start().await;
    let order = auth.paid_order(1, &tickets(2)).await;
    let client = auth.tickets().await;
    let body = auth.body(42);
    let signature = client.authorise(&request(order, &body)).await.unwrap().signature;
    let page = client.issues(None).await.unwrap();
    let SignedIssue { account, .. } = page.items[0];
    let expected = SignedIssue {
        warrant: Warrant::Order(order),
        account,
        body: Base64(body.to_bytes()),
        signature: Some(signature),
    };
    assert_eq!(json!(page.items), json!([expected]));
    let after = SeatIssue { event: body.event, slot: body.slot, generation: body.generation };
    assert!(client.issues(Some(after)).await.unwrap().items.is_empty());
    let paid = client.paid_orders(None).await.unwrap().items;
    assert_eq!(paid.iter().map(|paid| (paid.order, paid.account)).collect::<Vec<_>>(), [(order, account)]);
    assert!(client.paid_orders(Some(order)).await.unwrap().items.is_empty());
}
