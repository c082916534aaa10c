//! Owns what a test asks for: a fresh database, and one server for each test executable. Knows nothing of how they are made.

use std::error::Error as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{Error, Schema, Server};

/// The server that all tests of this executable share, started at its first use. It ends with the executable.
///
/// # Panics
/// Where no server can be started, with a message that says what to do.
pub fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| or_fail_the_test(Server::start()))
}

/// A fresh, migrated database for one test, dropped with this value.
pub struct TestDatabase {
    /// Its address, for sqlx.
    pub url: String,
    name: String,
}

impl TestDatabase {
    /// Makes a database on the [`shared`] server. Blocks, and may be called from an asynchronous test.
    ///
    /// # Panics
    /// Where it cannot be made, with a message that says what to do.
    pub fn new(schema: Schema) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}_{}", COUNT.fetch_add(1, Ordering::Relaxed), schema.name());
        let url = or_fail_the_test(shared().create_database(&name, schema));
        Self { url, name }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A test may be unwinding here, and the whole server goes soon.
        let _ = shared().drop_database(&self.name);
    }
}

#[expect(
    clippy::panic,
    reason = "a test without its database has failed, and the sentence is for the person who runs it"
)]
fn or_fail_the_test<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| {
        let mut sentence = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            sentence = format!("{sentence}: {error}");
            cause = error.source();
        }
        panic!("{sentence}")
    })
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, PgConnection};

    use super::*;

    #[tokio::test]
    async fn databases_of_two_tests_are_apart_and_go_though_someone_is_connected() {
        let (left, right) = (TestDatabase::new(Schema::Service), TestDatabase::new(Schema::Service));
        let mut connection = PgConnection::connect(&left.url).await.unwrap();
        sqlx::query("CREATE TABLE mine (id bigint)").execute(&mut connection).await.unwrap();
        let mut other = PgConnection::connect(&right.url).await.unwrap();
        assert!(sqlx::query("SELECT * FROM mine").execute(&mut other).await.is_err());

        let url = left.url.clone();
        drop(left);
        assert!(PgConnection::connect(&url).await.is_err(), "the database outlives its test");
    }
}
