//! A line between two processes that can be cut. It is bound before either end exists and keeps its address, so that a
//! restart on another port, or an outage, needs no new settings. Knows bytes and connections, no protocol.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How a line fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Connections, old and new, are reset.
    Refuse,
    /// Connections, old and new, stay open, and nothing comes through.
    Swallow,
    /// Connections that are open stay open, and nothing comes through; new ones work: what is left of a Wi-Fi that was lost for a moment.
    Strand,
    /// Requests come through; at the first byte of an answer the connection is reset.
    LoseReplies,
    /// Of what is asked from now on, so many bytes come through on each connection; at the next it is cut.
    CutRequests(u64),
    /// Of what is answered from now on, so many bytes come through on each connection; at the next it is cut.
    CutAnswers(u64),
}

/// A line that listens on an address of its own. Dropping it ends it.
pub struct Proxy {
    address: SocketAddr,
    line: watch::Sender<Line>,
    tally: Arc<Tally>,
}

/// What became of connections so far.
#[derive(Default)]
struct Tally {
    open: AtomicU64,
    lost: AtomicU64,
    refused: AtomicU64,
    cut_off: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    target: Option<SocketAddr>,
    fault: Option<Fault>,
}

impl Proxy {
    /// A line that leads nowhere yet: it resets connections until [`Proxy::point_to`].
    pub async fn bind() -> Result<Self> {
        Self::bind_at((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// The same at this very address.
    pub async fn bind_at(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("{address} is not free"))?;
        let address = listener.local_addr()?;
        let (line, _) = watch::channel(Line { target: None, fault: None });
        let tally = Arc::<Tally>::default();
        tokio::spawn(accept(listener, line.subscribe(), Arc::clone(&tally)));
        Ok(Self { address, line, tally })
    }

    /// Where to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Leads there from now on. Connections to the old place end.
    pub fn point_to(&self, target: SocketAddr) {
        self.line.send_modify(|line| line.target = Some(target));
    }

    /// Fails in this way from now on.
    pub fn cut(&self, fault: Fault) {
        self.line.send_modify(|line| line.fault = Some(fault));
    }

    /// Works again, for new connections.
    pub fn mend(&self) {
        self.line.send_modify(|line| line.fault = None);
    }

    /// How many connections there are.
    pub fn open(&self) -> u64 {
        self.tally.open.load(Ordering::SeqCst)
    }

    /// How many answers were lost so far.
    pub fn lost_replies(&self) -> u64 {
        self.tally.lost.load(Ordering::SeqCst)
    }

    /// How many new connections were reset so far.
    pub fn refused(&self) -> u64 {
        self.tally.refused.load(Ordering::SeqCst)
    }

    /// How many connections were cut off in the middle so far.
    pub fn cut_off(&self) -> u64 {
        self.tally.cut_off.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, mut line: watch::Receiver<Line>, tally: Arc<Tally>) {
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    let (line, tally) = (line.clone(), Arc::clone(&tally));
                    tokio::spawn(async move {
                        tally.open.fetch_add(1, Ordering::SeqCst);
                        connect(client, line, &tally).await;
                        tally.open.fetch_sub(1, Ordering::SeqCst);
                    });
                }
            }
            changed = line.changed() => if changed.is_err() { return },
        }
    }
}

async fn connect(client: TcpStream, mut line: watch::Receiver<Line>, tally: &Tally) {
    let Line { target, fault } = *line.borrow_and_update();
    let server = match (target, fault) {
        (_, Some(Fault::Swallow)) => return swallow(&[client], &mut line).await,
        (None, _) | (Some(_), Some(Fault::Refuse)) => None,
        (
            Some(target),
            None | Some(Fault::LoseReplies | Fault::Strand | Fault::CutRequests(_) | Fault::CutAnswers(_)),
        ) => TcpStream::connect(target).await.ok(),
    };
    if let Some(server) = server {
        carry(client, server, target, line, tally).await;
    } else {
        reset(&client);
        tally.refused.fetch_add(1, Ordering::SeqCst);
    }
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    target: Option<SocketAddr>,
    mut line: watch::Receiver<Line>,
    tally: &Tally,
) {
    let (mut asked, mut answered) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    let (mut up, mut down) = left(line.borrow().fault);
    loop {
        tokio::select! {
            // What was said of the line before a byte came holds for that byte.
            biased;
            changed = line.changed() => {
                let now = *line.borrow_and_update();
                (up, down) = left(now.fault);
                if matches!(now.fault, Some(Fault::Swallow | Fault::Strand)) {
                    return swallow(&[client, server], &mut line).await;
                }
                if changed.is_err() || now.target != target || now.fault == Some(Fault::Refuse) {
                    reset(&client);
                    return;
                }
            }
            read = client.read(&mut asked) => {
                if !pass(read, &asked, &mut server, &mut up, tally).await { return }
            }
            read = server.read(&mut answered) => {
                let loses = line.borrow().fault == Some(Fault::LoseReplies);
                if loses && matches!(read, Ok(1..)) {
                    tally.lost.fetch_add(1, Ordering::SeqCst);
                    reset(&client);
                    return;
                }
                if !pass(read, &answered, &mut client, &mut down, tally).await { return }
            }
        }
    }
}

/// How many bytes of requests and of answers come through before a connection is cut.
fn left(fault: Option<Fault>) -> (u64, u64) {
    match fault {
        Some(Fault::CutRequests(bytes)) => (bytes, u64::MAX),
        Some(Fault::CutAnswers(bytes)) => (u64::MAX, bytes),
        Some(Fault::Refuse | Fault::Swallow | Fault::Strand | Fault::LoseReplies) | None => (u64::MAX, u64::MAX),
    }
}

/// Passes on of what was read as much as is left; whether the connection goes on.
async fn pass(read: std::io::Result<usize>, buffer: &[u8], to: &mut TcpStream, left: &mut u64, tally: &Tally) -> bool {
    let Some(bytes @ [_, ..]) = read.ok().and_then(|length| buffer.get(..length)) else { return false };
    let through = usize::try_from(*left).ok().and_then(|left| bytes.get(..left)).unwrap_or(bytes);
    *left -= through.len() as u64;
    let arrives = to.write_all(through).await.is_ok();
    let is_whole = through.len() == bytes.len();
    if !is_whole {
        // Not reset, which would take back what came through.
        tally.cut_off.fetch_add(1, Ordering::SeqCst);
    }
    arrives && is_whole
}

/// Holds the connections, deaf and dumb, until the line changes again.
async fn swallow(held: &[TcpStream], line: &mut watch::Receiver<Line>) {
    let fault = line.borrow().fault;
    while line.changed().await.is_ok() && line.borrow().fault == fault {}
    held.iter().for_each(reset);
}

/// The other end shall see an error, not an end.
fn reset(stream: &TcpStream) {
    // Where the system refuses, the connection ends in the usual way.
    let _ = stream.set_zero_linger();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A server that answers each byte with its successor.
    async fn successor() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    while let Ok(byte) = stream.read_u8().await {
                        stream.write_u8(byte + 1).await.unwrap();
                    }
                });
            }
        });
        address
    }

    async fn ask(stream: &mut TcpStream, byte: u8) -> std::io::Result<u8> {
        stream.write_u8(byte).await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn a_line_leads_where_it_points_and_fails_as_told() {
        let proxy = Proxy::bind().await.unwrap();
        let dial = async || TcpStream::connect(proxy.address()).await.unwrap();
        assert!(ask(&mut dial().await, 1).await.is_err(), "it leads nowhere yet");
        assert_eq!(proxy.refused(), 1);

        proxy.point_to(successor().await);
        let mut open = dial().await;
        assert_eq!(ask(&mut open, 1).await.unwrap(), 2);
        proxy.cut(Fault::Refuse);
        assert!(ask(&mut open, 1).await.is_err(), "an old connection survives the cut");
        assert!(ask(&mut dial().await, 1).await.is_err());

        proxy.cut(Fault::LoseReplies);
        assert!(ask(&mut dial().await, 1).await.is_err());
        assert_eq!(proxy.lost_replies(), 1);

        let mut open = dial().await;
        proxy.cut(Fault::CutRequests(2));
        assert_eq!((ask(&mut open, 1).await.unwrap(), ask(&mut open, 2).await.unwrap()), (2, 3));
        assert!(ask(&mut open, 3).await.is_err(), "the third byte comes through");
        proxy.cut(Fault::CutAnswers(1));
        let mut open = dial().await;
        open.write_all(&[1, 2]).await.unwrap();
        assert_eq!(open.read_u8().await.unwrap(), 2);
        assert!(open.read_u8().await.is_err(), "the second answer comes through");
        assert_eq!(proxy.cut_off(), 2);

        proxy.cut(Fault::Swallow);
        let mut silent = dial().await;
        let answer = tokio::time::timeout(Duration::from_millis(50), ask(&mut silent, 1)).await;
        assert!(answer.is_err(), "a swallowed request is answered");

        proxy.mend();
        assert!(silent.read_u8().await.is_err());
        assert_eq!(ask(&mut dial().await, 1).await.unwrap(), 2);
    }
}
