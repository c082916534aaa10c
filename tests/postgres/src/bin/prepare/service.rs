//! Owns what a service crate is called where: folder, package, variable, database. Knows nothing of its queries.

use std::path::{Path, PathBuf};

use anyhow::Result;
use countermark_postgres::{Schema, Server};

/// A crate whose queries are checked, with a migrated database to check them against.
pub(crate) struct Service {
    schema: Schema,
    /// The address of its database.
    pub(crate) url: String,
}

impl Service {
    /// All of them, each with a database on `server`.
    pub(crate) fn all(server: &Server) -> Result<Vec<Self>> {
        Schema::ALL
            .into_iter()
            .map(|schema| Ok(Self { schema, url: server.create_database(schema.name(), schema)? }))
            .collect()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.schema.name()
    }

    pub(crate) fn package(&self) -> String {
        format!("countermark-{}", self.name())
    }

    /// The variable that the crate's `sqlx.toml` names for the address of its database.
    pub(crate) fn variable(&self) -> String {
        format!("SQLX_{}_URL", self.name().to_uppercase())
    }

    pub(crate) fn folder(&self) -> PathBuf {
        workspace().join("cloud").join(self.name())
    }

    /// Where a recording into `folder` puts this crate's descriptions.
    pub(crate) fn recorded_in(&self, folder: &Path) -> PathBuf {
        folder.join(self.package())
    }
}

/// The root of the source tree that this program was built from.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
