//! A gate without a network learns of a sale from another gate's documents, on a stick.

use anyhow::{Context, Result};
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::{Buyer, Ticket};
use countermark_tests::gate::Gate;
use countermark_tests::proxy::Fault;
use countermark_tests::season::{FESTIVAL, SOLO};

use crate::stage::{Stage, tell};

#[test]
fn a_gate_without_a_network_learns_of_a_sale() {
    tell(Stage::Own("from_a_stick"), async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let buyer = Buyer::arrive(cloud).await?;
        let enrol =
            async |name, entrance| Gate::enrol(cloud, name, &administrator.gate(entrance, FESTIVAL).await?).await;
        let (near, far) = (enrol("near", "Main road").await?, enrol("far", "Forest").await?);

        let early = sold(&buyer, &offer).await?;
        let running = far.listen().await?;
        far.would_say(&early.text, Reason::Admitted).await?;
        running.kill().await?;

        let late = sold(&buyer, &offer).await?;
        let running = near.listen().await?;
        near.would_say(&late.text, Reason::Admitted).await?;
        let stick = cloud.folder().join("stick");
        near.export(&stick).await?;
        running.kill().await?;

        cloud.gate_line().cut(Fault::Swallow);
        let running = far.listen().await?;
        far.would_say(&late.text, Reason::NotIssued).await?;
        let imported = far.import(&stick).await?;
        let became = |kind: &str| imported.iter().filter(|one| one.kind == kind).map(|one| &*one.outcome).next_back();
        assert_eq!(became("trust-bundle"), Some("held"), "{imported:?}");
        assert!(imported.iter().any(|one| one.kind.starts_with("slot-") && one.outcome == "taken"), "{imported:?}");
        assert_ne!(became("assignment"), Some("taken"), "another gate's work was taken: {imported:?}");
        far.would_say(&late.text, Reason::Admitted).await?;
        far.would_say(&early.text, Reason::Admitted).await?;
        running.kill().await?;
        Ok(())
    });
}

async fn sold(buyer: &Buyer, offer: &str) -> Result<Ticket> {
    buyer.buy(offer, 1).await?.into_iter().next().context("nothing was sold")
}
