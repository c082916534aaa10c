//! The program of an entrance: see the library of this crate.

fn main() -> std::process::ExitCode {
    countermark_gate::run()
}
