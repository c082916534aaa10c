//! The programs under test. Cargo builds no other package's binaries for a test or a `cargo run`; this does, once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// `countermark-cloud`.
    pub cloud: PathBuf,
    /// `countermark-gate`.
    pub gate: PathBuf,
    /// `demo`.
    pub demo: PathBuf,
}

/// Builds the workspace's programs in the profile and folder of this very executable, unless this process did so before.
/// Cargo's progress goes to standard error.
pub fn build() -> Result<&'static Binaries> {
    static BUILT: OnceLock<Result<Binaries, String>> = OnceLock::new();
    BUILT.get_or_init(|| run_cargo().map_err(|error| format!("{error:#}"))).as_ref().map_err(|error| anyhow!("{error}"))
}

/// Builds the Debian package `file`, with a gate as it ships: with cameras. It takes the place of the one that [`build`] built.
pub fn package(file: &Path) -> Result<()> {
    let place = Place::of_this()?;
    let mut cargo = cargo();
    // Packed well is for what ships: whoever unpacks this may compute in software.
    cargo.args([
        "deb",
        "--package",
        "countermark-gate",
        "--locked",
        "--strip",
        "--compress-type",
        "gz",
        "--compress-system",
    ]);
    cargo.args(["--profile", &place.profile]).env("CARGO_TARGET_DIR", &place.target).arg("--output").arg(file);
    let status = cargo.status().context("cargo cannot be run; is it on the PATH?")?;
    ensure!(status.success(), "cargo made no package; `cargo install --locked cargo-deb` if it knows no `deb`");
    Ok(())
}

fn run_cargo() -> Result<Binaries> {
    let place = Place::of_this()?;
    let mut cargo = cargo();
    cargo.args(["build", "--workspace", "--bins", "--profile", &place.profile, "--target-dir"]).arg(&place.target);
    if let Some(triple) = &place.triple {
        cargo.args(["--target", triple]);
    }
    let status = cargo.status().context("cargo cannot be run; is it on the PATH?")?;
    ensure!(status.success(), "the programs under test do not build: cargo says why above");
    let binary = |name| {
        let path = place.programs.join(name);
        ensure!(path.is_file(), "cargo built no {}", path.display());
        Ok(path)
    };
    Ok(Binaries { cloud: binary("countermark-cloud")?, gate: binary("countermark-gate")?, demo: binary("demo")? })
}

#[expect(clippy::disallowed_methods, reason = "cargo says to the programs it runs where it is, by a variable")]
fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from));
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    cargo
}

/// What an executable's path says of how it was built: `target[/triple]/profile[/deps]/executable`.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    target: PathBuf,
    triple: Option<String>,
    profile: String,
    programs: PathBuf,
}

impl Place {
    fn of_this() -> Result<Self> {
        Self::of(&std::env::current_exe().context("this executable does not know where it is")?)
    }

    fn of(executable: &Path) -> Result<Self> {
        let read = || {
            let folder = executable.parent()?;
            let programs = if folder.ends_with("deps") { folder.parent()? } else { folder };
            let profile = match programs.file_name()?.to_str()? {
                "debug" => "dev",
                other => other,
            };
            let above = programs.parent()?;
            // Cargo marks the target folder itself.
            let (target, triple) = if above.join("CACHEDIR.TAG").is_file() {
                (above, None)
            } else {
                (above.parent()?, Some(above.file_name()?.to_str()?.to_owned()))
            };
            Some(Self { target: target.into(), triple, profile: profile.to_owned(), programs: programs.into() })
        };
        read().with_context(|| format!("{} is not where cargo puts executables", executable.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_profile_and_folders() {
        let target = tempfile::tempdir().unwrap();
        std::fs::write(target.path().join("CACHEDIR.TAG"), "").unwrap();
        for (path, triple, profile) in [
            ("debug/deps/stories-0123", None, "dev"),
            ("release/demo", None, "release"),
            ("x86_64-unknown-linux-musl/dist/demo", Some("x86_64-unknown-linux-musl"), "dist"),
        ] {
            let place = Place::of(&target.path().join(path)).unwrap();
            assert_eq!((place.triple.as_deref(), &*place.profile), (triple, profile), "{path}");
            assert_eq!(place.target, target.path());
        }
    }
}
