//! The ciphers of `ring`, which leaves wiping a key's schedule to whoever holds it.

use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroize;

use super::{Cipher, NONCE_BYTES, SecretKey, Tag};

/// More than all that lies on the stack while a schedule is made.
const STACK_BYTES: usize = 32 << 10;

/// Never moved, so that there is one place to wipe.
pub struct Key(Box<Option<Schedule>>);

struct Schedule(LessSafeKey);

/// Nothing by itself: what holds it is overwritten as a whole, by `zeroize` of the option around it.
impl Zeroize for Schedule {
    fn zeroize(&mut self) {}
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
        wipe_stack();
    }
}

impl Key {
    pub fn new(cipher: Cipher, key: &SecretKey) -> Option<Self> {
        let key = made(cipher, key);
        wipe_stack();
        key
    }

    pub fn seal(&self, nonce: [u8; NONCE_BYTES], clear: &[u8], body: &mut [u8]) -> Option<Tag> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let Schedule(key) = self.0.as_ref().as_ref()?;
        let tag = key.seal_in_place_separate_tag(nonce, Aad::from(clear), body).ok()?;
        tag.as_ref().try_into().ok()
    }

    pub fn open<'a>(&self, nonce: [u8; NONCE_BYTES], clear: &[u8], sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let Schedule(key) = self.0.as_ref().as_ref()?;
        key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(clear), sealed).ok()
    }
}

/// A function of its own: what it and those that it calls leave on the stack lies below its caller, where the caller can wipe it.
#[inline(never)]
fn made(cipher: Cipher, key: &SecretKey) -> Option<Key> {
    let algorithm = match cipher {
        Cipher::Aes256Gcm => &AES_256_GCM,
        Cipher::ChaCha20Poly1305 => &CHACHA20_POLY1305,
    };
    let schedule = LessSafeKey::new(UnboundKey::new(algorithm, key.as_slice()).ok()?);
    Some(Key(Box::new(Some(Schedule(schedule)))))
}

#[inline(never)]
fn wipe_stack() {
    [0_u8; STACK_BYTES].zeroize();
}
