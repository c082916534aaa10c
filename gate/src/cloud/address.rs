//! Where validation answers. Owns the rule that secrets and sessions travel encrypted, or not beyond this machine.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// An https address; http only on loopback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct CloudAddress(Url);

/// Why text is no address to trust a gate's traffic to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidAddress {
    /// No URL.
    #[error("`{text}` is no address such as https://gates.example.org")]
    Text {
        /// What was read.
        text: String,
        /// What is wrong.
        source: url::ParseError,
    },
    /// Not encrypted.
    #[error("the cloud's address must begin with https:// (http:// only on this machine itself)")]
    Plain,
    /// More than scheme, host, port and path.
    #[error("the cloud's address must carry no user name, password, query or fragment")]
    Surplus,
}

impl CloudAddress {
    /// The address of one of validation's paths, which begin with `/`.
    pub(crate) fn endpoint(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }

    fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl FromStr for CloudAddress {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let url = Url::parse(text).map_err(|source| InvalidAddress::Text { text: text.to_owned(), source })?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidAddress::Surplus);
        }
        let address = Self(url);
        match address.0.scheme() {
            "https" => Ok(address),
            "http" if address.is_loopback() => Ok(address),
            _ => Err(InvalidAddress::Plain),
        }
    }
}

impl TryFrom<String> for CloudAddress {
    type Error = InvalidAddress;

    fn try_from(text: String) -> Result<Self, InvalidAddress> {
        text.parse()
    }
}

impl From<CloudAddress> for String {
    fn from(address: CloudAddress) -> Self {
        address.to_string()
    }
}

impl fmt::Display for CloudAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in ["https://gates.example.org", "http://127.0.0.1:8000", "http://[::1]:8000/", "http://localhost/a"] {
            assert!(good.parse::<CloudAddress>().is_ok(), "{good}");
        }
        for plain in ["http://gates.example.org", "http://10.0.0.1", "ftp://localhost", "http://localhost.example.org"]
        {
            assert_eq!(plain.parse::<CloudAddress>(), Err(InvalidAddress::Plain), "{plain}");
        }
        for surplus in ["https://me@example.org", "https://example.org/?a=b", "https://example.org/#a"] {
            assert_eq!(surplus.parse::<CloudAddress>(), Err(InvalidAddress::Surplus), "{surplus}");
        }
        assert!(matches!("gates.example.org".parse::<CloudAddress>(), Err(InvalidAddress::Text { .. })));
    }

    #[test]
    fn a_path_of_the_gateway_is_kept() {
        for (base, expected) in [
            ("https://example.org", "https://example.org/v1/x"),
            ("https://example.org/validation/", "https://example.org/validation/v1/x"),
        ] {
            assert_eq!(base.parse::<CloudAddress>().unwrap().endpoint("/v1/x").as_str(), expected);
        }
    }
}
