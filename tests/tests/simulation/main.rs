//! Nights at the doors in virtual time.

#[cfg(test)]
mod nights;
#[cfg(test)]
mod replayed;
