//! Nanoseconds to seal and to open one packet: `cargo run --release --example aead`.

use std::hint::black_box;
use std::time::Instant;

use lacis_engine::aead::{Aead, Cipher, KEY_BYTES, cipher_with};
use lacis_engine::header::{HEADER_BYTES, TAG_BYTES};
use zeroize::Zeroizing;

const ROUNDS: u32 = 15;
const PACKETS_PER_ROUND: u32 = 40_000;

fn main() {
    for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
        let Some(aead) = cipher_with(cipher, &Zeroizing::new([7; KEY_BYTES])) else { return };
        for bytes in [64, 256, 1_300, 8_900] {
            let (seal, open) = (best(|counter| seal_once(&*aead, counter, bytes)), open_best(&*aead, bytes));
            println!("{cipher:?}, {bytes} bytes: seal {seal:.0} ns, open {open:.0} ns");
        }
    }
}

fn seal_once(aead: &dyn Aead, counter: u64, bytes: usize) {
    let mut body = [0; 9_000];
    let body = body.get_mut(..bytes).unwrap_or_default();
    black_box(aead.seal(counter, &[1; HEADER_BYTES], body));
}

fn open_best(aead: &dyn Aead, bytes: usize) -> f64 {
    let mut sealed = vec![0; bytes];
    let tag = aead.seal(1, &[1; HEADER_BYTES], &mut sealed).unwrap_or([0; TAG_BYTES]);
    sealed.extend_from_slice(&tag);
    let mut scratch = sealed.clone();
    best(|_| {
        scratch.copy_from_slice(&sealed);
        black_box(aead.open(1, &[1; HEADER_BYTES], &mut scratch).is_some());
    })
}

/// Nanoseconds of one call in the fastest round: the one with the least foreign work in it.
fn best(mut call: impl FnMut(u64)) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for counter in 0..PACKETS_PER_ROUND {
            call(u64::from(counter));
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(PACKETS_PER_ROUND));
    }
    best
}
