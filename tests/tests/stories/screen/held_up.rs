//! Verdicts that come late, and tablets whose calendar is another than the gate's.

use std::io::Write;

use super::browser::Browser;
use super::{Entrance, Stage, tell};

/// What the calendar says is off by `window.off` from the page's first moment on, verdicts come `window.heldUp` milliseconds late, and each
/// look is written down.
const LATE: &str = "const now = Date.now;
Date.now = () => now() + window.off;
window.heldUp = 0;
window.looks = [];
const add = EventSource.prototype.addEventListener;
EventSource.prototype.addEventListener = function (name, hear) {
  add.call(this, name, name === 'verdict' ? (event) => setTimeout(() => hear(event), window.heldUp) : hear);
};
addEventListener('load', () => new MutationObserver((changes) => changes.forEach(({ target }) => looks.push(target.dataset.look)))
  .observe(document.querySelector('main'), { attributeFilter: ['data-look'], subtree: true }));";

#[test]
fn a_green_is_as_old_as_it_is_whatever_the_tablets_calendar_says() {
    tell(Stage::Own("screen_held_up"), async |cloud| {
        let entrance = Entrance::build(cloud).await?;
        let mut running = entrance.open().await?;
        let mut lines = running.lines()?;
        Browser::used(cloud.folder(), async |browser| {
            browser.prepare("window.off = 60000;").await?;
            browser.prepare(LATE).await?;
            browser.open(&running.screen).await?;
            browser.seen("ready").await?;
            writeln!(lines, "{}", entrance.solo[0])?;
            browser.seen("admit").await?;

            browser.prepare("window.off = -60000;").await?;
            browser.open(&running.screen).await?;
            browser.seen("ready").await?;
            browser.ask::<()>("window.heldUp = 5000").await?;
            writeln!(lines, "{}", entrance.solo[1])?;
            let late = browser.seen("staff").await?;
            assert!(late.contains("the answer came late") && late.contains("réponse tardive"), "{late}");
            let looks: Vec<String> = browser.ask("return looks").await?;
            assert!(!looks.iter().any(|look| look == "admit"), "a green was shown five seconds late: {looks:?}");
            Ok(())
        })
        .await?;
        running.kill().await?;
        Ok(())
    });
}
