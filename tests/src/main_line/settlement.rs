//! The end: what the gate wrote down against what the cloud counts.

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
    /// Rows of the gate's journal.
    pub journal: u64,
    /// Rows that validation has, by admin's figures.
    pub arrived: u64,
    /// Rows that it put aside.
    pub doubtful: u64,
    /// Persons that the gate let in.
    pub let_in: u64,
    /// Persons that validation counts, by admin's figures.
    pub counted: u64,
}

impl Settlement {
    /// Waits until every row has arrived, and asks both sides.
    pub(super) async fn reach(
        administrator: &Administrator<'_>,
        gate: &Gate,
        scans: impl Iterator<Item = &Scan> + Clone,
    ) -> Result<Self> {
        let status = gate.settled(PATIENCE).await?;
        let figures = administrator.figures(FESTIVAL).await?;
        let admissions = figures.admissions.context("validation did not say who came in")?;
        let own = admissions.gates.iter().find(|figures| figures.gate == gate.number);
        let own = own.context("the figures do not know the gate")?;
        Ok(Self {
            shown: scans.clone().count() as u64,
            journal: status.rows,
            arrived: own.scans,
            doubtful: own.doubtful,
            let_in: scans.map(|scan| u64::from(scan.verdict.persons)).sum(),
            counted: admissions.admitted,
        })
    }

    /// Whether nothing was lost, doubled or doubted.
    pub fn agrees(&self) -> bool {
        self.shown == self.journal && self.journal == self.arrived && self.doubtful == 0 && self.let_in == self.counted
    }
}
