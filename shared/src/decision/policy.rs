//! What holds at a lane, whoever comes.

use crate::documents::{AdmissionPolicy, EventDocument, Lane, LeaseState};
use crate::id::ProductId;
use crate::time::Timestamp;

/// What holds at this lane.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The event in force.
    pub event: &'a EventDocument,
    /// The lane the ticket was shown at.
    pub lane: &'a Lane,
    /// Whether this gate may admit at all.
    pub lease: LeaseState,
    /// When the trust bundle in force ends: the first instant at which it is no longer good.
    pub bundle_not_after: Timestamp,
}

impl<'a> Policy<'a> {
    /// At a lane of a gate whose lease is held.
    pub fn at(event: &'a EventDocument, lane: &'a Lane, bundle_not_after: Timestamp) -> Self {
        Self { event, lane, lease: LeaseState::Held, bundle_not_after }
    }

    pub(super) fn admission(&self, product: ProductId) -> &'a AdmissionPolicy {
        self.event.policy_of(product)
    }
}
