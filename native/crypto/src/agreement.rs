//! Key agreement: X25519 (RFC 7748).

use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::error::Unspecified;
use napi::bindgen_prelude::BufferSlice;
use napi_derive::napi;

const KEY_BYTES: usize = 32;

/// A private X25519 key, loaded. The library wipes it when it is dropped.
#[napi]
pub struct X25519Key {
    key: PrivateKey,
}

#[napi]
impl X25519Key {
    /// Loads the first 32 bytes of `room`, wipes them, and puts the public key there. None when they are none.
    #[napi]
    pub fn load(mut room: BufferSlice<'_>) -> Option<X25519Key> {
        let place = room.get_mut(..KEY_BYTES)?;
        let key = PrivateKey::from_private_key(&X25519, place);
        place.fill(0);
        let key = key.ok()?;
        place.copy_from_slice(key.compute_public_key().ok()?.as_ref());
        Some(X25519Key { key })
    }

    /// The secret shared with the public key in the first 32 bytes of `room`: into those. Whether there is one; a public key of low order has none (RFC 7748 section 6.1).
    #[napi]
    pub fn agree(&self, mut room: BufferSlice<'_>) -> bool {
        let Some(place) = room.first_chunk_mut::<KEY_BYTES>() else { return false };
        let public_key = *place;
        agree(&self.key, UnparsedPublicKey::new(&X25519, public_key), Unspecified, |secret| {
            place.copy_from_slice(secret);
            Ok(())
        })
        .is_ok()
    }
}
