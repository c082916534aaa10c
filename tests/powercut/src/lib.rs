#![doc = include_str!("../README.md")]

mod disk;
mod file;
#[cfg(test)]
mod tests;
mod vfs;

pub use disk::{Disk, Fault, Medium};
pub use vfs::reread_log;
