//! Owns every line that `cargo prepare` prints by itself. Decides nothing.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::service::Service;

/// Lines for a shell to evaluate.
pub(crate) fn settings(services: &[Service]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for service in services {
        writeln!(out, "export {}='{}'", service.variable(), service.url)?;
    }
    writeln!(out, "export SQLX_OFFLINE=false")?;
    out.flush()
}

pub(crate) fn current(service: &Service, queries: usize) -> io::Result<()> {
    writeln!(io::stdout(), "{}: {queries} queries, up to date", service.name())
}

pub(crate) fn written(service: &Service, queries: usize) -> io::Result<()> {
    writeln!(io::stdout(), "{}: {queries} queries, written", service.name())
}

pub(crate) fn outdated(service: &Service) -> io::Result<()> {
    writeln!(
        io::stdout(),
        "{}: cloud/{}/.sqlx is out of date: run `cargo prepare` and commit it",
        service.name(),
        service.name()
    )
}

/// The whole chain of causes as one sentence; without a backtrace, which helps nobody correct a query.
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    // Where standard error is closed, the exit code is all that can be said.
    let _ = writeln!(io::stderr(), "error: {error:#}");
    ExitCode::FAILURE
}
