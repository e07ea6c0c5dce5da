//! The primitives of a handshake for the daemon, from the libraries that the data plane seals with: X25519, SHA-256, HMAC and AEAD of `aws-lc-rs`, Ed25519 of `ring`.
//! Node.js loads this as a library. Its own OpenSSL takes twice as long for what a responder computes, and as long again for the objects around it.
//!
//! Bytes go in and come out through a room: one array that the caller owns and uses again for each call, because an array of its own for each key and each
//! digest would cost more than hashing does. A call says what it takes from where; it refuses a room that is too short. Nothing is kept between calls but
//! private keys that were loaded.

pub mod aead;
pub mod agreement;
pub mod hash;
pub mod signature;

use napi_derive::napi;

/// Raised when a call changes what it takes from where: a library that says another number is not used.
#[napi]
#[must_use]
pub const fn layout() -> u32 {
    1
}
