//! FNV-1a, 32 bit: where both data planes must come to the same number.

/// A hash that is fed piece by piece. Anybody can find two inputs with one hash: nothing that matters may hang on it.
pub struct Fnv1a(u32);

impl Fnv1a {
    /// Of nothing.
    pub fn new() -> Self {
        Self(0x811c_9dc5)
    }

    /// What comes next.
    pub fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }

    /// Of all that was added.
    pub fn finish(&self) -> u32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_fnv_1a() {
        let mut hash = Fnv1a::new();
        hash.add(b"foo");
        hash.add(b"bar");
        assert_eq!(hash.finish(), 0xbf9c_f968);
    }
}
