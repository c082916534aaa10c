//! Passwords: their form, and the work of hashing them. Owns algorithm, parameters and how much of that work is done at
//! once; refuses to know whose password it is.

use std::sync::Arc;

use argon2::password_hash::{self, PasswordHasher, PasswordVerifier, phc};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// NIST SP 800-63B, 3.1.1.2, asks for at least 15 where a password stands alone and 8 beside a second factor, which is to come.
const SHORTEST: usize = 12;
/// NIST asks for at least 64; argon2 takes any length, so this bounds the request alone.
const LONGEST: usize = 128;

/// OWASP Password Storage Cheat Sheet, argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes worked on at once: one for each core of the least machine, 38 MiB in all.
const AT_ONCE: usize = 2;
/// Hashes waiting or worked on: at 20 ms each the last one waits less than half a second.
const IN_ALL: usize = 40;

/// A password of acceptable length. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct Password(SecretString);

/// Text that is no acceptable password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("choose a password of {SHORTEST} to {LONGEST} characters; a few unrelated words make a good one")]
pub struct InvalidPassword;

impl Password {
    /// Takes any characters, as they are.
    pub(crate) fn parse(text: SecretString) -> Result<Self, InvalidPassword> {
        if (SHORTEST..=LONGEST).contains(&text.expose_secret().chars().count()) {
            Ok(Self(text))
        } else {
            Err(InvalidPassword)
        }
    }

    /// The hash to store, made at once: for a command. Requests wait for their [`Turn`].
    pub(crate) async fn hash(self, salt: Salt) -> Result<PasswordHash, HashingError> {
        tokio::task::spawn_blocking(move || hash(&self, &salt)).await?
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

/// A password's hash with its parameters and salt: a PHC string. Whoever reads one can try passwords, so it has no `Debug`.
#[derive(Clone)]
pub(crate) struct PasswordHash(pub(crate) String);

/// 16 random bytes (RFC 9106, 3.1).
pub(crate) type Salt = [u8; 16];

/// What became of a password.
pub(crate) enum Verdict {
    /// Another one, or there is none to compare with.
    Wrong,
    /// The account's. `renewed` is its hash under today's parameters, where the stored one has others.
    Right { renewed: Option<PasswordHash> },
}

/// A hash that could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    /// Unreadable, or out of memory.
    #[error("the password's hash cannot be made or read")]
    Hash(#[from] password_hash::Error),
    /// The thread that worked on it is gone.
    #[error("hashing a password was cut short")]
    CutShort(#[from] tokio::task::JoinError),
}

/// More passwords wait to be hashed than this process takes.
#[derive(Debug)]
pub(crate) struct Busy;

/// The bounded work of hashing. Clones share the bound.
#[derive(Clone)]
pub(crate) struct Passwords {
    places: Arc<Semaphore>,
    hands: Arc<Semaphore>,
}

/// The right to hash one password now.
pub(crate) struct Turn {
    _place: OwnedSemaphorePermit,
    _hand: OwnedSemaphorePermit,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { places: Arc::new(Semaphore::new(IN_ALL)), hands: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Where everyone is sent away.
    #[cfg(test)]
    pub(crate) fn exhausted() -> Self {
        Self { places: Arc::new(Semaphore::new(0)), ..Self::new() }
    }

    /// Waits for a turn, unless too many wait already.
    pub(crate) async fn turn(&self) -> Result<Turn, Busy> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Busy)?;
        // Nobody closes the semaphore.
        let hand = Arc::clone(&self.hands).acquire_owned().await.map_err(|_| Busy)?;
        Ok(Turn { _place: place, _hand: hand })
    }
}

impl Turn {
    /// The hash to store.
    pub(crate) async fn hash(self, password: Password, salt: Salt) -> Result<PasswordHash, HashingError> {
        self.work(move || hash(&password, &salt)).await
    }

    /// Compares with what is stored; where nothing is, does the same work, so that its time does not tell.
    pub(crate) async fn verify(
        self,
        password: Password,
        stored: Option<PasswordHash>,
        salt: Salt,
    ) -> Result<Verdict, HashingError> {
        self.work(move || match stored {
            Some(stored) => verify(&password, &stored, &salt),
            None => hash(&password, &salt).map(|_| Verdict::Wrong),
        })
        .await
    }

    /// The turn goes with the work, which goes on when the request that waits for it is given up.
    async fn work<T: Send + 'static>(
        self,
        work: impl FnOnce() -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, HashingError> {
        tokio::task::spawn_blocking(move || {
            let _turn = self;
            work()
        })
        .await?
    }
}

fn argon2() -> Result<Argon2<'static>, HashingError> {
    let parameters = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(password_hash::Error::from)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

fn hash(password: &Password, salt: &Salt) -> Result<PasswordHash, HashingError> {
    let hash: phc::PasswordHash = argon2()?.hash_password_with_salt(password.as_bytes(), salt)?;
    Ok(PasswordHash(hash.to_string()))
}

fn verify(password: &Password, stored: &PasswordHash, salt: &Salt) -> Result<Verdict, HashingError> {
    let parsed = phc::PasswordHash::new(&stored.0).map_err(password_hash::Error::from)?;
    match argon2()?.verify_password(password.as_bytes(), &parsed) {
        Ok(()) if is_current(&parsed)? => Ok(Verdict::Right { renewed: None }),
        Ok(()) => Ok(Verdict::Right { renewed: Some(hash(password, salt)?) }),
        Err(password_hash::Error::PasswordInvalid) => Ok(Verdict::Wrong),
        Err(error) => Err(error.into()),
    }
}

fn is_current(hash: &phc::PasswordHash) -> Result<bool, HashingError> {
    let parameters = Params::try_from(hash)?;
    Ok(hash.algorithm == Algorithm::Argon2id.ident()
        && hash.version == Some(Version::V0x13.into())
        && (parameters.m_cost(), parameters.t_cost(), parameters.p_cost()) == (MEMORY_KIB, PASSES, LANES))
}

/// A hash as an older version might have stored it.
#[cfg(test)]
pub(crate) fn weaker_hash(password: &str) -> String {
    let argon2 = Argon2::from(Params::new(8 * 1024, 1, 1, None).unwrap());
    let hash: phc::PasswordHash = argon2.hash_password_with_salt(password.as_bytes(), &[1; 16]).unwrap();
    hash.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text.into()).ok().unwrap()
    }

    #[test]
    fn length_is_all_that_is_asked_and_counts_characters() {
        for (length, fits) in [(11, false), (12, true), (128, true), (129, false)] {
            assert_eq!(Password::parse("é".repeat(length).into()).is_ok(), fits, "{length}");
        }
    }

    #[tokio::test]
    async fn only_the_password_verifies_and_the_hash_is_what_owasp_asks_for() {
        let passwords = Passwords::new();
        let hash = passwords.turn().await.unwrap().hash(password("correct horse"), [1; 16]).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        for (text, stored, right) in [
            ("correct horse", Some(hash.clone()), true),
            ("correct horsE", Some(hash.clone()), false),
            ("correct horse", None, false),
        ] {
            let turn = passwords.turn().await.unwrap();
            let verdict = turn.verify(password(text), stored, [2; 16]).await.unwrap();
            assert_eq!(matches!(verdict, Verdict::Right { renewed: None }), right, "{text}");
        }
    }

    #[test]
    fn a_hash_of_older_parameters_is_renewed() {
        let older = PasswordHash(weaker_hash("correct horse"));
        let verdict = verify(&password("correct horse"), &older, &[2; 16]).unwrap();
        let Verdict::Right { renewed: Some(renewed) } = verdict else { panic!("it was not renewed") };
        let verdict = verify(&password("correct horse"), &renewed, &[3; 16]).unwrap();
        assert!(matches!(verdict, Verdict::Right { renewed: None }));
    }

    #[tokio::test]
    async fn more_than_fit_are_sent_away_at_once() {
        let passwords = Passwords::new();
        let held = [passwords.turn().await.ok().unwrap(), passwords.turn().await.ok().unwrap()];
        let waiting: Vec<_> = (AT_ONCE..IN_ALL)
            .map(|_| {
                let mut waiting = Box::pin({
                    let passwords = passwords.clone();
                    async move { passwords.turn().await }
                });
                let mut context = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(waiting.as_mut().poll(&mut context).is_pending());
                waiting
            })
            .collect();
        assert!(passwords.turn().await.is_err());
        drop(held);
        drop(waiting);
        assert!(passwords.turn().await.is_ok());
    }
}
