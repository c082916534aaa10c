//! Every process of the cloud, started with each setting missing or wrong.

use std::path::Path;

use anyhow::Result;
use countermark_tests::cloud::{Cloud, Part, Settings};
use countermark_tests::process::{Outcome, command, run};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use crate::stage::{Stage, tell};

const AT_ONCE: usize = 3;

/// Settings that may be left out.
const OPTIONAL: [&str; 2] = ["COUNTERMARK_LOG_FORMAT", "COUNTERMARK_SANDBOX_PAYMENTS_PUBLIC_URL"];

#[test]
fn a_missing_setting_is_named() {
    tell(Stage::Shared, async |cloud| {
        let mut attempts = Vec::new();
        for part in Part::ALL {
            let complete = cloud.settings(part);
            for name in complete.keys().filter(|name| !OPTIONAL.contains(&name.as_str())) {
                let mut settings = complete.clone();
                settings.remove(name);
                attempts.push(Attempt { part, settings, named: name.clone() });
            }
        }
        all_fail(cloud, attempts).await
    });
}

#[test]
fn a_wrong_setting_is_named() {
    tell(Stage::Shared, async |cloud| {
        let mut attempts = Vec::new();
        for part in Part::ALL {
            let complete = cloud.settings(part);
            for name in complete.keys() {
                for wrong in wrong_values(name) {
                    let mut settings = complete.clone();
                    settings.insert(name.clone(), (*wrong).to_owned());
                    attempts.push(Attempt { part, settings, named: name.clone() });
                }
            }
        }
        all_fail(cloud, attempts).await
    });
}

#[test]
fn a_setting_that_nobody_reads_is_named() {
    tell(Stage::Shared, async |cloud| {
        let misspelt = |part: Part| {
            let name = part.variable("LISTN");
            let mut settings = cloud.settings(part);
            settings.insert(name.clone(), "127.0.0.1:0".to_owned());
            Attempt { part, settings, named: name }
        };
        all_fail(cloud, Part::ALL.into_iter().map(misspelt).collect()).await
    });
}

#[test]
fn a_key_of_somebody_else_is_named() {
    tell(Stage::Shared, async |cloud| {
        let mut attempts = Vec::new();
        for part in [Part::Auth, Part::Tickets, Part::Validation] {
            let name = part.variable("MASTER_KEY_FILE");
            let mut settings = cloud.settings(part);
            let foreign = cloud.ceremony().secret_file("administrator");
            settings.insert(name.clone(), foreign.display().to_string());
            attempts.push(Attempt { part, settings, named: name });
        }
        for part in Part::SERVICES {
            let name = part.variable("SERVICE_KEY_FILE");
            let mut settings = cloud.settings(part);
            settings.insert(name.clone(), cloud.ceremony().key_file("payments").display().to_string());
            attempts.push(Attempt { part, settings, named: name });
        }
        let stranger = "ab".repeat(32);
        for part in Part::SERVICES {
            let name = "COUNTERMARK_ROOT_FINGERPRINT".to_owned();
            let mut settings = cloud.settings(part);
            settings.insert(name.clone(), stranger.clone());
            attempts.push(Attempt { part, settings, named: name });
        }
        all_fail(cloud, attempts).await
    });
}

#[test]
fn a_secret_that_others_may_read_is_named() {
    use std::os::unix::fs::PermissionsExt;

    tell(Stage::Shared, async |cloud| {
        let mut attempts = Vec::new();
        for part in Part::ALL {
            let complete = cloud.settings(part);
            for (name, file) in complete.iter().filter(|(name, _)| name.ends_with("_FILE")) {
                let open = cloud.folder().join(format!("{part}-{name}-open"));
                std::fs::copy(file, &open)?;
                std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o640))?;
                let mut settings = complete.clone();
                settings.insert(name.clone(), open.display().to_string());
                attempts.push(Attempt { part, settings, named: name.clone() });
            }
        }
        all_fail(cloud, attempts).await
    });
}

/// A start that must not succeed.
struct Attempt {
    part: Part,
    settings: Settings,
    named: String,
}

fn wrong_values(name: &str) -> &'static [&'static str] {
    let is = |ending| name.ends_with(ending);
    if is("_LISTEN") {
        &["0.0.0.0:0", "localhost", "127.0.0.1"]
    } else if is("_DATABASE") {
        &[
            "",
            "mysql://localhost/x",
            "postgres://x:hunter2@localhost:99999999/x",
            "postgres://x@localhost/x?host=/nowhere",
        ]
    } else if is("_FILE") || is("_TRUST_BUNDLE") {
        &["", "/nowhere", "/dev/null"]
    } else if is("_PROVIDER_URL") || is("_URL") {
        &["", "auth", "ftp://127.0.0.1", "http://user:password@127.0.0.1"]
    } else if is("_WEBHOOKS") {
        &["nonsense"]
    } else if is("_KEY") || is("_FINGERPRINT") {
        &["", "00", "not hexadecimal"]
    } else {
        &["nonsense"]
    }
}

async fn all_fail(cloud: &Cloud, attempts: Vec<Attempt>) -> Result<()> {
    let program = &cloud.binaries().cloud;
    let count = attempts.len();
    let complaints: Vec<_> = stream::iter(attempts)
        .map(|attempt| fault(program, attempt))
        .buffer_unordered(AT_ONCE)
        .try_filter_map(async |fault| Ok(fault))
        .try_collect()
        .await?;
    assert!(complaints.is_empty(), "{} of {count} starts went wrong:\n{}", complaints.len(), complaints.join("\n"));
    Ok(())
}

/// What is wrong with the way the process fails; nothing when it fails as it should.
async fn fault(program: &Path, attempt: Attempt) -> Result<Option<String>> {
    let Attempt { part, settings, named } = attempt;
    let value = settings.get(&named).cloned();
    let mut command = command(program);
    command.arg(part.name()).envs(settings);
    let started = tokio::time::timeout(std::time::Duration::from_secs(20), run(command)).await;
    let Ok(outcome) = started else {
        return Ok(Some(format!("{part} runs, though {named} is {value:?}")));
    };
    let Outcome { status, said, complained } = outcome?;
    let listens = !said.is_empty();
    let names_it = complained.contains(&named);
    let leaks = complained.contains("hunter2");
    Ok((status.success() || listens || !names_it || leaks).then(|| {
        format!("{part} with {named} = {value:?} ended with {status}, said {said:?} and complained {complained:?}")
    }))
}
