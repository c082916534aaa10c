//! A box becomes a gate by what its camera sees, and a code that is held before it is one scan.

use std::path::Path;

use anyhow::Result;
use countermark_shared::verdict::Reason;
use countermark_tests::administrator::Administrator;
use countermark_tests::buyer::Buyer;
use countermark_tests::gate::Gate;
use countermark_tests::picture;
use countermark_tests::season::{FESTIVAL, SOLO};

use crate::stage::{Stage, tell};

#[test]
fn enrols_the_box_and_scans_a_held_code_once() {
    tell(Stage::Shared, async |cloud| {
        let administrator = Administrator::log_in(cloud).await?;
        let offer = administrator.offer(&SOLO).await?;
        let buyer = Buyer::arrive(cloud).await?;
        let invited = administrator.gate("Under the lens", FESTIVAL).await?;

        let folder = cloud.folder().join("lens");
        let clip = folder.join("clip");
        std::fs::create_dir_all(&clip)?;
        let config = folder.join("gate.toml");
        std::fs::write(
            &config,
            format!("[[camera]]\nname = \"lens\"\nlane = 1\nclip = {:?}\n", clip.display().to_string()),
        )?;

        show(&clip, &invited.invitation)?;
        let gate = Gate::enrol_by_showing(cloud, "gate-under-the-lens", &config).await?;

        let tickets = buyer.buy(&offer, 2).await?;
        let [first, second] = tickets.as_slice() else { anyhow::bail!("two seats are two tickets") };
        let mut running = gate.scan(&config).await?;
        gate.would_say(&second.text, Reason::Admitted).await?;

        // The invitation is still held, and was told of, once before there were documents and once with them at most.
        show(&clip, &first.text)?;
        let mut verdict = running.verdict().await?;
        for before in [Reason::CannotDecide, Reason::NotOurs] {
            if verdict.verdict == before {
                verdict = running.verdict().await?;
            }
        }
        assert_eq!((verdict.verdict, verdict.slot), (Reason::Admitted, Some(first.slot)));
        assert_eq!(verdict.source, "camera/lens");

        // It is held, and nothing more is said of it until another one is shown.
        show(&clip, &second.text)?;
        let verdict = running.verdict().await?;
        assert_eq!((verdict.verdict, verdict.slot), (Reason::Admitted, Some(second.slot)));
        running.kill().await?;
        Ok(())
    });
}

/// Puts a code before the lens, whole.
fn show(clip: &Path, text: &str) -> Result<()> {
    let unfinished = clip.with_extension("part");
    std::fs::write(&unfinished, picture::photograph(&picture::code(text)?)?)?;
    Ok(std::fs::rename(unfinished, clip.join("frame.jpeg"))?)
}
