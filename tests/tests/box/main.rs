//! The box, booted: Debian's kernel and the Debian package in a virtual machine, with all that stands at an entrance. An executable of its own, since it
//! needs packages and minutes: `cargo test -p countermark-tests --test box -- --ignored`.

// Test modules all of them, as the lints understand it: here a failure may panic.
#[cfg(test)]
mod bridge;
#[cfg(test)]
mod camera;
#[cfg(test)]
mod descriptor;
#[cfg(test)]
mod dialogue;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod display;
#[cfg(test)]
mod firewall;
#[cfg(test)]
mod guest;
#[cfg(test)]
mod hardened;
#[cfg(test)]
mod image;
#[cfg(test)]
mod installed;
#[cfg(test)]
mod keyboard;
#[cfg(test)]
mod kiosk;
#[cfg(test)]
mod loudspeaker;
#[cfg(test)]
mod machine;
#[cfg(test)]
mod network;
#[cfg(test)]
mod power_cut;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod redirection;
#[cfg(test)]
mod sale;
#[cfg(test)]
mod shut;
#[cfg(test)]
mod story;
#[cfg(test)]
mod usb;
