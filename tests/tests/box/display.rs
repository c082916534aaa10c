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

/// What fills the display, and what stands on it.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    field: [u8; 3],
    ink: [u8; 3],
    /// Whether its sign is as wide as there is room for, where that tells it from another.
    wide: Option<bool>,
    /// Hundredths of the display, at least, that are notices.
    notices: usize,
}

/// No verdict; in brackets, which are a page's that hears its agent.
pub(crate) const READY: Look = Look { field: [0x1C, 0x24, 0x30], ink: [0xFF; 3], wide: Some(true), notices: 0 };
/// No verdict; an hourglass, and some lines that say why.
pub(crate) const SHUT: Look = Look { wide: Some(false), notices: 7, ..READY };
/// Let in.
pub(crate) const GREEN: Look = Look { field: [0x00, 0x7D, 0x5A], wide: None, ..READY };
/// Not let in.
pub(crate) const RED: Look = Look { field: [0x96, 0x00, 0x1B], ..GREEN };
/// "Agent stopped".
pub(crate) const STOPPED: Look = Look { field: [0; 3], ink: NOTICE, ..GREEN };

impl Look {
    /// Whether a picture has it: more than half of it is the field, and more than a fiftieth ink.
    fn is_of(self, Picture { width, pixels }: Picture<'_>) -> bool {
        let looked = || pixels.iter().step_by(STRIDE);
        let hundredths = |colour| looked().filter(|pixel| **pixel == colour).count() * 100 / looked().len().max(1);
        // An hourglass begins at a twelfth of the width, brackets at half of that.
        let mut rows = pixels.chunks_exact(width);
        let wide = rows.any(|row| row[0] == self.field && row[width / 18] == self.ink);
        hundredths(self.field) > 50
            && hundredths(self.ink) >= 2
            && hundredths(NOTICE) >= self.notices
            && self.wide.is_none_or(|expected| expected == wide)
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
            Ok(look.is_of(Picture::of(&fs::read(&self.looked)?)?).then_some(()))
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

struct Picture<'a> {
    width: usize,
    pixels: &'a [[u8; 3]],
}

impl<'a> Picture<'a> {
    /// As qemu writes it (netpbm, ppm(5)): `P6`, size and depth in a line each, then three bytes a pixel.
    fn of(file: &'a [u8]) -> Result<Self> {
        let mut parts = file.splitn(4, |byte| *byte == b'\n');
        let size = str::from_utf8(parts.nth(1).context("this is no picture")?)?;
        let width = size.split(' ').next().context("it has no width")?.parse()?;
        let bytes = parts.nth(1).context("it is no whole picture")?;
        Ok(Self { width, pixels: bytes.as_chunks().0 })
    }
}
