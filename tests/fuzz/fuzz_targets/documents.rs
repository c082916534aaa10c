#![no_main]
//! Any bytes are a document or are refused, and a document that a right key signed is written again as it was read. The first
//! byte says which document; the rest is tried as a whole envelope and as a payload in an envelope of ours.

use countermark_shared::documents::{
    AdmissionFeed, Assignment, Document, DocumentSet, EventDocument, Head, Signed, SlotDelta, SlotList, Slots,
    TrustBundle,
};
use countermark_shared::keys::SigningKey;
use libfuzzer_sys::fuzz_target;
use zeroize::Zeroizing;

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 9 {
        0 => read::<TrustBundle>(bytes),
        1 => read::<EventDocument>(bytes),
        2 => read::<SlotList>(bytes),
        3 => read::<SlotDelta>(bytes),
        4 => read::<AdmissionFeed>(bytes),
        5 => read::<Assignment>(bytes),
        6 => read::<Head>(bytes),
        7 => {
            if let Ok(set) = DocumentSet::decode(bytes) {
                assert_eq!(set.encode(), bytes);
            }
        }
        _ => {
            if let Ok(slots) = Slots::from_record(bytes) {
                assert_eq!(slots.to_record(), bytes);
            }
        }
    }
});

fn read<D: Document>(bytes: &[u8]) {
    let key = SigningKey::from_seed(&Zeroizing::new([1; 32]));
    let _ = Signed::<D>::decode(bytes).and_then(|signed| signed.open(&[key.verifying_key()], 1));
    let envelope = enveloped::<D>(bytes, &key);
    if let Ok(document) = Signed::<D>::decode(&envelope).and_then(|signed| signed.open(&[key.verifying_key()], 1)) {
        assert_eq!(Signed::seal(document.document(), &[&key]), Ok(envelope));
    }
}

/// `{0: payload, 1: [{0: key id, 1: signature}]}`, by the specification.
fn enveloped<D: Document>(payload: &[u8], key: &SigningKey) -> Vec<u8> {
    let mut envelope = vec![0xa2, 0x00];
    match payload.len() {
        short @ 0..24 => envelope.push(0x40 | short as u8),
        byte @ 24..256 => envelope.extend([0x58, byte as u8]),
        word @ 256..65536 => envelope.extend([&[0x59][..], &(word as u16).to_be_bytes()].concat()),
        long => envelope.extend([&[0x5a][..], &(long as u32).to_be_bytes()].concat()),
    }
    envelope.extend(payload);
    envelope.extend([0x01, 0x81, 0xa2, 0x00, 0x44]);
    envelope.extend(key.verifying_key().id().0);
    envelope.extend([0x01, 0x58, 0x40]);
    envelope.extend(key.sign(D::LABEL, payload).to_bytes());
    envelope
}
