//! The Internet checksum (RFC 1071), summed in the byte order of the machine: the result is the same bytes in either.

/// What is summed beside each other.
const BLOCK_BYTES: usize = 32;

/// A running sum. Exact for what fits a packet: a word adds less than 2^33, and no packet has 2^31 of them.
#[derive(Clone, Copy, Default)]
pub struct Checksum(u64);

impl Checksum {
    /// Adds bytes. Only the last part of a message may have an odd length.
    pub fn with(self, bytes: &[u8]) -> Self {
        let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
        let blocks = sum_of_blocks(blocks);
        let (words, rest) = rest.as_chunks::<8>();
        let (pairs, odd) = rest.as_chunks::<2>();
        let words = words.iter().map(|word| u64::from_ne_bytes(*word)).map(|word| (word & 0xffff_ffff) + (word >> 32));
        let pairs = pairs.iter().map(|pair| u16::from_ne_bytes(*pair).into());
        let odd = odd.iter().map(|last| u16::from_ne_bytes([*last, 0]).into());
        Self(words.chain(pairs).chain(odd).fold(self.0.wrapping_add(blocks), u64::wrapping_add))
    }

    /// Adds two bytes.
    #[inline]
    pub fn with_pair(self, pair: [u8; 2]) -> Self {
        Self(self.0.wrapping_add(u16::from_ne_bytes(pair).into()))
    }

    /// The checksum that goes into the field, which was zero while it was summed.
    pub fn finish(self) -> [u8; 2] {
        (!self.fold()).to_ne_bytes()
    }

    /// The sum itself, for whoever adds the rest: what a field holds whose checksum an offload completes.
    pub fn partial(self) -> [u8; 2] {
        self.fold().to_ne_bytes()
    }

    /// Whether a checksum that was summed along is right.
    pub fn is_right(self) -> bool {
        self.fold() == 0xffff
    }

    fn fold(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }
}

type Block = [u8; BLOCK_BYTES];

#[cfg(not(target_arch = "x86_64"))]
fn sum_of_blocks(blocks: &[Block]) -> u64 {
    summed(blocks)
}

/// Every x86-64 adds two words at once, those of the last ten years four. They are asked, so that one program serves both.
#[cfg(target_arch = "x86_64")]
fn sum_of_blocks(blocks: &[Block]) -> u64 {
    #[target_feature(enable = "avx2")]
    fn wide(blocks: &[Block]) -> u64 {
        summed(blocks)
    }
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        unsafe { wide(blocks) }
    } else {
        summed(blocks)
    }
}

#[inline(always)]
fn summed(blocks: &[Block]) -> u64 {
    let mut lanes = Lanes::default();
    for block in blocks {
        lanes.add(block);
    }
    lanes.sum()
}

/// Sums of both halves of words, beside each other: what a compiler can do several of at once. No instruction takes a word apart: the lower
/// halves are what is left of the words' sum when the upper halves are taken out of it, exactly as long as they are fewer than 2^32.
#[derive(Default)]
struct Lanes {
    words: [u64; BLOCK_BYTES / 8],
    upper: [u64; BLOCK_BYTES / 8],
}

impl Lanes {
    #[inline(always)]
    fn add(&mut self, block: &Block) {
        let (words, _) = block.as_chunks::<8>();
        for ((sum, upper), word) in self.words.iter_mut().zip(&mut self.upper).zip(words) {
            let word = u64::from_ne_bytes(*word);
            *sum = sum.wrapping_add(word);
            *upper = upper.wrapping_add(word >> 32);
        }
    }

    fn sum(&self) -> u64 {
        let halves = |(sum, upper): (&u64, &u64)| sum.wrapping_sub(upper << 32).wrapping_add(*upper);
        self.words.iter().zip(&self.upper).map(halves).fold(0, u64::wrapping_add)
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

    fn pair_by_pair(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    fn summed(bytes: &[u8]) -> u16 {
        u16::from_be_bytes(Checksum::default().with(bytes).partial())
    }

    #[test]
    fn it_agrees_with_adding_pair_by_pair_for_every_length_and_alignment() {
        let noise: Vec<u8> = (0..1_700u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for start in 0..64 {
            for length in 0..=1_600 {
                let bytes = &noise[start..start + length];
                assert_eq!(summed(bytes), pair_by_pair(bytes), "{length} bytes from {start}");
            }
        }
    }

    #[test]
    fn the_largest_sums_carry_all_the_way() {
        for length in [1, 2, 7, 8, 9, 63, 64, 65, 1_500, 65_535, 1 << 20] {
            let ones = vec![0xff; length];
            assert_eq!(summed(&ones), pair_by_pair(&ones), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn parts_of_even_length_sum_to_what_the_whole_sums_to(bytes in prop::collection::vec(any::<u8>(), 0..3_000), cut in any::<prop::sample::Index>()) {
            let (front, back) = bytes.split_at(cut.index(bytes.len() + 1) & !1);
            let sum = Checksum::default().with(front).with(back).partial();
            prop_assert_eq!(u16::from_be_bytes(sum), pair_by_pair(&bytes));
        }
    }
}
