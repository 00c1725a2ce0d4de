//! Randomness as an argument, so that tests can be deterministic.

/// A source of random numbers. Implementations must be safe to share.
pub trait Random: Send + Sync {
    /// Fills `bytes` with random data.
    fn fill(&self, bytes: &mut [u8]);

    /// A number in `0.0 ..= 1.0`, for jitter.
    fn unit(&self) -> f64 {
        let mut b = [0u8; 4];
        self.fill(&mut b);
        f64::from(u32::from_le_bytes(b)) / f64::from(u32::MAX)
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(e) = getrandom::fill(bytes) {
            // Going on with predictable bytes would weaken OAuth state and PKCE.
            eprint_and_abort(&e);
        }
    }
}

#[allow(clippy::print_stderr)]
fn eprint_and_abort(e: &getrandom::Error) -> ! {
    eprintln!("charmkeeper: the system's random generator failed ({e}); stopping.");
    std::process::abort()
}

/// A seeded xorshift generator for tests and for the sandbox. Not secure.
#[derive(Debug)]
pub struct SeededRandom(std::sync::atomic::AtomicU64);

impl SeededRandom {
    /// The same seed gives the same sequence.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(std::sync::atomic::AtomicU64::new(
            seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        ))
    }
    /// The next number of the sequence.
    pub fn next_u64(&self) -> u64 {
        use std::sync::atomic::Ordering::Relaxed;
        let step = |mut x: u64| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            x
        };
        match self.0.fetch_update(Relaxed, Relaxed, |x| Some(step(x))) {
            Ok(x) | Err(x) => x.wrapping_mul(0x2545_f491_4f6c_dd1d),
        }
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let n = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&n[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_repeats_and_another_differs() {
        let take = |seed| {
            let r = SeededRandom::new(seed);
            (0..8).map(|_| r.next_u64()).collect::<Vec<_>>()
        };
        assert_eq!(take(7), take(7));
        assert_ne!(take(7), take(8));
        let r = SeededRandom::new(3);
        assert!((0..1000).all(|_| (0.0..=1.0).contains(&r.unit())));
    }
}
