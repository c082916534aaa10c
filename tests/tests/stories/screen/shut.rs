//! A gate whose ledger cannot be opened: its screen says so, it goes on trying, and ends when it is told to.

use std::fs;
use std::time::Duration;

use countermark_shared::verdict::Reason;
use countermark_tests::wait::PATIENCE;
use serde_json::Value;

use super::{Entrance, Stage, tell};

/// It is tried again each minute.
const A_TRY: Duration = Duration::from_secs(90);
const SAYS: &str = "DISK CANNOT BE WRITTEN, nobody is let in";

#[test]
fn it_says_so_on_its_screen_and_begins_once_the_ledger_can_be_opened() {
    tell(Stage::Own("screen_shut"), async |cloud| {
        let entrance = Entrance::build(cloud).await?;
        entrance.open().await?.kill().await?;
        let (ledger, aside) = (entrance.gate.ledger(), cloud.folder().join("aside"));
        fs::rename(&ledger, &aside)?;
        fs::create_dir(&ledger)?;

        let mut running = entrance.gate.listen().await?;
        running.said(PATIENCE).await?;
        assert!(running.terminate().await?, "it did not end well");
        let mut running = entrance.gate.listen().await?;
        let line: Value = serde_json::from_str(&running.said(PATIENCE).await?)?;
        assert!(line["stopped_by"]["en"].as_str().is_some_and(|why| why.starts_with(SAYS)), "{line}");
        assert!(line["stopped_by"]["fr"].as_str().is_some_and(|why| why.starts_with("DISQUE EN PANNE")), "{line}");
        let standing = running.look_at_the_screen().await?.standing().await?;
        assert_eq!(standing["ready"], false);
        assert_eq!(standing["lanes"][0]["stopped_by"], line["stopped_by"]);

        fs::remove_dir(&ledger)?;
        fs::rename(&aside, &ledger)?;
        let begins: Value = serde_json::from_str(&running.said(A_TRY).await?)?;
        assert_eq!(begins["screen"], running.screen);
        entrance.gate.would_say(&entrance.solo[0], Reason::Admitted).await?;
        assert_eq!(running.look_at_the_screen().await?.standing().await?["ready"], true);
        assert!(running.terminate().await?);
        // It was logged, as an error, and that is right.
        let log = fs::read_to_string(entrance.gate.log_file())?;
        assert!(log.contains("cannot open"), "{log}");
        fs::remove_file(entrance.gate.log_file())?;
        Ok(())
    });
}
