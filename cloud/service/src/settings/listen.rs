//! Where a service listens.

use std::net::SocketAddr;
use std::str::FromStr;

/// An address on loopback: the services speak plain HTTP, and only to the gateway and each other on the same machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress(SocketAddr);

impl ListenAddress {
    /// The address.
    pub fn address(self) -> SocketAddr {
        self.0
    }
}

/// An address that is not acceptable.
#[derive(Debug, thiserror::Error)]
pub enum NotLoopback {
    /// Not an IP address with a port.
    #[error("give an IP address and a port, such as 127.0.0.1:8080")]
    Unreadable {
        /// What the parser said.
        source: std::net::AddrParseError,
    },
    /// Reachable from elsewhere.
    #[error("plain HTTP on loopback only: use 127.0.0.1:{port} or [::1]:{port} and let the gateway face the network")]
    Exposed {
        /// The port asked for.
        port: u16,
    },
}

impl FromStr for ListenAddress {
    type Err = NotLoopback;

    fn from_str(text: &str) -> Result<Self, NotLoopback> {
        let address: SocketAddr = text.parse().map_err(|source| NotLoopback::Unreadable { source })?;
        if address.ip().is_loopback() { Ok(Self(address)) } else { Err(NotLoopback::Exposed { port: address.port() }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_accepted() {
        for text in ["127.0.0.1:0", "127.8.8.8:80", "[::1]:8080"] {
            assert!(text.parse::<ListenAddress>().is_ok(), "{text}");
        }
        for text in ["0.0.0.0:80", "10.0.0.1:80", "[::]:80", "localhost:80", "127.0.0.1"] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }
}
