//! Which library seals and opens here: the one that is fastest with packets of the usual length, by trying.
//!
//! Measured rather than read off the processor's features: which one wins depends on what each has code for, and on how a processor
//! runs it, and both change with every release of either.

use std::hint::black_box;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{Aead, Cipher, KEY_BYTES, Library};
use crate::header::{HEADER_BYTES, TAG_BYTES};

/// A full packet of an overlay of the usual MTU.
const PACKET_BYTES: usize = 1_300;
/// A round is short against what disturbs one, so that one of these is undisturbed.
const ROUNDS: u32 = 12;
const PACKETS_PER_ROUND: u32 = 8;
/// Differences below this are noise, and then the first in the list is taken: the same on every start.
const EQUAL_PERCENT: u128 = 5;

/// The library of each cipher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Libraries {
    /// That of AES-256-GCM.
    pub aes_256_gcm: Library,
    /// That of ChaCha20-Poly1305.
    pub chacha20_poly1305: Library,
}

impl Libraries {
    /// The fastest of each here. `stopwatch` says how long what it is given takes; all of it is less than 2 ms.
    pub fn fastest(stopwatch: impl Fn(&mut dyn FnMut()) -> Duration) -> Self {
        let fastest = |cipher| fastest(&costs(cipher, &stopwatch)).unwrap_or_default();
        Self { aes_256_gcm: fastest(Cipher::Aes256Gcm), chacha20_poly1305: fastest(Cipher::ChaCha20Poly1305) }
    }

    /// That of `cipher`.
    pub fn of(self, cipher: Cipher) -> Library {
        match cipher {
            Cipher::Aes256Gcm => self.aes_256_gcm,
            Cipher::ChaCha20Poly1305 => self.chacha20_poly1305,
        }
    }
}

/// What sealing and opening some packets takes each library: the best round of each, taken in turns.
fn costs(cipher: Cipher, stopwatch: impl Fn(&mut dyn FnMut()) -> Duration) -> Vec<(Library, Duration)> {
    let key = Zeroizing::new([0; KEY_BYTES]);
    let keys = Library::ALL.iter().filter_map(|library| Some((*library, Aead::new(*library, cipher, &key)?)));
    let mut packet = [0; PACKET_BYTES + TAG_BYTES];
    let mut tried: Vec<_> = keys.map(|(library, aead)| (library, aead, Duration::MAX)).collect();
    for _ in 0..ROUNDS {
        for (_, aead, best) in &mut tried {
            *best = stopwatch(&mut || try_out(aead, &mut packet)).min(*best);
        }
    }
    tried.into_iter().map(|(library, _, best)| (library, best)).collect()
}

fn try_out(aead: &Aead, packet: &mut [u8; PACKET_BYTES + TAG_BYTES]) {
    for counter in 0..PACKETS_PER_ROUND {
        let Some((body, tag)) = packet.split_last_chunk_mut::<TAG_BYTES>() else { return };
        *tag = aead.seal(counter.into(), &[0; HEADER_BYTES], body).unwrap_or_default();
        black_box(aead.open(counter.into(), &[0; HEADER_BYTES], packet).is_some());
    }
}

fn fastest(costs: &[(Library, Duration)]) -> Option<Library> {
    let best = costs.iter().map(|(_, cost)| cost.as_nanos()).min()?;
    let is_equal = |cost: &Duration| cost.as_nanos() * 100 <= best * (100 + EQUAL_PERCENT);
    costs.iter().find(|(_, cost)| is_equal(cost)).map(|(library, _)| *library)
}

#[cfg(test)]
#[cfg(not(lacis_null_cipher))]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_fastest_library_is_chosen_and_the_first_among_equals() {
        let choose = |aws_lc, ring| {
            fastest(&[(Library::AwsLc, Duration::from_nanos(aws_lc)), (Library::Ring, Duration::from_nanos(ring))])
        };
        assert_eq!(choose(728, 424), Some(Library::Ring));
        assert_eq!(choose(172, 227), Some(Library::AwsLc));
        assert_eq!(choose(1_050, 1_000), Some(Library::AwsLc));
        assert_eq!(choose(1_051, 1_000), Some(Library::Ring));
        assert_eq!(fastest(&[]), None);
    }

    #[test]
    fn each_cipher_has_the_library_that_was_quickest_with_it() {
        // The libraries take turns, and the first half of all turns is AES.
        let turn = Cell::new(0);
        let libraries = Libraries::fastest(|work| {
            work();
            let (turn, now) = (&turn, turn.get());
            turn.set(now + 1);
            let (is_aes, is_ring) = (now < 2 * ROUNDS, now % 2 == 1);
            Duration::from_micros(if is_aes == is_ring { 10 } else { 20 })
        });
        assert_eq!(libraries, Libraries { aes_256_gcm: Library::Ring, chacha20_poly1305: Library::AwsLc });
        assert_eq!(libraries.of(Cipher::Aes256Gcm), Library::Ring);
        assert_eq!(libraries.of(Cipher::ChaCha20Poly1305), Library::AwsLc);
    }

    #[test]
    fn one_disturbed_round_does_not_change_the_choice() {
        let turn = Cell::new(0);
        let libraries = Libraries::fastest(|_| {
            turn.set(turn.get() + 1);
            match turn.get() {
                turn if turn % 5 == 0 => Duration::from_millis(50),
                turn if turn % 2 == 0 => Duration::from_micros(10),
                _ => Duration::from_micros(12),
            }
        });
        assert_eq!(libraries, Libraries { aes_256_gcm: Library::Ring, chacha20_poly1305: Library::Ring });
    }
}
