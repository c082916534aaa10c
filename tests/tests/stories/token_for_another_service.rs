//! A thief in a service shows the tokens it was shown to the other services.

use countermark_tests::api::{Api, CallError};
use countermark_tests::cloud::{ADMINISTRATOR, Part};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::stage::{Stage, tell};

/// What only somebody who is signed in is told, at each service that people sign in to.
const DOORS: [(Part, &str); 3] = [
    (Part::Auth, "/v1/account"),
    (Part::Tickets, "/v1/orders/00000000-0000-0000-0000-000000000009"),
    (Part::Admin, "/v1/audit"),
];

/// Whom auth gives tokens for.
const OTHERS: [Part; 3] = [Part::Tickets, Part::Validation, Part::Admin];

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[test]
fn opens_nothing_and_is_exchanged_for_nothing() {
    tell(Stage::Shared, async |cloud| {
        let anonymous = Api::anonymous(cloud.line(Part::Auth).url())?;
        let body = json!({ "email": ADMINISTRATOR, "password": cloud.administrator_password()? });
        let Token { access_token: own } = anonymous.post("/v1/sessions", &body).await?;
        let at = |service: Part, token: &str| anonymous.signed_in(cloud.line(service).url(), token);
        let mut tokens = vec![(Part::Auth, own.clone())];
        for audience in OTHERS {
            tokens.push((audience, exchange(&at(Part::Auth, &own), audience).await?));
        }
        for (audience, token) in tokens {
            for (service, path) in DOORS {
                let answer = at(service, &token).get::<Value>(path).await;
                assert_eq!(is_stranger(answer), service != audience, "a token for {audience}, at {service}");
            }
            for other in OTHERS {
                let refused = is_stranger(exchange(&at(Part::Auth, &token), other).await);
                assert_eq!(refused, audience != Part::Auth, "a token for {audience}, for one for {other}");
            }
        }
        Ok(())
    });
}

async fn exchange(auth: &Api, audience: Part) -> Result<String, CallError> {
    let token: Token = auth.post("/v1/access-tokens", &json!({ "audience": audience.name() })).await?;
    Ok(token.access_token)
}

/// Whether the service did not know who asked; what it says to those it knows is another matter.
fn is_stranger<T>(answer: Result<T, CallError>) -> bool {
    answer.is_err_and(|refusal| refusal.slug() == Some("unauthenticated"))
}
