//! The assignment: which event and lanes a gate serves, until when, and what it may open. Signed by validation's list key.

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

use super::bundle::TrustBundle;
use super::envelope::{Authentic, Document, Signed};
use super::lane::Lane;
use super::lease::Lease;
use super::refusal::Refusal;
use super::revision::Revision;
use crate::id::{EventId, GateId, LaneId, Zones};
use crate::label::Label;
use crate::time::Timestamp;

const MAX_LANES: usize = 32;
const MAX_NAME_BYTES: usize = 100;
const MAX_SECRETS: usize = 16;

/// A gate's work.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Assignment {
    /// The gate.
    #[n(0)]
    pub gate: GateId,
    /// Raised by each change.
    #[n(1)]
    pub version: u32,
    /// When it was signed.
    #[n(2)]
    pub issued: Timestamp,
    /// The event it admits to.
    #[n(3)]
    pub event: EventId,
    /// The entrance's name, for people.
    #[n(4)]
    pub name: String,
    /// Its lanes.
    #[n(5)]
    pub lanes: Vec<Lane>,
    /// How long it may serve.
    #[n(6)]
    pub lease: Lease,
    /// The event's secrets, wrapped for this gate, by sealing generation.
    #[n(7)]
    pub secrets: Vec<WrappedSecret>,
}

/// An event secret that only one gate can unwrap: see [the specification](crate#signed-documents).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WrappedSecret {
    /// The sealing generation whose tickets it opens.
    #[n(0)]
    pub generation: u8,
    /// HPKE's encapsulated key (RFC 9180, 4.1: an X25519 public key).
    #[n(1)]
    pub encapsulated: ByteArray<32>,
    /// The secret's 32 bytes, encrypted, with their tag of 16.
    #[n(2)]
    pub ciphertext: ByteArray<48>,
}

impl Assignment {
    /// The lane of that number.
    pub fn lane(&self, lane: LaneId) -> Option<&Lane> {
        self.lanes.iter().find(|candidate| candidate.lane == lane)
    }

    /// Takes an assignment if the list key signed it for this gate, and it is not older than the one in force. The answer is
    /// the newer of the two.
    pub fn accept(
        bytes: &[u8],
        bundle: &TrustBundle,
        gate: GateId,
        in_force: Option<&Authentic<Self>>,
        now: Timestamp,
    ) -> Result<Authentic<Self>, Refusal> {
        let list_keys = bundle.list_keys();
        let offered = Signed::<Self>::decode(bytes)?.open(&list_keys, 1)?;
        if offered.document().gate != gate {
            return Err(Refusal::OtherSubject { document: Self::NAME });
        }
        offered.succeed(in_force, &list_keys, now)
    }
}

impl Document for Assignment {
    const LABEL: Label = Label::Assignment;
    const NAME: &'static str = "assignment";
    const MAX_PAYLOAD: usize = 16 * 1024;

    fn revision(&self) -> Revision {
        Revision::version(self.version)
    }

    fn issued(&self) -> Timestamp {
        self.issued
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.lanes.is_empty() || self.lanes.len() > MAX_LANES {
            return Err("a gate has one to 32 lanes");
        }
        if !self.lanes.is_sorted_by(|a, b| a.lane < b.lane) {
            return Err("lanes are sorted by number, each once");
        }
        if self.lanes.iter().any(|lane| lane.zones == Zones::default()) {
            return Err("each lane leads to a zone");
        }
        if self.name.is_empty() || self.name.len() > MAX_NAME_BYTES {
            return Err("an entrance's name has 1 to 100 bytes");
        }
        if self.lease.names_until > self.lease.until {
            return Err("names leave the box before admission ends");
        }
        if self.secrets.len() > MAX_SECRETS {
            return Err("a gate has at most 16 event secrets");
        }
        if !self.secrets.is_sorted_by(|a, b| a.generation < b.generation) {
            return Err("event secrets are sorted by sealing generation, each once");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::Direction;
    use crate::samples;
    use core::time::Duration;

    fn assignment() -> Assignment {
        Assignment {
            gate: GateId(1),
            version: 1,
            issued: samples::DOORS,
            event: EventId(7),
            name: "North".into(),
            lanes: vec![lane(1)],
            lease: samples::lease(),
            secrets: vec![],
        }
    }

    fn lane(lane: u8) -> Lane {
        Lane { lane: LaneId(lane), direction: Direction::Entry, zones: Zones(u32::MAX) }
    }

    fn secret(generation: u8) -> WrappedSecret {
        WrappedSecret { generation, encapsulated: [255; 32].into(), ciphertext: [255; 48].into() }
    }

    #[test]
    fn the_greatest_assignment_fits_and_a_greater_one_is_not_signed() {
        let seal = |lanes, name, secrets| {
            let (lanes, secrets) = ((0..lanes).map(lane).collect(), (0..secrets).map(secret).collect());
            let assignment = Assignment { lanes, name: "n".repeat(name), secrets, ..assignment() };
            Signed::seal(&assignment, &[&samples::list_key()])
        };
        seal(32, 100, 16).unwrap();
        for beyond in [seal(0, 100, 16), seal(33, 100, 16), seal(32, 0, 16), seal(32, 101, 16), seal(32, 100, 17)] {
            assert!(matches!(beyond, Err(Refusal::Malformed { .. })));
        }
    }

    #[test]
    fn an_assignment_that_contradicts_itself_is_not_signed() {
        let (lease, one) = (samples::lease(), assignment());
        assert_eq!(Assignment { lease: Lease { names_until: lease.until, ..lease }, ..one.clone() }.check(), Ok(()));
        let late = Lease { names_until: lease.until + Duration::from_millis(1), ..lease };
        for contradiction in [
            Assignment { lanes: vec![lane(1), lane(1)], ..one.clone() },
            Assignment { lanes: vec![Lane { zones: Zones(0), ..lane(1) }], ..one.clone() },
            Assignment { secrets: vec![secret(1), secret(1)], ..one.clone() },
            Assignment { lease: late, ..one },
        ] {
            assert!(contradiction.check().is_err(), "{contradiction:?}");
        }
    }

    #[test]
    fn a_lane_is_found_by_its_number() {
        let assignment = Assignment { lanes: vec![lane(1), lane(3)], ..assignment() };
        assert_eq!(assignment.lane(LaneId(3)), Some(&lane(3)));
        assert_eq!(assignment.lane(LaneId(2)), None);
    }

    #[test]
    fn another_gates_assignment_is_refused() {
        let assignment = assignment();
        let bytes = Signed::seal(&assignment, &[&samples::list_key()]).unwrap();
        let accept = |gate| Assignment::accept(&bytes, &samples::bundle(), gate, None, samples::DOORS);
        assert_eq!(accept(GateId(1)).unwrap().document(), &assignment);
        assert!(matches!(accept(GateId(2)), Err(Refusal::OtherSubject { .. })));
    }
}
