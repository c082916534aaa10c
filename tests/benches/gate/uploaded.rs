//! Three days of an entrance without a network, uploaded to the real validation service over a PostgreSQL that loses nothing: once by the
//! real gate, and as fast as four gates' rows can be sent.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use countermark_gate::rehearsal::{Gate as Rehearsed, Identity, Moment, Reply, Request, Step};
use countermark_postgres::Server;
use countermark_shared::documents::{RootFingerprint, Signed, TrustBundle, accept_bundle};
use countermark_shared::enrolment::answer_login;
use countermark_shared::id::{GateId, LaneId};
use countermark_shared::journal::BootId;
use countermark_shared::keys::SigningKey;
use countermark_shared::ticket::Validity;
use countermark_shared::verdict::Reason;
use countermark_shared::wire::{
    Base64, LoggedIn, Login, Nonce, RequestNonce, RowOutcome, RowResult, Upload, Uploaded, UploadedRow, paths,
};
use countermark_tests::administrator::Administrator;
use countermark_tests::clock;
use countermark_tests::cloud::{Cloud, Migration, Part};
use countermark_tests::gate::Gate;
use countermark_tests::season::{self, EVENING, FESTIVAL, GROUNDS};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use crate::measure::figure;
use crate::world::{Tickets, ticket_keys};

/// Gates that upload at once.
const GATES: u32 = 4;
/// More than a gate shows.
const SEATS_OF_A_GATE: u32 = 1_000_000;
/// An upload that takes longer is stuck.
const LONG: Duration = Duration::from_mins(5);

/// Runs all of it on a server of its own.
pub(crate) async fn uploads(server: &Server, rows: u32) -> Result<()> {
    let cloud = Cloud::start(server, "bench", Migration::ByCommand, &[FESTIVAL], &|_| {}).await?;
    let administrator = Administrator::log_in(&cloud).await?;
    let now = clock::now();
    administrator.publish(&season::festival(now, now + Duration::from_hours(6))?).await?;
    trust_our_own(&cloud).await?;
    let window = (now - Duration::from_hours(1), now + Duration::from_hours(12));
    let validity = Validity::between(window.0, window.1).context("an empty window")?;
    let tickets = Tickets { event: FESTIVAL, product: EVENING, zones: GROUNDS, validity };

    let gate = Gate::enrol(&cloud, "three-days", &administrator.gate("Three days", FESTIVAL).await?).await?;
    worked(&gate, &tickets, 0, rows).await?;
    let running = gate.listen().await?;
    let begin = Instant::now();
    let settled = gate.settled(LONG).await?;
    figure("upload_of_three_days", begin.elapsed().as_secs_f64(), "s");
    ensure!(settled.contested == 0, "{} rows were put aside", settled.contested);
    running.kill().await?;

    let mut streams = Vec::new();
    for number in 1..=GATES {
        let name = format!("one-of-four-{number}");
        let gate = Gate::enrol(&cloud, &name, &administrator.gate(&name, FESTIVAL).await?).await?;
        worked(&gate, &tickets, number, rows / GATES).await?;
        streams.push(uploads_of(&gate)?);
    }
    let validation = cloud.gate_line().url();
    let sent: usize = streams.iter().flat_map(|(_, uploads)| uploads).map(|upload| upload.rows.len()).sum();
    let mut sessions = Vec::new();
    for ((gate, key), uploads) in streams {
        let session = log_in(&validation, gate, &key).await?;
        sessions.push((session, uploads));
    }
    let begin = Instant::now();
    let sending = sessions.into_iter().map(|(session, uploads)| {
        let validation = validation.clone();
        tokio::spawn(async move {
            for upload in uploads {
                let _: Uploaded = post(&validation, paths::JOURNAL, Some(&session), &upload).await?;
            }
            anyhow::Ok(())
        })
    });
    for sent in sending.collect::<Vec<_>>() {
        sent.await??;
    }
    #[expect(clippy::cast_precision_loss, reason = "some ten thousand")]
    figure("rows_taken_from_four_gates", sent as f64 / begin.elapsed().as_secs_f64(), "rows/s");
    Ok(())
}

/// Has the root sign the benchmark's own keys beside the services', so that there are as many tickets as it needs.
async fn trust_our_own(cloud: &Cloud) -> Result<()> {
    let file = cloud.ceremony().bundle_file();
    let root = cloud.ceremony().private_key("root")?;
    let fingerprint = fingerprint(cloud)?;
    let accepted = accept_bundle(&std::fs::read(&file)?, fingerprint, None, clock::now())?;
    let mut bundle: TrustBundle = accepted.into_document();
    (bundle.version, bundle.issued) = (bundle.version + 1, clock::now());
    bundle.keys.extend(ticket_keys());
    std::fs::write(&file, Signed::seal(&bundle, &[&root])?)?;
    cloud.kill(Part::Validation).await?;
    cloud.restart(Part::Validation).await
}

fn fingerprint(cloud: &Cloud) -> Result<RootFingerprint> {
    let settings = cloud.settings(Part::Validation);
    settings.get("COUNTERMARK_ROOT_FINGERPRINT").and_then(|text| text.parse().ok()).context("no fingerprint is set")
}

/// Fills a gate's ledger while nobody can reach it: of three scans two are tickets that were never shown, the third is the second again.
async fn worked(gate: &Gate, tickets: &Tickets, number: u32, rows: u32) -> Result<()> {
    let running = gate.listen().await?;
    // A seat that no gate has let in yet, so that no other can have told of it.
    gate.would_say(&tickets.text(SEATS_OF_A_GATE - 1), Reason::NotIssued).await?;
    running.kill().await?;
    let identity = identity(gate)?;
    // When its list is so old that a seat which it does not know is newer than it.
    let since = Duration::from_hours(5);
    let now = Moment { battery: clock::now() + since, uptime: since };
    let mut rehearsed = Rehearsed::open(gate.folder(), identity, BootId::new([2; 16]), now)?;
    let seats = number * SEATS_OF_A_GATE..;
    for pair in seats.step_by(2).take(usize::try_from(rows / 3)?) {
        let (one, two) = (tickets.text(pair), tickets.text(pair + 1));
        let said = rehearsed.scan(&[(LaneId(1), &one), (LaneId(1), &two), (LaneId(1), &two)], now);
        ensure!(said.iter().all(|ruled| ruled.sequence.is_some()), "a scan was not written: {said:?}");
    }
    Ok(())
}

/// All that a gate would upload, in its own batches, and whose it is.
fn uploads_of(gate: &Gate) -> Result<((GateId, SigningKey), Vec<Upload>)> {
    let mut now = Moment { battery: clock::now(), uptime: Duration::ZERO };
    let identity = identity(gate)?;
    let mut rehearsed = Rehearsed::open(gate.folder(), identity, BootId::new([3; 16]), now)?;
    let mut uploads = Vec::new();
    while rehearsed.view()?.unsettled > 0 {
        let reply = match rehearsed.poll(now)? {
            Step::Wait { until } => {
                now.uptime = until;
                continue;
            }
            Step::Send(Request::LogIn { .. }) => {
                Reply::LoggedIn { session: SecretString::from("nobody asks"), known_up_to: None }
            }
            Step::Send(Request::Fetch { .. } | Request::AskTime { .. }) => Reply::Refused,
            Step::Send(Request::Upload { upload, session: _ }) => {
                let stored = |row: &UploadedRow| RowResult { sequence: row.sequence, outcome: RowOutcome::Stored };
                let results = upload.rows.iter().map(stored).collect();
                uploads.push(upload);
                Reply::Uploaded(Uploaded { results })
            }
        };
        rehearsed.on(reply, now, 0.5)?;
    }
    Ok(((GateId(gate.number), gate.private_key()?), uploads))
}

fn identity(gate: &Gate) -> Result<Identity> {
    let text = std::fs::read_to_string(gate.folder().join("identity.json"))?;
    let root = serde_json::from_str::<Value>(&text)?.get("root").and_then(Value::as_str).map(str::parse);
    let root = root.and_then(Result::ok).context("the identity names no root")?;
    let key = gate.private_key()?;
    Ok(Identity { gate: GateId(gate.number), root, key, unwrapping_key: None, poll: Duration::from_secs(5) })
}

async fn log_in(validation: &str, gate: GateId, key: &SigningKey) -> Result<String> {
    let Nonce { nonce } = post(validation, paths::NONCE, None, &RequestNonce { gate }).await?;
    let answer = Base64(answer_login(gate, &nonce.0, key).to_bytes());
    let LoggedIn { token, until: _, known_up_to: _ } =
        post(validation, paths::LOGIN, None, &Login { gate, nonce, answer, written_up_to: None }).await?;
    Ok(token)
}

async fn post<A: DeserializeOwned>(
    to: &str,
    path: &str,
    session: Option<&str>,
    question: &impl Serialize,
) -> Result<A> {
    let mut request = reqwest::Client::new().post(format!("{to}{path}")).json(question);
    if let Some(session) = session {
        request = request.bearer_auth(session);
    }
    Ok(request.send().await?.error_for_status()?.json().await?)
}
