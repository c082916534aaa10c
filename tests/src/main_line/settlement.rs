//! The end: what the gates wrote down against what the cloud counts.

use anyhow::{Context, Result};

use super::Scan;
use crate::administrator::Administrator;
use crate::gate::Gate;
use crate::season::FESTIVAL;
use crate::wait::PATIENCE;

/// The same scans, counted by three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Verdicts that were shown.
    pub shown: u64,
    /// Rows of the gates' journals.
    pub journal: u64,
    /// Rows that validation has, by admin's figures.
    pub arrived: u64,
    /// Rows that it put aside.
    pub doubtful: u64,
    /// Persons that the gates let in.
    pub let_in: u64,
    /// Those of them who came in by a seat that was let in before.
    pub twice: u64,
    /// Persons that validation counts, by admin's figures.
    pub counted: u64,
}

impl Settlement {
    /// Waits until every row has arrived, and asks both sides.
    pub(super) async fn reach(
        administrator: &Administrator<'_>,
        gates: &[&Gate],
        scans: impl Iterator<Item = &Scan> + Clone,
    ) -> Result<Self> {
        let mut journal = 0;
        for gate in gates {
            journal += gate.settled(PATIENCE).await?.rows;
        }
        let figures = administrator.figures(FESTIVAL).await?;
        let admissions = figures.admissions.context("validation did not say who came in")?;
        let told = || admissions.gates.iter().filter(|told| gates.iter().any(|gate| gate.number == told.gate));
        Ok(Self {
            shown: scans.clone().count() as u64,
            journal,
            arrived: told().map(|gate| gate.scans).sum(),
            doubtful: told().map(|gate| gate.doubtful).sum(),
            let_in: scans.map(|scan| u64::from(scan.verdict.persons)).sum(),
            twice: administrator.findings(FESTIVAL, "double-admission").await?.len() as u64,
            counted: admissions.admitted,
        })
    }

    /// Whether nothing was lost, doubled or doubted.
    pub fn agrees(&self) -> bool {
        let counted = self.counted + self.twice;
        self.shown == self.journal && self.journal == self.arrived && self.doubtful == 0 && self.let_in == counted
    }
}
