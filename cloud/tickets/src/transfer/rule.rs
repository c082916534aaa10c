//! What a transfer does to a seat, as it stands. Pure: refuses to know databases, time and auth.

use countermark_shared::id::{AccountId, Generation, TransferId};

use super::Refusal;
use crate::body::Issue;
use crate::store::tickets::StoredTicket;

/// What there is to do.
pub(super) enum Step<'a> {
    /// The transfer made this ticket before; it may wait for auth's signature.
    Repeat(&'a StoredTicket),
    /// It replaces `old` by this issue.
    Make { old: &'a StoredTicket, issue: Issue },
}

/// What `transfer` does, which auth says `account` accepted and which replaces that generation. `seat` is every issue with a body, by
/// generation.
pub(super) fn next(
    seat: &[StoredTicket],
    transfer: TransferId,
    account: AccountId,
    replaces: Generation,
) -> Result<Step<'_>, Refusal> {
    if let Some(made) = seat.iter().find(|ticket| ticket.transfer == Some(transfer)) {
        if made.account != account {
            return Err(Refusal::Unknown);
        }
        return match (made.authority, made.revoked_at) {
            // A whole ticket is its owner's to see, revoked or not.
            (Some(_), _) | (None, None) => Ok(Step::Repeat(made)),
            (None, Some(_)) => Err(Refusal::Revoked),
        };
    }
    let newest = seat.iter().rfind(|ticket| ticket.authority.is_some()).ok_or(Refusal::Unknown)?;
    if replaces < newest.body.generation {
        return Err(Refusal::Outdated);
    }
    if replaces > newest.body.generation {
        return Err(Refusal::Unknown);
    }
    if newest.revoked_at.is_some() {
        return Err(Refusal::Revoked);
    }
    if seat.iter().any(|ticket| ticket.body.generation > newest.body.generation) {
        return Err(Refusal::UnderWay);
    }
    let issue = Issue::after(&newest.body).ok_or(Refusal::LastGeneration)?;
    Ok(Step::Make { old: newest, issue })
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU8;

    use countermark_shared::id::{EventId, ProductId, Slot, Zones};
    use countermark_shared::keys::{KeyId, Signature};
    use countermark_shared::ticket::{TicketBody, Validity};
    use countermark_shared::time::Timestamp;
    use uuid::Uuid;

    use super::*;

    const SOME_TIME: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

    fn account(number: u128) -> AccountId {
        AccountId(Uuid::from_u128(number))
    }

    fn transfer(number: u128) -> TransferId {
        TransferId(Uuid::from_u128(number))
    }

    fn signature() -> Signature {
        Signature::from_bytes(&[0; 64])
    }

    /// An issue of the seat that has both signatures, made by the transfer of its own number.
    fn issue(generation: u8) -> StoredTicket {
        StoredTicket {
            id: Uuid::from_u128(generation.into()),
            account: account(generation.into()),
            transfer: (generation > 1).then(|| transfer(generation.into())),
            body: TicketBody {
                issuing_key: KeyId([1; 4]),
                authority_key: KeyId([2; 4]),
                event: EventId(7),
                slot: Slot(42),
                generation: Generation(generation),
                places: NonZeroU8::MIN,
                entries: 0,
                product: ProductId(1),
                zones: Zones(1),
                validity: Validity::new(1, 2).unwrap(),
                live: None,
                sealed: None,
            },
            issuer: signature(),
            authority: Some(signature()),
            revoked_at: None,
            transferred_at: None,
        }
    }

    fn pending(generation: u8) -> StoredTicket {
        StoredTicket { authority: None, ..issue(generation) }
    }

    fn revoked(ticket: StoredTicket) -> StoredTicket {
        StoredTicket { revoked_at: Some(SOME_TIME), ..ticket }
    }

    /// What the transfer of number 9 to account 9, which replaces that generation, does: in words.
    fn told(seat: &[StoredTicket], replaces: u8) -> String {
        asked(seat, 9, 9, replaces)
    }

    fn asked(seat: &[StoredTicket], number: u128, recipient: u128, replaces: u8) -> String {
        match next(seat, transfer(number), account(recipient), Generation(replaces)) {
            Ok(Step::Repeat(ticket)) => format!("repeat {}", ticket.body.generation),
            Ok(Step::Make { old, issue }) => format!("make {} of {}", issue.generation, old.body.generation),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_transfer_replaces_the_newest_issue_and_no_other() {
        let unknown = Refusal::Unknown.to_string();
        let cases = [
            (vec![], 1, unknown.clone()),
            (vec![pending(1)], 1, unknown.clone()),
            (vec![issue(1)], 0, Refusal::Outdated.to_string()),
            (vec![issue(1)], 1, "make 2 of 1".to_owned()),
            (vec![issue(1)], 2, unknown),
            (vec![issue(1), issue(2)], 1, Refusal::Outdated.to_string()),
            (vec![issue(1), issue(2)], 2, "make 3 of 2".to_owned()),
            (vec![issue(1), pending(2)], 1, Refusal::UnderWay.to_string()),
            (vec![issue(1), pending(2)], 2, Refusal::Unknown.to_string()),
            (vec![revoked(issue(1))], 1, Refusal::Revoked.to_string()),
            (vec![revoked(issue(1)), revoked(pending(2))], 1, Refusal::Revoked.to_string()),
            (vec![issue(1), revoked(issue(2))], 2, Refusal::Revoked.to_string()),
            (vec![issue(254)], 254, "make 255 of 254".to_owned()),
            (vec![issue(255)], 255, Refusal::LastGeneration.to_string()),
        ];
        for (number, (seat, replaces, expected)) in cases.into_iter().enumerate() {
            assert_eq!(told(&seat, replaces), expected, "case {number}");
        }
    }

    #[test]
    fn a_transfer_that_made_its_ticket_is_its_recipients_alone() {
        for (seat, expected) in [
            (vec![issue(1), issue(2)], "repeat 2".to_owned()),
            (vec![issue(1), pending(2)], "repeat 2".to_owned()),
            (vec![issue(1), issue(2), issue(3)], "repeat 2".to_owned()),
            (vec![issue(1), revoked(issue(2))], "repeat 2".to_owned()),
            (vec![revoked(issue(1)), revoked(pending(2))], Refusal::Revoked.to_string()),
        ] {
            assert_eq!(asked(&seat, 2, 2, 1), expected);
            assert_eq!(asked(&seat, 2, 3, 1), Refusal::Unknown.to_string());
        }
    }
}
