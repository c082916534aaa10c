//! A thief has one gate's disk, and with it the gate's key. He says that every seat came in there: of tickets that nobody showed the gate that is
//! not believed, and the other gate lets in as before. He takes back whom the gate let in: within minutes he may, as staff might, and no later.
//! About a ticket that he has he is believed as far as that staff are called. Once the gate is reported stolen all that is as if it had never been
//! said, and people find one gate that lied, and no seat.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::num::NonZeroU8;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use countermark_shared::documents::Direction;
use countermark_shared::enrolment::answer_login;
use countermark_shared::id::{GateId, Generation, LaneId, Slot};
use countermark_shared::journal::{
    Act, Actor, BootId, ChainHash, Checkpoint, ClockState, DocumentRevisions, ExportEnd, JournalRow, Subject,
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
use countermark_tests::wait::{PATIENCE, until};
use serde_json::Value;

use crate::stage::{Stage, tell};

/// Somebody who calls validation as a gate does, with the key and the journal from its disk.
struct Thief {
    gate: GateId,
    key: SigningKey,
    validation: Api,
    /// The last row that was written in the gate's name.
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
        let login = Login { gate, nonce, answer, written_up_to: None };
        let session: LoggedIn = anonymous.post(paths::LOGIN, &login).await?;
        let validation = anonymous.signed_in(base, &session.token);
        let journal = cloud.folder().join("stolen.jsonl");
        disk.export_journal(&journal).await?;
        let end = fs::read_to_string(journal)?;
        let ExportEnd { checkpoint } = serde_json::from_str(end.lines().last().context("the journal has no end")?)?;
        Ok(Self { gate, key, validation, written: checkpoint.sequence, chain: checkpoint.hash })
    }

    /// The next row, as the gate would write it that let this seat in.
    fn admission(&self, slot: u32) -> JournalRow {
        JournalRow {
            gate: self.gate,
            sequence: self.written + 1,
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
        }
    }

    /// Says that the gate let these seats in; which of them is believed.
    async fn claim(&mut self, slots: &BTreeSet<u32>) -> Result<BTreeSet<u32>> {
        let rows = slots
            .iter()
            .zip(self.written + 1..)
            .map(|(slot, sequence)| (JournalRow { sequence, ..self.admission(*slot) }, None));
        let outcomes = self.upload(rows.collect()).await?;
        let stored = slots.iter().zip(outcomes).filter(|(_, outcome)| *outcome == RowOutcome::Stored);
        Ok(stored.map(|(slot, _)| *slot).collect())
    }

    /// Says that the gate let the owner of a ticket in whose picture he has.
    async fn show(&mut self, slot: u32, ticket: &str) -> Result<RowOutcome> {
        let row = self.admission(slot);
        self.one(row, Some(ticket.to_owned())).await
    }

    /// Says that staff took an admission back, so long after they had the seat in.
    async fn take_back(&mut self, slot: u32, of: u64, after: Duration) -> Result<RowOutcome> {
        let act = Some(Act::Undo { of, persons: NonZeroU8::MIN });
        let row = self.admission(slot);
        self.one(JournalRow { at: row.at + after, persons: 0, proved: false, actor: Actor::Operator, act, ..row }, None)
            .await
    }

    async fn one(&mut self, row: JournalRow, ticket: Option<String>) -> Result<RowOutcome> {
        self.upload(vec![(row, ticket)]).await?.first().copied().context("no result came")
    }

    async fn upload(&mut self, rows: Vec<(JournalRow, Option<String>)>) -> Result<Vec<RowOutcome>> {
        let (previous, mut hash) = (self.chain, self.chain);
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(row, ticket)| {
                let bytes = row.to_bytes();
                hash = hash.next(&bytes);
                UploadedRow { sequence: row.sequence, row: Base64(bytes), ticket }
            })
            .collect();
        let sequence = rows.last().context("there is nothing to say")?.sequence;
        let signature = Base64(Checkpoint::new(self.gate, sequence, hash).sign(&self.key).to_bytes());
        (self.written, self.chain) = (sequence, hash);
        let upload = Upload { previous, rows, checkpoint: SignedCheckpoint { sequence, hash, signature } };
        let uploaded: Uploaded = self.validation.post(paths::JOURNAL, &upload).await?;
        Ok(uploaded.results.iter().map(|result| result.outcome).collect())
    }
}

/// Findings of a rule that stand, about these seats.
async fn open(administrator: &Administrator<'_>, rule: &str, seats: &[u32]) -> Result<Vec<Value>> {
    let mut findings = administrator.findings(FESTIVAL, rule).await?;
    let is_ours = |finding: &Value| seats.iter().any(|slot| finding["about"]["slot"] == *slot);
    findings.retain(|finding| finding["state"] == "open" && is_ours(finding));
    Ok(findings)
}

#[test]
fn misleads_nobody() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 3).await?;
        let [used, seen, unseen] = &tickets[..] else { bail!("three were to be sold: {}", tickets.len()) };
        let sold = [used.slot, seen.slot, unseen.slot];
        let enrol =
            async |name, entrance| Gate::enrol(cloud, name, &administrator.gate(entrance, FESTIVAL).await?).await;
        let (stolen, honest) = (enrol("stolen-gate", "South").await?, enrol("honest-gate", "West").await?);
        let (mut at_stolen, mut at_honest) = (stolen.listen().await?, honest.listen().await?);
        stolen.would_say(&used.text, Reason::Admitted).await?;
        writeln!(at_stolen.lines()?, "{}", used.text)?;
        let admitted = at_stolen.verdict().await?;
        let admission = admitted.sequence.context("no row was written")?;
        stolen.settled(PATIENCE).await?;
        at_stolen.kill().await?;
        honest.would_say(&used.text, Reason::AlreadyUsed).await?;

        let known = clock::now();
        let mut thief = Thief::log_in(cloud, &stolen).await?;
        let seats: BTreeSet<_> = sold.into_iter().chain(0..500).collect();
        assert_eq!(
            thief.claim(&seats).await?,
            BTreeSet::from([used.slot]),
            "of one the gate itself had seen the ticket"
        );
        let claimed =
            thief.written - seats.iter().rev().position(|slot| *slot == used.slot).context("he claims all")? as u64;
        for ticket in [seen, unseen] {
            honest.would_say(&ticket.text, Reason::Admitted).await?;
        }
        let figures = administrator.figures(FESTIVAL).await?.admissions.context("validation did not answer")?;
        let own = figures.gates.iter().find(|gate| gate.gate == stolen.number).context("the gate is not counted")?;
        assert_eq!((own.admitted, own.doubtful), (2, seats.len() as u64 - 1), "{own:?}");

        // He photographed somebody's ticket in the queue. The gate is in doubt already, so that nobody is refused by its word.
        assert_eq!(thief.show(seen.slot, &seen.text).await?, RowOutcome::Stored);
        honest.would_say(&seen.text, Reason::UsedElsewhere).await?;
        // The feed that told so was published after all that he claimed.
        honest.would_say(&unseen.text, Reason::Admitted).await?;
        // What came in an hour ago he takes back, for a copy to come in; and then what came in just now, as staff might.
        assert_eq!(thief.take_back(used.slot, admission, Duration::from_hours(1)).await?, RowOutcome::Unproved);
        assert_eq!(thief.take_back(seen.slot, admission, Duration::ZERO).await?, RowOutcome::Unproved);
        until("the seat was found to have come in twice", PATIENCE, async || {
            Ok((!open(&administrator, "double-admission", &sold).await?.is_empty()).then_some(()))
        })
        .await?;
        for row in [admission, claimed] {
            assert_eq!(thief.take_back(used.slot, row, Duration::ZERO).await?, RowOutcome::Stored);
        }
        honest.would_say(&used.text, Reason::Admitted).await?;

        administrator.report_stolen(stolen.number, "it is gone since the doors opened", known).await?;
        honest.would_say(&used.text, Reason::AlreadyUsed).await?;
        for ticket in [seen, unseen] {
            honest.would_say(&ticket.text, Reason::Admitted).await?;
        }
        assert_eq!(thief.show(seen.slot, &seen.text).await?, RowOutcome::Stored, "and believed by nobody");
        let resumed = administrator.resume(stolen.number, "it was found").await.err();
        assert_eq!(resumed.as_ref().and_then(|error| error.slug()), Some("gate-retracted"));
        let mut line = at_honest.lines()?;
        for ticket in [seen, unseen] {
            writeln!(line, "{}", ticket.text)?;
            assert_eq!(at_honest.verdict().await?.verdict, Reason::Admitted);
        }
        honest.settled(PATIENCE).await?;
        at_honest.kill().await?;

        let lied = thief.written - admission;
        let found = until("all that he said was found to be worth nothing", PATIENCE, async || {
            let mut findings = administrator.findings(FESTIVAL, "unproved").await?;
            findings.retain(|finding| finding["about"]["gate"] == stolen.number);
            Ok(findings.iter().any(|finding| finding["evidence"]["unproved"] == lied).then_some(findings))
        })
        .await?;
        assert_eq!(found.len(), 1, "{found:#?}");
        for rule in ["double-admission", "never-issued", "used-after-revocation"] {
            let findings = open(&administrator, rule, &sold).await?;
            assert!(findings.is_empty(), "{findings:#?}");
        }
        Ok(())
    });
}
