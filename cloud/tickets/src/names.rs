//! Who tickets are for. Owns how a buyer writes it, when it is asked for, and how it is kept, sealed, while an order is under way.
//! Never in a log, a problem or a `Debug`: what cannot be read is refused without repeating it.

use countermark_shared::documents::TicketForm;
use countermark_shared::id::OrderId;
use countermark_shared::sealing::SealedText;
use countermark_shared::ticket::SEALED_LENGTH;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::state::State;
use crate::store;

/// The keystore's name of one name.
const NAME: &str = "holder-name";
/// The keystore's name of the hash over an order's names.
const HASH: &str = "holder-names-hash";

/// For whoever writes one wrongly. serde's own words would repeat the name.
const RULES: &str = "write each name as {\"name\": …, \"seat\": …}: the name is not empty, the seat may be left out, both have at most \
                     55 bytes of UTF-8 together, and neither has control characters or others that mislead a reader";

/// A holder's name and seat, as a buyer writes them.
pub(crate) struct Name(SealedText);

/// One for each ticket, in their order.
pub(crate) struct Names(Vec<Name>);

/// The form of a [`Name`].
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NameAndSeat)]
pub(crate) struct Written {
    /// Who the ticket is for. Operators at the gate read it; nobody else does.
    #[schema(min_length = 1, max_length = 55)]
    name: String,
    /// Where they sit. Name and seat have at most 55 bytes of UTF-8 together.
    #[serde(default)]
    #[schema(max_length = 54)]
    seat: String,
}

impl Name {
    /// What is sealed into the ticket.
    pub(crate) fn text(&self) -> &SealedText {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { name, seat } = Written::deserialize(deserializer).map_err(|_| D::Error::custom(RULES))?;
        let (name, seat) = (Zeroizing::new(name), Zeroizing::new(seat));
        SealedText::new(&name, &seat).map(Self).map_err(|_| D::Error::custom(RULES))
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self).map_err(|_| D::Error::custom(RULES))
    }
}

/// Whether as many names came as the tickets of this form carry: each one, or none.
pub(crate) fn expect_as_sold(form: TicketForm, tickets: u16, given: Option<usize>) -> Result<(), Error> {
    match (form.is_sealed(), given) {
        (true, Some(names)) if names == usize::from(tickets) => Ok(()),
        (true, _) => Err(Error::NamesRequired { tickets }),
        (false, None) => Ok(()),
        (false, Some(_)) => Err(Error::NamesNotTaken),
    }
}

impl Names {
    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    fn hash(&self) -> Zeroizing<[u8; 32]> {
        // All of one length, so that no two lists are hashed as the same bytes.
        let hash = self.0.iter().fold(Sha256::new(), |hash, name| hash.chain_update(&name.0.to_bytes()[..]));
        Zeroizing::new(hash.finalize().into())
    }
}

/// Keeps the names of a new order, sealed, until it ends.
pub(crate) async fn keep(
    state: &State,
    connection: &mut PgConnection,
    order: OrderId,
    names: &Names,
) -> Result<(), Error> {
    let seal =
        |role, subject: &[u8], secret: &[u8]| state.keystore.seal_secret(role, subject, secret, &state.randomness);
    let hash = seal(HASH, order.0.as_bytes(), &names.hash()[..])?;
    let sealed = (1..)
        .zip(&names.0)
        .map(|(number, name)| seal(NAME, &subject(order, number), &name.0.to_bytes()[..]))
        .collect::<Result<Vec<_>, _>>()?;
    store::names::insert(connection, order, &hash, &sealed).await
}

/// Whether an order was placed with exactly these names, or without any, also after they are gone.
pub(crate) async fn are_those_of(
    state: &State,
    connection: &mut PgConnection,
    order: OrderId,
    names: Option<&Names>,
) -> Result<bool, Error> {
    Ok(match (store::names::hash(connection, order).await?, names) {
        (None, None) => true,
        (Some(sealed), Some(names)) => {
            state.keystore.open_secret::<32>(HASH, order.0.as_bytes(), &sealed)? == names.hash()
        }
        (None, Some(_)) | (Some(_), None) => false,
    })
}

/// Who a ticket of an order under way is for.
pub(crate) async fn find(
    state: &State,
    connection: &mut PgConnection,
    order: OrderId,
    number: u16,
) -> Result<SealedText, Error> {
    let sealed = store::names::find(connection, order, number).await?.ok_or(Error::NameGone)?;
    let bytes = state.keystore.open_secret::<SEALED_LENGTH>(NAME, &subject(order, number), &sealed)?;
    SealedText::from_bytes(&bytes).map_err(|_| Error::NameGone)
}

fn subject(order: OrderId, number: u16) -> Vec<u8> {
    [&order.0.as_bytes()[..], &number.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use countermark_shared::documents::HolderName;

    use super::*;

    #[test]
    fn names_are_asked_for_exactly_where_tickets_carry_them() {
        let form = |holder| TicketForm { live_window_seconds: 0, holder };
        for holder in [HolderName::Sealed, HolderName::Checked] {
            assert!(expect_as_sold(form(holder), 2, Some(2)).is_ok());
            for given in [None, Some(0), Some(1), Some(3)] {
                let refused = expect_as_sold(form(holder), 2, given);
                assert!(matches!(refused, Err(Error::NamesRequired { tickets: 2 })), "{given:?}");
            }
        }
        assert!(expect_as_sold(form(HolderName::Unnamed), 2, None).is_ok());
        for given in [Some(0), Some(2)] {
            let refused = expect_as_sold(form(HolderName::Unnamed), 2, given);
            assert!(matches!(refused, Err(Error::NamesNotTaken)), "{given:?}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_without_repeating_it() {
        let read = |text: &str| serde_json::from_str::<Names>(text).map(|names| names.count());
        assert_eq!(read(r#"[{"name": "Ada"}, {"name": "Zoë", "seat": "14"}]"#).unwrap(), 2);
        for refused in [
            r#""Lovelace""#,
            r#"["Lovelace"]"#,
            r#"[{"Lovelace": 1}]"#,
            r#"[{"name": "Ada", "Lovelace": "14"}]"#,
            r#"[{"name": ["Lovelace"]}]"#,
            r#"[{"name": "Lovelace\u0007"}]"#,
            r#"[{"name": ""}]"#,
            r#"[{"name": "Lovelace-Lovelace-Lovelace-Lovelace-Lovelace-Lovelace-Lovelace"}]"#,
        ] {
            let error = read(refused).unwrap_err().to_string();
            assert!(error.starts_with(RULES) && !error.contains("Lovelace"), "{error}");
        }
    }

    #[test]
    fn a_hash_is_of_exactly_these_names_in_this_order() {
        let hash = |text: &str| serde_json::from_str::<Names>(text).unwrap().hash();
        let pair = hash(r#"[{"name": "A"}, {"name": "B"}]"#);
        assert_eq!(pair, hash(r#"[{"name": "A", "seat": ""}, {"name": "B"}]"#));
        for other in [r#"[{"name": "B"}, {"name": "A"}]"#, r#"[{"name": "A"}]"#, r#"[{"name": "A", "seat": "B"}]"#] {
            assert_ne!(pair, hash(other), "{other}");
        }
    }
}
