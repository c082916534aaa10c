//! The command line: what can be asked of the cloud's one program.

use clap::{Args, Parser, Subcommand, ValueEnum};
use countermark_service::telemetry::LogSettings;

use crate::administrator::AddAdministrator;
use crate::ceremony::Ceremony;
use crate::key::KeyOf;
use crate::migrate::Migrate;
use crate::recover::Recover;
use crate::sandbox_payments;

/// Countermark's cloud: four services that sell tickets and sign each with two keys of two of them.
///
/// Every setting is an option and an environment variable of the same meaning; `countermark-cloud COMMAND --help` lists them.
#[derive(Parser)]
#[command(name = "countermark-cloud", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) log: LogSettings,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER_HELP: &str = "\
To set a system up, in this order: `migrate` each database, `ceremony secret` and `ceremony key` for each service, \
`key` to make the signing keys, `ceremony bundle` to have the root sign them, then start the services and `add-administrator`. \
`cargo demo` does all of it in a temporary folder.";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the account service: accounts, grants, and the second signature on each ticket.
    Auth(Box<countermark_auth::Settings>),
    /// Run the ticket service: offers, orders, and the first signature on each ticket.
    Tickets(Box<countermark_tickets::Settings>),
    /// Run the validation service: gates, the signed lists they sync, their journals.
    Validation(Box<countermark_validation::Settings>),
    /// Run the administrator's service: events, offers, gates, revocations, figures.
    Admin(Box<countermark_admin::Settings>),
    /// Run all four in one process, told by their variables. For trying things out: one process holds all keys then.
    All,
    /// Bring a service's database to this program's schema.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Go on from a backup of a service's database.
    ///
    /// In this order: stop the service; restore its database; run this command, told by the same variables as the service; start the service.
    /// The other three run meanwhile: they are asked for what was lost. It may be run again. Where several databases were restored, restore
    /// them to one instant, and recover validation last: what two of them have lost, neither can tell the other.
    #[command(subcommand)]
    Recover(Recover),
    /// Make a service's signing key, unless it has one, and print its public half for the ceremony.
    #[command(subcommand)]
    Key(KeyOf),
    /// Make an account that may administrate. Nobody can register as one.
    AddAdministrator(AddAdministrator),
    /// Make root, organiser and service keys, and sign trust bundles and event documents: on a machine that no service runs on.
    #[command(subcommand)]
    Ceremony(Ceremony),
    /// Run a payment provider that takes no money, for demonstrations and tests.
    SandboxPayments(sandbox_payments::Settings),
    /// Print a service's OpenAPI document.
    Openapi {
        /// Which service.
        service: Document,
    },
}

/// Whose OpenAPI document.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Document {
    Auth,
    Tickets,
    Validation,
    Admin,
}

/// The settings of all four services.
pub(crate) struct AllSettings {
    pub(crate) auth: countermark_auth::Settings,
    pub(crate) tickets: countermark_tickets::Settings,
    pub(crate) validation: countermark_validation::Settings,
    pub(crate) admin: countermark_admin::Settings,
}

/// Reads each service's settings from the environment alone.
pub(crate) fn from_environment() -> Result<AllSettings, clap::Error> {
    Ok(AllSettings {
        auth: read("auth")?,
        tickets: read("tickets")?,
        validation: read("validation")?,
        admin: read("admin")?,
    })
}

fn read<S: Args>(service: &'static str) -> Result<S, clap::Error> {
    let matches = S::augment_args(clap::Command::new(service)).try_get_matches_from([service])?;
    S::from_arg_matches(&matches)
}
