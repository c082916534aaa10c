//! How far a bundle has come on its round, and what it says: for whoever is to sign it, and for scripts.

use std::fmt::{self, Display, Formatter};

use countermark_shared::documents::{TrustBundle, TrustedKey};
use countermark_shared::keys::VerifyingKey;
use serde_json::{Value, json};

use crate::output::answer;

/// A bundle, and those of its roots that have signed it.
pub(super) struct Standing<'a> {
    pub(super) bundle: &'a TrustBundle,
    pub(super) signed: &'a [VerifyingKey],
}

impl Standing<'_> {
    pub(super) fn say(&self, json: bool) -> anyhow::Result<()> {
        answer(json, &self.value(), &self.to_string())
    }

    fn missing(&self) -> usize {
        usize::from(self.bundle.threshold).saturating_sub(self.signed.len())
    }

    fn value(&self) -> Value {
        let TrustBundle { version, issued, not_after, roots, threshold, keys } = self.bundle;
        let key = |TrustedKey { key, role, status, events }: &TrustedKey| json!({ "key": key, "role": role.name(), "status": status.name(), "events": events });
        json!({
            "version": version,
            "issued": issued,
            "not_after": not_after,
            "fingerprint": self.bundle.root_fingerprint(),
            "threshold": threshold,
            "roots": roots.iter().map(|root| json!({ "key": root, "signed": self.signed.contains(root) })).collect::<Vec<_>>(),
            "complete": self.missing() == 0,
            "keys": keys.iter().map(key).collect::<Vec<_>>(),
        })
    }
}

impl Display for Standing<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let TrustBundle { version, issued, not_after, roots, threshold, keys } = self.bundle;
        writeln!(formatter, "version {version}, issued {issued}, fresh until {not_after}")?;
        writeln!(formatter, "root fingerprint {}", self.bundle.root_fingerprint())?;
        for root in roots {
            let signed = if self.signed.contains(root) { "signed" } else { "not signed" };
            writeln!(formatter, "  root        {root}  {signed}")?;
        }
        for TrustedKey { key, role, status, events } in keys {
            write!(formatter, "  {:<10}  {key}  {}", role.name(), status.name())?;
            if !events.is_empty() {
                let events: Vec<_> = events.iter().map(ToString::to_string).collect();
                write!(formatter, ", events {}", events.join(", "))?;
            }
            writeln!(formatter)?;
        }
        match self.missing() {
            0 => write!(formatter, "as many roots have signed it as must: {threshold}"),
            missing => write!(formatter, "{missing} more of the roots must sign it: `ceremony bundle sign`"),
        }
    }
}
