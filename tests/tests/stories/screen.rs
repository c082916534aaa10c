//! The operator's screen in a real browser, before a real gate: what people see, hear, and must not see.

pub(crate) mod browser;
mod by_hand;
mod driver;
mod eyes;
mod held_up;
mod lanes;
mod legible;
mod shut;
mod warnings;
mod without_a_ticket;

use std::io::Write;

use anyhow::{Context, Result};
use countermark_shared::keys::SigningKey;
use countermark_shared::verdict::{Reason, Severity};
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::cloud::Cloud;
use countermark_tests::forgery;
use countermark_tests::gate::{Gate, RunningGate};
use countermark_tests::proxy::Fault;
use countermark_tests::season::{FESTIVAL, LIVE, NAMED, SOLO};
use countermark_tests::wait::{PATIENCE, until};
use zeroize::Zeroizing;

use crate::stage::{Stage, tell};
use browser::Browser;

const GUEST: &str = "Zoë Çelik";
/// Of the gate's supervisor.
const PIN: &str = "271828";

/// What is written down of the tones, by the look at which they began: hertz and the time since the first of that look, in milliseconds.
const EARS: &str = "window.heard = [];
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) {
  window.heard.push([Math.round(this.frequency.value), Math.round(at * 1000)]);
  return start.call(this, at);
};";

/// A gate with its tickets.
struct Entrance {
    gate: Gate,
    solo: [String; 2],
    live: String,
    named: String,
}

impl Entrance {
    async fn build(cloud: &Cloud) -> Result<Self> {
        let administrator = Administrator::log_in(cloud).await?;
        let buyer = Buyer::arrive(cloud).await?;
        let [solo, live, named] =
            [administrator.offer(&SOLO).await?, administrator.offer(&LIVE).await?, administrator.offer(&NAMED).await?];
        let tickets = buyer.buy(&solo, 2).await?;
        let [first, second] = &*tickets else { anyhow::bail!("not two tickets were sold") };
        let live = buyer.buy(&live, 1).await?.first().context("no live ticket was sold")?.text.clone();
        let guest = buyer.order_for(&named, GUEST).await?;
        let named = buyer.complete(guest).await?.first().context("no ticket was sold by name")?.text.clone();
        let lanes = &[1, 2];
        let gate = administrator.gate_with_lanes("North", FESTIVAL, lanes).await?;
        let gate = Gate::enrol(cloud, "gate", &gate).await?;
        Ok(Self { gate, solo: [first.text.clone(), second.text.clone()], live, named })
    }

    /// Runs the gate until it knows what was sold.
    async fn open(&self) -> Result<RunningGate> {
        let running = self.gate.listen().await?;
        for text in [&self.solo[1], &self.named] {
            self.gate.would_say(text, Reason::Admitted).await?;
        }
        Ok(running)
    }
}

#[test]
fn each_verdict_is_seen_heard_and_gone() {
    tell(Stage::Own("screen_verdicts"), async |cloud| {
        let entrance = Entrance::build(cloud).await?;
        let mut running = entrance.open().await?;
        let mut lines = running.lines()?;
        let mut watching = entrance.gate.watched()?;
        let standing = watching.expect_line(PATIENCE).await?;
        assert!(standing.starts_with("READY  |  list "), "{standing}");
        let folder = cloud.folder();
        let pin = folder.join("pin");
        std::fs::write(&pin, PIN)?;
        entrance.gate.add_supervisor("Ada", &pin).await?;
        let stranger = SigningKey::from_seed(&Zeroizing::new([7; 32]));
        let forged = forgery::issued_by(&stranger, &entrance.solo[1])?;
        Browser::used(folder, async |browser| {
            browser.prepare(EARS).await?;
            browser.display(1366, 768, 1).await?;
            browser.open(&running.screen).await?;
            browser.seen("ready").await?;
            browser.wait("it may sound", "document.body.dataset.sound === 'running'").await?;

            let mut copies = Vec::new();
            let mut tunes = Vec::new();
            let mut row = None;
            for (text, look, said) in [
                (Some(&entrance.solo[0]), Severity::Admit, "PASS"),
                (Some(&entrance.solo[0]), Severity::Refuse, "already used"),
                (None, Severity::Attention, "PASS, LOOK"),
                (Some(&entrance.live), Severity::Staff, "CALL STAFF"),
                (Some(&forged), Severity::Fraud, "FRAUD"),
                (Some(&entrance.named), Severity::Admit, GUEST),
            ] {
                match text {
                    Some(text) => writeln!(lines, "{text}")?,
                    None => entrance.gate.overrule(row.context("there is no row to overrule")?, &pin).await?,
                }
                row = running.verdict().await?.sequence;
                let copy = browser.seen(look.code()).await?;
                assert!(copy.contains(said), "{look}: {copy}");
                // By itself, and nothing of it stays.
                browser.seen("ready").await?;
                let tune: Vec<(u32, u32)> = browser.ask("return heard.splice(0)").await?;
                tunes.push(rhythm(&tune));
                copies.push((look, copy));
            }
            let left: String = browser.ask("return document.documentElement.outerHTML").await?;
            assert!(!left.contains("Zoë") && !left.contains("Çelik"), "a name stayed on the page: {left}");
            assert_eq!(tunes.pop(), tunes.first().cloned(), "two admissions sound alike");
            for (index, tune) in tunes.iter().enumerate() {
                assert!(!tune.is_empty() && tunes[index + 1..].iter().all(|other| other != tune), "{tunes:?}");
            }
            browser.wait("it had counted", "document.querySelectorAll('#recent li').length === 6 && /^IN\\D*3$/.test(document.querySelector('#counts li').textContent)").await?;

            // Of the gate, for its style sheet; of no script, so that nothing changes what is looked at.
            browser.open(&format!("{}words.js", running.screen)).await?;
            copies.truncate(Severity::ALL.len());
            legible::whatever_is_said(browser, &copies).await?;
            eyes::tell_them_apart(browser, &copies).await
        })
        .await?;
        let told = watching.lines_so_far();
        let verdicts: Vec<_> = told.iter().filter(|line| line.contains("lane 1")).collect();
        for (line, word) in
            verdicts.iter().zip(["PASS ", "STOP ", "PASS, LOOK ", "CALL STAFF ", "FRAUD: STOP ", "PASS "])
        {
            assert!(line.contains(word) && !line.contains("Zoë"), "{line}");
        }
        assert_eq!(verdicts.len(), 6, "{told:?}");
        running.kill().await?;
        let last = watching.ended(PATIENCE).await?;
        assert_eq!(last.code(), Some(1), "whoever watches is told that it has ended");
        Ok(())
    });
}

/// A tune without its beginning.
fn rhythm(tune: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let first = tune.first().map_or(0, |(_, at)| *at);
    tune.iter().map(|(hertz, at)| (*hertz, at - first)).collect()
}

#[test]
fn without_a_network_it_goes_on_and_without_an_agent_it_says_so() {
    tell(Stage::Own("screen_stopped"), async |cloud| {
        let entrance = Entrance::build(cloud).await?;
        let synced = entrance.open().await?;
        // It lets people in before there is any feed: of whom should it have heard?
        until("the gate heard of the others", PATIENCE, async || {
            let held = entrance.gate.status().await?.documents;
            Ok(held.contains_key("admission-feed").then_some(()))
        })
        .await?;
        synced.kill().await?;
        cloud.gate_line().cut(Fault::Swallow);
        let mut running = entrance.gate.listen().await?;
        let mut lines = running.lines()?;
        Browser::used(cloud.folder(), async |browser| {
            browser.display(1366, 768, 1).await?;
            browser.prepare("window.beats = []; const add = EventSource.prototype.addEventListener;
                EventSource.prototype.addEventListener = function (name, hear) {
                  add.call(this, name, (event) => { if (name === 'heartbeat') beats.push(performance.now()); hear(event); });
                };").await?;
            browser.open(&format!("{}?language=fr&sound=off", running.screen)).await?;
            let ready = browser.seen("ready").await?;
            assert!(ready.contains("HORS LIGNE : continuez") && ready.contains("OFFLINE: go on"), "{ready}");
            let sizes = "['.word', '.other-word'].map((name) => document.querySelector(name)).map((one) => [one.textContent, parseFloat(getComputedStyle(one).fontSize)])";
            let [(first, large), (second, small)]: [(String, f64); 2] = browser.ask(&format!("return {sizes}")).await?;
            assert_eq!((&*first, &*second), ("PRÊT", "READY"));
            assert!(large > small, "{large} {small}");
            assert_eq!(browser.ask::<Option<String>>("return document.body.dataset.sound ?? null").await?, None);

            let age = "/^liste · list : [0-9]+ s$/.test(document.getElementById('list').textContent) && /^autres portiques · other gates : [0-9]+ s$/.test(document.getElementById('feed').textContent)";
            browser.wait("the ages of list and feed were shown", age).await?;
            for (text, queue) in [(&entrance.solo[0], 1), (&entrance.solo[1], 2), (&entrance.solo[1], 3)] {
                writeln!(lines, "{text}")?;
                browser.wait("it waited to be uploaded", &format!("document.getElementById('queue').textContent.endsWith(' : {queue}')")).await?;
            }

            browser.ask::<()>("new MutationObserver(() => { if (document.body.dataset.look === 'stopped') window.changed ??= performance.now(); }).observe(document.body, { attributeFilter: ['data-look'] })").await?;
            // The connection stays open.
            running.hang()?;
            browser.seen("stopped").await?;
            stopped_in_time(browser).await?;
            running.go_on()?;
            browser.seen("ready").await?;

            browser.ask::<()>("window.changed = undefined").await?;
            running.kill().await?;
            let stopped = browser.seen("stopped").await?;
            assert!(stopped.contains("AGENT ARRÊTÉ") && stopped.contains("AGENT STOPPED"), "{stopped}");
            stopped_in_time(browser).await?;
            browser.picture("stopped").await?;

            let again = entrance.gate.listen().await?;
            // Another port: whoever opens the page anew finds it well.
            browser.open(&again.screen).await?;
            browser.seen("ready").await?;
            again.kill().await?;
            Ok(())
        })
        .await
    });
}

/// After three seconds of silence, by the page's own count, and not long after.
async fn stopped_in_time(browser: &Browser) -> Result<()> {
    let silent: f64 = browser.ask("return window.changed - beats.at(-1)").await?;
    assert!((3000.0..=6000.0).contains(&silent), "it said so after {silent} ms");
    Ok(())
}
