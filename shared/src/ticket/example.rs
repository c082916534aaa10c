//! The specification's worked example, made by the code and held against the page.

use core::fmt::Write as _;
use core::num::NonZeroU8;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::*;
use crate::derivation::derive;
use crate::holder::{AccountSecret, prove_holder};
use crate::id::{AccountId, EventId, GateId, Generation, OrderId, ProductId, SealingGeneration, Slot, Zones};
use crate::keys::{SigningKey, labelled_digest};
use crate::label::Label;
use crate::order_code::OrderCode;
use crate::samples::FixedRandomness;
use crate::sealing::{EventSecret, SealedText, UnwrappingKey};
use crate::time::Timestamp;

const SPECIFICATION: &str = include_str!("../../README.md");
const BEGIN: &str = "<!-- example -->\n";
const END: &str = "<!-- /example -->";

#[derive(Default)]
struct Page(String);

impl Page {
    fn heading(&mut self, heading: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        writeln!(self.0, "{heading}").unwrap();
    }

    /// A name and its bytes, 32 of them a line.
    fn bytes(&mut self, name: &str, bytes: &[u8]) {
        let mut name = name;
        for line in bytes.chunks(32) {
            writeln!(self.0, "  {name:<38}{}", HEXLOWER.encode(line)).unwrap();
            name = "";
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        let mut name = name;
        for line in text.as_bytes().chunks(64) {
            // Ends are marked: a space is one of the 45 characters.
            writeln!(self.0, "  {name:<38}|{}|", core::str::from_utf8(line).unwrap()).unwrap();
            name = "";
        }
    }

    fn fields(&mut self, body: &[u8], fields: &[(&str, usize)]) {
        let mut offset = 0;
        for (name, length) in fields {
            self.bytes(&format!("{offset:>3}  {name}"), &body[offset..offset + length]);
            offset += length;
        }
        assert_eq!(offset, body.len());
    }

    fn signed(&mut self, ticket: &UnverifiedTicket) {
        let body = ticket.body().to_bytes();
        self.bytes("SHA-256(label issue ‖ body)", &labelled_digest(Label::Issue, &[&body]));
        self.bytes("issuer's signature", &ticket.issuer().to_bytes());
        self.bytes("SHA-256(label authorise ‖ body)", &labelled_digest(Label::Authorise, &[&body]));
        self.bytes("authority's signature", &ticket.authority().to_bytes());
        self.text("text", &ticket.to_text());
    }
}

const STATIC_FIELDS: [(&str, usize); 12] = [
    ("version, flags", 2),
    ("issuing key id", 4),
    ("authority key id", 4),
    ("event", 4),
    ("slot", 4),
    ("generation", 1),
    ("places", 1),
    ("entries", 1),
    ("product", 2),
    ("zones", 4),
    ("valid from", 4),
    ("valid until", 4),
];

fn seed(from: u8) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(core::array::from_fn(|index| from + u8::try_from(index).unwrap()))
}

fn page() -> String {
    let mut page = Page::default();
    let (issuing, authority) = (SigningKey::from_seed(&seed(0x20)), SigningKey::from_seed(&seed(0x40)));
    page.heading("Keys");
    for (name, key) in [("issuing", &issuing), ("authority", &authority)] {
        page.bytes(&format!("{name} key, private"), &*key.seed());
        page.bytes(&format!("{name} key, public"), &key.verifying_key().to_bytes());
        page.bytes("  its SHA-256: 4 bytes are the id", &Sha256::digest(key.verifying_key().to_bytes()));
    }

    let body = TicketBody {
        issuing_key: issuing.verifying_key().id(),
        authority_key: authority.verifying_key().id(),
        event: EventId(2026),
        slot: Slot(41_327),
        generation: Generation(1),
        places: NonZeroU8::new(2).unwrap(),
        entries: 0,
        product: ProductId(3),
        zones: Zones(0b101),
        validity: Validity::new(1_800_000_000, 1_800_036_000).unwrap(),
        live: None,
        sealed: None,
    };
    let sign =
        |body: &TicketBody| UnverifiedTicket::new(body.clone(), body.issue(&issuing), body.authorise(&authority));
    page.heading("A static ticket");
    page.fields(&body.to_bytes(), &STATIC_FIELDS);
    page.signed(&sign(&body));

    let account = AccountSecret::new(seed(0x60));
    let body = TicketBody { generation: Generation(2), ..body };
    let holder = account.holder_key(body.event, body.slot, body.generation);
    page.heading("The same seat transferred: the holder key that auth derives");
    page.bytes("account secret", account.bytes());
    let ticket = [&body.event.0.to_be_bytes()[..], &body.slot.0.to_be_bytes(), &[body.generation.0]].concat();
    page.bytes("info", &[&Label::HolderKey.bytes()[..], &ticket].concat());
    page.bytes("holder key, private", &*holder.seed());
    page.bytes("holder key, public", &holder.verifying_key().to_bytes());

    let live = Live { window: NonZeroU8::new(30).unwrap(), holder: holder.verifying_key() };
    let body = TicketBody { live: Some(live), ..body };
    let secret = EventSecret::new(body.event, SealingGeneration(1), seed(0x80));
    let text = SealedText::new("Zoë Ångström", "Bloc C, 14").unwrap();
    let body = secret.seal(&body, &text, true).unwrap();
    let sealed = body.sealed.unwrap();
    let header = body.before_ciphertext();
    page.heading("Its name and seat sealed");
    page.bytes("event secret, generation 1", secret.bytes());
    page.bytes("plaintext", &*text.to_bytes());
    page.bytes("info", &[&Label::Seal.bytes()[..], &header].concat());
    page.bytes("key", &*derive(secret.bytes(), Label::Seal, &[&header]));
    page.bytes("nonce", &[0; 12]);
    page.bytes("associated data", &header);
    page.bytes("ciphertext", &sealed.ciphertext);
    page.bytes("tag", &sealed.tag);

    let ticket = sign(&body);
    page.heading("A live, sealed ticket with CHECK_ID");
    let more = [("window", 1), ("holder key", 32), ("sealing generation", 1), ("ciphertext", 56), ("tag", 16)];
    page.fields(&body.to_bytes(), &[&STATIC_FIELDS[..], &more].concat());
    page.signed(&ticket);

    let at = Timestamp::from_unix_seconds(1_800_001_234);
    let presentation = body.present(&holder, at).unwrap();
    let seconds = 1_800_001_234_u32.to_be_bytes();
    page.heading("Shown by its holder");
    page.bytes("time", &seconds);
    let digest = labelled_digest(Label::Present, &[&body.to_bytes(), &seconds]);
    page.bytes("SHA-256(label present ‖ body ‖ time)", &digest);
    page.bytes("holder's signature", &presentation.signature().to_bytes());
    page.text("text", &ticket.shown(presentation).unwrap().to_text());

    let account = AccountId(uuid::Uuid::from_u128(0x00112233_4455_6677_8899_aabbccddeeff));
    let device = SigningKey::from_seed(&seed(0xa0));
    let public = device.verifying_key().to_bytes();
    page.heading("A device enrols its own key");
    page.bytes("account", account.0.as_bytes());
    page.bytes("holder key, private", &*device.seed());
    page.bytes("holder key, public", &public);
    let digest = labelled_digest(Label::HolderEnrolment, &[account.0.as_bytes(), &public]);
    page.bytes("SHA-256(label holder-enrolment ‖ …)", &digest);
    page.bytes("proof", &prove_holder(account, &device).to_bytes());

    let gate = UnwrappingKey::new(seed(0xc0));
    let randomness = seed(0xe0);
    let wrapped = secret.wrap(GateId(17), gate.wrapping_key(), &mut FixedRandomness(*randomness)).unwrap();
    page.heading("The event secret wrapped for gate 17");
    page.bytes("gate's X25519 key, private", gate.bytes());
    page.bytes("gate's X25519 key, public", &gate.wrapping_key().to_bytes());
    page.bytes("ikm of the one-time key", &*randomness);
    let info = [&17_u32.to_be_bytes()[..], &secret.event().0.to_be_bytes(), &[secret.generation().0]].concat();
    page.bytes("info", &[&Label::EventSecret.bytes()[..], &info].concat());
    page.bytes("enc", &wrapped.encapsulated);
    page.bytes("ciphertext and tag", &wrapped.ciphertext);

    let order = OrderId(uuid::Uuid::from_u128(0x8f14_e45f_ceea_467a_9f3c_7d2e_9ad4_5136));
    let code = OrderCode::of(order);
    page.heading("An order found by its code");
    page.bytes("order", order.0.as_bytes());
    page.text("code", &code.to_string());
    page.bytes("info", &[&Label::OrderTag.bytes()[..], &code.number().to_be_bytes()].concat());
    page.bytes("tag, generation 1", &secret.order_tag(code));
    format!("```text\n{}```\n", page.0)
}

#[test]
fn the_specifications_example_is_the_codes() {
    let (_, rest) = SPECIFICATION.split_once(BEGIN).unwrap();
    let (example, _) = rest.split_once(END).unwrap();
    assert_eq!(example, page());
}

#[test]
#[ignore = "writes the example into the specification: run it when the format changes"]
fn write_the_example() {
    let (before, rest) = SPECIFICATION.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    std::fs::write(path, [before, BEGIN, &page(), END, after].concat()).unwrap();
}
