//! Products: what an event document sells, and what their tickets are like.

use minicbor::{Decode, Encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admission::AdmissionPolicy;
use super::event::Text;
use crate::id::{ProductId, Zones};
use crate::money::Money;
use crate::ticket::Validity;
use crate::time::Timestamp;

/// A kind of admission: where, when, how many, and for how much at least.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(map)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Its number within the event.
    #[n(0)]
    pub product: ProductId,
    /// Its name.
    #[n(1)]
    pub name: Text,
    /// Where it admits.
    #[n(2)]
    pub zones: Zones,
    /// When it begins to admit, as sold: the window that its tickets carry.
    #[n(3)]
    pub from: Timestamp,
    /// When it no longer admits, as sold.
    #[n(4)]
    pub until: Timestamp,
    /// Persons that may be admitted by it.
    #[n(5)]
    pub capacity: u32,
    /// No place is granted for less.
    #[n(6)]
    pub least_price: Money,
    /// The window that holds instead of its tickets' own, once the event was postponed: no ticket is made anew.
    #[n(7)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved: Option<Window>,
    /// What its tickets are like.
    #[n(8)]
    #[serde(default)]
    pub form: TicketForm,
    /// How gates admit it, where that is not as the event's policy says. It replaces that policy whole.
    #[n(9)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<AdmissionPolicy>,
}

/// From one instant until before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(map)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The first instant within.
    #[n(0)]
    pub from: Timestamp,
    /// The first instant after.
    #[n(1)]
    pub until: Timestamp,
}

/// What the tickets of a product are like: what auth holds their flags against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(map)]
#[serde(deny_unknown_fields, default)]
pub struct TicketForm {
    /// Live tickets: for how many seconds a holder's proof is fresh. Static tickets: 0.
    #[n(0)]
    pub live_window_seconds: u8,
    /// What they say of their holder.
    #[n(1)]
    pub holder: HolderName,
}

/// What a ticket says of its holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Encode, Decode, Serialize, Deserialize, ToSchema)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum HolderName {
    /// Nothing.
    #[default]
    #[n(0)]
    Unnamed,
    /// Name and seat, sealed: shown where they can be read.
    #[n(1)]
    Sealed,
    /// Name and seat, sealed: where they cannot be read, staff check who this is.
    #[n(2)]
    Checked,
}

impl TicketForm {
    /// Whether its tickets need a holder's proof.
    pub const fn is_live(self) -> bool {
        self.live_window_seconds > 0
    }

    /// Whether its tickets carry a sealed part.
    pub const fn is_sealed(self) -> bool {
        match self.holder {
            HolderName::Unnamed => false,
            HolderName::Sealed | HolderName::Checked => true,
        }
    }

    /// Whether its tickets say that their holder is to be checked.
    pub const fn checks_id(self) -> bool {
        match self.holder {
            HolderName::Unnamed | HolderName::Sealed => false,
            HolderName::Checked => true,
        }
    }
}

impl Window {
    /// The window in whole seconds, rounded down; none when it is empty or outside 1970 to 2106.
    pub fn validity(self) -> Option<Validity> {
        Validity::between(self.from, self.until)
    }
}

impl Product {
    /// A product of static tickets without names, admitted as the event's policy says, within the window it is sold for.
    pub fn new(
        product: ProductId,
        name: Text,
        zones: Zones,
        window: Window,
        capacity: u32,
        least_price: Money,
    ) -> Self {
        let Window { from, until } = window;
        let form = TicketForm::default();
        Self { product, name, zones, from, until, capacity, least_price, moved: None, form, policy: None }
    }

    /// The window a ticket of this product carries.
    pub fn validity(&self) -> Option<Validity> {
        Validity::between(self.from, self.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_what_its_tickets_carry() {
        let carried = |live_window_seconds, holder| {
            let form = TicketForm { live_window_seconds, holder };
            (form.is_live(), form.is_sealed(), form.checks_id())
        };
        assert_eq!(carried(0, HolderName::Unnamed), (false, false, false));
        assert_eq!(carried(1, HolderName::Unnamed), (true, false, false));
        assert_eq!(carried(0, HolderName::Sealed), (false, true, false));
        assert_eq!(carried(0, HolderName::Checked), (false, true, true));
    }
}
