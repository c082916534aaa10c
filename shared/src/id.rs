//! What things are called: a newtype for each identifier. Owns their width and text form; refuses to know what they name.

use core::fmt;
use core::str::FromStr;

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($width:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize, ToSchema,
        )]
        #[cbor(transparent)]
        #[serde(transparent)]
        pub struct $name(#[n(0)] pub $width);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = core::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

number! {
    /// An event: what one event document describes and one slot list covers.
    EventId(u32)
}
number! {
    /// A seat or standing place of an event; dense for each event, so that a slot list is an array.
    Slot(u32)
}
number! {
    /// Which issue of a slot a ticket is: transfer and re-issue raise it.
    Generation(u8)
}
number! {
    /// Which of an event's secrets sealed a ticket's name and seat; tickets makes a new one when a gate was lost.
    SealingGeneration(u8)
}
number! {
    /// A kind of admission within an event document.
    ProductId(u16)
}
number! {
    /// An entrance's appliance, numbered by validation at enrolment.
    GateId(u32)
}
number! {
    /// One path through a gate: a set of inputs with one direction.
    LaneId(u8)
}
number! {
    /// Somebody who may overrule a gate, as that gate numbers its own.
    SupervisorId(u16)
}

macro_rules! universal {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

universal! {
    /// A buyer's or administrator's account with auth.
    AccountId
}
universal! {
    /// An order with tickets.
    OrderId
}
universal! {
    /// A ticket's way from one account to another, named by auth when the recipient accepts it.
    TransferId
}
universal! {
    /// An offer of tickets: a price and a number of persons for a product.
    OfferId
}

/// A set of zones as a bit mask: bit 0 is zone 1. The empty set means "no zone asked for".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(transparent)]
#[serde(transparent)]
pub struct Zones(#[n(0)] pub u32);

impl Zones {
    /// Whether the two sets have a zone in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}
