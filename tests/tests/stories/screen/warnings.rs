//! Everything that makes a gate less than whole, all at once: each warning of the gate has its line, in both languages, the gravest first.

use countermark_tests::administrator::Administrator;
use countermark_tests::gate::Gate;
use countermark_tests::season::FESTIVAL;

use super::browser::Browser;
use super::{Stage, tell};

/// The heartbeats of a gate that is well, as one would send that has every trouble: what the gate itself words says its own name.
const TROUBLES: &str = "const add = EventSource.prototype.addEventListener;
const sentence = (name) => ({ en: `${name} in English`, fr: `${name} en français` });
const worded = (heartbeat) => Object.fromEntries(Object.keys(heartbeat).flatMap((name) =>
  name.endsWith('_warning') ? [[name, sentence(name)]] : name.endsWith('_warnings') || name === 'one_by_one' ? [[name, [sentence(name)]]] : []));
const counted = { ready: true, offline: true, refused: ['head'], conflicts: ['slot-list'], list_old: true, list_age_seconds: 7200, feed_old_seconds: 180, contested: 5 };
EventSource.prototype.addEventListener = function (name, hear) {
  add.call(this, name, (event) => {
    const said = JSON.parse(event.data);
    hear(name === 'heartbeat' ? { data: JSON.stringify({ ...said, ...worded(said), ...counted }) } : event);
  });
};";

/// In the order in which they are shown.
const LINES: [[&str; 2]; 14] = [
    ["ledger_warnings in English", "ledger_warnings en français"],
    ["lease_warning in English", "lease_warning en français"],
    ["log_in_warning in English", "log_in_warning en français"],
    ["clock_warning in English", "clock_warning en français"],
    ["certificate_warning in English", "certificate_warning en français"],
    ["device_warnings in English", "device_warnings en français"],
    ["DOCUMENTS REFUSED, call staff: head", "DOCUMENTS REFUSÉS, appelez un responsable : head"],
    [
        "TWO DIFFERENT DOCUMENTS, tell the administrator: slot-list",
        "DEUX DOCUMENTS DIFFÉRENTS, prévenez l'administrateur : slot-list",
    ],
    ["OFFLINE: go on, scans are kept", "HORS LIGNE : continuez, tout est gardé"],
    ["trust_warning in English", "trust_warning en français"],
    ["LIST 2 h OLD: go on", "LISTE ANCIENNE DE 2 h : continuez"],
    ["OTHER GATES NOT HEARD FOR 3 min: go on", "SANS NOUVELLES DES AUTRES ENTRÉES DEPUIS 3 min : continuez"],
    ["one_by_one in English", "one_by_one en français"],
    ["ROWS IN DISPUTE, tell the administrator: 5", "LIGNES CONTESTÉES, prévenez l'administrateur : 5"],
];

#[test]
fn every_warning_is_on_the_page_in_both_languages() {
    tell(Stage::Shared, async |cloud| {
        let gate = Administrator::log_in(cloud).await?.gate("Warned", FESTIVAL).await?;
        let gate = Gate::enrol(cloud, "warned", &gate).await?;
        let running = gate.listen().await?;
        let folder = cloud.folder().join("warnings");
        std::fs::create_dir_all(&folder)?;
        Browser::used(&folder, async |browser| {
            browser.display(1366, 768, 1).await?;
            browser.prepare(TROUBLES).await?;
            for (query, first, second) in [("", 0, 1), ("?language=fr", 1, 0)] {
                browser.open(&format!("{}{query}", running.screen)).await?;
                browser.wait("warnings were shown", "document.querySelector('#notices p') !== null").await?;
                let shown: Vec<String> = browser
                    .ask("return [...document.querySelectorAll('#notices p')].map((one) => one.textContent)")
                    .await?;
                assert_eq!(shown, LINES.map(|line| format!("{} · {}", line[first], line[second])));
            }
            browser.picture("warnings").await.map(drop)
        })
        .await?;
        running.kill().await?;
        Ok(())
    });
}
