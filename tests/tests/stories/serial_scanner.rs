//! A scanner on a serial line: it enrols the box, is read by the real program from its `gate.toml` and a profile of `firmware-config`, pulled out and plugged in
//! again, and told of its verdicts.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::cloud::Cloud;
use countermark_tests::gate::{Gate, Trouble};
use countermark_tests::scanner::Scanner;
use countermark_tests::season::{FESTIVAL, SOLO};
use countermark_tests::wait::{PATIENCE, until};

use crate::stage::{Stage, tell};

/// A trigger that is held this long shows the ticket again.
const TRIGGER: Duration = Duration::from_millis(700);
/// What `datalogic-magellan.toml` says: one tone; the tones of an unknown item, and on.
const GOOD: &[u8] = &[0x01];
const BAD: &[u8] = b"FE";

#[test]
fn is_read_beeps_and_is_found_again() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let tickets = Buyer::arrive(cloud).await?.buy(&offer, 1).await?;
        let ticket = &tickets.first().context("nothing was sold")?.text;
        let invited = administrator.gate("West", FESTIVAL).await?;
        let (config, name) = configure(cloud)?;
        let gate = enrol_by_scanner(cloud, &config, &name, &invited.invitation).await?;
        let mut running = gate.scan(&config).await?;

        // It starts without the scanner, and says so with the line that names it.
        let missing = trouble(&gate).await?.context("nobody misses the scanner")?;
        assert_eq!(missing.cause, "gone");
        assert!(missing.detail.contains("scanner.toml:3: "), "{}", missing.detail);
        gate.would_say(ticket, Reason::Admitted).await?;

        let mut scanner = Scanner::plug_in(&name)?;
        works(&gate).await?;
        scanner.send(&format!("]Q1{ticket}\r"))?;
        let admitted = running.verdict().await?;
        assert_eq!((admitted.verdict, admitted.source.as_str()), (Reason::Admitted, "scanner/desk"));
        scanner.hears(GOOD).await?;

        // Pulled out in the middle of the next ticket, which is whole only when it is shown again.
        scanner.send(ticket.get(..ticket.len() / 2).unwrap_or_default())?;
        drop(scanner);
        until("the scanner was missed", PATIENCE, async || trouble(&gate).await).await?;
        let mut scanner = Scanner::plug_in(&name)?;
        works(&gate).await?;
        // No synchronisation, but the trigger's own time.
        tokio::time::sleep(TRIGGER).await;
        scanner.send(&format!("]Q1{ticket}\r\n"))?;
        assert_eq!(running.verdict().await?.verdict, Reason::AlreadyUsed);
        scanner.hears(BAD).await?;
        let well = gate.doctor(Some(&config)).await?;
        let wrong: Vec<_> = well.findings.iter().filter(|finding| finding.standing == "wrong").collect();
        assert!(wrong.is_empty() && well.code == Some(0), "{well:?}");
        running.kill().await?;

        // Field staff listen to it while no agent has it: what it sends is not shown whole, and what it means is.
        let mut overheard = gate.overhear(&config)?;
        while !overheard.expect_line(PATIENCE).await?.contains(r#""ready":true"#) {}
        scanner.send(&format!("]Q1{ticket}\r\n"))?;
        let line = overheard.expect_line(PATIENCE).await?;
        assert!(line.contains(r#""device":"scanner/desk""#) && line.contains("already-used"), "{line}");
        assert!(line.contains("CM1:") && !line.contains(ticket), "{line}");
        drop(overheard);
        let stopped = gate.doctor(Some(&config)).await?;
        let agent = stopped.of("agent").map(|finding| &*finding.standing);
        assert_eq!((agent, stopped.code), (Some("wrong"), Some(3)), "{stopped:?}");
        Ok(())
    });
}

/// The box becomes a gate by the invitation that its own scanner reads: somebody shows it until that is done.
async fn enrol_by_scanner(cloud: &Cloud, config: &Path, name: &Path, invitation: &str) -> Result<Gate> {
    let mut scanner = Scanner::plug_in(name)?;
    let shown = async {
        loop {
            scanner.send(&format!("]Q1{invitation}\r"))?;
            tokio::time::sleep(TRIGGER).await;
        }
    };
    tokio::select! {
        gate = Gate::enrol_by_showing(cloud, "gate-with-a-scanner", config) => gate,
        failed = shown => failed,
    }
}

/// Writes a `gate.toml`; the answer is where it is, and the name of its scanner's line.
fn configure(cloud: &Cloud) -> Result<(PathBuf, PathBuf)> {
    let (config, name) = (cloud.folder().join("scanner.toml"), cloud.folder().join("scanner"));
    let profiles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware-config/profiles");
    fs::write(
        &config,
        format!(
            "profiles = {profiles:?}\n[[scanner]]\nname = \"desk\"\nlane = 1\ndevice = {name:?}\nprofile = \"datalogic-magellan\"\n"
        ),
    )?;
    Ok((config, name))
}

async fn trouble(gate: &Gate) -> Result<Option<Trouble>> {
    let scanner = gate.status().await?.devices.pop().context("there is no scanner")?;
    assert_eq!(scanner.device, "scanner/desk");
    Ok(scanner.trouble)
}

async fn works(gate: &Gate) -> Result<()> {
    until("the scanner was found", PATIENCE, async || Ok(trouble(gate).await?.is_none().then_some(()))).await
}
