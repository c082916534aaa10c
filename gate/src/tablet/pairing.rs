//! The code that makes a tablet the gate's: six digits, for two minutes, five tries in all, once. Pure: time and randomness are the caller's. Whoever
//! guesses at a code has 5 in 1,000,000, and staff see that it is spent.

use std::time::Duration;

/// For how long a code can be typed.
pub(super) const LASTS: Duration = Duration::from_mins(2);
const TRIES: u8 = 5;
const CODES: u32 = 1_000_000;

/// Six digits.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Code(u32);

impl Code {
    /// Of random bytes; none of those few that would make some codes likelier than others.
    pub(super) fn of(random: [u8; 4]) -> Option<Self> {
        let number = u32::from_le_bytes(random);
        (number < u32::MAX / CODES * CODES).then_some(Self(number % CODES))
    }

    /// As it is shown.
    pub(super) fn digits(&self) -> String {
        format!("{:06}", self.0)
    }
}

/// Which code would do now.
#[derive(Default)]
pub(super) struct Pairing {
    open: Option<Open>,
}

struct Open {
    code: Code,
    /// By uptime.
    until: Duration,
    tries: u8,
}

/// Why a tablet is not the gate's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotPaired {
    /// There is no code, or none any more.
    #[error("No code is open. Have one shown at the gate: MENU, or `countermark-gate tablet pair`.")]
    Closed,
    /// It is another.
    #[error("Wrong code.")]
    Wrong,
}

impl Pairing {
    /// Has a code do from `now` on, in the place of the one before.
    pub(super) fn open(&mut self, code: Code, now: Duration) {
        self.open = Some(Open { code, until: now + LASTS, tries: TRIES });
    }

    /// What somebody typed: right once.
    pub(super) fn redeem(&mut self, typed: &str, now: Duration) -> Result<(), NotPaired> {
        let open = self.open.as_mut().filter(|open| now < open.until && open.tries > 0).ok_or(NotPaired::Closed)?;
        let typed: String = typed.chars().filter(|character| !character.is_whitespace()).collect();
        if typed == open.code.digits() {
            self.open = None;
            return Ok(());
        }
        open.tries -= 1;
        Err(NotPaired::Wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn opened() -> Pairing {
        let mut pairing = Pairing::default();
        pairing.open(Code(7), NOW);
        pairing
    }

    #[test]
    fn a_code_is_right_once_and_for_two_minutes() {
        assert_eq!(Pairing::default().redeem("000007", NOW), Err(NotPaired::Closed));
        let mut pairing = opened();
        assert_eq!(pairing.redeem(" 000 007\n", NOW + Duration::from_millis(119_999)), Ok(()));
        assert_eq!(pairing.redeem("000007", NOW), Err(NotPaired::Closed));
        assert_eq!(opened().redeem("000007", NOW + LASTS), Err(NotPaired::Closed));
    }

    #[test]
    fn five_tries_are_all_whoever_tries() {
        let mut pairing = opened();
        for typed in ["", "7", "000008", "0000070", "abcdef"] {
            assert_eq!(pairing.redeem(typed, NOW), Err(NotPaired::Wrong), "{typed}");
        }
        assert_eq!(pairing.redeem("000007", NOW), Err(NotPaired::Closed));
        pairing.open(Code(8), NOW);
        assert_eq!(pairing.redeem("000007", NOW), Err(NotPaired::Wrong), "an older code is no code");
        assert_eq!(pairing.redeem("000008", NOW), Ok(()));
    }

    #[test]
    fn no_code_is_likelier_than_another() {
        assert!(Code::of(4_293_999_999_u32.to_le_bytes()).is_some_and(|code| code.digits() == "999999"));
        assert!(Code::of(4_294_000_000_u32.to_le_bytes()).is_none());
        assert!(Code::of(0_u32.to_le_bytes()).is_some_and(|code| code.digits() == "000000"));
    }
}
