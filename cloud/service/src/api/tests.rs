//! Deny by default, and everything that goes wrong is a problem.

use std::time::Duration;

use axum::body::Body;
use countermark_shared::id::AccountId;
use countermark_shared::keys::SigningKey;
use countermark_shared::time::Timestamp;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use tower::ServiceExt;
use utoipa::ToSchema;
use utoipa::openapi::path::Operation;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::document::operations;
use super::*;
use crate::caller::{Access, AccessTokens, Caller, mint};
use crate::clock::Clock;
use crate::extract::Json;
use crate::problem::MEDIA_TYPE;
use crate::randomness::Randomness;
use crate::service_call::{ServiceCaller, ServiceCalls, ServiceIdentity};

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Order {
    places: u8,
}

#[utoipa::path(get, path = "/offers", responses((status = 200, description = "Well.")))]
async fn offers() -> &'static str {
    "offers"
}

#[utoipa::path(get, path = "/panic", responses((status = 200, description = "Well.")))]
async fn panics() -> &'static str {
    panic!("the handler's own secret")
}

#[utoipa::path(post, path = "/orders", request_body = Order, responses((status = 200, description = "Well.")))]
async fn order(caller: Caller, Json(order): Json<Order>) -> String {
    format!("{} for {}", order.places, caller.role)
}

#[utoipa::path(get, path = "/figures", responses((status = 200, description = "Well.")))]
async fn figures() -> &'static str {
    "figures"
}

#[utoipa::path(post, path = "/authorise", request_body = Order, responses((status = 200, description = "Well.")))]
async fn authorise(caller: ServiceCaller, Json(order): Json<Order>) -> Json<String> {
    Json(format!("{} for {}", order.places, caller.0))
}

#[utoipa::path(get, path = "/gate", responses((status = 200, description = "Well.")))]
async fn gate() -> &'static str {
    "gate"
}

fn api() -> Api<()> {
    let new = OpenApiRouter::default;
    Api::new("Test")
        .public(new().routes(routes!(offers)).routes(routes!(panics)))
        .signed_in(&[Role::Buyer, Role::Administrator], new().routes(routes!(order)))
        .signed_in(&[Role::Administrator], new().routes(routes!(figures)))
        .services(&[ServiceName::Tickets], new().routes(routes!(authorise)))
        .guarded("gate-key", bearer("A gate's key."), new().routes(routes!(gate)), |router, ()| {
            router.layer(axum::middleware::from_fn(async |_: axum::extract::Request, _| Problem::unauthenticated()))
        })
}

fn key(byte: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([byte; 32]))
}

fn clock() -> Clock {
    Clock::fixed(Timestamp::from_unix_seconds(1_800_000_000))
}

/// With a database that does not exist: no route here needs it but `/healthz`.
fn router(clock: &Clock) -> Router {
    let services = [(ServiceName::Tickets, key(2).verifying_key()), (ServiceName::Admin, key(3).verifying_key())];
    let nowhere = PgConnectOptions::new().host("127.0.0.1").port(1);
    let front = Front {
        access_tokens: AccessTokens::local(ServiceName::Auth, &[key(1).verifying_key()], clock.clone()),
        service_calls: ServiceCalls::new(ServiceName::Auth, services, clock.clone()),
        pool: sqlx::postgres::PgPoolOptions::new()
            .acquire_timeout(Duration::from_millis(100))
            .connect_lazy_with(nowhere),
        randomness: Randomness::seeded([1; 32]),
    };
    api().finish(&front, ()).0
}

fn token(role: Role, clock: &Clock) -> String {
    let caller = Caller { account: AccountId(uuid::Uuid::nil()), role };
    let access = Access { caller, until: clock.now() + Duration::from_mins(1) };
    let token = mint(&key(1), access, ServiceName::Auth, clock.now(), &Randomness::seeded([1; 32])).unwrap();
    format!("Bearer {}", token.expose_secret())
}

async fn ask(
    router: &Router,
    method: Method,
    path: &str,
    authorization: Option<&str>,
    body: &str,
) -> (StatusCode, http::HeaderMap, Value) {
    let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let value = serde_json::from_slice(&bytes).unwrap_or(Value::String(text));
    (parts.status, parts.headers, value)
}

fn is_problem(answer: &(StatusCode, http::HeaderMap, Value), status: StatusCode, slug: &str) {
    assert_eq!(answer.0, status, "{}", answer.2);
    assert_eq!(answer.1[CONTENT_TYPE], MEDIA_TYPE);
    assert_eq!(answer.2["type"], format!("urn:countermark:problem:{slug}"));
}

#[tokio::test]
async fn every_route_but_the_public_ones_refuses_strangers() {
    let router = router(&clock());
    let document = api().document();
    let mut refused = 0;
    for (path, mut item) in document.paths.paths {
        if ["/offers", "/panic", "/healthz"].contains(&path.as_str()) {
            assert_eq!(operations(&mut item).filter(|it| !is_open(it)).count(), 0, "{path}");
            continue;
        }
        assert_eq!(operations(&mut item).filter(|it| is_open(it)).count(), 0, "{path}");
        // Whatever the method: strangers are not told which ones exist.
        for method in [Method::GET, Method::POST, Method::DELETE] {
            for authorization in [None, Some("Bearer x"), Some("Basic eDp5"), Some("Bearer")] {
                let answer = ask(&router, method.clone(), &path, authorization, "{}").await;
                is_problem(&answer, StatusCode::UNAUTHORIZED, "unauthenticated");
                assert_eq!(answer.1["www-authenticate"], "Bearer");
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 4 * 3 * 4);
}

fn is_open(operation: &Operation) -> bool {
    let requirements = serde_json::to_value(&operation.security).unwrap();
    requirements.as_array().is_some_and(|all| all.iter().all(|it| *it == serde_json::json!({})))
}

#[tokio::test]
async fn a_role_opens_its_own_routes_only() {
    let clock = clock();
    let router = router(&clock);
    let (buyer, administrator) = (token(Role::Buyer, &clock), token(Role::Administrator, &clock));
    let order = r#"{"places":2}"#;
    let answer = ask(&router, Method::POST, "/orders", Some(&buyer), order).await;
    assert_eq!((answer.0, answer.2), (StatusCode::OK, "2 for buyer".into()));
    let answer = ask(&router, Method::GET, "/figures", Some(&buyer), "").await;
    is_problem(&answer, StatusCode::FORBIDDEN, "forbidden");
    let answer = ask(&router, Method::GET, "/figures", Some(&administrator), "").await;
    assert_eq!(answer.0, StatusCode::OK);
    let answer = ask(&router, Method::POST, "/authorise", Some(&administrator), order).await;
    is_problem(&answer, StatusCode::UNAUTHORIZED, "unauthenticated");
}

#[tokio::test]
async fn services_call_as_themselves() {
    let clock = clock();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: url::Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let router = router(&clock);
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = |name, byte| {
        let randomness = Randomness::seeded([byte; 32]);
        ServiceIdentity::new(name, key(byte), clock.clone(), randomness)
            .unwrap()
            .client(ServiceName::Auth, base.clone())
    };

    let tickets = client(ServiceName::Tickets, 2);
    let answer: String = tickets.post("/authorise?x=1", &Order { places: 3 }).await.unwrap();
    assert_eq!(answer, "3 for tickets");

    // Longer than people's bodies may be, and therefore read and found to be no order.
    let error = tickets.post::<_, String>("/authorise", &"x".repeat(2 << 20)).await.unwrap_err();
    assert_eq!(error.slug(), Some("invalid-request"));

    let admin = client(ServiceName::Admin, 3);
    let error = admin.post::<_, String>("/authorise", &Order { places: 3 }).await.unwrap_err();
    assert_eq!((error.slug(), error.is_passing()), (Some("forbidden"), false));

    let impostor = client(ServiceName::Tickets, 3);
    let error = impostor.post::<_, String>("/authorise", &Order { places: 3 }).await.unwrap_err();
    assert_eq!(error.slug(), Some("unauthenticated"));
}

#[tokio::test]
async fn what_the_framework_refuses_is_a_problem_too() {
    let clock = clock();
    let router = router(&clock);
    let buyer = token(Role::Buyer, &clock);
    let answer = ask(&router, Method::GET, "/nowhere", None, "").await;
    is_problem(&answer, StatusCode::NOT_FOUND, "not-found");
    let answer = ask(&router, Method::PUT, "/offers", None, "").await;
    is_problem(&answer, StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
    assert!(answer.1.contains_key(ALLOW));
    let answer = ask(&router, Method::POST, "/orders", Some(&buyer), r#"{"places":2,"x":1}"#).await;
    is_problem(&answer, StatusCode::UNPROCESSABLE_ENTITY, "invalid-request");
    assert!(answer.2["detail"].as_str().unwrap().contains("unknown field `x`"));
    let answer = ask(&router, Method::POST, "/orders", Some(&buyer), &" ".repeat((1 << 20) + 1)).await;
    is_problem(&answer, StatusCode::PAYLOAD_TOO_LARGE, "too-large");
    let answer = ask(&router, Method::GET, "/panic", None, "").await;
    is_problem(&answer, StatusCode::INTERNAL_SERVER_ERROR, "internal");
    assert!(!answer.2.to_string().contains("secret"));
    let answer = ask(&router, Method::GET, "/healthz", None, "").await;
    is_problem(&answer, StatusCode::SERVICE_UNAVAILABLE, "unavailable");
}

#[tokio::test]
async fn answers_carry_safe_headers_and_an_id_of_our_own() {
    let router = router(&clock());
    let (_, headers, _) = ask(&router, Method::GET, "/offers", None, "").await;
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cache-control"], "no-store");
    assert!(headers[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'"));
    assert!(headers["x-request-id"].to_str().unwrap().parse::<uuid::Uuid>().is_ok());
    let (status, headers, _) = ask(&router, Method::GET, "/docs/", None, "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(headers[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'self'"));
    let (_, _, document) = ask(&router, Method::GET, "/openapi.json", None, "").await;
    let security = &document["paths"]["/figures"]["get"]["security"];
    assert_eq!(*security, serde_json::json!([{ "access-token": ["administrator"] }]));
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(schemes.keys().collect::<Vec<_>>(), ["access-token", "gate-key", "service-call"]);
}

#[test]
fn every_operation_says_how_its_guard_and_the_layers_refuse() {
    let document = serde_json::to_value(api().document()).unwrap();
    let refusals = |path: &str, method: &str| {
        let responses = document["paths"][path][method]["responses"].as_object().unwrap();
        responses.keys().filter(|status| *status != "200").cloned().collect::<Vec<_>>()
    };
    assert_eq!(refusals("/offers", "get"), ["default"]);
    assert_eq!(refusals("/orders", "post"), ["401", "403", "default"]);
    assert_eq!(refusals("/authorise", "post"), ["401", "403", "default"]);
    assert_eq!(refusals("/gate", "get"), ["401", "default"]);
    assert_eq!(refusals("/healthz", "get"), ["503", "default"]);
    let answer = &document["paths"]["/orders"]["post"]["responses"]["403"];
    assert_eq!(answer["description"], "`forbidden`: This is not yours to do.");
    assert_eq!(answer["content"][MEDIA_TYPE]["schema"]["$ref"], "#/components/schemas/Problem");
    assert!(document["components"]["schemas"]["Problem"].is_object());
    assert_eq!(defects(api().document()), [""; 0]);
}

#[utoipa::path(get, path = "/terse", operation_id = "offers", responses((status = 200)))]
async fn terse() {}

#[utoipa::path(get, path = "/bare", responses((status = 404, description = "Nothing."), (status = 409, description = "Taken.", body = Order)))]
async fn bare() {}

#[test]
fn what_a_document_leaves_unsaid_is_found() {
    let new = OpenApiRouter::<()>::default;
    let api = Api::new("Test").public(new().routes(routes!(offers)).routes(routes!(terse)).routes(routes!(bare)));
    let mut document = api.document();
    document.paths.paths.get_mut("/offers").unwrap().get.as_mut().unwrap().security = None;
    assert_eq!(
        defects(document),
        [
            "bare answers with no problem for 404",
            "bare answers with no problem for 409",
            "offers does not say who may call it",
            "offers describes no answer for 200",
            "offers is the id of two operations",
        ]
    );
}
