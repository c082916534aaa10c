//! The main line, as the demo shows it: sold, read from pictures, refused again, revoked, cut off, reconciled.

use countermark_tests::main_line;

use crate::stage::{Stage, tell};

#[test]
fn a_ticket_is_sold_signed_twice_read_from_a_picture_and_let_in_once() {
    tell(Stage::Bare("the_line"), async |cloud| {
        let performance = main_line::play(cloud, &|step| println!("{step}")).await?;
        for scan in performance.online.iter().chain(&performance.offline).chain(&performance.south) {
            assert!(scan.is_as_expected(), "{scan:#?}");
        }
        assert_eq!(performance.waited, performance.offline.len() as u64, "something came through the cut line");
        assert!(performance.settlement.agrees(), "{:#?}", performance.settlement);
        assert!(performance.double.is_as_expected(), "{:#?}", performance.double);
        assert!(performance.is_as_expected());
        Ok(())
    });
}
