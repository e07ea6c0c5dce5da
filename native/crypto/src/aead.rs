//! AEAD of the handshake and of the session: AES-256-GCM and ChaCha20-Poly1305.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Algorithm, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;

const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

/// Key, nonce, associated data and message, one behind the other in a room.
struct Parts<'room> {
    key: LessSafeKey,
    nonce: Nonce,
    associated_data: &'room [u8],
    message: &'room mut [u8],
}

/// Seals in place: key (32 bytes), nonce (12), associated data, plaintext and 16 bytes for the tag lie one behind the other in `room`. The key is wiped.
/// Whether there was room.
#[napi]
#[must_use]
pub fn seal(mut room: BufferSlice<'_>, is_chacha: bool, associated_data: u32, plaintext: u32) -> bool {
    let Some(parts) = parts(&mut room, is_chacha, associated_data, plaintext as usize + TAG_BYTES) else {
        return false;
    };
    let Parts { key, nonce, associated_data, message } = parts;
    let Some((plaintext, place)) = message.split_last_chunk_mut::<TAG_BYTES>() else { return false };
    let Ok(tag) = key.seal_in_place_separate_tag(nonce, Aad::from(associated_data), plaintext) else { return false };
    place.copy_from_slice(tag.as_ref());
    true
}

/// Opens in place what lies there as `seal` leaves it; `ciphertext` counts the tag. The key is wiped. Whether the tag is right.
#[napi]
#[must_use]
pub fn open(mut room: BufferSlice<'_>, is_chacha: bool, associated_data: u32, ciphertext: u32) -> bool {
    let Some(parts) = parts(&mut room, is_chacha, associated_data, ciphertext as usize) else { return false };
    let Parts { key, nonce, associated_data, message } = parts;
    key.open_in_place(nonce, Aad::from(associated_data), message).is_ok()
}

fn parts(room: &mut [u8], is_chacha: bool, associated_data: u32, message: usize) -> Option<Parts<'_>> {
    let (key, rest) = room.split_at_mut_checked(KEY_BYTES)?;
    let algorithm: &Algorithm = if is_chacha { &CHACHA20_POLY1305 } else { &AES_256_GCM };
    let unbound = UnboundKey::new(algorithm, key);
    key.fill(0);
    let (nonce, rest) = rest.split_at_mut_checked(NONCE_LEN)?;
    let (associated_data, rest) = rest.split_at_mut_checked(associated_data as usize)?;
    Some(Parts {
        key: LessSafeKey::new(unbound.ok()?),
        nonce: Nonce::try_assume_unique_for_key(nonce).ok()?,
        associated_data,
        message: rest.get_mut(..message)?,
    })
}
