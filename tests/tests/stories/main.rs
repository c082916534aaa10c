//! Stories: promises of the whole system, kept by real processes under real trouble. One executable; each file is one promise.

// Test modules all of them, as the lints understand it: here a failure may panic.
#[cfg(test)]
mod an_auditor;
#[cfg(test)]
mod any_flipped_bit;
#[cfg(test)]
mod asked_first;
#[cfg(test)]
mod blocked_seat;
#[cfg(test)]
mod camera;
#[cfg(test)]
mod cut_anywhere;
#[cfg(test)]
mod damaged_page;
#[cfg(test)]
mod device_key;
#[cfg(test)]
mod findings;
#[cfg(test)]
mod from_a_stick;
#[cfg(test)]
mod gate_killed;
#[cfg(test)]
mod hung_up;
#[cfg(test)]
mod killed_between_payment_and_issue;
#[cfg(test)]
mod leaves_nothing;
#[cfg(test)]
mod moved_gate;
#[cfg(test)]
mod no_secret_in_the_tree;
#[cfg(test)]
mod not_told_again;
#[cfg(test)]
mod relay;
#[cfg(test)]
mod restored;
#[cfg(test)]
mod restored_disk;
#[cfg(test)]
mod screen;
#[cfg(test)]
mod serial_scanner;
#[cfg(test)]
mod settings;
#[cfg(test)]
mod sold_out;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod stolen_gate;
#[cfg(test)]
mod stolen_key;
#[cfg(test)]
mod suspended_gate;
#[cfg(test)]
mod the_line;
#[cfg(test)]
mod token_for_another_service;
#[cfg(test)]
mod used_elsewhere;
