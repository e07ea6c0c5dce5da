//! Numbers in as few bytes as they need, of which there are a million.

/// A number in `N` bytes; a greater one than they hold is the greatest that they do.
#[derive(Clone, Copy)]
pub struct Narrow<const N: usize>([u8; N]);

impl<const N: usize> Narrow<N> {
    /// Nothing.
    pub const ZERO: Self = Self([0; N]);

    /// Of a number.
    #[inline]
    pub fn new(number: u64) -> Self {
        let most = u64::MAX >> (u64::BITS as usize - 8 * N);
        let mut held = [0; N];
        held.iter_mut().zip(number.min(most).to_le_bytes()).for_each(|(to, from)| *to = from);
        Self(held)
    }

    /// The number.
    #[inline]
    pub fn get(self) -> u64 {
        let mut number = [0; 8];
        number.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        u64::from_le_bytes(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_and_what_is_too_great_is_the_greatest() {
        for number in [0, 1, 0xff_ffff_fffe] {
            assert_eq!(Narrow::<5>::new(number).get(), number);
        }
        assert_eq!(Narrow::<5>::new(1 << 40).get(), (1 << 40) - 1);
        assert_eq!(Narrow::<7>::new(u64::MAX).get(), (1 << 56) - 1);
    }
}
