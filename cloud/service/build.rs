//! `sqlx::migrate!` embeds the migrations, and cargo cannot see that it reads them.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations/service");
}
