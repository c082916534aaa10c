//! The command line: what can be asked of the cloud's one program.

use clap::{Args, Parser, Subcommand, ValueEnum};
use countermark_service::telemetry::LogSettings;

use crate::account::{Credentials, ListAdministrators, RemoveAdministrator};
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
    AddAdministrator(Credentials),
    /// Close an administrator's account. Their tokens end within a quarter of an hour; what they did stays on the record.
    RemoveAdministrator(RemoveAdministrator),
    /// Say who may administrate.
    ListAdministrators(ListAdministrators),
    /// Set the password of an account, a buyer's or an administrator's, for somebody who has forgotten theirs. Make sure that it is them: nobody
    /// is sent mail.
    SetPassword(Credentials),
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    const DEPLOYING: &str = include_str!("../deploying.md");
    const COMPOSE: &str = include_str!("../../docker-compose.yml");

    /// The words of each command of this program that the page has: after its own name, or after compose and the service it runs.
    fn commands() -> impl Iterator<Item = Vec<&'static str>> {
        // A line that goes on ends with a backslash.
        let joined: &'static str = DEPLOYING.replace("\\\n", " ").leak();
        joined.lines().filter_map(|line| {
            let words: Vec<_> = line.split('#').next()?.split_whitespace().collect();
            let own = |words: &[&'static str]| match words {
                ["countermark-cloud", rest @ ..] => Some(rest.to_vec()),
                ["docker-compose", "run", rest @ ..] => {
                    let service =
                        rest.iter().position(|word| matches!(*word, "auth" | "tickets" | "validation" | "admin"))?;
                    Some(rest.get(service + 1..)?.to_vec())
                }
                _ => None,
            };
            own(&words)
        })
    }

    #[test]
    fn the_page_for_those_who_run_the_cloud_has_only_commands_and_options_that_there_are() {
        let mut found = 0;
        for words in commands() {
            let mut command = Cli::command();
            command.build();
            let mut at = &command;
            for word in &words {
                if let Some(option) = word.strip_prefix("--") {
                    let known = at.get_arguments().any(|argument| argument.get_long() == Some(option));
                    assert!(known, "{words:?}: there is no --{option}");
                } else if let Some(next) = at.find_subcommand(word) {
                    at = next;
                }
            }
            assert!(!at.has_subcommands(), "{words:?}: what then?");
            found += 1;
        }
        assert!(found >= 8, "{found} commands were found");
    }

    #[test]
    fn the_page_names_each_variable_and_each_secret_of_the_compose_file() {
        let mut named = 0;
        for (place, _) in COMPOSE.match_indices("${") {
            let name: String =
                COMPOSE[place + 2..].chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            assert!(DEPLOYING.contains(&format!("`{name}`")), "{name}");
            named += 1;
        }
        assert!(named > 10, "{named} variables were found");
        for line in COMPOSE.lines().filter(|line| line.contains("SECRETS_FOLDER")) {
            let Some((name, _)) = line.trim().split_once(':').filter(|_| line.starts_with("  ")) else { continue };
            let kind = name.split_once('-').map_or(name, |(_, kind)| kind);
            assert!(DEPLOYING.contains(name) || DEPLOYING.contains(&format!("auth-{kind}")), "{name}");
        }
    }
}
