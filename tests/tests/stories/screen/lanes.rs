//! Two lanes side by side: each has its own part of the screen, and what keeps it shut is said there.

use std::io::Write;

use anyhow::{Context, Result};
use countermark_shared::keys::SigningKey;
use countermark_shared::verdict::Severity;
use countermark_tests::administrator::Administrator;
use countermark_tests::cloud::Cloud;
use countermark_tests::forgery;
use zeroize::Zeroizing;

use super::browser::Browser;
use super::{Entrance, PIN, Stage, legible, tell};

/// What the third gate's page says of a verdict: how many may pass, or when and where the seat was used. In two lines, the larger first.
const DETAILS: &str = "const heard = { opens: false, sequence: 1, severity: 'refuse', sentence: {}, persons: 0, remaining: 0,
  at: '2026-11-22T19:01:00Z', earlier: '2026-11-22T19:00:00Z', earlier_gate: null };
return Promise.all([import('/verdict.js'), import('/regions.js')]).then(([{ verdictOf }, { draw }]) => [
  { ...heard, opens: true, severity: 'admit', persons: 2, remaining: 1 }, { ...heard, earlier_gate: 4 }, { ...heard, earlier_gate: 3 },
].map((heard) => {
  draw([verdictOf(heard, 0, 0, 3).view]);
  return ['.detail', '.more'].map((name) => document.querySelector(name).textContent);
}));";

/// Nobody puts pictures there: at this lane tickets are typed.
async fn stand(cloud: &Cloud, entrance: &Entrance, lane: u16) -> Result<countermark_tests::gate::RunningGate> {
    let (config, pictures) = (cloud.folder().join("gate.toml"), cloud.folder().join("pictures"));
    std::fs::create_dir_all(&pictures)?;
    std::fs::write(&config, format!("[[pictures]]\nname = \"porch\"\nlane = {lane}\nfolder = {pictures:?}\n"))?;
    entrance.gate.stand(&config).await
}

#[test]
fn each_lane_has_its_own_part_and_says_what_keeps_it_shut() {
    tell(Stage::Own("screen_lanes"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let entrance = Entrance::build(cloud).await?;
        entrance.open().await?.kill().await?;
        let mut running = stand(cloud, &entrance, 2).await?;
        let mut lines = running.lines()?;
        let diagnosis = entrance.gate.doctor(Some(&cloud.folder().join("gate.toml"))).await?;
        assert_eq!(diagnosis.of("supervisors").map(|finding| &*finding.standing), Some("warning"));
        let pin = cloud.folder().join("pin");
        std::fs::write(&pin, PIN)?;
        entrance.gate.add_supervisor("Ada", &pin).await?;
        let forged = forgery::issued_by(&SigningKey::from_seed(&Zeroizing::new([7; 32])), &entrance.solo[0])?;
        Browser::used(cloud.folder(), async |browser| {
            browser.display(1366, 768, 1).await?;
            browser.open(&format!("{}?language=fr", running.screen)).await?;
            browser.seen_at(0, "ready").await?;
            browser.seen_at(1, "ready").await?;
            let named: Vec<String> =
                browser.ask("return [...document.querySelectorAll('.where')].map((one) => one.textContent)").await?;
            assert_eq!(named, ["COULOIR · LANE1", "COULOIR · LANE2"]);

            let [persons, elsewhere, here]: [[String; 2]; 3] = browser.ask(DETAILS).await?;
            assert_eq!(persons, ["2 PERS.", "ENCORE 1 · 1 MORE"]);
            assert!(elsewhere[0].ends_with(" (60 s)"), "{elsewhere:?}");
            assert_eq!(elsewhere[1], "PORTIQUE\u{a0}4 · GATE\u{a0}4");
            assert!(here[0].ends_with(" (60 s)"), "{here:?}");
            assert_eq!(here[1], "", "where it was, everybody knows who stands here");

            let mut copies = Vec::new();
            let mut row = None;
            for (text, look) in [
                (Some(&entrance.solo[0]), Severity::Admit),
                (Some(&entrance.live), Severity::Staff),
                (None, Severity::Attention),
                (Some(&forged), Severity::Fraud),
                (Some(&entrance.solo[0]), Severity::Refuse),
            ] {
                match text {
                    Some(text) => entrance.gate.enter(2, text).await?,
                    None => entrance.gate.overrule(row.context("there is no row to overrule")?, &pin).await?,
                }
                row = running.verdict().await?.sequence;
                copies.push((look, browser.seen_at(1, look.code()).await?));
                if look != Severity::Refuse {
                    browser.seen_at(1, "ready").await?;
                }
            }
            // Red at lane 2 is still there when somebody passes at lane 1.
            writeln!(lines, "{}", entrance.solo[1])?;
            let both = browser.seen_at(0, "admit").await?;
            assert!(both.contains("data-look=\"refuse\""), "the red of lane 2 gave way to the green of lane 1");
            browser.picture("lanes").await?;
            browser.seen_at(0, "ready").await?;
            browser.seen_at(1, "ready").await?;

            administrator.suspend(entrance.gate.number, "it was seen in a van").await?;
            let suspended = browser.seen_at(1, "starting").await?;
            assert!(suspended.matches("PORTIQUE SUSPENDU").count() >= 2, "{suspended}");
            administrator.resume(entrance.gate.number, "it was the right van").await?;
            browser.seen_at(0, "ready").await?;

            browser.open(&format!("{}words.js", running.screen)).await?;
            legible::side_by_side(browser, &copies).await
        })
        .await?;
        running.kill().await?;

        let running = stand(cloud, &entrance, 3).await?;
        Browser::used(cloud.folder(), async |browser| {
            browser.open(&running.screen).await?;
            browser.seen_at(0, "ready").await?;
            let unassigned = browser.seen_at(1, "starting").await?;
            assert!(unassigned.contains("Lane 3 is in gate.toml and not in the assignment"), "{unassigned}");
            Ok(())
        })
        .await?;
        let diagnosis = entrance.gate.doctor(Some(&cloud.folder().join("gate.toml"))).await?;
        let lane = diagnosis.of("lane").context("doctor says nothing of it")?;
        assert!(lane.standing == "wrong" && lane.says.starts_with("lane 3 is in gate.toml"), "{lane:?}");
        running.kill().await?;
        Ok(())
    });
}
