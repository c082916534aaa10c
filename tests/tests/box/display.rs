//! The box's display, as qemu sees it (QEMU QMP Reference Manual: `screendump`). Knows the colours of the operator's screen
//! (`gate/src/screen/screen.css`), and reads no words: pictures are kept for people who do.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use countermark_tests::wait::until;
use serde::de::IgnoredAny;
use serde_json::json;
use tokio::time::sleep;

use crate::dialogue::Dialogue;
use crate::guest::PATIENCE;

/// Between two pixels that are looked at: no part of any width, so that they lie scattered.
const STRIDE: usize = 11;

/// Between two looks: for each qemu holds the machine up for a while, and a green stands for two and a half seconds.
const PACE: Duration = Duration::from_millis(300);

/// Of what is to be told beside it.
const NOTICE: [u8; 3] = [0xFF, 0xD8, 0x4D];

/// What fills the display, what stands on it, and how many hundredths of it are notices, at least and at most.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    field: [u8; 3],
    ink: [u8; 3],
    notices: (usize, usize),
}

/// Whatever is told beside it.
const ANY: (usize, usize) = (0, 100);

/// No verdict, and that the cloud is not there in a line above it, as a page says that hears its agent.
pub(crate) const READY: Look = Look { field: [0x1C, 0x24, 0x30], ink: [0xFF; 3], notices: (1, 6) };
/// No verdict, and in some lines why there will be none.
pub(crate) const SHUT: Look = Look { notices: (7, 100), ..READY };
/// Let in.
pub(crate) const GREEN: Look = Look { field: [0x00, 0x7D, 0x5A], ink: [0xFF; 3], notices: ANY };
/// Not let in.
pub(crate) const RED: Look = Look { field: [0x96, 0x00, 0x1B], ..GREEN };
/// "Agent stopped".
pub(crate) const STOPPED: Look = Look { field: [0; 3], ink: NOTICE, notices: ANY };

impl Look {
    /// Whether a picture of `pixels` has it: more than half of it is the field, and more than a fiftieth ink.
    fn is_of(self, pixels: &[[u8; 3]]) -> bool {
        let looked = || pixels.iter().step_by(STRIDE);
        let hundredths = |colour| looked().filter(|pixel| **pixel == colour).count() * 100 / looked().len().max(1);
        let (least, most) = self.notices;
        hundredths(self.field) > 50 && hundredths(self.ink) > 2 && (least..=most).contains(&hundredths(NOTICE))
    }
}

/// A display that somebody looks at.
pub(crate) struct Display {
    qemu: Dialogue,
    looked: PathBuf,
    pictures: PathBuf,
}

impl Display {
    /// By a line to qemu of its own, beside which it looks.
    pub(crate) async fn at(socket: &Path) -> Result<Self> {
        let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("kiosk");
        fs::create_dir_all(&pictures)?;
        Ok(Self { qemu: Dialogue::with_qemu(socket).await?, looked: socket.with_extension("ppm"), pictures })
    }

    /// Waits until it looks so, and keeps the picture under a name.
    pub(crate) async fn shows(&mut self, look: Look, name: &str) -> Result<()> {
        let picture = self.pictures.join(name).with_extension("png");
        let waited = until(format_args!("the display showed {name}"), PATIENCE, async || {
            sleep(PACE).await;
            self.look("ppm", &self.looked.clone()).await?;
            Ok(look.is_of(pixels(&fs::read(&self.looked)?)?).then_some(()))
        })
        .await;
        self.look("png", &picture).await?;
        waited.with_context(|| format!("{} is what it shows", picture.display()))
    }

    async fn look(&mut self, format: &str, file: &Path) -> Result<()> {
        let _: IgnoredAny = self.qemu.ask("screendump", json!({ "filename": file, "format": format })).await?;
        Ok(())
    }
}

/// Of a picture as qemu writes it (netpbm, ppm(5)): `P6`, size and depth in a line each, then three bytes a pixel.
fn pixels(picture: &[u8]) -> Result<&[[u8; 3]]> {
    let bytes = picture.splitn(4, |byte| *byte == b'\n').nth(3).context("this is no picture")?;
    Ok(bytes.as_chunks().0)
}
