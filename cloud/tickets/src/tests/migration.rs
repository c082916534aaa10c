//! Rows that were there before live, sealed and transferred tickets were.

use countermark_postgres::{Schema, TestDatabase};
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use crate::MIGRATOR;

#[tokio::test]
async fn tickets_of_before_survive_and_are_their_buyers() {
    let database = TestDatabase::new(Schema::Service);
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let mut migrations = MIGRATOR.iter();
    let first = migrations.next().unwrap();
    sqlx::raw_sql(first.sql.clone()).execute(&mut connection).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO offers (id, event, product, name_en, name_fr, price_minor, currency, persons, one_code, stock, sales_from,
                             sales_until, published_at)
         VALUES ('00000000-0000-0000-0000-000000000001', 7, 1, 'a', 'a', 1, 'EUR', 1, false, 10, now(), now() + interval '1 hour', now());
         INSERT INTO orders (id, account, idempotency_key, offer, quantity, persons, terms, created_at, state, reserved_until, payment,
                             paid_at)
         VALUES ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000003', 'k', '00000000-0000-0000-0000-000000000001', 1, 1, '{}', now(), 'paid', now(), 'p', now());
         INSERT INTO tickets (id, order_id, number, event, slot, generation, body, issuer_signature)
         VALUES ('00000000-0000-0000-0000-000000000004', '00000000-0000-0000-0000-000000000002', 1, 7, 42, 1, decode(repeat('01', 35), 'hex'), decode(repeat('02', 64), 'hex'))",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    for migration in migrations {
        sqlx::raw_sql(migration.sql.clone()).execute(&mut connection).await.unwrap();
    }
    let ticket = sqlx::query("SELECT account, body, transfer FROM tickets").fetch_one(&mut connection).await.unwrap();
    assert_eq!(ticket.get::<Uuid, _>("account"), Uuid::from_u128(3));
    assert_eq!(ticket.get::<Vec<u8>, _>("body"), [1; 35]);
    assert_eq!(ticket.get::<Option<Uuid>, _>("transfer"), None);
    for (length, is_allowed) in [(35, true), (36, false), (68, true), (108, true), (141, true), (142, false)] {
        let stored =
            sqlx::query("UPDATE tickets SET body = $1").bind(vec![0_u8; length]).execute(&mut connection).await;
        assert_eq!(stored.is_ok(), is_allowed, "{length} bytes");
    }
}

/// Whoever bought before there were guest lists is on them, at the instant at which the ticket became theirs.
#[tokio::test]
async fn tickets_of_before_were_issued_when_their_order_was_or_when_they_replaced_another() {
    let database = TestDatabase::new(Schema::Service);
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let guests = MIGRATOR.iter().position(|migration| migration.version == 4).unwrap();
    let (before, from_there) = MIGRATOR.migrations.split_at(guests);
    for migration in before {
        sqlx::raw_sql(migration.sql.clone()).execute(&mut connection).await.unwrap();
    }
    sqlx::raw_sql(
        "INSERT INTO offers (id, event, product, name_en, name_fr, price_minor, currency, persons, one_code, stock, sales_from,
                             sales_until, published_at)
         VALUES ('00000000-0000-0000-0000-000000000001', 7, 1, 'a', 'a', 1, 'EUR', 1, false, 10, now(), now() + interval '1 hour', now());
         INSERT INTO orders (id, account, idempotency_key, offer, quantity, persons, terms, created_at, state, reserved_until, payment,
                             paid_at, ended_at)
         VALUES ('00000000-0000-0000-0000-000000000002', '00000000-0000-0000-0000-000000000003', 'k', '00000000-0000-0000-0000-000000000001', 1, 1, '{}', now(), 'issued', now(), 'p', now(), '2026-11-01T00:00:00Z'),
                ('00000000-0000-0000-0000-000000000004', '00000000-0000-0000-0000-000000000003', 'l', '00000000-0000-0000-0000-000000000001', 1, 1, '{}', now(), 'paid', now(), 'q', now(), NULL);
         INSERT INTO tickets (id, order_id, account, number, event, slot, generation, transfer, transferred_at, body, issuer_signature,
                              authority_signature)
         SELECT gen_random_uuid(), order_id, '00000000-0000-0000-0000-000000000003', 1, 7, slot, generation, transfer, transferred_at,
                decode(repeat('01', 35), 'hex'), decode(repeat('02', 64), 'hex'), decode(repeat('03', 64), 'hex')
         FROM (VALUES
             ('00000000-0000-0000-0000-000000000002'::uuid, 42, 1, NULL::uuid, '2026-11-02T00:00:00Z'::timestamptz),
             ('00000000-0000-0000-0000-000000000002', 42, 2, '00000000-0000-0000-0000-000000000005', '2026-11-03T00:00:00Z'),
             ('00000000-0000-0000-0000-000000000002', 42, 3, '00000000-0000-0000-0000-000000000006', NULL),
             ('00000000-0000-0000-0000-000000000004', 43, 1, NULL, NULL)
         ) AS made (order_id, slot, generation, transfer, transferred_at)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    for migration in from_there {
        sqlx::raw_sql(migration.sql.clone()).execute(&mut connection).await.unwrap();
    }
    let days: Vec<Option<i32>> = sqlx::query_scalar(
        "SELECT extract(day FROM issued_at AT TIME ZONE 'UTC')::int4 FROM tickets ORDER BY slot, generation",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(days, [Some(1), Some(2), Some(3), None]);
}
