//! What is shown to the gate, and the verdict that is right. Real codes come from the ticket service as a buyer gets them;
//! the rest is drawn here.

use anyhow::Result;
use countermark_shared::verdict::Reason;

use super::sale::Sale;
use crate::cloud::Cloud;
use crate::{forgery, picture};

/// A picture and what is right about it.
pub(super) struct Exhibit {
    pub(super) file: &'static str,
    pub(super) what: &'static str,
    pub(super) picture: Vec<u8>,
    pub(super) expected: Reason,
    pub(super) persons: u8,
}

impl Exhibit {
    pub(super) fn new(file: &'static str, what: &'static str, picture: Vec<u8>, expected: Reason, persons: u8) -> Self {
        Self { file, what, picture, expected, persons }
    }

    pub(super) fn refused(file: &'static str, what: &'static str, picture: Vec<u8>, expected: Reason) -> Self {
        Self::new(file, what, picture, expected, 0)
    }
}

/// With the cloud in reach.
pub(super) async fn online(cloud: &Cloud, sale: &Sale) -> Result<Vec<Exhibit>> {
    cloud.ceremony().key("stranger").await?;
    let stranger = cloud.ceremony().private_key("stranger")?;
    let unsold = picture::code(&forgery::issued_by(&stranger, &sale.for_the_outage[0].text)?)?;
    let ungranted = picture::code(&forgery::authorised_by(&stranger, &sale.for_the_outage[0].text)?)?;
    let code = async |ticket| sale.buyer.code(ticket).await;
    let family = sale.family_buyer.code(&sale.family).await?;
    let elsewhere = sale.family_buyer.code(&sale.other_event).await?;
    let photograph = picture::photograph(&code(&sale.duo[1]).await?)?;
    let solo = code(&sale.solo).await?;
    Ok(vec![
        Exhibit::new("01-solo.png", "a solo ticket", solo.clone(), Reason::Admitted, 1),
        Exhibit::refused("02-solo-again.png", "the same again", solo, Reason::AlreadyUsed),
        Exhibit::new("03-duo-one.png", "a duo's first ticket", code(&sale.duo[0]).await?, Reason::Admitted, 1),
        Exhibit::new("04-duo-two.jpg", "its second, photographed", photograph, Reason::Admitted, 1),
        Exhibit::new("05-family.png", "a family's one code", family, Reason::Admitted, 4),
        Exhibit::refused("06-unsold.png", "forged issuer signature", unsold, Reason::IssuerForged),
        Exhibit::refused("07-ungranted.png", "forged authority signature", ungranted, Reason::AuthorityForged),
        Exhibit::refused("08-revoked.png", "a revoked ticket", code(&sale.revoked).await?, Reason::Revoked),
        Exhibit::refused("09-other-event.png", "another event's ticket", elsewhere, Reason::OtherEvent),
        Exhibit::refused("10-expired.png", "an expired ticket", code(&sale.expired).await?, Reason::NoLongerValid),
        Exhibit::refused("11-junk.png", "some web address", picture::code("https://example.org/")?, Reason::NotOurs),
    ])
}

/// While nothing comes through to the cloud.
pub(super) async fn offline(sale: &Sale) -> Result<Vec<Exhibit>> {
    let first = sale.buyer.code(&sale.for_the_outage[0]).await?;
    let second = sale.buyer.code(&sale.for_the_outage[1]).await?;
    let solo = sale.buyer.code(&sale.solo).await?;
    let revoked = sale.buyer.code(&sale.revoked).await?;
    let both = sale.family_buyer.code(&sale.at_both).await?;
    Ok(vec![
        Exhibit::new("41-solo.png", "a ticket not shown yet", first.clone(), Reason::Admitted, 1),
        Exhibit::refused("42-solo-again.png", "the same again", first, Reason::AlreadyUsed),
        Exhibit::refused("43-used-before.png", "one used before the cut", solo, Reason::AlreadyUsed),
        Exhibit::refused("44-revoked.png", "one revoked before the cut", revoked, Reason::Revoked),
        Exhibit::new("45-solo.png", "another not shown yet", second, Reason::Admitted, 1),
        Exhibit::new("46-both.png", "one for both gates", both, Reason::Admitted, 1),
    ])
}
