//! A newer snapshot under the steps that are held, so that few of them have to be kept.

use countermark_shared::documents::{Revision, Slots};
use countermark_shared::time::Timestamp;

use super::{DocumentKind, Documents, Stored};

impl Documents {
    /// The revision of a believed snapshot that the list in force is old enough to have left behind, if the `steps` that follow on it lead to
    /// what is in force. Then the steps up to there say nothing that the snapshot does not.
    pub(crate) fn folded(&self, snapshot: &[u8], steps: &[Stored], now: Timestamp) -> Option<Revision> {
        let bundle = self.bundle(DocumentKind::SlotList).ok()?;
        let event = self.assigned_event(DocumentKind::SlotList).ok()?;
        let in_force = self.slots.as_ref()?.standing();
        let mut slots = Slots::accept(snapshot, bundle, event, None, now).ok()?;
        let base = slots.revision();
        // The clock was asked when they came into force.
        let now = Timestamp::from_unix_millis(i64::MAX);
        for step in steps.iter().filter(|step| step.sequence > base.sequence) {
            slots = Slots::step(&step.envelope, bundle, event, Some(&slots), now).ok()?;
        }
        (slots.standing() == in_force).then_some(base)
    }
}
