//! The worker against a real database, with a clock that the tests move.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use countermark_postgres::{Schema, TestDatabase};
use countermark_shared::time::Timestamp;
use tokio::sync::{Barrier, mpsc};

use super::*;
use crate::outbox::{enqueue, pending};
use crate::transaction::transaction;

struct Bench {
    _database: TestDatabase,
    pool: PgPool,
    clock: Clock,
    outbox: Outbox,
}

impl Bench {
    async fn new() -> Self {
        let database = TestDatabase::new(Schema::Service);
        let pool = PgPool::connect(&database.url).await.unwrap();
        let clock = Clock::fixed(Timestamp::from_unix_seconds(1_800_000_000));
        Self { _database: database, pool, clock, outbox: Outbox::new() }
    }

    fn worker<H, F>(&self, handler: H) -> Worker
    where
        H: Fn(Entry) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), Retry>> + Send + 'static,
    {
        let randomness = Randomness::seeded([4; 32]);
        Worker::new(
            self.outbox.clone(),
            self.pool.clone(),
            self.clock.clone(),
            randomness,
            &["greet", "stuck"],
            handler,
        )
    }

    async fn enqueue(&self, key: &str) -> bool {
        let now = self.clock.now();
        let new = transaction(&self.pool, "enqueue", |mut transaction| {
            Box::pin(async move { enqueue(&mut transaction, "greet", key, &format!("hello {key}"), now).await })
        })
        .await
        .unwrap();
        self.outbox.poke();
        new
    }

    async fn pending(&self) -> Vec<super::super::PendingEntry> {
        pending(&mut self.pool.acquire().await.unwrap()).await.unwrap()
    }
}

#[tokio::test]
async fn an_entry_is_done_once_however_often_it_is_enqueued() {
    let bench = Bench::new().await;
    let (done, mut seen) = mpsc::unbounded_channel();
    let worker = bench.worker(move |entry| {
        let done = done.clone();
        async move {
            done.send(entry.payload::<String>()?).unwrap();
            Ok(())
        }
    });
    assert!(bench.enqueue("a").await);
    assert!(!bench.enqueue("a").await);
    assert!(worker.step("greet").await.unwrap());
    assert!(!worker.step("greet").await.unwrap());
    assert!(!bench.enqueue("a").await);
    assert!(!worker.step("greet").await.unwrap());
    assert_eq!(seen.recv().await.as_deref(), Some("hello a"));
    assert!(seen.try_recv().is_err());
    assert_eq!(bench.pending().await, []);
}

#[tokio::test]
async fn a_transaction_that_fails_enqueues_nothing() {
    let bench = Bench::new().await;
    let now = bench.clock.now();
    let result = transaction(&bench.pool, "enqueue and fail", |mut transaction| {
        Box::pin(async move {
            enqueue(&mut transaction, "greet", "a", &(), now).await?;
            Err::<(), crate::outbox::EnqueueError>(sqlx::Error::RowNotFound.into())
        })
    })
    .await;
    assert!(result.is_err());
    assert_eq!(bench.pending().await, []);
}

#[tokio::test]
async fn a_failure_is_kept_and_tried_again_later() {
    let bench = Bench::new().await;
    let tries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&tries);
    let worker = bench.worker(move |entry| {
        assert_eq!(entry.attempts, counted.fetch_add(1, Ordering::SeqCst));
        async move {
            match entry.attempts {
                0 => Err(Retry::because("auth is away")),
                1 => panic!("a bug"),
                _ => Ok(()),
            }
        }
    });
    bench.enqueue("a").await;
    assert!(worker.step("greet").await.unwrap());
    let entry = bench.pending().await.remove(0);
    assert_eq!((entry.attempts, entry.last_error.as_deref()), (1, Some("auth is away")));
    assert_eq!(entry.created_at, bench.clock.now());

    assert!(!worker.step("greet").await.unwrap(), "it is not due yet");
    bench.clock.advance(Duration::from_millis(100));
    assert!(worker.step("greet").await.unwrap());
    let entry = bench.pending().await.remove(0);
    assert_eq!(entry.attempts, 2);
    assert!(entry.last_error.unwrap().contains("panic"));

    bench.clock.advance(Duration::from_millis(200));
    assert!(worker.step("greet").await.unwrap());
    assert_eq!(bench.pending().await, []);
    assert_eq!(tries.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn no_two_workers_take_one_entry_and_a_dead_one_frees_it() {
    let bench = Bench::new().await;
    bench.enqueue("a").await;
    let (started, mut start) = mpsc::unbounded_channel();
    let stuck = bench.worker(move |_| {
        started.send(()).unwrap();
        std::future::pending()
    });
    let doomed = tokio::spawn(async move { stuck.step("greet").await });
    start.recv().await.unwrap();
    let other = bench.worker(|_| async { Ok(()) });
    assert!(!other.step("greet").await.unwrap(), "the entry is held");

    // What a killed process leaves: a connection that the database closes.
    // The databases of other tests are copies of one template, so their tables have the same numbers; and the end is waited for.
    let ended: Vec<bool> = sqlx::query_scalar(
        "SELECT pg_terminate_backend(pid, 30000) FROM (
             SELECT DISTINCT pid FROM pg_locks WHERE relation = 'outbox'::regclass AND pid <> pg_backend_pid()
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
         ) AS holders",
    )
    .fetch_all(&bench.pool)
    .await
    .unwrap();
    assert_eq!(ended, [true]);
    assert!(other.step("greet").await.unwrap(), "the entry is free again");
    assert_eq!(bench.pending().await, []);
    doomed.abort();
}

#[tokio::test]
async fn several_run_at_once_and_a_shutdown_lets_them_finish() {
    let bench = Bench::new().await;
    let together = Arc::new(Barrier::new(usize::from(AT_ONCE) + 1));
    let finished = Arc::new(Mutex::new(Vec::new()));
    let worker = {
        let (together, finished) = (Arc::clone(&together), Arc::clone(&finished));
        bench.worker(move |entry| {
            let (together, finished) = (Arc::clone(&together), Arc::clone(&finished));
            async move {
                together.wait().await;
                together.wait().await;
                finished.lock().unwrap().push(entry.key);
                Ok(())
            }
        })
    };
    let (switch, shutdown) = Shutdown::by_hand();
    let running = tokio::spawn(worker.run(shutdown));
    for number in 0..AT_ONCE {
        bench.enqueue(&number.to_string()).await;
    }
    together.wait().await;
    switch.request();
    assert!(!running.is_finished());
    together.wait().await;
    running.await.unwrap();
    let mut finished = finished.lock().unwrap().clone();
    finished.sort();
    assert_eq!(finished, ["0", "1"]);
    assert_eq!(bench.pending().await, []);
}

/// Found in review: four hands for all kinds let a hanging validation service stop tickets from being issued.
#[tokio::test]
async fn a_kind_that_hangs_holds_back_no_other() {
    let bench = Bench::new().await;
    let now = bench.clock.now();
    transaction(&bench.pool, "enqueue", |mut transaction| {
        Box::pin(async move {
            for number in 0..2 * AT_ONCE {
                enqueue(&mut transaction, "stuck", &number.to_string(), &(), now).await?;
            }
            enqueue(&mut transaction, "greet", "a", &(), now).await
        })
    })
    .await
    .unwrap();
    let (done, mut seen) = mpsc::unbounded_channel();
    let worker = bench.worker(move |entry| {
        let done = done.clone();
        async move {
            if entry.kind == "stuck" {
                std::future::pending::<()>().await;
            }
            done.send(entry.key).unwrap();
            Ok(())
        }
    });
    let (_switch, shutdown) = Shutdown::by_hand();
    let working = tokio::spawn(worker.run(shutdown));
    assert_eq!(seen.recv().await.as_deref(), Some("a"));
    working.abort();
}
