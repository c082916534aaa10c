//! The entrance: a gate that runs on a folder of pictures. Owns that folder.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use tokio::fs;

use super::Scan;
use super::exhibits::Exhibit;
use crate::cloud::Cloud;
use crate::gate::{Gate, RunningGate, Screen};
use crate::proxy::Fault;

pub(super) struct Entrance<'a> {
    cloud: &'a Cloud,
    gate: RunningGate,
    pictures: PathBuf,
}

impl<'a> Entrance<'a> {
    pub(super) async fn open(cloud: &'a Cloud, gate: &Gate) -> Result<Self> {
        let pictures = cloud.folder().join("pictures");
        fs::create_dir(&pictures).await?;
        Ok(Self { cloud, gate: gate.watch(&pictures).await?, pictures })
    }

    /// Puts a picture in front of the gate and takes its verdict.
    pub(super) async fn show(&mut self, exhibit: Exhibit) -> Result<Scan> {
        let Exhibit { file, what, picture, expected, persons } = exhibit;
        // Whole before it has its name: the gate reads a file once.
        let unfinished = self.pictures.join(format!("{file}.part"));
        fs::write(&unfinished, picture).await?;
        fs::rename(unfinished, self.pictures.join(file)).await?;
        let verdict = self.gate.verdict().await?;
        ensure!(verdict.source == format!("pictures/{file}"), "{file} was shown, and {} was read", verdict.source);
        Ok(Scan { gate: "North", file: file.to_owned(), what, expected, persons, verdict })
    }

    /// What the operator sees from now on.
    pub(super) async fn look_at_the_screen(&self) -> Result<Screen> {
        self.gate.look_at_the_screen().await
    }

    pub(super) fn cut_off(&self) {
        self.cloud.gate_line().cut(Fault::Swallow);
    }

    pub(super) fn reconnect(&self) {
        self.cloud.gate_line().mend();
    }

    pub(super) fn close(self) -> RunningGate {
        self.gate
    }
}
