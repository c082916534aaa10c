//! Who tickets are for: asked for where they say so, and nowhere in clear.

use axum::http::StatusCode;
use countermark_service::contract::GrantStanding;
use countermark_shared::documents::{HolderName, TicketForm};
use countermark_shared::id::OrderId;
use serde_json::{Value, json};

use super::amount;
use crate::expire;
use crate::testing::{BUYER, World, offer};

const SEALED: TicketForm = TicketForm { live_window_seconds: 0, holder: HolderName::Sealed };

fn names() -> Value {
    json!([{ "name": "Ada Lovelace", "seat": "Row 3, 14" }, { "name": "Zoë Çelik" }])
}

async fn order(world: &World, key: &str, names: Value) -> (StatusCode, Value) {
    let duo = offer(1, 2, false, 100);
    world.publish(&duo).await;
    world.order_for(BUYER, &duo, 1, key, names).await
}

async fn kept(world: &World) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM order_names").fetch_one(&world.state.pool).await.unwrap()
}

#[tokio::test]
async fn each_ticket_has_the_name_it_was_bought_for() {
    let world = World::selling(SEALED).await;
    let (status, placed) = order(&world, "k", names()).await;
    assert_eq!(status, StatusCode::CREATED, "{placed}");
    let id = world.grant(&placed, GrantStanding::Open);
    world.pay("p1", id, amount(&placed)).await;
    let issued = world.until(id, "issued").await;
    assert_eq!(world.name_on(&issued["tickets"][0]["text"]).await, ("Ada Lovelace".into(), "Row 3, 14".into()));
    assert_eq!(world.name_on(&issued["tickets"][1]["text"]).await, ("Zoë Çelik".into(), String::new()));
    for answer in [placed, issued] {
        assert!(!answer.to_string().contains("Lovelace"), "{answer}");
    }
}

#[tokio::test]
async fn names_come_exactly_where_tickets_carry_them() {
    let sealed = World::selling(SEALED).await;
    for (number, few) in [Value::Null, json!([]), json!([{ "name": "Ada" }])].into_iter().enumerate() {
        let (status, problem) = order(&sealed, &number.to_string(), few).await;
        let expected = (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:countermark:problem:names-required"));
        assert_eq!((status, &problem["type"]), expected);
        assert_eq!(problem["tickets"], 2);
    }
    let unnamed = World::new().await;
    let (status, problem) = order(&unnamed, "k", names()).await;
    let expected = (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:countermark:problem:names-not-taken"));
    assert_eq!((status, &problem["type"]), expected);

    let (status, problem) = order(&sealed, "k", json!([{ "name": "Lovelace\u{7}" }, { "name": "Zoë" }])).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["detail"].as_str().unwrap().contains("55 bytes"), "{problem}");
    assert!(!problem.to_string().contains("Lovelace"), "{problem}");
}

#[tokio::test]
async fn the_same_key_with_other_names_is_another_request() {
    let world = World::selling(SEALED).await;
    let (_, placed) = order(&world, "k", names()).await;
    let mut swapped = names();
    swapped.as_array_mut().unwrap().reverse();
    let id = world.grant(&placed, GrantStanding::Open);
    for is_over in [false, true] {
        assert_eq!(order(&world, "k", names()).await.1["order"], placed["order"]);
        for other in [swapped.clone(), Value::Null, json!([{ "name": "Ada" }, { "name": "Zoë" }])] {
            let (status, problem) = order(&world, "k", other).await;
            let expected = (StatusCode::UNPROCESSABLE_ENTITY, &json!("urn:countermark:problem:idempotency-key-reused"));
            assert_eq!((status, &problem["type"]), expected);
        }
        if !is_over {
            world.pay("p1", id, amount(&placed)).await;
            world.until(id, "issued").await;
            assert_eq!(kept(&world).await, 0);
        }
    }
}

#[tokio::test]
async fn names_go_when_their_order_ends() {
    let world = World::selling(SEALED).await;
    let place = async |key: &str| -> (OrderId, Value) {
        let (_, placed) = order(&world, key, names()).await;
        (world.grant(&placed, GrantStanding::Open), placed)
    };
    let (late, placed) = place("expired").await;
    assert_eq!(kept(&world).await, 2);
    world.clock.advance(std::time::Duration::from_mins(10));
    assert_eq!(expire::sweep(&world.state.pool, true, world.clock.now()).await.unwrap(), 1);
    assert_eq!(kept(&world).await, 0);
    world.pay("late", late, amount(&placed)).await;
    assert_eq!(world.read_order(late).await["state"], "refund-due");

    let (refused, placed) = place("refused").await;
    assert_eq!(kept(&world).await, 2);
    world.peers.lock().unwrap().auth.refusals = vec![(StatusCode::CONFLICT, "grant-closed")];
    world.pay("refused", refused, amount(&placed)).await;
    world.until(refused, "refund-due").await;
    assert_eq!(kept(&world).await, 0);

    // Not before: a crash of the transaction that ends the order leaves both.
    world.break_at("orders", "NEW.state = 'issued'").await;
    let (issued, placed) = place("issued").await;
    world.pay("issued", issued, amount(&placed)).await;
    world.until_failed().await;
    assert_eq!(kept(&world).await, 2);
    world.mend().await;
    world.until_retried(issued, "issued").await;
    assert_eq!(kept(&world).await, 0);
}

/// Every table, while names are kept and after.
#[tokio::test]
async fn a_name_is_nowhere_in_the_database_in_clear() {
    let world = World::selling(SEALED).await;
    let (_, placed) = order(&world, "k", names()).await;
    let id = world.grant(&placed, GrantStanding::Open);
    for is_over in [false, true] {
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
                .fetch_all(&world.state.pool)
                .await
                .unwrap();
        assert!(tables.iter().any(|table| table == "order_names"));
        for table in tables {
            let rows = format!("SELECT row::text FROM {table} AS row");
            let rows: Vec<String> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(rows)).fetch_all(&world.state.pool).await.unwrap();
            // As text, and as the hexadecimal digits of a bytea.
            let clear = rows.iter().any(|row| row.contains("Lovelace") || row.contains("4c6f76656c616365"));
            assert!(!clear, "{table}");
        }
        if !is_over {
            world.pay("p1", id, amount(&placed)).await;
            world.until(id, "issued").await;
        }
    }
}
