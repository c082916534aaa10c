//! How facts read in the vectors.

pub(in crate::decision) mod milliseconds {
    use core::time::Duration;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::decision) fn serialize<S: Serializer>(age: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(age.as_millis()).unwrap())
    }

    pub(in crate::decision) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

pub(in crate::decision) mod slot_state {
    use crate::documents::SlotState;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Name {
        NotIssued,
        Good,
        Blocked,
        Revoked,
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(in crate::decision) fn serialize<S: Serializer>(state: &SlotState, serializer: S) -> Result<S::Ok, S::Error> {
        match state {
            SlotState::NotIssued => Name::NotIssued,
            SlotState::Good => Name::Good,
            SlotState::Blocked => Name::Blocked,
            SlotState::Revoked => Name::Revoked,
        }
        .serialize(serializer)
    }

    pub(in crate::decision) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SlotState, D::Error> {
        Ok(match Name::deserialize(deserializer)? {
            Name::NotIssued => SlotState::NotIssued,
            Name::Good => SlotState::Good,
            Name::Blocked => SlotState::Blocked,
            Name::Revoked => SlotState::Revoked,
        })
    }
}

pub(in crate::decision) mod lease_state {
    use crate::decision::LeaseState;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Name {
        Held,
        WithoutNames,
        Ended,
        Suspended,
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(in crate::decision) fn serialize<S: Serializer>(state: &LeaseState, serializer: S) -> Result<S::Ok, S::Error> {
        match state {
            LeaseState::Held => Name::Held,
            LeaseState::WithoutNames => Name::WithoutNames,
            LeaseState::Ended => Name::Ended,
            LeaseState::Suspended => Name::Suspended,
        }
        .serialize(serializer)
    }

    pub(in crate::decision) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LeaseState, D::Error> {
        Ok(match Name::deserialize(deserializer)? {
            Name::Held => LeaseState::Held,
            Name::WithoutNames => LeaseState::WithoutNames,
            Name::Ended => LeaseState::Ended,
            Name::Suspended => LeaseState::Suspended,
        })
    }
}
