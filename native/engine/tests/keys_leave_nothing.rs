//! What is left of a key in the memory of the process once its cipher is gone: nothing, whichever library it was for.
#![cfg(all(target_os = "linux", not(lacis_null_cipher)))]
#![allow(clippy::unwrap_used)]

use std::fs::{File, read_to_string};
use std::os::unix::fs::FileExt;

use lacis_engine::aead::{Aead, Cipher, KEY_BYTES, Library};
use zeroize::{Zeroize, Zeroizing};

/// A key that is nowhere in the memory as such, only its complement.
struct Veiled([u8; KEY_BYTES]);

impl Veiled {
    fn key(&self) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        key.iter_mut().zip(self.0).for_each(|(byte, veiled)| *byte = !veiled);
        key
    }

    /// How often half of the key stands in memory that this process can write. Both AES and ChaCha20 keep its bytes, in their order.
    fn found(&self) -> usize {
        let memory = File::open("/proc/self/mem").unwrap();
        let mut regions = vec![];
        for line in read_to_string("/proc/self/maps").unwrap().lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|hex| u64::from_str_radix(hex, 16).unwrap());
            if rest.starts_with("rw") {
                regions.push((from, to));
            }
        }
        let mut found = 0;
        for (from, to) in regions {
            let mut bytes = vec![0; (to - from) as usize];
            // What cannot be read (the kernel's own pages) holds nothing of ours.
            if memory.read_exact_at(&mut bytes, from).is_ok() {
                let half = &self.0[..KEY_BYTES / 2];
                found += bytes.windows(half.len()).filter(|here| here.iter().zip(half).all(|(a, b)| *a == !*b)).count();
            }
            // A copy of the memory is no place of its own.
            bytes.zeroize();
        }
        found
    }
}

#[test]
fn a_key_is_found_while_its_cipher_lives_and_no_more_afterwards() {
    let mut number = 40;
    for cipher in Cipher::ALL {
        for library in Library::ALL {
            number += 1;
            let veiled = Veiled(std::array::from_fn(|at| (at as u8).wrapping_mul(7).wrapping_add(number)));
            let aead = Aead::new(*library, cipher, &veiled.key()).unwrap();
            assert!(veiled.found() > 0, "{library:?} {cipher:?}: the search finds nothing");
            drop(aead);
            assert_eq!(veiled.found(), 0, "{library:?} {cipher:?} leaves its key");
        }
    }
}
