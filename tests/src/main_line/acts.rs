//! What happens at an entrance beside selling and scanning: codes that are shown live, persons of a name, tickets that change
//! hands, are held back or meant another day. Each act does it, and shows the gate what it meant.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use countermark_shared::time::Timestamp;
use countermark_shared::verdict::Reason;

use super::Scan;
use super::entrance::Entrance;
use super::exhibits::Exhibit;
use super::sale::{GUEST, Sale};
use crate::administrator::Administrator;
use crate::buyer::{Buyer, Presentation};
use crate::clock;
use crate::cloud::{Cloud, Told};
use crate::gate::Gate;
use crate::season::{self, FESTIVAL, LIVE_WINDOW_SECONDS};

/// Everything that the acts need.
pub(super) struct Acts<'a, 'cloud> {
    pub(super) cloud: &'cloud Cloud,
    pub(super) administrator: &'a Administrator<'cloud>,
    pub(super) sale: &'a Sale,
    pub(super) gate: &'a Gate,
    pub(super) entrance: &'a mut Entrance<'cloud>,
    pub(super) scans: &'a mut Vec<Scan>,
}

impl Acts<'_, '_> {
    pub(super) async fn play(mut self, told: Told<'_>) -> Result<()> {
        let screenshot = self.sale.buyer.present(&self.sale.live_for_a_screenshot).await?;
        told("a buyer showed a live code to somebody, who took a picture of it");
        self.by_name().await?;
        told("a guest's name came up on the operator's screen, and nowhere else");
        self.transferred().await?;
        told("a ticket changed hands: same seat, next generation, another code");
        self.held_back().await?;
        told("a seat was blocked, and let in again");
        self.moved().await?;
        told("the organiser moved tomorrow's tickets to today: no ticket was made anew");
        self.live(&screenshot, told).await
    }

    async fn by_name(&mut self) -> Result<()> {
        let code = self.sale.buyer.code(&self.sale.named).await?;
        let mut screen = self.entrance.look_at_the_screen().await?;
        self.show(Exhibit::new("21-guest.png", "a guest's, by name", code, Reason::Admitted, 1)).await?;
        let seen = screen.verdict().await?;
        ensure!(seen.contains(GUEST), "the operator's screen does not say who came: {seen}");
        Ok(())
    }

    async fn transferred(&mut self) -> Result<()> {
        let given = &self.sale.given_away;
        let friend = Buyer::arrive(self.cloud).await?;
        let received = friend.accept_transfer(&self.sale.buyer.offer_transfer(given).await?).await?;
        ensure!(received.slot == given.slot && received.text != given.text, "the seat was not made anew");
        self.gate.would_say(&given.text, Reason::OutdatedGeneration).await?;
        let old = crate::picture::code(&given.text)?;
        self.show(Exhibit::refused("22-given-away.png", "given away, the old code", old, Reason::OutdatedGeneration))
            .await?;
        let new = friend.code(&received).await?;
        self.show(Exhibit::new("23-received.png", "the same seat, received", new, Reason::Admitted, 1)).await
    }

    async fn held_back(&mut self) -> Result<()> {
        let ticket = &self.sale.held_back;
        let code = self.sale.buyer.code(ticket).await?;
        self.administrator.block(FESTIVAL, ticket.slot, "lost-or-stolen").await?;
        self.gate.would_say(&ticket.text, Reason::Blocked).await?;
        self.show(Exhibit::refused("24-blocked.png", "a blocked seat", code.clone(), Reason::Blocked)).await?;
        self.administrator.unblock(FESTIVAL, ticket.slot, "found again").await?;
        self.gate.would_say(&ticket.text, Reason::Admitted).await?;
        self.show(Exhibit::new("25-unblocked.png", "the same, unblocked", code, Reason::Admitted, 1)).await
    }

    async fn moved(&mut self) -> Result<()> {
        let ticket = &self.sale.tomorrow;
        let code = self.sale.buyer.code(ticket).await?;
        self.show(Exhibit::refused("26-tomorrow.png", "tomorrow's ticket", code.clone(), Reason::NotYetValid)).await?;
        self.administrator.publish(&season::brought_forward(&self.sale.festival, clock::now())).await?;
        self.gate.would_say(&ticket.text, Reason::Admitted).await?;
        self.show(Exhibit::new("27-moved.png", "the same, event moved", code, Reason::Admitted, 1)).await
    }

    async fn live(&mut self, screenshot: &Presentation, told: Told<'_>) -> Result<()> {
        let Sale { buyer, live, live_for_a_screenshot, .. } = self.sale;
        let printed = buyer.code(live).await?;
        self.show(Exhibit::refused("28-printed.png", "a live ticket, printed", printed, Reason::LiveProofMissing))
            .await?;
        let shown = buyer.code_shown(live, &buyer.present(live).await?).await?;
        self.show(Exhibit::new("29-live.png", "the same, shown live", shown, Reason::Admitted, 1)).await?;

        let picture = buyer.code_shown(live_for_a_screenshot, screenshot).await?;
        let taken = Timestamp::from_unix_seconds(screenshot.at.into());
        let stale = taken + Duration::from_secs(u64::from(LIVE_WINDOW_SECONDS) + 1);
        tokio::time::sleep(stale.since(clock::now())).await;
        self.show(Exhibit::refused("30-screenshot.png", "a picture of a live code", picture, Reason::LiveProofStale))
            .await?;
        told("a live code was let in while it was fresh; its printout and a picture of one were not");
        Ok(())
    }

    async fn show(&mut self, exhibit: Exhibit) -> Result<()> {
        let file = exhibit.file;
        self.scans.push(self.entrance.show(exhibit).await.context(file)?);
        Ok(())
    }
}
