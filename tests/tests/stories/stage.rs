//! Where stories are told: clouds on the executable's one PostgreSQL. Owns that a story fails on an ERROR line, and that
//! a story that fails shows the logs.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Result;
use countermark_tests::administrator::Administrator;
use countermark_tests::clock;
use countermark_tests::cloud::{Cloud, Migration};
use countermark_tests::season::{self, CONCERT, FESTIVAL};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// On which cloud a story is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stage {
    /// One that other stories use at the same time, with the festival published.
    Shared,
    /// One of its own, with the festival published.
    Own(&'static str),
    /// One of its own, where nothing is published.
    Bare(&'static str),
}

/// All stories live in one runtime, since the shared cloud's lines outlive the story that needed them first.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

/// Tells a story.
pub(crate) fn tell(stage: Stage, story: impl AsyncFnOnce(&Cloud) -> Result<()>) {
    static SHARED: OnceCell<Cloud> = OnceCell::const_new();
    runtime().block_on(async {
        match stage {
            Stage::Shared => listen(SHARED.get_or_init(|| published("shared")).await, story).await,
            Stage::Own(name) => listen(&published(name).await, story).await,
            Stage::Bare(name) => listen(&start(name).await, story).await,
        }
    });
}

async fn listen(cloud: &Cloud, story: impl AsyncFnOnce(&Cloud) -> Result<()>) {
    let _logs = LogsOfFailure(cloud);
    if let Err(error) = story(cloud).await {
        panic!("{error:?}");
    }
    let errors = cloud.errors();
    assert!(errors.is_empty(), "the story went well, but an error was logged: {errors:#?}");
}

async fn published(name: &str) -> Cloud {
    let cloud = start(name).await;
    let now = clock::now();
    let festival = season::festival(now, now + Duration::from_hours(6)).unwrap();
    Administrator::log_in(&cloud).await.unwrap().publish(&festival).await.unwrap();
    cloud
}

async fn start(name: &str) -> Cloud {
    let server = tokio::task::spawn_blocking(countermark_postgres::shared).await.unwrap();
    Cloud::start(server, name, Migration::FromTemplate, &[FESTIVAL, CONCERT], &|_| {}).await.unwrap()
}

/// Shows what the processes said, if the story panics.
struct LogsOfFailure<'a>(&'a Cloud);

impl Drop for LogsOfFailure<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.log_tails());
        }
    }
}
