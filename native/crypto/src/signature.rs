//! Signatures of certificates: Ed25519 (RFC 8032).

use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;
use ring::signature::{ED25519, UnparsedPublicKey};

const PUBLIC_KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;

/// Whether an Ed25519 signature is good (RFC 8032, S below L): public key, signature, and `length` bytes of message, one behind the other in `room`.
#[napi]
#[must_use]
pub fn verify_ed25519(room: BufferSlice<'_>, length: u32) -> bool {
    let Some((public_key, rest)) = room.split_at_checked(PUBLIC_KEY_BYTES) else { return false };
    let Some((signature, rest)) = rest.split_at_checked(SIGNATURE_BYTES) else { return false };
    let Some(message) = rest.get(..length as usize) else { return false };
    UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok()
}
