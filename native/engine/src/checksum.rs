//! The Internet checksum (RFC 1071), summed in the byte order of the machine: the result is the same bytes in either.

/// A running sum.
#[derive(Clone, Copy, Default)]
pub struct Checksum(u64);

impl Checksum {
    /// Adds bytes. Only the last part of a message may have an odd length.
    pub fn with(mut self, bytes: &[u8]) -> Self {
        let (blocks, rest) = bytes.as_chunks::<32>();
        // Four independent sums of both halves of a word: what a compiler can do several of at once.
        let mut lanes = [0u64; 4];
        for block in blocks {
            let (words, _) = block.as_chunks::<8>();
            for (lane, word) in lanes.iter_mut().zip(words) {
                let word = u64::from_ne_bytes(*word);
                *lane += (word & 0xffff_ffff) + (word >> 32);
            }
        }
        let (pairs, odd) = rest.as_chunks::<2>();
        let tail: u64 = pairs.iter().map(|pair| u64::from(u16::from_ne_bytes(*pair))).sum();
        let last = odd.first().map_or(0, |last| u64::from(u16::from_ne_bytes([*last, 0])));
        self.0 += lanes.iter().sum::<u64>() + tail + last;
        self
    }

    /// The checksum that goes into the field, which was zero while it was summed.
    pub fn finish(self) -> [u8; 2] {
        (!self.fold()).to_ne_bytes()
    }

    /// The sum itself, for whoever adds the rest: what a field holds whose checksum an offload completes.
    pub fn partial(self) -> [u8; 2] {
        self.fold().to_ne_bytes()
    }

    fn fold(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_rfc_1071_sums_to_ddf2() {
        let sum = Checksum::default().with(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.partial(), [0xdd, 0xf2]);
        assert_eq!(sum.finish(), [0x22, 0x0d]);
    }

    proptest! {
        #[test]
        fn it_agrees_with_adding_pair_by_pair(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut sum = 0u32;
            for pair in bytes.chunks(2) {
                sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
                sum = (sum & 0xffff) + (sum >> 16);
            }
            prop_assert_eq!(u16::from_be_bytes(Checksum::default().with(&bytes).partial()), sum as u16);
        }
    }
}
