//! A USB device at the end of a socket, which qemu's `usb-redir` plugs into the machine (USB Network Redirection protocol 0.7, where every
//! number here is from): the side of a device with one configuration and one endpoint beside that for control. Knows nothing of what it is for.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const HELLO: u32 = 0;
const DEVICE_CONNECT: u32 = 1;
const RESET: u32 = 3;
const INTERFACE_INFO: u32 = 4;
const ENDPOINT_INFO: u32 = 5;
const SET_CONFIGURATION: u32 = 6;
const CONFIGURATION_STATUS: u32 = 8;
const SET_ALTERNATE_SETTING: u32 = 9;
const ALTERNATE_SETTING_STATUS: u32 = 11;
const START_INTERRUPT_RECEIVING: u32 = 15;
const STOP_INTERRUPT_RECEIVING: u32 = 16;
const INTERRUPT_RECEIVING_STATUS: u32 = 17;
const CANCEL_DATA_PACKET: u32 = 21;
const CONTROL_PACKET: u32 = 100;
const BULK_PACKET: u32 = 101;

const SUCCESS: u8 = 0;
const STALL: u8 = 4;
/// The device's version, the endpoints' packet sizes, ids of 64 bits, lengths of 32: without the last three qemu takes nobody at a USB 3
/// controller.
const CAPABILITIES: u32 = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6;

/// What is told of a device before it may be asked.
pub(crate) struct Identity {
    /// Of its bus.
    pub(crate) speed: Speed,
    /// Class, subclass and protocol.
    pub(crate) class: [u8; 3],
    /// Vendor, product and version.
    pub(crate) numbers: [u16; 3],
    /// Class, subclass and protocol of each interface.
    pub(crate) interfaces: &'static [[u8; 3]],
    /// The endpoint, and where it is.
    pub(crate) endpoint: Endpoint,
}

/// Twelve megabits a second, or 480.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Speed {
    Full = 1,
    High = 2,
}

/// An endpoint into the machine.
pub(crate) struct Endpoint {
    pub(crate) kind: Kind,
    pub(crate) number: u8,
    pub(crate) interface: u8,
    /// Bytes in a packet.
    pub(crate) packet: u16,
}

/// How an endpoint gives.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Kind {
    /// When it is asked.
    Bulk = 2,
    /// When it has something to say, which none here ever has.
    Interrupt = 3,
}

/// A device's line into the machine.
pub(crate) struct Line {
    stream: UnixStream,
    identity: Identity,
}

/// What the machine asks, as it came, so that the answer finds back.
pub(crate) struct Asked {
    id: u64,
    header: [u8; 10],
    pub(crate) request: Request,
}

pub(crate) enum Request {
    /// Of the control endpoint (USB 2.0, 9.3); with data, where the machine is who sends it.
    Control { kind: u8, request: u8, value: u16, length: usize, data: Vec<u8> },
    /// For so many bytes at most.
    Bulk { length: usize },
}

impl Line {
    /// Plugs the device in.
    pub(crate) async fn plug(socket: &Path, identity: Identity) -> Result<Self> {
        let stream = UnixStream::connect(socket).await;
        let mut stream = stream.with_context(|| format!("{} is no line", socket.display()))?;
        // With ids of 32 bits, whatever is agreed on here.
        let greeting =
            [&HELLO.to_le_bytes()[..], &68_u32.to_le_bytes(), &[0; 4], &[0; 64], &CAPABILITIES.to_le_bytes()];
        stream.write_all(&greeting.concat()).await?;
        let (_hello, length, _id) =
            (stream.read_u32_le().await?, stream.read_u32_le().await?, stream.read_u32_le().await?);
        stream.read_exact(&mut vec![0; usize::try_from(length)?]).await?;

        let mut line = Self { stream, identity };
        line.describe().await?;
        let Identity { speed, class, numbers, .. } = line.identity;
        let connect = [&[speed as u8], &class[..], numbers.map(u16::to_le_bytes).as_flattened()].concat();
        line.send(DEVICE_CONNECT, 0, &connect).await?;
        Ok(line)
    }

    /// What the machine asks next; nothing when it has ended.
    pub(crate) async fn next(&mut self) -> Result<Option<Asked>> {
        loop {
            let kind = match self.stream.read_u32_le().await {
                Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
                    return Ok(None);
                }
                kind => kind?,
            };
            let (length, id) = (self.stream.read_u32_le().await?, self.stream.read_u64_le().await?);
            let mut body = vec![0; usize::try_from(length)?];
            self.stream.read_exact(&mut body).await?;
            match (kind, &*body) {
                (CONTROL_PACKET | BULK_PACKET, _) => {
                    let (header, data) = body.split_first_chunk().context("a packet without its header")?;
                    return Ok(Some(Asked { id, header: *header, request: request(kind, header, data)? }));
                }
                (SET_CONFIGURATION, [configuration]) => {
                    self.describe().await?;
                    self.send(CONFIGURATION_STATUS, id, &[SUCCESS, *configuration]).await?;
                }
                (SET_ALTERNATE_SETTING, [interface, setting]) => {
                    self.describe().await?;
                    self.send(ALTERNATE_SETTING_STATUS, id, &[SUCCESS, *interface, *setting]).await?;
                }
                (START_INTERRUPT_RECEIVING | STOP_INTERRUPT_RECEIVING, [endpoint]) => {
                    self.send(INTERRUPT_RECEIVING_STATUS, id, &[SUCCESS, *endpoint]).await?;
                }
                // What is cancelled was answered before: that ends it.
                (RESET | CANCEL_DATA_PACKET, _) => {}
                _ => bail!("the machine sends packet {kind}, which nobody here knows"),
            }
        }
    }

    /// Answers with data, with none where some was sent, or not at all: there is no such thing.
    pub(crate) async fn answer(&mut self, asked: Asked, answer: Option<&[u8]>) -> Result<()> {
        let Asked { id, mut header, request } = asked;
        let (status, data) = answer.map_or((STALL, &[][..]), |data| (SUCCESS, data));
        let length = u32::try_from(data.len())?.to_le_bytes();
        let kind = match request {
            Request::Control { kind, .. } => {
                header[3] = status;
                if is_from_device(kind) {
                    header[8..].copy_from_slice(&length[..2]);
                }
                CONTROL_PACKET
            }
            Request::Bulk { .. } => {
                header[1] = status;
                header[2..4].copy_from_slice(&length[..2]);
                header[8..].copy_from_slice(&length[2..]);
                BULK_PACKET
            }
        };
        self.send(kind, id, &[&header, data].concat()).await
    }

    /// Endpoints and interfaces, which are told again whenever they may have changed.
    async fn describe(&mut self) -> Result<()> {
        let Identity { interfaces, endpoint: Endpoint { kind, number, interface, packet }, .. } = &self.identity;
        // Sixteen out of the machine and sixteen into it, of which the first are for control.
        let place = 16 + usize::from(*number);
        let (mut kinds, mut places, mut sizes) = ([255; 32], [0; 32], [[0; 2]; 32]);
        (kinds[0], kinds[16], kinds[place]) = (0, 0, *kind as u8);
        (places[place], sizes[place]) = (*interface, packet.to_le_bytes());
        // Asked in each frame, where it is asked by itself.
        let endpoints = [&kinds[..], &[1; 32], &places, sizes.as_flattened()].concat();

        let count = u32::try_from(interfaces.len())?.to_le_bytes();
        let mut columns = [[0; 32]; 4];
        for (row, class) in interfaces.iter().enumerate() {
            columns[0][row] = u8::try_from(row)?;
            for (column, value) in columns[1..].iter_mut().zip(class) {
                column[row] = *value;
            }
        }
        self.send(ENDPOINT_INFO, 0, &endpoints).await?;
        self.send(INTERFACE_INFO, 0, &[&count, columns.as_flattened()].concat()).await
    }

    async fn send(&mut self, kind: u32, id: u64, body: &[u8]) -> Result<()> {
        let length = u32::try_from(body.len())?.to_le_bytes();
        self.stream.write_all(&[&kind.to_le_bytes()[..], &length, &id.to_le_bytes(), body].concat()).await?;
        Ok(())
    }
}

fn request(packet: u32, header: &[u8; 10], data: &[u8]) -> Result<Request> {
    Ok(match (packet, *header) {
        (CONTROL_PACKET, [_, request, kind, _, v0, v1, _, _, l0, l1]) => {
            let [value, length] = [[v0, v1], [l0, l1]].map(u16::from_le_bytes);
            Request::Control { kind, request, value, length: length.into(), data: data.to_vec() }
        }
        (_, [_, _, l0, l1, _, _, _, _, l2, l3]) => {
            Request::Bulk { length: usize::try_from(u32::from_le_bytes([l0, l1, l2, l3]))? }
        }
    })
}

/// By the highest bit of a control request's kind.
fn is_from_device(kind: u8) -> bool {
    kind & 0x80 != 0
}
