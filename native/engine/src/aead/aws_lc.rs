//! The ciphers of AWS-LC, which wipes a key's schedule when it is dropped.

use aws_lc_rs::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::{Cipher, NONCE_BYTES, SecretKey, Tag};

pub struct Key(LessSafeKey);

impl Key {
    pub fn new(cipher: Cipher, key: &SecretKey) -> Option<Self> {
        let algorithm = match cipher {
            Cipher::Aes256Gcm => &AES_256_GCM,
            Cipher::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        };
        Some(Self(LessSafeKey::new(UnboundKey::new(algorithm, key.as_slice()).ok()?)))
    }

    pub fn seal(&self, nonce: [u8; NONCE_BYTES], clear: &[u8], body: &mut [u8]) -> Option<Tag> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(clear), body).ok()?;
        tag.as_ref().try_into().ok()
    }

    pub fn open<'a>(&self, nonce: [u8; NONCE_BYTES], clear: &[u8], sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        self.0.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(clear), sealed).ok()
    }
}
