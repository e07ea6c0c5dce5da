//! Which of many ranges holds a value, in a few cache lines whatever the values are.
//!
//! ```text
//! layers[last]   at most 16 starts                every 16th start of the layer below, and so on
//! layers[1]      [0][16][32] ...
//! layers[0]      [s0 s1 .. s15][s16 ..] ...       the first value of every range, ascending, in blocks of 16
//! ```
//!
//! Four blocks find one of 65,536 ranges, each by halving it four times without a branch. Comparing all of a block at once was twice
//! as slow where the processor has no vectors for it (IPv6).

use std::hint::select_unpredictable;

/// Starts that lie together: one cache line of IPv4 addresses.
const BLOCK: usize = 16;

/// The starts of ranges that cover every value from the smallest on.
#[derive(Clone, Debug)]
pub struct RangeTree<K> {
    layers: Vec<Layer<K>>,
}

#[derive(Clone, Debug)]
struct Layer<K> {
    blocks: Vec<[K; BLOCK]>,
    /// The last start that is one; behind it a block is filled up with copies of it.
    last: usize,
}

impl<K: Copy + Ord> RangeTree<K> {
    /// Ranges that begin at `starts`, which ascend. No range at all holds anything.
    pub fn new(starts: &[K]) -> Self {
        let mut layers = vec![];
        let mut level = starts.to_vec();
        while let Some(last) = level.last().copied() {
            let fill = |block: &[K]| std::array::from_fn(|at| block.get(at).copied().unwrap_or(last));
            let blocks: Vec<[K; BLOCK]> = level.chunks(BLOCK).map(fill).collect();
            let above: Vec<K> = blocks.iter().map(|[first, ..]| *first).collect();
            layers.push(Layer { blocks, last: level.len() - 1 });
            if above.len() == 1 {
                break;
            }
            level = above;
        }
        layers.reverse();
        Self { layers }
    }

    /// The number of the range that holds `value`. A value before the first start counts to the first range.
    #[inline]
    pub fn find(&self, value: K) -> usize {
        let mut at = 0;
        for layer in &self.layers {
            let Some(block) = layer.blocks.get(at) else { return 0 };
            at = (at * BLOCK + last_begun(block, value)).min(layer.last);
        }
        at
    }
}

/// The place of the last start that is not behind `value`, 0 when all are.
#[inline]
fn last_begun<K: Copy + Ord>(block: &[K; BLOCK], value: K) -> usize {
    let mut at = 0;
    for half in [8, 4, 2, 1] {
        // The remainder is a no-op that spares the check of the bound, and with it a branch.
        let has_begun = block.get((at + half) % BLOCK).is_some_and(|start| *start <= value);
        at += select_unpredictable(has_begun, half, 0);
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_belongs_to_the_last_range_that_has_begun() {
        let tree = RangeTree::new(&[0u32, 10, 11, u32::MAX]);
        let found: Vec<_> = [0, 9, 10, 11, 12, u32::MAX - 1, u32::MAX].map(|value| tree.find(value)).into();
        assert_eq!(found, [0, 0, 1, 2, 2, 2, 3]);
    }

    proptest! {
        #[test]
        fn it_finds_what_a_search_finds(mut starts in prop::collection::vec(any::<u16>(), 0..700), values in prop::collection::vec(any::<u16>(), 50)) {
            starts.extend([0, u16::MAX]);
            starts.sort_unstable();
            starts.dedup();
            let tree = RangeTree::new(&starts);
            for value in values.into_iter().chain([0, u16::MAX]) {
                prop_assert_eq!(tree.find(value), starts.partition_point(|start| *start <= value) - 1);
            }
        }
    }
}
