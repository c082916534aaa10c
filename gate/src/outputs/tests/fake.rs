//! The other end of a device: what it is sent, byte by byte, and what it answers.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serialport::{SerialPort, TTYPort};

/// A failing test ends; no passing one waits for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A board on a pseudo-terminal, under a name that outlives it, as udev's do.
pub(super) struct FakeBoard {
    name: PathBuf,
    bytes: Receiver<u8>,
    /// Held, so that the line does not hang up between two who open it.
    _line: TTYPort,
    unplugged: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl FakeBoard {
    /// One that answers what `answer` says to what it was sent since it answered last.
    pub(super) fn plug_in(name: &Path, mut answer: impl FnMut(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let (mut board, line) = TTYPort::pair().unwrap();
        fs::remove_file(name).unwrap_or_default();
        symlink(line.name().unwrap(), name).unwrap();
        let (sender, bytes) = channel();
        let unplugged = Arc::new(AtomicBool::new(false));
        let pulled = Arc::clone(&unplugged);
        let thread = std::thread::spawn(move || {
            let (mut buffer, mut heard) = ([0; 64], Vec::new());
            while !pulled.load(Ordering::Relaxed) {
                let read = match board.read(&mut buffer) {
                    Ok(read) => read,
                    Err(error) if error.kind() == ErrorKind::TimedOut => continue,
                    Err(_) => return,
                };
                let new = buffer.iter().take(read).copied();
                heard.extend(new.clone());
                new.for_each(|byte| sender.send(byte).unwrap_or_default());
                let reply = answer(&heard);
                if !reply.is_empty() {
                    heard.clear();
                    board.write_all(&reply).unwrap();
                }
            }
        });
        Self { name: name.to_owned(), bytes, _line: line, unplugged, thread: Some(thread) }
    }

    /// One that never says anything.
    pub(super) fn silent(name: &Path) -> Self {
        Self::plug_in(name, |_| Vec::new())
    }

    /// Waits for so many bytes.
    pub(super) fn hears(&self, count: usize) -> Vec<u8> {
        let heard: Vec<_> = (0..count).map_while(|_| self.bytes.recv_timeout(PATIENCE).ok()).collect();
        assert_eq!(heard.len(), count, "it heard only {heard:02x?}");
        heard
    }
}

impl Drop for FakeBoard {
    fn drop(&mut self) {
        // As udev takes the name away with the device: the number of this terminal is another's at once.
        fs::remove_file(&self.name).unwrap_or_default();
        self.unplugged.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or_default();
        }
    }
}

/// A folder for a board's name.
pub(super) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("relay");
    (folder, name)
}

/// A device on the network: the first line of each request.
pub(super) struct FakeHttp {
    pub(super) address: SocketAddr,
    requests: Receiver<String>,
}

impl FakeHttp {
    pub(super) fn start(status: &'static str) -> Self {
        Self::answering(move |_| status)
    }

    /// One that answers what `status` says to the first line of a request.
    pub(super) fn answering(mut status: impl FnMut(&str) -> &'static str + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let Some(first) = lines.next() else { continue };
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let answer =
                    format!("HTTP/1.1 {}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}", status(&first));
                stream.write_all(answer.as_bytes()).unwrap_or_default();
                if sender.send(first).is_err() {
                    return;
                }
            }
        });
        Self { address, requests }
    }

    pub(super) fn hears(&self) -> String {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }
}
