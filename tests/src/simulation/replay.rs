//! A night again, at the real service over a real database: what its gates and tickets told, at the same instants, by its HTTP; and what is found
//! of it.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use countermark_service::clock::Clock;
use countermark_service::contract::findings::{Finding, FindingQuery, FindingState};
use countermark_service::contract::{
    CreateGate, PushEventDocument, SuspendGate, ValidationClient, push_event_document,
};
use countermark_service::randomness::Randomness;
use countermark_service::service_call::{ServiceClient, ServiceIdentity};
use countermark_service::service_name::ServiceName;
use countermark_shared::enrolment::{EnrolmentCode, answer_login, prove_enrolment};
use countermark_shared::id::GateId;
use countermark_shared::keys::SigningKey;
use countermark_shared::sealing::UnwrappingKey;
use countermark_shared::wire::{
    AskClaim, Base64, ClaimAnswered, Enrol, Enrolled, LoggedIn, Login, Nonce, RequestNonce, Upload, Uploaded, paths,
};
use countermark_validation::rehearsal::{Served, serve};
use reqwest::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{PgPool, Row};
use zeroize::Zeroizing;

use super::Run;
use super::cloud::Arrived;
use super::venue::{BEGIN, EVENT, Venue, gate_key};

/// Between two times that it settles what has arrived: findings grow, and what is learned later explains some.
const SETTLES_AFTER: usize = 16;

/// Plays it to a fresh database and says where the two differ: in an answer, in a row that is kept, or in what is found.
pub async fn replay(run: &Run, database: &str) -> anyhow::Result<()> {
    let pool = PgPool::connect(database).await?;
    let stage = Stage::open(&pool, run.gates).await?;
    for (number, (at, arrived)) in run.cloud.arrived.iter().enumerate() {
        stage.clock.advance(at.since(stage.clock.now()));
        match arrived {
            Arrived::Report(report) => stage.tickets.report_slot(report).await?,
            Arrived::Suspend { gate, believed_until } => {
                let (gate, believed_until) = (*gate, Some(*believed_until));
                stage.admin.suspend_gate(&SuspendGate { gate, decided: *at, believed_until }).await?;
            }
            Arrived::Claim { gate, ask, answer } => {
                let said = stage.claim(*gate, ask).await?;
                let row = ask.row;
                ensure!(said == *answer, "row {row} of gate {gate} asks, and is answered otherwise: {said:?}");
            }
            Arrived::Upload { gate, upload, answer } => {
                let said = stage.upload(*gate, upload).await?;
                let last = upload.checkpoint.sequence;
                ensure!(said == *answer, "the rows of gate {gate} up to {last} are answered otherwise: {said:?}");
            }
        }
        if number % SETTLES_AFTER == 0 {
            stage.settle().await?;
        }
    }
    stage.settle().await?;
    run.cloud.findings.are(&stage.findings().await?)?;
    for gate in run.cloud.journals.gates() {
        let kept = sqlx::query("SELECT row, chain, after_gap, believed FROM journal WHERE gate = $1 ORDER BY sequence")
            .bind(i64::from(gate.0))
            .fetch_all(&pool)
            .await?;
        let kept =
            kept.iter().map(|row| anyhow::Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)));
        let kept: Vec<(Vec<u8>, Vec<u8>, bool, bool)> = kept.collect::<anyhow::Result<_>>()?;
        let told = run.cloud.journals.rows(gate);
        let told = told.map(|row| (row.bytes.clone(), row.after.0.to_vec(), row.after_gap, row.believed));
        ensure!(told.eq(kept), "the journal of gate {gate} is kept otherwise");
    }
    Ok(())
}

/// The service, and everybody who talks to it.
struct Stage {
    clock: Clock,
    http: reqwest::Client,
    address: String,
    service: Served,
    tickets: ValidationClient,
    admin: ValidationClient,
    sessions: BTreeMap<GateId, String>,
}

impl Stage {
    /// With so many gates enrolled, which are numbered as they come.
    async fn open(pool: &PgPool, gates: u32) -> anyhow::Result<Self> {
        let (venue, clock) = (Venue::new()?, Clock::fixed(BEGIN));
        let callers = [ServiceName::Tickets, ServiceName::Admin];
        let keys = callers.map(|name| (name, service_key(name).verifying_key())).to_vec();
        let service = serve(pool.clone(), clock.clone(), venue.bundle.clone(), venue.list_key.clone(), keys).await;
        let service = service.map_err(anyhow::Error::from_boxed).context("validation does not start")?;
        let address = format!("http://{}", service.address);
        let client = |name| client(name, &clock, &address);
        let tickets = ValidationClient(client(ServiceName::Tickets)?);
        let document = Base64(venue.event.bytes().to_vec());
        push_event_document(&client(ServiceName::Admin)?, &PushEventDocument { document }).await?;
        let admin = ValidationClient(client(ServiceName::Admin)?);
        let (http, sessions) = (reqwest::Client::new(), BTreeMap::new());
        let mut stage = Self { clock, http, address, service, tickets, admin, sessions };
        for gate in (1..=gates).map(GateId) {
            let lanes = venue.assignment(gate, 1)?.into_document().lanes;
            let created =
                stage.admin.create_gate(&CreateGate { name: format!("Gate {gate}"), event: EVENT, lanes }).await?;
            ensure!(created.gate == gate, "gate {gate} is called {}", created.gate);
            let session = stage.enrol(gate, &created.code.parse()?).await?;
            stage.sessions.insert(gate, session);
        }
        Ok(stage)
    }

    async fn enrol(&self, gate: GateId, code: &EnrolmentCode) -> anyhow::Result<String> {
        let (key, wrapping_key) = (gate_key(gate), UnwrappingKey::new(Zeroizing::new([8; 32])).wrapping_key());
        let proof = Base64(prove_enrolment(code, &key, wrapping_key).to_bytes());
        let enrol = Enrol { secret: code.secret_text(), key: key.verifying_key(), wrapping_key, proof };
        let enrolled: Enrolled = self.post(paths::ENROL, None, &enrol).await?;
        ensure!(enrolled.gate == gate, "gate {gate} became {}", enrolled.gate);
        let nonce = self.post::<Nonce>(paths::NONCE, None, &RequestNonce { gate }).await?.nonce;
        let answer = Base64(answer_login(gate, &nonce.0, &key).to_bytes());
        Ok(self.post::<LoggedIn>(paths::LOGIN, None, &Login { gate, nonce, answer, written_up_to: None }).await?.token)
    }

    async fn settle(&self) -> anyhow::Result<()> {
        self.service.settle(EVENT).await.map_err(anyhow::Error::from_boxed).context("the night cannot be settled")
    }

    /// Those that nothing has explained.
    async fn findings(&self) -> anyhow::Result<Vec<Finding>> {
        let (mut findings, mut before) = (Vec::new(), None);
        loop {
            let query = FindingQuery { state: Some(FindingState::Open), before, ..FindingQuery::default() };
            let page = self.admin.findings(EVENT, &query).await?;
            findings.extend(page.findings);
            before = page.next;
            if before.is_none() {
                return Ok(findings);
            }
        }
    }

    async fn upload(&self, gate: GateId, upload: &Upload) -> anyhow::Result<Uploaded> {
        let session = self.sessions.get(&gate).with_context(|| format!("gate {gate} is not enrolled"))?;
        self.post(paths::JOURNAL, Some(session), upload).await
    }

    /// Nothing where the gate may not ask.
    async fn claim(&self, gate: GateId, ask: &AskClaim) -> anyhow::Result<Option<ClaimAnswered>> {
        let session = self.sessions.get(&gate).with_context(|| format!("gate {gate} is not enrolled"))?;
        let request = self.http.post(format!("{}{}", self.address, paths::CLAIMS)).json(ask).bearer_auth(session);
        let response = request.send().await?;
        match response.status() {
            StatusCode::FORBIDDEN => Ok(None),
            status => {
                ensure!(status.is_success(), "{}: {status} {}", paths::CLAIMS, response.text().await?);
                Ok(Some(response.json().await?))
            }
        }
    }

    async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        session: Option<&String>,
        body: &impl Serialize,
    ) -> anyhow::Result<A> {
        let request = self.http.post(format!("{}{path}", self.address)).json(body);
        let request = match session {
            Some(session) => request.bearer_auth(session),
            None => request,
        };
        let response = request.send().await?;
        ensure!(response.status().is_success(), "{path}: {} {}", response.status(), response.text().await?);
        Ok(response.json().await?)
    }
}

fn client(name: ServiceName, clock: &Clock, address: &str) -> anyhow::Result<ServiceClient> {
    let identity = ServiceIdentity::new(name, service_key(name), clock.clone(), Randomness::system())?;
    Ok(identity.client(ServiceName::Validation, address.parse()?))
}

fn service_key(name: ServiceName) -> SigningKey {
    let seed = match name {
        ServiceName::Auth => 201,
        ServiceName::Tickets => 202,
        ServiceName::Validation => 203,
        ServiceName::Admin => 204,
    };
    SigningKey::from_seed(&Zeroizing::new([seed; 32]))
}
