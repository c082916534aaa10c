//! The main line of the system, from an organiser's signature to reconciled figures. The demo shows it to a person, a
//! story holds it against what was expected; both see the same [`Performance`].

mod acts;
mod entrance;
mod exhibits;
mod sale;
mod settlement;
mod two_gates;

use countermark_shared::verdict::Reason;

pub use self::settlement::Settlement;
pub use self::two_gates::Double;
use crate::administrator::Administrator;
use crate::buyer::Buyer;
use crate::cloud::{Cloud, Told};
use crate::gate::{Gate, RunningGate, Verdict};
use crate::scanner::Scanner;
use crate::season::FESTIVAL;
use crate::wait::PATIENCE;
use acts::Acts;
use entrance::Entrance;
use sale::Sale;
use two_gates::South;

/// All that happened.
pub struct Performance {
    /// Scans with the cloud in reach.
    pub online: Vec<Scan>,
    /// Scans while nothing came through to it.
    pub offline: Vec<Scan>,
    /// Scans at the second gate, with the cloud in reach and without, and after it was suspended.
    pub south: Vec<Scan>,
    /// The seat that both let in while they could not hear of each other.
    pub double: Double,
    /// Rows that waited at the first gate when the line was mended.
    pub waited: u64,
    /// How gates and cloud agree in the end.
    pub settlement: Settlement,
    /// The page of a payment that still waits for its buyer.
    pub payment_page: String,
    /// The gate, which goes on.
    pub gate: RunningGate,
    /// The second, which goes on, suspended.
    pub second: RunningGate,
    /// Plugged in as long as somebody looks.
    _scanner: Scanner,
}

/// A code that was shown to a gate.
#[derive(Clone, Debug)]
pub struct Scan {
    /// Which gate.
    pub gate: &'static str,
    /// The picture's file.
    pub file: String,
    /// What it is.
    pub what: &'static str,
    /// The verdict that is right.
    pub expected: Reason,
    /// The persons that may pass.
    pub persons: u8,
    /// What the gate said.
    pub verdict: Verdict,
}

impl Scan {
    /// Whether the gate was right, and had written it down.
    pub fn is_as_expected(&self) -> bool {
        let Verdict { sequence, verdict, opens, persons, .. } = self.verdict;
        sequence.is_some() && verdict == self.expected && persons == self.persons && opens == (self.persons > 0)
    }
}

impl Performance {
    /// Whether every outcome was the expected one.
    pub fn is_as_expected(&self) -> bool {
        let mut scans = self.online.iter().chain(&self.offline).chain(&self.south);
        let all_waited = self.waited == self.offline.len() as u64;
        scans.all(Scan::is_as_expected) && all_waited && self.settlement.agrees() && self.double.is_as_expected()
    }
}

/// Plays it on a cloud where nothing was sold yet.
pub async fn play(cloud: &Cloud, told: Told<'_>) -> anyhow::Result<Performance> {
    let administrator = Administrator::log_in(cloud).await?;
    let sale = Sale::hold(cloud, &administrator, told).await?;

    let code = administrator.gate("North entrance", FESTIVAL).await?;
    let gate = Gate::enrol(cloud, "gate", &code).await?;
    told("a gate spent its one-time enrolment code; its private key was made on it and never leaves it");
    let mut entrance = Entrance::open(cloud, &gate).await?;
    told("the gate runs on a folder of pictures and has synced what it needs to decide alone");

    administrator.revoke(FESTIVAL, sale.revoked.slot, "lost by its buyer").await?;
    gate.would_say(&sale.solo.text, Reason::Admitted).await?;
    gate.would_say(&sale.revoked.text, Reason::Revoked).await?;
    told("one ticket revoked; the signed slot list that says so has reached the gate");

    let exhibits = exhibits::online(cloud, &sale).await?;
    let again = exhibits::offline(&sale).await?;
    told("pictures written: QR codes as PNG, one as a photograph");
    let mut online = Vec::new();
    for exhibit in exhibits {
        if exhibit.expected == Reason::NoLongerValid {
            sale.afternoon_is_over(told).await?;
        }
        online.push(entrance.show(exhibit).await?);
    }
    let acts = Acts {
        cloud,
        administrator: &administrator,
        sale: &sale,
        gate: &gate,
        entrance: &mut entrance,
        scans: &mut online,
    };
    acts.play(told).await?;
    told("the gate has read every picture, and wrote each verdict to its disk before it showed it");

    let mut south = South::open(cloud, &administrator).await?;
    told("a second gate runs, with a scanner on a serial line");
    south.gate.would_say(&sale.solo.text, Reason::AlreadyUsed).await?;
    south.show("used at the North entrance", &sale.solo, Reason::AlreadyUsed).await?;
    south.show("a ticket not shown yet", &sale.at_south, Reason::Admitted).await?;
    gate.would_say(&sale.at_south.text, Reason::AlreadyUsed).await?;
    told("each gate knows by the signed admission feed what the other let in");

    let before = gate.settled(PATIENCE).await?;
    south.gate.settled(PATIENCE).await?;
    entrance.cut_off();
    told("the line between gates and cloud swallows everything now");
    let mut offline = Vec::new();
    for exhibit in again {
        offline.push(entrance.show(exhibit).await?);
    }
    south.show("the same ticket as 46", &sale.at_both, Reason::Admitted).await?;
    let cut_off = gate.status().await?;
    told("both gates went on alone, by what they have on their disks; one seat was shown at both");
    entrance.reconnect();
    told("the line is mended");

    let shown_at_both = (sale.at_both.slot.into(), [&gate, &south.gate].map(|gate| gate.number.into()));
    let double = two_gates::found(&administrator, shown_at_both).await?;
    told("validation found the seat that both let in, as soon as both journals had arrived");
    let gates = [&gate, &south.gate];
    let scans = || online.iter().chain(&offline).chain(&south.scans);
    let settlement = Settlement::reach(&administrator, &gates, scans()).await?;
    told("both journals have arrived");
    administrator.suspend(south.gate.number, "its box was left alone").await?;
    south.gate.would_say(&sale.never_shown.text, Reason::Suspended).await?;
    south.show("a good ticket, gate suspended", &sale.never_shown, Reason::Suspended).await?;
    told("an administrator suspended the second gate, which lets in nobody any more");
    let payment_page = waiting_payment(&sale.buyer, &sale.solo_offer).await?;
    let waited = cut_off.rows.saturating_sub(before.rows).min(cut_off.unsettled);
    let (second, scanner, south) = south.close();
    let gate = entrance.close();
    Ok(Performance {
        online,
        offline,
        south,
        double,
        waited,
        settlement,
        payment_page,
        gate,
        second,
        _scanner: scanner,
    })
}

/// An order that nobody has paid, for a person who wants to see the provider's page.
async fn waiting_payment(buyer: &Buyer, offer: &str) -> anyhow::Result<String> {
    let order = buyer.order(offer, 1).await?;
    buyer.grant(&order).await?;
    Ok(buyer.payment_page(&order).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Sentence;
    use countermark_shared::verdict::Severity;

    fn scan(verdict: Reason, persons: u8, sequence: Option<u64>) -> Scan {
        let sentence = Sentence { en: String::new(), fr: String::new() };
        let severity = verdict.severity();
        Scan {
            gate: "North",
            file: String::new(),
            what: "",
            expected: Reason::Admitted,
            persons: 1,
            verdict: Verdict {
                sequence,
                source: String::new(),
                verdict,
                severity,
                opens: severity == Severity::Admit,
                persons,
                earlier: None,
                earlier_gate: None,
                slot: None,
                sentence,
            },
        }
    }

    #[test]
    fn a_scan_is_right_in_every_part_or_wrong() {
        assert!(scan(Reason::Admitted, 1, Some(1)).is_as_expected());
        assert!(!scan(Reason::Admitted, 2, Some(1)).is_as_expected(), "too many persons");
        assert!(!scan(Reason::Admitted, 1, None).is_as_expected(), "not in the journal");
        assert!(!scan(Reason::ListOld, 1, Some(1)).is_as_expected(), "another reason");
    }
}
