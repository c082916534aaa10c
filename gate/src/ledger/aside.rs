//! The damaged ledgers that were moved aside, once nobody needs them any more: the texts of tickets are in them, and wrapped secrets. Owns how they are
//! emptied; refuses to know when.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::path::Path;

use super::salvage::{COMPANIONS, beside, numbered};

/// Overwrites all that lies aside of a ledger; the answer is how many files held something. They stay, empty: that this disk once failed is told for as
/// long as they are there.
pub(super) fn empty(file: &Path) -> io::Result<usize> {
    let mut emptied = 0;
    for aside in (1..).map(|number| numbered(file, number)).take_while(|aside| aside.exists()) {
        // The database last: by its name the others are found again, should the power go.
        for suffix in COMPANIONS.into_iter().chain([""]) {
            emptied += usize::from(overwrite(&beside(&aside, suffix))?);
        }
    }
    Ok(emptied)
}

/// Whether there was something in it.
fn overwrite(file: &Path) -> io::Result<bool> {
    let mut file = match OpenOptions::new().write(true).open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file?,
    };
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(false);
    }
    io::copy(&mut io::repeat(0).take(length), &mut file)?;
    // Over what was there, on the disk itself, before that is anybody else's.
    file.sync_all()?;
    file.set_len(0)?;
    file.sync_all()?;
    Ok(true)
}
