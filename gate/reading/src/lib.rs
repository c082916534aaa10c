#![doc = include_str!("../README.md")]

mod equaliser;
mod evidence;
mod finders;
mod place;
mod reader;
mod reed_solomon;
mod relief;
mod samples;
mod symbol;
#[cfg(test)]
mod tests;
mod threshold;

pub use place::Point;
pub use reader::{Budget, Look, Means, Reader, Reading, Rung};
