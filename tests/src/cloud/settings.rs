//! What each process of the cloud is told: all of it variables, none with a default of the harness's own.

use std::collections::BTreeMap;

use super::{Cloud, Part};

/// Variables and their values.
pub type Settings = BTreeMap<String, String>;

impl Cloud {
    /// The settings of a process, as it is started with.
    pub fn settings(&self, part: Part) -> Settings {
        let mut settings = Settings::new();
        let mut set = |name: String, value: String| settings.insert(name, value);
        // Machine-readable, so that an ERROR line is found.
        set("COUNTERMARK_LOG_FORMAT".to_owned(), "json".to_owned());
        set(part.variable("LISTEN"), "127.0.0.1:0".to_owned());
        let file = |path: std::path::PathBuf| path.display().to_string();
        let payment_secret = file(self.ceremony.secret_file("payments"));
        if part == Part::Payments {
            let webhook = |part| format!("{}/v1/payment-events", self.line(part).url());
            set(part.variable("KEY_FILE"), file(self.ceremony.key_file("payments")));
            set(part.variable("SECRET_FILE"), payment_secret);
            set(part.variable("WEBHOOKS"), [webhook(Part::Tickets), webhook(Part::Auth)].join(","));
            set(part.variable("PUBLIC_URL"), self.line(part).url());
            return settings;
        }
        if let Some(address) = self.databases.get(&part) {
            set(part.variable("DATABASE"), address.clone());
        }
        // Admin keeps no private key at rest.
        if part != Part::Admin {
            set(part.variable("MASTER_KEY_FILE"), file(self.ceremony.secret_file(part.name())));
        }
        set(part.variable("SERVICE_KEY_FILE"), file(self.ceremony.key_file(part.name())));
        for (peer, key) in &self.service_keys {
            set(peer.variable("URL"), self.line(*peer).url());
            set(peer.variable("PUBLIC_KEY"), key.clone());
        }
        set("COUNTERMARK_TRUST_BUNDLE".to_owned(), file(self.ceremony.bundle_file()));
        set("COUNTERMARK_ROOT_FINGERPRINT".to_owned(), self.fingerprint.clone());
        if part == Part::Admin {
            set("COUNTERMARK_GATES_URL".to_owned(), self.gate_line.url());
        }
        if matches!(part, Part::Auth | Part::Tickets) {
            set("COUNTERMARK_PAYMENT_PROVIDER_KEY".to_owned(), self.provider_key.clone());
        }
        if part == Part::Tickets {
            set("COUNTERMARK_PAYMENT_PROVIDER_URL".to_owned(), self.line(Part::Payments).url());
            set(part.variable("PAYMENT_SECRET_FILE"), payment_secret);
        }
        settings
    }
}
