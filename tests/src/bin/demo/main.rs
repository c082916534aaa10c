//! `cargo demo`: the whole system on this machine, from an empty folder to people let in.

mod output;
mod report;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use countermark_postgres::Server;
use countermark_tests::binaries;
use countermark_tests::cloud::{ADMINISTRATOR, Cloud, Migration, Part};
use countermark_tests::gateway::Gateway;
use countermark_tests::main_line::{self, Performance};
use countermark_tests::season::{CONCERT, FESTIVAL};
use tokio::runtime::Runtime;

use crate::output::Output;

/// Shows Countermark at work on this machine: a private PostgreSQL, four services, a payment provider and two gates, each a
/// real process. Sells tickets, shows them to the gates, by pictures and by a scanner, cuts the gates off from the cloud, tries one seat at both, and
/// shows what is found when the line is mended.
///
/// Needs Rust, a C compiler and PostgreSQL's server binaries (Debian: `apt-get install postgresql`). Works in one temporary
/// folder, listens on loopback only, and leaves neither files nor processes behind, however it ends.
#[derive(Parser)]
#[command(bin_name = "cargo demo", after_help = AFTER_HELP)]
struct Arguments {
    /// End after the last figure instead of waiting for Ctrl-C.
    #[arg(long)]
    once: bool,
}

const AFTER_HELP: &str = "\
Exit codes: 0 every outcome was the expected one; 1 one was not, or something failed; 2 wrong usage.
TMPDIR says where the temporary folder is made. Colours are left out where NO_COLOR is set or no terminal reads.";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = Output::new();
    let shown = Runtime::new().context("no runtime can be started").and_then(|runtime| {
        // Processes end and folders go as this future is dropped, within the runtime.
        runtime.block_on(show(&arguments, &output))
    });
    match shown {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => output.failed(&error),
    }
}

/// Whether every outcome was the expected one.
async fn show(arguments: &Arguments, output: &Output) -> Result<bool> {
    output.heading("Countermark: a ticket is sold, signed twice, read from a picture, and let in once");
    tokio::task::spawn_blocking(binaries::build).await??;
    output.step("the programs are built");
    let server = tokio::task::spawn_blocking(Server::start).await??;
    output.step(&format!("a private PostgreSQL runs; everything is in {}", server.folder().display()));
    let told = |step: &str| output.step(step);
    let cloud = Cloud::start(&server, "cloud", Migration::ByCommand, &[FESTIVAL, CONCERT], &told).await?;
    let performance = match main_line::play(&cloud, &told).await {
        Ok(performance) => performance,
        Err(error) => return Err(error.context(format!("the processes had logged:\n{}", cloud.log_tails()))),
    };
    report::scans(output, "What the gate at the North entrance said", &performance.online);
    report::scans(output, "What it said while cut off from the cloud", &performance.offline);
    report::scans(
        output,
        "What the second gate said: in reach of the cloud, cut off, and suspended",
        &performance.south,
    );
    report::settlement(output, &performance);
    let errors = cloud.errors();
    report::errors(output, &errors);
    let as_expected = performance.is_as_expected() && errors.is_empty();
    report::end(output, as_expected);
    let gateway = gateway(&cloud).await?;
    if !arguments.once {
        stay(output, &cloud, &performance, gateway.as_ref()).await?;
    }
    Ok(as_expected)
}

/// What the page of findings is read behind, where it is installed; nobody is sent to a page that nobody can sign in to.
async fn gateway(cloud: &Cloud) -> Result<Option<Gateway>> {
    if !Gateway::is_installed() {
        return Ok(None);
    }
    let gateway = Gateway::open(cloud).await?;
    let admin = gateway.sign_in(ADMINISTRATOR, &cloud.administrator_password()?).await?;
    admin.bytes(&format!("/v1/events/{FESTIVAL}/findings/page?language=en")).await?;
    Ok(Some(gateway))
}

async fn stay(output: &Output, cloud: &Cloud, performance: &Performance, gateway: Option<&Gateway>) -> Result<()> {
    let documentation = |part| format!("{}/docs", cloud.line(part).url());
    output.heading("Pages to look at");
    output.pair("operator's screen, North", &performance.gate.screen);
    output.pair("operator's screen, South", &performance.second.screen);
    match gateway {
        Some(gateway) => {
            output.pair("what was found", &format!("{}/events/{FESTIVAL}/findings", gateway.url(Part::Admin)));
            output.pair("  its certificate", "is vouched for by nobody: the browser warns, and may go on");
            output.pair("  sign in as", ADMINISTRATOR);
            output.pair("  with", &cloud.administrator_password()?);
        }
        None => output.pair(
            "what was found",
            &format!("is read behind the gateway: `apt-get install {}`, and again", Gateway::PACKAGES),
        ),
    }
    output.pair("payment page", &performance.payment_page);
    for service in Part::SERVICES {
        output.pair(&format!("{service}: interface"), &documentation(service));
    }
    output.pair("pictures", &cloud.folder().join("pictures").display().to_string());
    output.line("\nPut a picture of a code into that folder, and the gate reads it. Ctrl-C ends everything.");
    tokio::signal::ctrl_c().await.context("cannot wait for Ctrl-C")?;
    output.line("");
    Ok(())
}
