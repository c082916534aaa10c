//! Twenty of the nights again, at the real service over a real PostgreSQL.

use countermark_postgres::{Schema, TestDatabase};
use countermark_tests::simulation::{replay, run};

/// One of them a stadium.
const NIGHTS: std::ops::RangeInclusive<u64> = 101..=119;
const STADIUM: u64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_database_answers_and_keeps_the_same() {
    for seed in NIGHTS.chain([STADIUM]) {
        let night = run(seed, None).unwrap_or_else(|error| panic!("{error:?}"));
        let database = TestDatabase::new(Schema::Validation);
        replay(&night, &database.url).await.unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
    }
}
