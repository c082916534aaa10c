//! What any USB device says of itself (USB 2.0, 9.6). Knows the shapes that all devices have in common, and no device.

/// The device's: USB 2.0, 64 bytes a control packet, no strings, one configuration.
pub(crate) fn device(class: [u8; 3], numbers: [u16; 3]) -> Vec<u8> {
    let numbers = numbers.map(u16::to_le_bytes);
    descriptor(1, &[&[0x00, 0x02], &class, &[64], numbers.as_flattened(), &[0, 0, 0, 1]])
}

/// The configuration's, with all that is in it: so many interfaces. Powered by the bus, with 500 mA.
pub(crate) fn configuration(interfaces: u8, parts: &[u8]) -> Vec<u8> {
    [&*descriptor(2, &[&total(9, parts), &[interfaces, 1, 0, 0x80, 250]]), parts].concat()
}

/// An interface's.
pub(crate) fn interface(number: u8, endpoints: u8, class: [u8; 3]) -> Vec<u8> {
    descriptor(4, &[&[number, 0, endpoints], &class, &[0]])
}

/// Its length, its kind, and what it says.
pub(crate) fn descriptor(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&[u8::try_from(body.len() + 2).unwrap(), kind], &*body].concat()
}

/// The length of a head of so many bytes with its parts.
pub(crate) fn total(head: usize, parts: &[u8]) -> [u8; 2] {
    u16::try_from(head + parts.len()).unwrap().to_le_bytes()
}
