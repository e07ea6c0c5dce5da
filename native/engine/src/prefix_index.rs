//! The longest of many prefixes around an address, in one lookup: prefixes nest, so they cut the addresses into ranges that each belong
//! to one of them.

use std::net::IpAddr;

use crate::ip::Prefix;
use crate::range_tree::RangeTree;

/// Number of no prefix.
const NONE: u16 = u16::MAX;
/// Prefixes that have numbers.
pub const PREFIXES_MAX: usize = NONE as usize;

/// Prefixes by their place in a list.
#[derive(Clone, Debug, Default)]
pub struct PrefixIndex {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl PrefixIndex {
    /// Of prefixes without host bits, at most [`PREFIXES_MAX`]. Of one that stands there twice the later place counts.
    pub fn new(prefixes: impl Iterator<Item = Prefix>) -> Self {
        let (mut v4, mut v6) = (vec![], vec![]);
        for (prefix, number) in prefixes.zip(0..) {
            let bits = u32::from(prefix.bits());
            match prefix.address() {
                IpAddr::V4(address) => v4.push((address.to_bits(), bits, number)),
                IpAddr::V6(address) => v6.push((address.to_bits(), bits, number)),
            }
        }
        Self { v4: Ranges::new(v4, 32), v6: Ranges::new(v6, 128) }
    }

    /// The place of the longest prefix that holds an address; behind every list ([`PREFIXES_MAX`]) when none does.
    #[inline]
    pub fn find(&self, address: IpAddr) -> usize {
        let number = match address {
            IpAddr::V4(address) => self.v4.find(address.to_bits()),
            IpAddr::V6(address) => self.v6.find(address.to_bits()),
        };
        usize::from(number)
    }
}

/// The ranges of one family, and the number that owns each.
#[derive(Clone, Debug)]
struct Ranges<K> {
    starts: RangeTree<K>,
    owners: Vec<u16>,
}

/// An address as a number.
trait Address: Copy + Ord {
    const ZERO: Self;
    /// The last address of the prefix that begins here and leaves `host_bits` open.
    fn last(self, host_bits: u32) -> Self;
    fn next(self) -> Option<Self>;
}

impl<K: Address> Default for Ranges<K> {
    fn default() -> Self {
        Self { starts: RangeTree::new(&[]), owners: vec![] }
    }
}

impl<K: Address> Ranges<K> {
    /// `prefixes` are first address, length and number.
    fn new(mut prefixes: Vec<(K, u32, u16)>, width: u32) -> Self {
        if prefixes.is_empty() {
            return Self::default();
        }
        prefixes.sort_unstable();
        let mut cuts = Cuts { starts: vec![K::ZERO], owners: vec![NONE] };
        // The prefixes that hold the place that was reached, outermost first: last address and number.
        let mut open: Vec<(K, u16)> = vec![];
        for (first, bits, owner) in prefixes {
            cuts.close(&mut open, Some(first));
            cuts.begin(first, owner);
            open.push((first.last(width - bits), owner));
        }
        cuts.close(&mut open, None);
        Self { starts: RangeTree::new(&cuts.starts), owners: cuts.owners }
    }

    #[inline]
    fn find(&self, address: K) -> u16 {
        self.owners.get(self.starts.find(address)).copied().unwrap_or(NONE)
    }
}

struct Cuts<K> {
    starts: Vec<K>,
    owners: Vec<u16>,
}

impl<K: Address> Cuts<K> {
    /// From `start` on `owner` decides.
    fn begin(&mut self, start: K, owner: u16) {
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.owners.pop();
        }
        if self.owners.last() != Some(&owner) {
            self.starts.push(start);
            self.owners.push(owner);
        }
    }

    /// Ends the prefixes that end before `before`; behind each of them the one around it decides again.
    fn close(&mut self, open: &mut Vec<(K, u16)>, before: Option<K>) {
        while let Some((last, _)) = open.last().copied().filter(|(last, _)| before.is_none_or(|first| *last < first)) {
            open.pop();
            let around = open.last().map_or(NONE, |(_, owner)| *owner);
            // Nothing lies behind the last of all addresses.
            if let Some(behind) = last.next() {
                self.begin(behind, around);
            }
        }
    }
}

impl Address for u32 {
    const ZERO: Self = 0;

    fn last(self, host_bits: u32) -> Self {
        self | Self::MAX.checked_shr(Self::BITS - host_bits).unwrap_or(0)
    }

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Address for u128 {
    const ZERO: Self = 0;

    fn last(self, host_bits: u32) -> Self {
        self | Self::MAX.checked_shr(Self::BITS - host_bits).unwrap_or(0)
    }

    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}
