//! What a camera says of itself when it is plugged in (USB Device Class Definition for Video Devices 1.0, 3, and what that says of
//! uncompressed pictures and of Motion-JPEG). As cheap ones do, it gives small pictures as they are (640 x 360, YUYV), large ones compressed (1280 x 720,
//! without the Huffman tables that cameras may leave out), and both through one endpoint. Owns its numbers, and gives no picture.

use crate::descriptor::{self, descriptor, interface, total};
use crate::redirection::{Endpoint, Identity, Kind, Speed};

/// Width and height of what it gives unasked, by two bytes a pixel (YUYV).
pub(super) const SMALL: [u16; 2] = [640, 360];
/// Of its second format, Motion-JPEG.
pub(super) const LARGE: [u16; 2] = [1280, 720];
/// Between two pictures, in units of 100 ns.
pub(super) const INTERVAL: u32 = 1_000_000;
/// No picture is longer, in bytes.
pub(super) const PICTURE: u32 = 1 << 20;
/// What is given at once: 32 packets are as much as Linux asks for.
pub(super) const PAYLOAD: u32 = 32 * 512;

const PACKET: u16 = 512;
const VIDEO: u8 = 0x0E;
const CONTROL: [u8; 3] = [VIDEO, 1, 0];
const STREAMING: [u8; 3] = [VIDEO, 2, 0];
/// Several interfaces, one function.
const CLASS: [u8; 3] = [0xEF, 2, 1];
/// For tests, by pid.codes; version 1.
const NUMBERS: [u16; 3] = [0x1209, 0x0001, 0x0100];
/// What its two formats are called.
const YUYV: [u8; 16] = *b"YUY2\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71";

/// The same, as it is told before anybody can ask.
pub(super) const IDENTITY: Identity = Identity {
    speed: Speed::High,
    class: CLASS,
    numbers: NUMBERS,
    interfaces: &[CONTROL, STREAMING],
    endpoint: Endpoint { kind: Kind::Bulk, number: 1, interface: 1, packet: PACKET },
};

/// The device's.
pub(super) fn device() -> Vec<u8> {
    descriptor::device(CLASS, NUMBERS)
}

/// The configuration's, with all that is in it.
pub(super) fn configuration() -> Vec<u8> {
    let function = descriptor(0x0B, &[&[0, 2, VIDEO, 3, 0, 0]]);
    descriptor::configuration(2, &[function, control(), streaming()].concat())
}

/// A lens without a handle, and a way out.
fn control() -> Vec<u8> {
    let lens = own(2, &[&[1, 0x01, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0]]);
    let out = own(3, &[&[2, 0x01, 0x01, 0, 1, 0]]);
    let parts = [lens, out].concat();
    // Version 1.0, a clock of 48 MHz, one streaming interface.
    let head = own(1, &[&[0x00, 0x01], &total(13, &parts), &48_000_000_u32.to_le_bytes(), &[1, 1]]);
    [interface(0, 0, CONTROL), head, parts].concat()
}

fn streaming() -> Vec<u8> {
    let small = [own(4, &[&[1, 1], &YUYV, &[16, 1, 0, 0, 0, 0]]), frame(5, SMALL)];
    let large = [own(6, &[&[2, 1, 0, 1, 0, 0, 0, 0]]), frame(7, LARGE)];
    let parts = [small, large].as_flattened().concat();
    // Two formats, from endpoint 1; nothing of either can be set.
    let head = own(1, &[&[2], &total(15, &parts), &[0x81, 0, 2, 0, 0, 0, 1, 0, 0]]);
    let endpoint = descriptor(5, &[&[0x81, 2], &PACKET.to_le_bytes(), &[0]]);
    [interface(1, 1, STREAMING), head, parts, endpoint].concat()
}

/// A format's only size.
fn frame(kind: u8, size: [u16; 2]) -> Vec<u8> {
    let size = size.map(u16::to_le_bytes);
    let [bits, picture, interval] = [PICTURE * 80, PICTURE, INTERVAL].map(u32::to_le_bytes);
    own(kind, &[&[1, 0], size.as_flattened(), &bits, &bits, &picture, &interval, &[1], &interval])
}

/// One of the video class's own.
fn own(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    descriptor(0x24, &[&[kind], &parts.concat()])
}
