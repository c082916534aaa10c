//! What may be granted and what may be signed. Owns the comparison of terms with the organiser's document and of a
//! ticket's body with terms, field by field; pure: refuses to know databases, time and who asks.

use core::num::NonZeroU8;

use countermark_service::contract::Terms;
use countermark_shared::documents::{EventDocument, HolderName, Product, TicketForm};
use countermark_shared::keys::VerifyingKey;
use countermark_shared::ticket::{TicketBody, Validity};

/// Terms, or a body, that the document or the grant does not allow: which field, as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Mismatch(pub(crate) &'static str);

/// The product that the terms are for, if the document allows them all.
pub(crate) fn allowed<'a>(terms: &Terms, document: &'a EventDocument) -> Result<&'a Product, Mismatch> {
    expect(terms.event == document.event, "The document is about another event.")?;
    let product = document.product(terms.product).ok_or(Mismatch("The event has no such product."))?;
    expect(terms.zones == product.zones, "The zones are not the product's.")?;
    expect((terms.valid_from, terms.valid_until) == (product.from, product.until), "The window is not the product's.")?;
    expect(terms.entries <= 1, "Several entries are not sold yet: ask for 0 (as the event's policy says) or 1.")?;
    expect(terms.tickets >= 1, "An order has at least one ticket.")?;
    expect(terms.amount.currency == product.least_price.currency, "The event is sold in another currency.")?;
    let least =
        product.least_price.times(terms.persons()).ok_or(Mismatch("No amount is as high as these persons cost."))?;
    expect(terms.amount.minor >= least.minor, "The amount is below the product's least price for these persons.")?;
    expect(terms.amount.minor > 0, "Free tickets are not granted to buyers.")?;
    expect(i64::try_from(terms.amount.minor).is_ok(), "The amount is higher than any payment.")?;
    Ok(product)
}

/// Whether the body is one of the tickets that the terms are for, in the product's form and with the holder that was granted: of a live
/// product one, of a static one none. Its keys are not looked at, nor which issue of which seat it is.
pub(crate) fn covers(
    terms: &Terms,
    form: TicketForm,
    holder: Option<VerifyingKey>,
    body: &TicketBody,
) -> Result<(), Mismatch> {
    fits(terms, body)?;
    expect(
        body.live.map(|live| live.window) == NonZeroU8::new(form.live_window_seconds),
        "The product's tickets are not live, or not for so long.",
    )?;
    expect(body.live.map(|live| live.holder) == holder, "Another holder was granted.")?;
    expect(body.sealed.is_some() == form.is_sealed(), "The ticket's sealing does not match the product.")?;
    expect(
        body.sealed.is_some_and(|sealed| sealed.check_id) == form.checks_id(),
        "The ticket's ID check does not match the product.",
    )
}

/// Whether the body says what the terms say. What it is like beyond that, which the organiser's document says, is not looked at.
pub(crate) fn fits(terms: &Terms, body: &TicketBody) -> Result<(), Mismatch> {
    expect(body.event == terms.event, "Another event was granted.")?;
    expect(body.product == terms.product, "Another product was granted.")?;
    expect(body.zones == terms.zones, "Other zones were granted.")?;
    expect(body.places == terms.places, "Another number of places was granted.")?;
    expect(body.entries == terms.entries, "Another number of entries was granted.")?;
    expect(Validity::between(terms.valid_from, terms.valid_until) == Some(body.validity), "Another window was granted.")
}

/// Whether the body is the one that it replaces in everything but its keys, its issue, its holder and its sealed text.
pub(crate) fn follows(replaced: &TicketBody, holder: Option<VerifyingKey>, body: &TicketBody) -> Result<(), Mismatch> {
    expect(body.event == replaced.event && body.slot == replaced.slot, "Another seat was passed on.")?;
    expect(body.product == replaced.product, "A ticket of another product was passed on.")?;
    expect(body.zones == replaced.zones, "A ticket for other zones was passed on.")?;
    expect(body.places == replaced.places, "A ticket with another number of places was passed on.")?;
    expect(body.entries == replaced.entries, "A ticket with another number of entries was passed on.")?;
    expect(body.validity == replaced.validity, "A ticket with another window was passed on.")?;
    expect(
        body.live.map(|live| live.window) == replaced.live.map(|live| live.window),
        "The ticket that was passed on is not live, or not for so long.",
    )?;
    expect(body.live.map(|live| live.holder) == holder, "Another holder was granted.")?;
    expect(
        body.sealed.map(|sealed| sealed.check_id) == replaced.sealed.map(|sealed| sealed.check_id),
        "The ticket's sealing or ID check does not match the one that was passed on.",
    )
}

/// What a signed ticket is like.
pub(crate) fn form_of(body: &TicketBody) -> TicketForm {
    TicketForm {
        live_window_seconds: body.live.map_or(0, |live| live.window.get()),
        holder: match body.sealed.map(|sealed| sealed.check_id) {
            None => HolderName::Unnamed,
            Some(false) => HolderName::Sealed,
            Some(true) => HolderName::Checked,
        },
    }
}

fn expect(holds: bool, otherwise: &'static str) -> Result<(), Mismatch> {
    if holds { Ok(()) } else { Err(Mismatch(otherwise)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use countermark_shared::id::{EventId, Generation, ProductId, Slot, Zones};
    use countermark_shared::keys::KeyId;
    use countermark_shared::money::{Currency, Money};
    use countermark_shared::ticket::{SEALED_LENGTH, Sealed};

    use super::*;
    use crate::testing::{body, event, formed, other_authority, other_issuing_key, terms};

    fn money(minor: u64, currency: &str) -> Money {
        Money { minor, currency: Currency::parse(currency).unwrap() }
    }

    #[test]
    fn terms_are_the_documents_or_refused() {
        let second = Duration::from_secs(1);
        let good = terms();
        assert_eq!(allowed(&good, &event()).unwrap().product, good.product);
        assert!(allowed(&Terms { entries: 1, amount: money(4001, "EUR"), ..good.clone() }, &event()).is_ok());
        for bad in [
            Terms { event: EventId(8), ..good.clone() },
            Terms { product: ProductId(9), ..good.clone() },
            Terms { zones: Zones(0), ..good.clone() },
            Terms { zones: Zones(3), ..good.clone() },
            Terms { tickets: 0, ..good.clone() },
            Terms { entries: 2, ..good.clone() },
            Terms { valid_from: good.valid_from - second, ..good.clone() },
            Terms { valid_until: good.valid_until + second, ..good.clone() },
            Terms { amount: money(3999, "EUR"), ..good.clone() },
            Terms { amount: money(4000, "CHF"), ..good.clone() },
            Terms { amount: money(u64::MAX, "EUR"), ..good.clone() },
            Terms { tickets: 3, ..good.clone() },
            Terms { places: NonZeroU8::new(2).unwrap(), ..good.clone() },
        ] {
            assert!(allowed(&bad, &event()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_price_that_overflows_is_refused() {
        let mut event = event();
        event.products[0].least_price.minor = u64::MAX / 2 + 1;
        assert!(allowed(&Terms { amount: money(u64::MAX, "EUR"), ..terms() }, &event).is_err());
    }

    #[test]
    fn nothing_is_free() {
        let mut event = event();
        event.products[0].least_price.minor = 0;
        assert!(allowed(&Terms { amount: money(0, "EUR"), ..terms() }, &event).is_err());
        assert!(allowed(&Terms { amount: money(1, "EUR"), ..terms() }, &event).is_ok());
    }

    #[test]
    fn a_body_is_the_grants_in_every_field_or_refused() {
        let good = body(1);
        assert_eq!(covers(&terms(), TicketForm::default(), None, &good), Ok(()));
        for bad in [
            TicketBody { event: EventId(8), ..good.clone() },
            TicketBody { places: NonZeroU8::new(2).unwrap(), ..good.clone() },
            TicketBody { entries: 1, ..good.clone() },
            TicketBody { product: ProductId(2), ..good.clone() },
            TicketBody { zones: Zones(3), ..good.clone() },
            TicketBody { validity: Validity::new(1, 2).unwrap(), ..good.clone() },
        ] {
            assert!(covers(&terms(), TicketForm::default(), None, &bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_replacing_body_is_the_replaced_one_but_for_keys_issue_holder_and_text() {
        let form = TicketForm { live_window_seconds: 30, holder: HolderName::Checked };
        let (holder, next) = (other_authority(), other_issuing_key());
        let replaced = formed(&body(1), form, holder);
        let key = KeyId([9; 4]);
        let sealed = replaced.sealed.map(|sealed| Sealed { ciphertext: [9; SEALED_LENGTH], ..sealed });
        let good = TicketBody {
            issuing_key: key,
            authority_key: key,
            generation: Generation(2),
            sealed,
            ..formed(&body(1), form, next)
        };
        assert_eq!(follows(&replaced, Some(next), &good), Ok(()));
        assert_eq!(follows(&replaced, Some(holder), &good), Err(Mismatch("Another holder was granted.")));
        for bad in [
            TicketBody { event: EventId(8), ..good.clone() },
            TicketBody { slot: Slot(2), ..good.clone() },
            TicketBody { places: NonZeroU8::new(2).unwrap(), ..good.clone() },
            TicketBody { entries: 1, ..good.clone() },
            TicketBody { product: ProductId(2), ..good.clone() },
            TicketBody { zones: Zones(3), ..good.clone() },
            TicketBody { validity: Validity::new(1, 2).unwrap(), ..good.clone() },
        ] {
            assert!(follows(&replaced, Some(next), &bad).is_err(), "{bad:?}");
        }
    }

    /// Each form's body is taken for that form, and for no other.
    #[test]
    fn a_body_has_the_products_form() {
        let holder = other_authority();
        let mut forms = Vec::new();
        for live_window_seconds in [0, 30, 31] {
            for holder in [HolderName::Unnamed, HolderName::Sealed, HolderName::Checked] {
                forms.push(TicketForm { live_window_seconds, holder });
            }
        }
        for (place, form) in forms.iter().enumerate() {
            for (other_place, other) in forms.iter().enumerate() {
                let expected = form.is_live().then_some(holder);
                let taken = covers(&terms(), *form, expected, &formed(&body(1), *other, holder));
                assert_eq!(taken.is_ok(), place == other_place, "{form:?} {other:?}");
                let body = formed(&body(1), *other, holder);
                assert_eq!(form_of(&body), *other);
                let taken = follows(&formed(&body, *form, other_issuing_key()), expected, &body);
                assert_eq!(taken.is_ok(), place == other_place, "{form:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_live_body_names_the_holder_that_was_granted() {
        let form = TicketForm { live_window_seconds: 30, holder: HolderName::Unnamed };
        let (holder, other) = (other_authority(), other_issuing_key());
        let body = formed(&body(1), form, holder);
        assert_eq!(covers(&terms(), form, Some(holder), &body), Ok(()));
        assert_eq!(covers(&terms(), form, Some(other), &body), Err(Mismatch("Another holder was granted.")));
        assert!(covers(&terms(), form, None, &body).is_err());
    }
}
