//! SHA-256 (FIPS 180-4) and its HMAC (RFC 2104).

use aws_lc_rs::{digest, hmac};
use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;

/// A SHA-256 digest, and the key of an HMAC in HKDF.
const HASH_BYTES: usize = 32;

/// SHA-256 of the `length` bytes behind the first 32 of `room`: into those. Whether there was room.
#[napi]
#[must_use]
pub fn sha256(mut room: BufferSlice<'_>, length: u32) -> bool {
    let Some((out, message)) = parts(&mut room, length) else { return false };
    out.copy_from_slice(digest::digest(&digest::SHA256, message).as_ref());
    true
}

/// HMAC-SHA-256, keyed by the first 32 bytes of `room`, of the `length` bytes behind them: into those. Whether there was room.
#[napi]
#[must_use]
pub fn hmac_sha256(mut room: BufferSlice<'_>, length: u32) -> bool {
    let Some((key, message)) = parts(&mut room, length) else { return false };
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    key.copy_from_slice(tag.as_ref());
    true
}

fn parts(room: &mut [u8], length: u32) -> Option<(&mut [u8], &[u8])> {
    let (first, rest) = room.split_at_mut_checked(HASH_BYTES)?;
    Some((first, rest.get(..length as usize)?))
}
