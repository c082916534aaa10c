//! `countermark-cloud migrate`: the one command that changes a schema.

use clap::Subcommand;
use countermark_service::database;
use countermark_service::settings::{Admin, Auth, DatabaseSettings, Service, Tickets, Validation};
use sqlx::migrate::Migrator;

use crate::output::print;

/// Whose database.
#[derive(Subcommand)]
pub(crate) enum Migrate {
    /// The account service's.
    Auth(DatabaseSettings<Auth>),
    /// The ticket service's.
    Tickets(DatabaseSettings<Tickets>),
    /// The validation service's.
    Validation(DatabaseSettings<Validation>),
    /// The administrator's service's.
    Admin(DatabaseSettings<Admin>),
}

pub(crate) async fn run(target: Migrate) -> anyhow::Result<()> {
    match target {
        Migrate::Auth(settings) => migrate(&settings, &countermark_auth::MIGRATOR).await,
        Migrate::Tickets(settings) => migrate(&settings, &countermark_tickets::MIGRATOR).await,
        Migrate::Validation(settings) => migrate(&settings, &countermark_validation::MIGRATOR).await,
        Migrate::Admin(settings) => migrate(&settings, &countermark_admin::MIGRATOR).await,
    }
}

async fn migrate<S: Service>(settings: &DatabaseSettings<S>, migrator: &Migrator) -> anyhow::Result<()> {
    let pool = settings.connect().await?;
    database::migrate(&pool, migrator).await?;
    print(&format!("the database of {} is up to date", S::NAME))
}
