//! Randomness. Owns the only use of the operating system's source in the cloud; refuses to know what the bytes become.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng, TryCryptoRng, TryRng};
use uuid::Uuid;

/// A source of random bytes: the system's, or a repeatable one for tests. Clones share it.
///
/// It is a [`rand::CryptoRng`] itself: pass `&mut randomness.clone()` to whatever wants a generator.
#[derive(Clone)]
pub struct Randomness(Source);

#[derive(Clone)]
enum Source {
    System,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Randomness {
    /// The thread's generator, seeded and reseeded by the operating system.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A generator that gives the same bytes for the same seed. For tests only.
    pub fn seeded(seed: [u8; 32]) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(StdRng::from_seed(seed)))))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.clone().fill_bytes(&mut bytes);
        bytes
    }

    /// A random UUID (RFC 9562, version 4).
    pub fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place of the cloud that reads the system's randomness"
    )]
    fn draw<T>(&self, draw: impl FnOnce(&mut dyn Rng) -> T) -> T {
        match &self.0 {
            Source::System => draw(&mut rand::rng()),
            Source::Seeded(generator) => draw(&mut *generator.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

impl TryRng for Randomness {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.draw(|generator| generator.next_u32()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.draw(|generator| generator.next_u64()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.draw(|generator| generator.fill_bytes(bytes));
        Ok(())
    }
}

impl TryCryptoRng for Randomness {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_the_system_does_not() {
        let first = Randomness::seeded([7; 32]);
        assert_eq!(first.bytes::<16>(), Randomness::seeded([7; 32]).bytes::<16>());
        assert_ne!(first.bytes::<16>(), Randomness::seeded([7; 32]).bytes::<16>());
        assert_ne!(Randomness::system().uuid(), Randomness::system().uuid());
    }
}
