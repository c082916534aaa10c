#![doc = include_str!("../README.md")]

mod equaliser;
mod evidence;
mod finders;
mod guard;
mod motion_jpeg;
mod place;
mod pool;
mod projection;
mod reader;
mod reading;
mod reed_solomon;
mod relief;
mod samples;
mod scene;
mod symbol;
#[cfg(test)]
mod tests;
mod threshold;

pub use motion_jpeg::motion_jpeg;
pub use projection::Point;
pub use reader::{Budget, Reader};
pub use reading::{Look, Means, Reading, Rung};
