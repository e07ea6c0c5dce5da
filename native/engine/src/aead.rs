//! Sealing and opening (protocol, sections 2.1 to 2.3).
//!
//! Two audited libraries do the work, because neither is the fastest everywhere: AWS-LC has its best code for processors with
//! AVX-512, `ring` for those with vector AES and no AVX-512. [`choice`] finds out which one it is here, once, when the process
//! starts; `npm run bench:aead` prints the table.

mod aws_lc;
pub mod choice;
mod ring;

use zeroize::Zeroizing;

use crate::header::{HEADER_BYTES, TAG_BYTES};

/// Bytes of a session key.
pub const KEY_BYTES: usize = 32;

/// Bytes of a nonce: four zero bytes, then the counter.
const NONCE_BYTES: usize = 12;

/// A session key on its way into a cipher. Does not print, does not copy, is wiped when dropped.
pub type SecretKey = Zeroizing<[u8; KEY_BYTES]>;

/// What proves that bytes are authentic.
type Tag = [u8; TAG_BYTES];

/// The network-wide cipher of the data packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    /// AES-256-GCM (NIST SP 800-38D).
    Aes256Gcm,
    /// ChaCha20-Poly1305 (RFC 8439).
    ChaCha20Poly1305,
}

impl Cipher {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Aes256Gcm, Self::ChaCha20Poly1305];

    fn nonce(self, counter: u64) -> [u8; NONCE_BYTES] {
        let [a, b, c, d, e, f, g, h] = match self {
            Self::Aes256Gcm => counter.to_be_bytes(),
            Self::ChaCha20Poly1305 => counter.to_le_bytes(),
        };
        [0, 0, 0, 0, a, b, c, d, e, f, g, h]
    }
}

/// Whose code seals and opens. What they make is the same, bit by bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Library {
    /// AWS-LC, through `aws-lc-rs`.
    #[cfg_attr(not(lacis_null_cipher), default)]
    AwsLc,
    /// `ring`.
    Ring,
    /// Nothing is encrypted and nothing is authentic: what a measurement takes for the cost of everything but the cipher. Only in a
    /// build that was asked for it by name, and then the only one that is chosen.
    #[cfg(lacis_null_cipher)]
    #[default]
    Null,
}

impl Library {
    /// Those that can be chosen, in the order in which equals are.
    #[cfg(not(lacis_null_cipher))]
    pub const ALL: &[Self] = &[Self::AwsLc, Self::Ring];
    /// The only one that can be chosen.
    #[cfg(lacis_null_cipher)]
    pub const ALL: &[Self] = &[Self::Null];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::AwsLc => "aws-lc-rs",
            Self::Ring => "ring",
            #[cfg(lacis_null_cipher)]
            Self::Null => NULL_CIPHER,
        }
    }
}

/// What a build without encryption is called wherever it is named.
pub const NULL_CIPHER: &str = "NULL CIPHER, NOTHING IS ENCRYPTED";

/// Whether this build encrypts nothing.
pub const IS_NULL: bool = cfg!(lacis_null_cipher);

/// One direction of one session: the header's 16 bytes are authenticated, the body is encrypted in place.
pub struct Aead {
    cipher: Cipher,
    key: Key,
}

/// A library's key. A `match` on it is a branch that a processor foresees, where a call through a table of functions is not inlined.
enum Key {
    AwsLc(aws_lc::Key),
    Ring(ring::Key),
    #[cfg(lacis_null_cipher)]
    Null,
}

impl Aead {
    /// The cipher for one direction under one key, `None` if the library refuses the key.
    pub fn new(library: Library, cipher: Cipher, key: &SecretKey) -> Option<Self> {
        let key = match library {
            Library::AwsLc => Key::AwsLc(aws_lc::Key::new(cipher, key)?),
            Library::Ring => Key::Ring(ring::Key::new(cipher, key)?),
            #[cfg(lacis_null_cipher)]
            Library::Null => Key::Null,
        };
        Some(Self { cipher, key })
    }

    /// Encrypts `body` and returns its tag. `None`: nothing may be sent.
    pub fn seal(&self, counter: u64, header: &[u8; HEADER_BYTES], body: &mut [u8]) -> Option<Tag> {
        self.seal_with(counter, header, body)
    }

    /// Decrypts `sealed` (body and tag) in place and returns the body, `None` when it is not authentic. What `sealed` holds then
    /// must not be read.
    pub fn open<'a>(&self, counter: u64, header: &[u8; HEADER_BYTES], sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        self.open_with(counter, header, sealed)
    }

    /// The tag of bytes that travel in clear, as a relay frame does. `None`: nothing may be sent.
    pub fn tag(&self, counter: u64, clear: &[u8]) -> Option<Tag> {
        self.seal_with(counter, clear, &mut [])
    }

    /// Whether `tag` is that of `clear`. What `tag` holds then must not be read.
    pub fn verify(&self, counter: u64, clear: &[u8], tag: &mut Tag) -> bool {
        self.open_with(counter, clear, tag).is_some()
    }

    fn seal_with(&self, counter: u64, clear: &[u8], body: &mut [u8]) -> Option<Tag> {
        let nonce = self.cipher.nonce(counter);
        match &self.key {
            Key::AwsLc(key) => key.seal(nonce, clear, body),
            Key::Ring(key) => key.seal(nonce, clear, body),
            #[cfg(lacis_null_cipher)]
            Key::Null => Some([0; TAG_BYTES]),
        }
    }

    fn open_with<'a>(&self, counter: u64, clear: &[u8], sealed: &'a mut [u8]) -> Option<&'a mut [u8]> {
        let nonce = self.cipher.nonce(counter);
        match &self.key {
            Key::AwsLc(key) => key.open(nonce, clear, sealed),
            Key::Ring(key) => key.open(nonce, clear, sealed),
            #[cfg(lacis_null_cipher)]
            Key::Null => sealed.split_last_chunk_mut::<TAG_BYTES>().map(|(body, _)| body),
        }
    }
}

#[cfg(test)]
#[cfg(not(lacis_null_cipher))]
mod tests;
