//! A ticket as it is shown. Owns what a proof looks like in a query, and that a wrong one is never drawn; refuses to know whether it is
//! still fresh, which is for the gate to say.

use countermark_shared::key_ring::KeyRing;
use countermark_shared::keys::Signature;
use countermark_shared::ticket::{NotPresented, Presentation};
use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::Error;
use crate::store::tickets::StoredTicket;

/// How a live ticket is shown, as the account service or the holder's device says it.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ShowingParameters {
    /// The moment that the holder signed, in Unix seconds. Together with `proof`, or not at all.
    at: Option<u32>,
    /// The holder's signature: 128 hexadecimal digits, or base64 with `+` written as `%2B`.
    proof: Option<String>,
}

/// With the holder's word, or as it is printed.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "ShowingParameters")]
pub(crate) enum Showing {
    Printed,
    Presented(Presentation),
}

impl TryFrom<ShowingParameters> for Showing {
    type Error = &'static str;

    fn try_from(parameters: ShowingParameters) -> Result<Self, &'static str> {
        match (parameters.at, parameters.proof) {
            (None, None) => Ok(Self::Printed),
            (Some(at), Some(proof)) => {
                let signature = signature(&proof).ok_or("proof is 128 hexadecimal digits, or base64 of 64 bytes")?;
                Ok(Self::Presented(Presentation::new(at, signature)))
            }
            (Some(_), None) | (None, Some(_)) => Err("send both at and proof, or neither"),
        }
    }
}

fn signature(text: &str) -> Option<Signature> {
    let bytes = match text.len() {
        128 => HEXLOWER_PERMISSIVE.decode(text.as_bytes()),
        _ => BASE64.decode(text.as_bytes()),
    };
    Some(Signature::from_bytes(&bytes.ok()?.try_into().ok()?))
}

/// What the ticket's code says when it is shown so.
pub(crate) fn shown(key_ring: &KeyRing, ticket: &StoredTicket, showing: Showing) -> Result<String, Error> {
    if ticket.transferred_at.is_some() {
        return Err(Error::TicketTransferred);
    }
    let complete = ticket.complete().ok_or(Error::Unknown)?;
    match showing {
        Showing::Printed => Ok(complete.to_text()),
        Showing::Presented(presentation) => {
            let presented = complete.shown(presentation).map_err(refused_as)?;
            key_ring.verify(&presented).map_err(|unproved| Error::PresentationRefused {
                why: format!(
                    "Ask for a new proof: POST /v1/presentations at the account service. This one: {unproved}."
                ),
            })?;
            Ok(presented.to_text())
        }
    }
}

fn refused_as(reason: NotPresented) -> Error {
    Error::PresentationRefused { why: format!("Show the ticket without a proof: {reason}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(at: Option<u32>, proof: Option<&str>) -> Result<Showing, &'static str> {
        ShowingParameters { at, proof: proof.map(str::to_owned) }.try_into()
    }

    #[test]
    fn a_proof_is_read_in_both_its_forms() {
        let bytes = [7; 64];
        for proof in [HEXLOWER_PERMISSIVE.encode(&bytes), BASE64.encode(&bytes)] {
            let Ok(Showing::Presented(presentation)) = read(Some(5), Some(&proof)) else { panic!("{proof}") };
            assert_eq!(presentation, Presentation::new(5, Signature::from_bytes(&bytes)));
        }
        assert!(matches!(read(None, None), Ok(Showing::Printed)));
    }

    #[test]
    fn half_a_presentation_is_none() {
        let proof = BASE64.encode(&[7; 64]);
        assert!(read(Some(5), None).is_err());
        assert!(read(None, Some(&proof)).is_err());
        for proof in ["", &"g".repeat(128), &BASE64.encode(&[7; 63]), &HEXLOWER_PERMISSIVE.encode(&[7; 63])] {
            assert!(read(Some(5), Some(proof)).is_err(), "{proof}");
        }
    }
}
