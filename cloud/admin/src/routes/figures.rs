//! What was sold and who came in, asked of those who know.

use countermark_service::contract::{AdmissionFigures, SalesFigures};
use countermark_service::extract::{Json, Path};
use countermark_service::problem::chain;
use countermark_service::service_call::CallError;
use countermark_service::service_name::ServiceName;
use countermark_shared::id::EventId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::Error;
use crate::state::State;

/// An event in numbers. What a service does not answer is not known, and nothing stands in for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct EventFigures {
    /// The event.
    pub(crate) event: EventId,
    /// What tickets says; nothing when it does not answer.
    pub(crate) sales: Option<Sales>,
    /// Why there is nothing.
    pub(crate) sales_missing: Option<String>,
    /// What validation says; nothing when it does not answer.
    pub(crate) admissions: Option<AdmissionFigures>,
    /// Why there is nothing.
    pub(crate) admissions_missing: Option<String>,
}

/// What was sold, over all offers and by offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Sales {
    /// Persons in paid orders.
    pub(crate) sold: u64,
    /// Paid orders whose tickets are not all issued yet: one that stays is to be looked into.
    pub(crate) issuing: u64,
    /// Tickets issued and not revoked.
    pub(crate) issued: u64,
    /// Tickets revoked.
    pub(crate) revoked: u64,
    /// Orders whose money is to be given back.
    pub(crate) refunds_due: u64,
    /// What tickets says.
    pub(crate) figures: SalesFigures,
}

/// The event's figures, as they are now.
#[utoipa::path(
    get,
    path = "/v1/events/{event}/figures",
    operation_id = "read_figures",
    params(("event" = EventId, Path, description = "The event")),
    responses((status = 200, description = "The figures, as far as the services answer.", body = EventFigures))
)]
pub(crate) async fn figures(state: State, Path(event): Path<EventId>) -> Result<Json<EventFigures>, Error> {
    let (sales, admissions) = tokio::join!(state.tickets.sales(event), state.validation.admissions(event));
    let (sales, sales_missing) = known(ServiceName::Tickets, sales);
    let (admissions, admissions_missing) = known(ServiceName::Validation, admissions);
    let sales = sales.map(Sales::from);
    Ok(Json(EventFigures { event, sales, sales_missing, admissions, admissions_missing }))
}

fn known<T>(service: ServiceName, answer: Result<T, CallError>) -> (Option<T>, Option<String>) {
    let error = match answer {
        Ok(figures) => return (Some(figures), None),
        Err(error) => error,
    };
    tracing::warn!(error = %chain(&error), %service, "figures are not known");
    let sentence = match &error {
        CallError::Refused { problem, .. } => format!("The {service} service does not say: {}.", problem.title),
        CallError::Unreachable { .. } | CallError::Malformed { .. } | CallError::Unsendable { .. } => {
            format!("The {service} service does not answer now; its figures are not known.")
        }
    };
    (None, Some(sentence))
}

impl From<SalesFigures> for Sales {
    fn from(figures: SalesFigures) -> Self {
        let total = |of: fn(&countermark_service::contract::OfferFigures) -> u32| {
            figures.offers.iter().map(|offer| u64::from(of(offer))).sum()
        };
        Self {
            sold: total(|offer| offer.sold),
            issuing: total(|offer| offer.issuing),
            issued: total(|offer| offer.issued),
            revoked: total(|offer| offer.revoked),
            refunds_due: total(|offer| offer.refunds_due),
            figures,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use countermark_service::contract::{ProductEntries, QuarterHour, Unpublished, paths};
    use countermark_shared::id::ProductId;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{self, Bench};

    fn sales() -> Value {
        let offer = |number: u8, sold: u32| {
            json!({
                "offer": format!("00000000-0000-0000-0000-0000000000{number:02}"), "name": { "en": "Duo", "fr": "Duo" },
                "stock": 30, "reserved": 2, "sold": sold, "issuing": 1, "issued": 3, "revoked": 1, "refunds_due": 1,
            })
        };
        json!({ "offers": [offer(1, 4), offer(2, 6)], "reports_under_way": 5 })
    }

    fn answers(bench: &Bench) {
        bench.tickets.answers(&paths::SALES.replace("{event}", "7"), StatusCode::OK, sales());
        let unpublished = json!({ "changes": 3, "oldest": "2027-01-22T08:00:00Z" });
        let admissions = json!({
            "admitted": 4, "gates": [], "unpublished": unpublished, "unsettled": 1, "inside": 3,
            "products": [{ "product": 1, "entered": 4 }],
            "quarters": [{ "from": "2027-01-22T08:00:00Z", "entered": 4, "left": 1 }],
        });
        bench.validation.answers(&paths::ADMISSIONS.replace("{event}", "7"), StatusCode::OK, admissions);
    }

    #[tokio::test]
    async fn figures_are_what_the_services_say() {
        let bench = Bench::new().await;
        answers(&bench);
        let figures: EventFigures = bench.get("/v1/events/7/figures").await.json();
        let sales = figures.sales.unwrap();
        assert_eq!((sales.sold, sales.issuing, sales.issued), (10, 2, 6));
        assert_eq!((sales.revoked, sales.refunds_due), (2, 2));
        assert_eq!(sales.figures.reports_under_way, 5);
        assert_eq!(
            figures.admissions,
            Some(AdmissionFigures {
                admitted: 4,
                gates: vec![],
                unpublished: Some(Unpublished { changes: 3, oldest: "2027-01-22T08:00:00Z".parse().unwrap() }),
                unsettled: 1,
                inside: 3,
                products: vec![ProductEntries { product: Some(ProductId(1)), entered: 4 }],
                quarters: vec![QuarterHour { from: "2027-01-22T08:00:00Z".parse().unwrap(), entered: 4, left: 1 }],
            })
        );
        assert_eq!((figures.sales_missing, figures.admissions_missing), (None, None));
    }

    #[tokio::test]
    async fn a_service_that_cannot_answer_leaves_its_part_empty_with_a_sentence() {
        let mut bench = Bench::new().await;
        answers(&bench);
        bench.validation.close().await;
        let figures: EventFigures = bench.get("/v1/events/7/figures").await.json();
        assert!(figures.sales.is_some() && figures.admissions.is_none());
        let sentence = figures.admissions_missing.unwrap();
        assert_eq!(sentence, "The validation service does not answer now; its figures are not known.");

        let path = paths::SALES.replace("{event}", "7");
        bench.tickets.answers(&path, StatusCode::NOT_FOUND, testing::problem(404, "event-unknown"));
        let figures: EventFigures = bench.get("/v1/events/7/figures").await.json();
        assert_eq!(figures.sales, None);
        assert_eq!(figures.sales_missing.unwrap(), "The tickets service does not say: event-unknown.");
    }
}
