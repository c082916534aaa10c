#![no_main]
//! Any text is a ticket or is refused; a ticket has exactly the text it was read from. Bytes find the deeper fields faster than
//! base45 does, so they are tried as a ticket, too, and as half of one, which is never both.

use countermark_shared::ticket::{HalfTicket, UnverifiedTicket};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(ticket) = core::str::from_utf8(bytes).ok().and_then(|text| UnverifiedTicket::parse(text).ok()) {
        assert_eq!(ticket.to_text().as_bytes(), bytes);
    }
    if let Ok(ticket) = UnverifiedTicket::from_bytes(bytes) {
        assert_eq!(ticket.to_bytes(), bytes);
        assert_eq!(UnverifiedTicket::parse(&ticket.to_text()), Ok(ticket));
        assert!(HalfTicket::from_bytes(bytes).is_err());
    }
    if let Ok(half) = HalfTicket::from_bytes(bytes) {
        assert_eq!(half.to_bytes(), bytes);
    }
});
