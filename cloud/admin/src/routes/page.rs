//! How much of a list one answer holds.

use crate::error::Error;

const USUAL: u16 = 50;
const MOST: u16 = 200;

/// The limit asked for, if it is one.
pub(crate) fn limit(asked: Option<u16>) -> Result<u16, Error> {
    match asked {
        None => Ok(USUAL),
        Some(limit @ 1..=MOST) => Ok(limit),
        Some(_) => Err(Error::Invalid { why: "A page has 1 to 200 entries." }),
    }
}
