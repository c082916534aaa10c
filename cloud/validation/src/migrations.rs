//! What a database of the release before holds outlives its migration.

use countermark_postgres::{Schema, TestDatabase};
use sqlx::PgPool;

const BEFORE: [&str; 2] = [
    include_str!("../../../migrations/validation/0001_gates_lists_journal.sql"),
    include_str!("../../../migrations/validation/0002_blocks.sql"),
];
const MIGRATION: &str = include_str!("../../../migrations/validation/0003_publications.sql");
const FEED: &str = include_str!("../../../migrations/validation/0006_admission_feed.sql");

/// What comes after it, in their order.
const AFTER: [&str; 2] = [
    include_str!("../../../migrations/validation/0004_unpublished.sql"),
    include_str!("../../../migrations/validation/0005_findings.sql"),
];
const NUMBERS: &str = include_str!("../../../migrations/validation/0007_numbers_of_rows.sql");

/// Two seats of event 7, of which a change waits for its list; one of event 8, of which none does; two rows of a journal.
const ROWS: &str = "
    INSERT INTO seats (event, slot, generation, revoked) VALUES (7, 1, 1, false), (7, 2, 2, true), (8, 1, 1, false);
    INSERT INTO seat_changes (event) VALUES (7), (7);
    INSERT INTO gates (event, name, created_at, code_hash, code_until)
    VALUES (7, 'North', now(), sha256('code'), now());
    INSERT INTO journal (gate, sequence, row, chain, after_gap, at, event, slot, generation, persons, ticket,
                         proved_places, believed, received_at)
    VALUES (1, 1, 'row', sha256('row'), false, now(), 7, 1, 1, 2, 'text', 2, true, now()),
           (1, 2, 'row', sha256('row'), false, now(), NULL, NULL, NULL, 0, NULL, NULL, true, now());";
const LIST: &str = "
    INSERT INTO slot_lists (event, sequence, issued_at, hash, bytes) VALUES (7, 3, now(), sha256('list'), 'list');";

async fn migrated(rows: &'static [&'static str]) -> (PgPool, TestDatabase) {
    let database = TestDatabase::new(Schema::Service);
    let pool = PgPool::connect(&database.url).await.unwrap();
    for sql in BEFORE.iter().chain(rows).chain([&MIGRATION]) {
        sqlx::raw_sql(*sql).execute(&pool).await.unwrap();
    }
    (pool, database)
}

async fn numbers(pool: &PgPool, sql: &'static str) -> Vec<i64> {
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn seats_gates_and_journals_outlive_it() {
    let (pool, _database) = migrated(&[ROWS, LIST]).await;
    // Each seat whose list waited is in the next.
    assert_eq!(numbers(&pool, "SELECT slot FROM seat_changes WHERE event = 7 ORDER BY slot").await, [1, 2]);
    assert_eq!(numbers(&pool, "SELECT slot FROM seat_changes WHERE event = 8").await, [0_i64; 0]);
    assert_eq!(numbers(&pool, "SELECT slot FROM seats ORDER BY event, slot").await, [1, 2, 1]);
    assert_eq!(numbers(&pool, "SELECT passed::int8 FROM journal ORDER BY sequence").await, [2, 0]);
    assert_eq!(numbers(&pool, "SELECT gate FROM gates WHERE NOT suspended").await, [1]);
    // Whole lists have been published: the steps begin another epoch.
    assert_eq!(numbers(&pool, "SELECT epoch FROM slot_list_epoch").await, [1]);
}

#[tokio::test]
async fn a_gate_whose_rows_were_in_doubt_still_is() {
    let (pool, _database) = migrated(&[ROWS]).await;
    let later = "
        INSERT INTO gates (event, name, created_at, code_hash, code_until)
        VALUES (7, 'South', now(), sha256('another'), now()), (7, 'West', now(), sha256('third'), now());
        UPDATE journal SET believed = false WHERE sequence = 1;
        INSERT INTO journal_aside (gate, sequence, row, reason, detail, received_at)
        VALUES (3, 1, 'row', 'fork', 'another row has this number', now());";
    for sql in [later, FEED] {
        sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    }
    assert_eq!(numbers(&pool, "SELECT gate FROM gates WHERE contested ORDER BY gate").await, [1, 3]);
    assert_eq!(numbers(&pool, "SELECT gate FROM gates WHERE retracted_from IS NOT NULL").await, [0_i64; 0]);
}

#[tokio::test]
async fn where_nothing_was_published_the_first_epoch_begins() {
    let (pool, _database) = migrated(&[]).await;
    assert_eq!(numbers(&pool, "SELECT epoch FROM slot_list_epoch").await, [0]);
}

#[tokio::test]
async fn what_was_uploaded_before_there_were_findings_is_settled_too() {
    let (pool, _database) = migrated(&[ROWS]).await;
    for sql in AFTER {
        sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    }
    // A seat that was revoked when nobody wrote down when is revoked since now.
    assert_eq!(numbers(&pool, "SELECT slot FROM seats WHERE revoked_at IS NOT NULL").await, [2]);
    assert_eq!(
        numbers(&pool, "SELECT first FROM finding_marks UNION SELECT last FROM finding_marks ORDER BY 1").await,
        [1, 2]
    );
    assert_eq!(numbers(&pool, "SELECT passed::int8 FROM passages").await, [2]);
}

#[tokio::test]
async fn rows_beyond_all_numbers_are_kept_aside_and_looked_at_again() {
    let (pool, _database) = migrated(&[ROWS]).await;
    let beyond = "
        DELETE FROM finding_marks;
        UPDATE journal SET sequence = 9223372036854775807 WHERE sequence = 1;
        UPDATE journal SET sequence = 9007199254740991 WHERE sequence = 2;";
    for sql in AFTER.into_iter().chain([FEED, beyond, NUMBERS]) {
        sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    }
    assert_eq!(numbers(&pool, "SELECT sequence FROM journal").await, [9_007_199_254_740_991]);
    assert_eq!(numbers(&pool, "SELECT sequence::int8 FROM journal_aside WHERE NOT believed").await, [i64::MAX]);
    assert_eq!(numbers(&pool, "SELECT coalesce(slot, last) FROM finding_marks ORDER BY mark").await, [1, i64::MAX]);
    assert_eq!(numbers(&pool, "SELECT gate FROM gates WHERE contested").await, [1]);
    assert_eq!(numbers(&pool, "SELECT gate FROM feed_changes").await, [1]);
}
