//! The keys of a session, and what they do once a library has made something of them.

use std::sync::RwLockReadGuard;

use crate::aead::{Aead, Cipher, Library, SecretKey};
use crate::header::{HEADER_BYTES, Header, Kind, TAG_BYTES};

/// What the ciphers are made of: again and again, and by a newer data plane that takes over.
pub struct SessionKeys {
    /// Whose code makes them.
    pub library: Library,
    /// Of both directions.
    pub cipher: Cipher,
    /// Seals what we send.
    pub send: SecretKey,
    /// Opens what we receive.
    pub receive: SecretKey,
}

impl SessionKeys {
    /// What seals.
    pub(crate) fn sealing(&self) -> Option<Box<Aead>> {
        Aead::new(self.library, self.cipher, &self.send).map(Box::new)
    }

    /// What opens.
    pub(crate) fn opening(&self) -> Option<Box<Aead>> {
        Aead::new(self.library, self.cipher, &self.receive).map(Box::new)
    }
}

/// Seals what one session sends, which does not rest meanwhile. What is sealed is not counted: see [`crate::session::Session::sent`].
pub struct Sealer<'a> {
    remote_index: u32,
    key: RwLockReadGuard<'a, Option<Box<Aead>>>,
}

impl<'a> Sealer<'a> {
    pub(crate) fn new(remote_index: u32, key: RwLockReadGuard<'a, Option<Box<Aead>>>) -> Self {
        Self { remote_index, key }
    }

    /// Writes a sealed datagram into `slot`, whose body `write` writes where it is sealed. False: it must not be sent.
    pub fn seal_with(&self, slot: &mut [u8], kind: Kind, counter: u64, write: impl FnOnce(&mut [u8]) -> bool) -> bool {
        let Some(key) = self.key.as_ref() else { return false };
        let Some((header, rest)) = slot.split_first_chunk_mut::<HEADER_BYTES>() else { return false };
        let Some((body, tag)) = rest.split_last_chunk_mut::<TAG_BYTES>() else { return false };
        *header = Header { kind, remote_index: self.remote_index, counter }.encode();
        let made = if write(body) { key.seal(counter, header, body) } else { None };
        made.map(|made| *tag = made).is_some()
    }

    /// Makes a frame of `frame`: see [`crate::session::Session::wrap`].
    pub(crate) fn wrap(&self, frame: &mut [u8], relay_index: u32, counter: u64) -> bool {
        let Some(key) = self.key.as_ref() else { return false };
        let Some((clear, tag)) = frame.split_last_chunk_mut::<TAG_BYTES>() else { return false };
        let Some(header) = clear.first_chunk_mut::<HEADER_BYTES>() else { return false };
        *header = Header { kind: Kind::Relay, remote_index: relay_index, counter }.encode();
        key.tag(counter, clear).map(|made| *tag = made).is_some()
    }
}

/// What follows the header of a datagram, opened in place.
pub(crate) fn open<'a>(key: &Aead, counter: u64, datagram: &'a mut [u8]) -> Option<&'a mut [u8]> {
    let (header, sealed) = datagram.split_first_chunk_mut::<HEADER_BYTES>()?;
    key.open(counter, header, sealed)
}

/// The datagram in an authentic frame.
pub(crate) fn unwrap<'a>(key: &Aead, counter: u64, frame: &'a mut [u8]) -> Option<&'a mut [u8]> {
    let (clear, tag) = frame.split_last_chunk_mut::<TAG_BYTES>()?;
    if key.verify(counter, clear, tag) { clear.get_mut(HEADER_BYTES..) } else { None }
}
