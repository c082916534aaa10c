#![doc = include_str!("../README.md")]

pub mod administrator;
pub mod api;
pub mod binaries;
pub mod buyer;
pub mod ceremony;
pub mod clock;
pub mod cloud;
pub mod forgery;
pub mod gate;
pub mod main_line;
pub mod picture;
pub mod process;
pub mod proxy;
pub mod scanner;
pub mod season;
pub mod wait;
