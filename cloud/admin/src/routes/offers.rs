//! An offer is published, and closed.

use core::num::NonZeroU8;

use axum::http::StatusCode;
use countermark_service::caller::Caller;
use countermark_service::contract::{CloseOffer, PublishOffer, SalesWindow};
use countermark_service::extract::{IdempotencyKey, Json};
use countermark_service::problem::ProblemDocument;
use countermark_shared::documents::Text;
use countermark_shared::id::{EventId, OfferId, ProductId};
use countermark_shared::money::Money;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::error::Error;
use crate::record::{Act, Done, Intent, on_record, sentence};
use crate::state::State;
use crate::store::offers;

/// What is to be sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOffer {
    /// The event.
    pub(crate) event: EventId,
    /// What a ticket of it admits to.
    pub(crate) product: ProductId,
    /// What buyers read.
    pub(crate) name: Text,
    /// Price of the whole offer, for all its persons.
    pub(crate) price: Money,
    /// Persons in it.
    #[schema(value_type = u8, minimum = 1)]
    pub(crate) persons: NonZeroU8,
    /// One code for all its persons, instead of a ticket for each.
    pub(crate) one_code: bool,
    /// Persons it may admit in all.
    pub(crate) stock: u32,
    /// When it is sold.
    pub(crate) sales: SalesWindow,
}

/// The offer is on sale within its window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct OfferPublished {
    /// What it is called from now on.
    pub(crate) offer: OfferId,
}

/// Has tickets sell an offer. Tickets checks it against the event's document; its refusal is passed on.
#[utoipa::path(
    post,
    path = "/v1/offers",
    operation_id = "publish_offer",
    params(IdempotencyKey),
    request_body = NewOffer,
    responses(
        (status = 201, description = "It is published.", body = OfferPublished),
        (status = 400, description = "`invalid-request`: no Idempotency-Key, or text with U+0000", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`offer-closed` by tickets: it was published with this key before, and closed since", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency-key-reused`; `offer-refused` by tickets", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: send it again with the same key", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn publish(
    state: State,
    caller: Caller,
    key: IdempotencyKey,
    Json(request): Json<NewOffer>,
) -> Result<(StatusCode, Json<OfferPublished>), Error> {
    let offer = offer_of(&state, caller, key.as_str(), &serde_json::to_value(&request)?).await?;
    let publish = request.called(offer);
    let detail = serde_json::to_value(&publish)?;
    let intent = Intent { act: Act::PublishOffer, subject: format!("offer {offer}"), detail };
    let tickets = state.tickets.clone();
    let published = on_record(&state, caller, intent, async move {
        tickets.publish_offer(&publish).await?;
        Ok(Done { detail: json!({}), answer: OfferPublished { offer } })
    })
    .await?;
    Ok((StatusCode::CREATED, Json(published)))
}

/// Sell no more of an offer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Closing {
    /// The offer.
    pub(crate) offer: OfferId,
    /// Why, for the record: 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub(crate) reason: String,
}

/// Has tickets close an offer, as one whose price is wrong: it is shown and ordered no more, and another is published in its place. Orders that were placed
/// before are honoured as they are, those that wait for their payment as well. One that is closed already is well; none is opened again.
#[utoipa::path(
    post,
    path = "/v1/offers/close",
    operation_id = "close_offer",
    request_body = Closing,
    responses(
        (status = 204, description = "It is closed."),
        (status = 400, description = "`invalid-request`: no reason, or one too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-found` to tickets", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: send it again", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn close(
    state: State,
    caller: Caller,
    Json(Closing { offer, reason }): Json<Closing>,
) -> Result<StatusCode, Error> {
    let detail = json!({ "offer": offer, "reason": sentence(&reason)? });
    let intent = Intent { act: Act::CloseOffer, subject: format!("offer {offer}"), detail };
    let tickets = state.tickets.clone();
    on_record(&state, caller, intent, async move {
        tickets.close_offer(&CloseOffer { offer }).await?;
        Ok(Done { detail: json!({}), answer: () })
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn offer_of(state: &State, caller: Caller, key: &str, request: &Value) -> Result<OfferId, Error> {
    let new = OfferId(state.randomness.uuid());
    let mut connection = state.pool.acquire().await?;
    offers::of_key(&mut connection, caller.account, key, new, request, state.clock.now()).await
}

impl NewOffer {
    fn called(self, offer: OfferId) -> PublishOffer {
        let Self { event, product, name, price, persons, one_code, stock, sales } = self;
        PublishOffer { offer, event, product, name, price, persons, one_code, stock, sales }
    }
}

#[cfg(test)]
mod tests {
    use countermark_service::contract::paths;
    use countermark_shared::time::Timestamp;

    use super::*;
    use crate::record::Outcome;
    use crate::testing::{self, Answer, Bench};

    fn duo() -> Value {
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        json!({
            "event": 7, "product": 1, "name": { "en": "Duo", "fr": "Duo" },
            "price": { "minor": 5000, "currency": "EUR" }, "persons": 2, "one_code": false, "stock": 30,
            "sales": { "from": now, "until": now + std::time::Duration::from_hours(1) },
        })
    }

    async fn publish(bench: &Bench, key: &str, offer: &Value) -> Answer {
        bench.post_with("/v1/offers", &[("idempotency-key", key)], offer).await
    }

    #[tokio::test]
    async fn the_same_key_is_the_same_offer() {
        let mut bench = Bench::new().await;
        bench.tickets.answers(paths::OFFERS, StatusCode::NO_CONTENT, Value::Null);
        let first = publish(&bench, "a", &duo()).await;
        assert_eq!(first.status, StatusCode::CREATED, "{}", first.text());
        let first: OfferPublished = first.json();
        assert_eq!(publish(&bench, "a", &duo()).await.json::<OfferPublished>(), first);
        let (_, sent) = bench.tickets.called().await;
        let mut expected = duo();
        expected["offer"] = json!(first.offer);
        assert_eq!(sent, expected);
        assert_eq!(bench.tickets.called().await.1, sent);

        let mut other = duo();
        other["stock"] = json!(31);
        publish(&bench, "a", &other).await.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused");
        assert_ne!(publish(&bench, "b", &duo()).await.json::<OfferPublished>(), first);
        let log = bench.log().await;
        assert_eq!(log[0].subject, format!("offer {}", first.offer));
        assert_eq!((&log[0].detail, log[1].outcome), (&expected, Outcome::Done));
    }

    #[tokio::test]
    async fn an_offer_is_closed_for_a_reason_that_is_on_the_record() {
        let mut bench = Bench::new().await;
        let offer = bench.state.randomness.uuid();
        let because = |reason: &str| json!({ "offer": offer, "reason": reason });
        bench.post("/v1/offers/close", &because(" ")).await.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
        bench.tickets.answers(paths::CLOSE_OFFER, StatusCode::NO_CONTENT, Value::Null);
        assert_eq!(bench.post("/v1/offers/close", &because("A zero is missing.")).await.status, StatusCode::NO_CONTENT);
        assert_eq!(bench.tickets.called().await, (paths::CLOSE_OFFER.to_owned(), json!({ "offer": offer })));
        bench.tickets.answers(paths::CLOSE_OFFER, StatusCode::NOT_FOUND, testing::problem(404, "not-found"));
        bench.post("/v1/offers/close", &because("Why not.")).await.is_problem(StatusCode::NOT_FOUND, "not-found");
        let log = bench.log().await;
        let acts: Vec<_> = log.iter().map(|entry| (entry.act, entry.outcome)).collect();
        let tried = |outcome| [(Act::CloseOffer, Outcome::Intended), (Act::CloseOffer, outcome)];
        assert_eq!(acts, [Outcome::Done, Outcome::Refused].map(tried).concat());
        assert_eq!(log[0].detail, because("A zero is missing."));
    }

    #[tokio::test]
    async fn a_refusal_of_tickets_is_passed_on_and_recorded() {
        let bench = Bench::new().await;
        let refusal = json!({
            "type": "urn:countermark:problem:offer-refused", "title": "The event does not allow this offer",
            "status": 422, "detail": "Its price is below the least price.",
        });
        bench.tickets.answers(paths::OFFERS, StatusCode::UNPROCESSABLE_ENTITY, refusal.clone());
        let answer = publish(&bench, "a", &duo()).await;
        answer.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "offer-refused");
        assert_eq!(answer.json::<Value>(), refusal);
        let log = bench.log().await;
        assert_eq!(log[1].outcome, Outcome::Refused);
        assert_eq!(log[1].detail["why"], "The event does not allow this offer. Its price is below the least price.");

        // The same offer again, closed since: nobody is told that it is on sale.
        bench.tickets.answers(paths::OFFERS, StatusCode::CONFLICT, testing::problem(409, "offer-closed"));
        publish(&bench, "a", &duo()).await.is_problem(StatusCode::CONFLICT, "offer-closed");

        // Not trusting this service is no refusal of what the administrator asked.
        bench.tickets.answers(paths::OFFERS, StatusCode::FORBIDDEN, testing::problem(403, "forbidden"));
        publish(&bench, "a", &duo()).await.is_problem(StatusCode::INTERNAL_SERVER_ERROR, "internal");
    }

    #[tokio::test]
    async fn an_act_without_an_answer_is_recorded_as_unknown() {
        let mut bench = Bench::new().await;
        bench.tickets.close().await;
        publish(&bench, "a", &duo()).await.is_problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable");
        assert_eq!(bench.log().await[1].outcome, Outcome::Unknown);
    }

    #[tokio::test]
    async fn what_is_no_offer_is_refused_before_anybody_is_asked() {
        let mut bench = Bench::new().await;
        for key in ["", "two words", "é", &"k".repeat(65)] {
            publish(&bench, key, &duo()).await.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
        }
        bench.post("/v1/offers", &duo()).await.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
        for (member, value) in [
            ("persons", json!(0)),
            ("stock", json!(-1)),
            ("price", json!({ "minor": 1, "currency": "euro" })),
            ("colour", json!("red")),
        ] {
            let mut offer = duo();
            offer[member] = value;
            let answer = publish(&bench, "a", &offer).await;
            answer.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid-request");
        }
        let mut offer = duo();
        offer["name"]["en"] = json!("Duo\0");
        publish(&bench, "a", &offer).await.is_problem(StatusCode::BAD_REQUEST, "invalid-request");
        assert!(bench.tickets.is_quiet());
        assert!(bench.log().await.is_empty());
    }
}
