//! What a process tells of itself: log lines on standard error. Owns their form; refuses to know what is worth a line.

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::TryInitError;

/// How to log. The same for every command.
#[derive(Args, Clone, Debug)]
pub struct LogSettings {
    /// What to log: a level, or directives such as `info,countermark_tickets=debug`.
    #[arg(long = "log", global = true, env = "COUNTERMARK_LOG", value_name = "COUNTERMARK_LOG", default_value = "info", value_parser = directives)]
    pub filter: String,
    /// The form of a line.
    #[arg(
        long = "log-format",
        global = true,
        env = "COUNTERMARK_LOG_FORMAT",
        value_name = "COUNTERMARK_LOG_FORMAT",
        default_value = "human"
    )]
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For a person at a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

/// Why logging could not begin.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter's directives cannot be read.
    #[error("COUNTERMARK_LOG cannot be read")]
    Filter {
        /// What the parser said.
        source: tracing_subscriber::filter::ParseError,
    },
    /// This process logs already.
    #[error("logging was set up before")]
    Twice {
        /// What the library said.
        source: TryInitError,
    },
}

/// Begins logging. Once in a process.
pub fn init(settings: &LogSettings) -> Result<(), TelemetryError> {
    use tracing_subscriber::util::SubscriberInitExt;

    let filter = EnvFilter::try_new(&settings.filter).map_err(|source| TelemetryError::Filter { source })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.format {
        LogFormat::Human => lines.finish().try_init(),
        LogFormat::Json => lines.json().finish().try_init(),
    }
    .map_err(|source| TelemetryError::Twice { source })
}

fn directives(text: &str) -> Result<String, tracing_subscriber::filter::ParseError> {
    EnvFilter::try_new(text).map(|_| text.to_owned())
}
