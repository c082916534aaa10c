//! A story that is told of a box: what lies beside it before its first start, and what is said where it ends badly. One at a time, since a
//! machine takes all that this one has.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;

use crate::disk::{Disk, stick};
use crate::guest::tail;
use crate::image::Image;
use crate::machine::console;
use crate::sale::sell;

/// Tells it, with a folder of its own.
pub(crate) fn tell(story: impl AsyncFnOnce(&Path) -> Result<()>) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let told = tokio::runtime::Runtime::new().unwrap().block_on(story(folder.path()));
    if let Err(error) = told {
        let console = fs::read(console(folder.path())).unwrap_or_default();
        panic!("{error:?}\nthe console ends with:\n{}", tail(&String::from_utf8_lossy(&console)));
    }
}

/// A bare box's disk, and the stick with all that makes it a gate, whose `gate.toml` is `config`; and the texts of so many tickets.
pub(crate) async fn lay_out(folder: &Path, tickets: u8, config: &str) -> Result<(Image, Vec<String>)> {
    let image = Image::make().await?;
    let brought = folder.join("brought");
    fs::create_dir(&brought)?;
    let tickets = sell(tickets, &brought).await?;
    fs::write(brought.join("gate.toml"), config)?;
    stick(&brought, &folder.join("stick")).await?;
    Disk::copy(&image.root, &folder.join("disk")).await?;
    Ok((image, tickets))
}
