//! A second gate, with a scanner instead of pictures: what the first admitted it knows, as long as anything comes through. When nothing does,
//! one seat is tried at both; what they did is found afterwards, with where and how far apart.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use countermark_shared::verdict::Reason;
use serde_json::Value;
use tokio::fs;

use super::Scan;
use crate::administrator::Administrator;
use crate::buyer::Ticket;
use crate::cloud::Cloud;
use crate::gate::{Gate, RunningGate};
use crate::scanner::Scanner;
use crate::season::FESTIVAL;
use crate::wait::{PATIENCE, until};

/// What a scanner whose set-up nobody changed ends a line with.
const RETURN: &str = "\r";

/// The second gate, its scanner in somebody's hand.
pub(super) struct South {
    pub(super) gate: Gate,
    running: RunningGate,
    scanner: Scanner,
    pub(super) scans: Vec<Scan>,
}

/// A seat that was let in by both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Double {
    /// The seat.
    pub slot: u64,
    /// The gate whose admission came later, and the one before it.
    pub gates: [u64; 2],
    /// How long lay between.
    pub apart: Duration,
    /// What was shown to both: the seat, and the gates.
    pub shown: (u64, [u64; 2]),
}

impl Double {
    /// Whether it is what was shown, at both gates, one after the other. Each wrote the time by its own clock: which was first is not asked.
    pub fn is_as_expected(&self) -> bool {
        let (slot, [one, other]) = self.shown;
        self.slot == slot && (self.gates == [one, other] || self.gates == [other, one]) && !self.apart.is_zero()
    }
}

impl South {
    pub(super) async fn open(cloud: &Cloud, administrator: &Administrator<'_>) -> Result<Self> {
        let gate = Gate::enrol(cloud, "south", &administrator.gate("South entrance", FESTIVAL).await?).await?;
        let (config, device) = (cloud.folder().join("south.toml"), cloud.folder().join("south-scanner"));
        let profiles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware-config/profiles");
        let scanner = format!(
            "[[scanner]]\nname = \"hand\"\nlane = 1\ndevice = \"{}\"\nprofile = \"usb-cdc\"\n",
            device.display()
        );
        fs::write(&config, format!("profiles = \"{}\"\n{scanner}", profiles.display())).await?;
        let scanner = Scanner::plug_in(&device)?;
        let running = gate.scan(&config).await?;
        until("the scanner was found", PATIENCE, async || {
            Ok(gate.status().await?.devices.iter().all(|device| device.trouble.is_none()).then_some(()))
        })
        .await?;
        Ok(Self { gate, running, scanner, scans: Vec::new() })
    }

    /// Holds a ticket under the scanner.
    pub(super) async fn show(&mut self, what: &'static str, ticket: &Ticket, expected: Reason) -> Result<()> {
        let persons = u8::from(expected.severity().opens());
        self.scanner.send(&format!("{}{RETURN}", ticket.text))?;
        let verdict = self.running.verdict().await.context(what)?;
        self.scans.push(Scan { gate: "South", file: "scanned".to_owned(), what, expected, persons, verdict });
        Ok(())
    }

    pub(super) fn close(self) -> (RunningGate, Scanner, Vec<Scan>) {
        (self.running, self.scanner, self.scans)
    }
}

/// Waits for the one finding that a seat was admitted too often, after one was `shown` at two gates.
pub(super) async fn found(administrator: &Administrator<'_>, shown: (u64, [u64; 2])) -> Result<Double> {
    let finding = until("the double admission was found", PATIENCE, async || {
        Ok(administrator.findings(FESTIVAL, "double-admission").await?.into_iter().next())
    })
    .await?;
    let number = |path: &str| {
        let number = finding.pointer(path).and_then(Value::as_u64);
        number.with_context(|| format!("the finding does not say {path}: {finding}"))
    };
    Ok(Double {
        slot: number("/about/slot")?,
        gates: [number("/evidence/scans/0/scan/gate")?, number("/evidence/scans/0/objection/before/gate")?],
        apart: Duration::from_millis(number("/evidence/scans/0/objection/apart")?),
        shown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_double_admission_is_the_one_that_was_shown_or_wrong() {
        let double = Double { slot: 42, gates: [2, 1], apart: Duration::from_millis(1), shown: (42, [1, 2]) };
        assert!(double.is_as_expected());
        assert!(Double { gates: [1, 2], ..double.clone() }.is_as_expected(), "the other clock was ahead");
        for wrong in [
            Double { slot: 43, ..double.clone() },
            Double { gates: [2, 2], ..double.clone() },
            Double { gates: [3, 1], ..double.clone() },
            Double { apart: Duration::ZERO, ..double.clone() },
        ] {
            assert!(!wrong.is_as_expected(), "{wrong:?}");
        }
    }
}
