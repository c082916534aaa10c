//! A thief has one gate's disk, and with it the gate's key: what is written in its name about tickets that nobody showed it is not
//! believed, it is not the key of any document, and the other gate lets in as before. About a ticket that he has he is believed as far as that
//! staff are called, and no further once the gate is reported stolen.

use std::io::Write;

use anyhow::{Context, Result};
use countermark_shared::documents::Direction;
use countermark_shared::enrolment::answer_login;
use countermark_shared::id::{GateId, Generation, LaneId, Slot};
use countermark_shared::journal::{
    Actor, BootId, ChainHash, Checkpoint, ClockState, DocumentRevisions, JournalRow, Subject,
};
use countermark_shared::keys::SigningKey;
use countermark_shared::verdict::Reason;
use countermark_shared::wire::{
    Base64, LoggedIn, Login, Nonce, RequestNonce, RowOutcome, SignedCheckpoint, Upload, Uploaded, UploadedRow, paths,
};
use countermark_tests::administrator::Administrator;
use countermark_tests::api::Api;
use countermark_tests::buyer::Buyer;
use countermark_tests::clock;
use countermark_tests::cloud::Cloud;
use countermark_tests::gate::Gate;
use countermark_tests::season::{FESTIVAL, SOLO};

use crate::stage::{Stage, tell};

/// Somebody who calls validation as a gate does, with the key from its disk.
struct Thief {
    gate: GateId,
    key: SigningKey,
    validation: Api,
    /// Rows written in the gate's name.
    written: u64,
    chain: ChainHash,
}

impl Thief {
    async fn log_in(cloud: &Cloud, disk: &Gate) -> Result<Self> {
        let (gate, key) = (GateId(disk.number), disk.private_key()?);
        let base = cloud.gate_line().url();
        let anonymous = Api::anonymous(base.clone())?;
        let Nonce { nonce } = anonymous.post(paths::NONCE, &RequestNonce { gate }).await?;
        let answer = Base64(answer_login(gate, &nonce.0, &key).to_bytes());
        let session: LoggedIn = anonymous.post(paths::LOGIN, &Login { gate, nonce, answer }).await?;
        let validation = anonymous.signed_in(base, &session.token);
        Ok(Self { gate, key, validation, written: 0, chain: ChainHash::START })
    }

    /// Says that the gate let this seat in, with the ticket's text where the thief has one.
    async fn claim(&mut self, slot: u32, ticket: Option<String>) -> Result<RowOutcome> {
        let sequence = self.written + 1;
        let row = JournalRow {
            gate: self.gate,
            sequence,
            boot: BootId::new([7; 16]),
            at: clock::now(),
            clock: ClockState::Signed,
            lane: LaneId(1),
            direction: Direction::Entry,
            subject: Subject::Ticket { event: FESTIVAL, slot: Slot(slot), generation: Generation(1) },
            persons: 1,
            actor: Actor::Gate,
            reason: Reason::Admitted,
            proved: true,
            documents: DocumentRevisions::NONE,
            act: None,
        };
        let bytes = row.to_bytes();
        let hash = self.chain.next(&bytes);
        let signature = Base64(Checkpoint::new(self.gate, sequence, hash).sign(&self.key).to_bytes());
        let upload = Upload {
            previous: self.chain,
            rows: vec![UploadedRow { sequence, row: Base64(bytes), ticket }],
            checkpoint: SignedCheckpoint { sequence, hash, signature },
        };
        (self.written, self.chain) = (sequence, hash);
        let uploaded: Uploaded = self.validation.post(paths::JOURNAL, &upload).await?;
        uploaded.results.first().map(|result| result.outcome).context("no result came")
    }
}

#[test]
fn misleads_nobody() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 1).await?;
        let ticket = tickets.first().context("nothing was sold")?;
        let enrol =
            async |name, entrance| Gate::enrol(cloud, name, &administrator.gate(entrance, FESTIVAL).await?).await;
        let (stolen, honest) = (enrol("stolen-gate", "South").await?, enrol("honest-gate", "West").await?);
        let mut running = honest.listen().await?;
        honest.would_say(&ticket.text, Reason::Admitted).await?;

        let known = clock::now();
        let mut thief = Thief::log_in(cloud, &stolen).await?;
        assert_eq!(thief.claim(ticket.slot, None).await?, RowOutcome::Unproved);
        let figures = administrator.figures(FESTIVAL).await?.admissions.context("validation did not answer")?;
        let own = figures.gates.iter().find(|gate| gate.gate == stolen.number).context("the gate is not counted")?;
        assert_eq!((own.admitted, own.doubtful), (0, 1), "{own:?}");

        honest.would_say(&ticket.text, Reason::Admitted).await?;
        // He photographed somebody's ticket in the queue. The gate is in doubt already, so that nobody is refused by its word.
        assert_eq!(thief.claim(ticket.slot, Some(ticket.text.clone())).await?, RowOutcome::Stored);
        honest.would_say(&ticket.text, Reason::UsedElsewhere).await?;
        administrator.report_stolen(stolen.number, "it is gone since the doors opened", known).await?;
        honest.would_say(&ticket.text, Reason::Admitted).await?;
        assert_eq!(thief.claim(ticket.slot, Some(ticket.text.clone())).await?, RowOutcome::Unproved);
        let resumed = administrator.resume(stolen.number, "it was found").await.err();
        assert_eq!(resumed.as_ref().and_then(|error| error.slug()), Some("gate-retracted"));
        writeln!(running.lines()?, "{}", ticket.text)?;
        assert_eq!(running.verdict().await?.verdict, Reason::Admitted);
        running.kill().await?;
        Ok(())
    });
}
