//! What an account is called by its owner. Owns the form of an e-mail address; refuses to know whether anyone reads it.

/// RFC 5321, 4.5.3.1.3, less the angle brackets.
const LONGEST: usize = 254;
/// RFC 5321, 4.5.3.1.1.
const LONGEST_LOCAL_PART: usize = 64;
/// RFC 1035, 2.3.4.
const LONGEST_LABEL: usize = 63;

/// An address that could receive mail: ASCII, unquoted, at a domain with a dot. Personal data, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct EmailAddress(String);

/// Text that is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give an e-mail address such as name@example.org, of at most {LONGEST} letters without accents")]
pub struct InvalidEmail;

impl EmailAddress {
    /// Reads an address: spaces around it go, the domain becomes lower case, the rest stays as its owner writes it.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        if text.len() <= LONGEST && is_local_part(local) && is_domain(domain) {
            Ok(Self(format!("{local}@{}", domain.to_ascii_lowercase())))
        } else {
            Err(InvalidEmail)
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A dot-string (RFC 5321, 4.1.2).
fn is_local_part(text: &str) -> bool {
    let is_atom_text = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.len() <= LONGEST_LOCAL_PART && text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_text))
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.contains('.') && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_trimmed_and_its_domain_lower_case() {
        let address = EmailAddress::parse("  Anna.O'Neill+show@Example.ORG\n").ok().unwrap();
        assert_eq!(address.as_str(), "Anna.O'Neill+show@example.org");
    }

    #[test]
    fn what_no_mail_can_reach_is_refused() {
        let long_local = format!("{}@example.org", "a".repeat(65));
        let long = format!("a@{}org", "abcdefgh.".repeat(28));
        assert_eq!(long.len(), 257);
        for text in [
            "",
            "@",
            "a@",
            "@example.org",
            "a@localhost",
            "a b@example.org",
            "a@b@example.org",
            "a@-x.org",
            "a@x-.org",
            "a@x..org",
            ".a@example.org",
            "a.@example.org",
            "a\u{0}@example.org",
            "é@example.org",
            "a@exämple.org",
            "\"a\"@example.org",
            "a@example.org\r\nBcc: b@example.org",
            &long_local,
            &long,
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
    }
}
