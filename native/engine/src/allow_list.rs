//! Which underlay addresses peers may move to (SEMANTICS.md section 5).

use std::net::IpAddr;

use crate::ip::Prefix;
use crate::prefix_index::{PREFIXES_MAX, PrefixIndex};

/// Rules and ranges of one list.
pub const ALLOW_RULES_MAX: usize = 16_384;
const _: () = assert!(ALLOW_RULES_MAX <= PREFIXES_MAX);

/// One line: addresses in this prefix are allowed, or not.
pub type AllowRule = (Prefix, bool);

/// Where peers may be.
#[derive(Clone, Debug, Default)]
pub struct AllowList {
    everybody: PrefixMap<bool>,
    ranges: PrefixMap<PrefixMap<bool>>,
}

impl AllowList {
    /// `everybody` is about any peer, each of the `ranges` about those with an overlay address in it. `None`: there are too many.
    pub fn new(everybody: Vec<AllowRule>, ranges: Vec<(Prefix, Vec<AllowRule>)>) -> Option<Self> {
        let count = ranges.iter().fold(everybody.len(), |sum, (_, rules)| sum + 1 + rules.len());
        (count <= ALLOW_RULES_MAX).then(|| Self {
            everybody: PrefixMap::new(everybody),
            ranges: PrefixMap::new(ranges.into_iter().map(|(overlay, rules)| (overlay, PrefixMap::new(rules)))),
        })
    }

    /// Whether the peer with these overlay addresses may be at `underlay`.
    pub fn allows(&self, peer: &[IpAddr], underlay: IpAddr) -> bool {
        let allows = |rules: &PrefixMap<bool>| rules.find(underlay).copied().unwrap_or(true);
        allows(&self.everybody) && peer.iter().all(|address| self.ranges.find(*address).is_none_or(allows))
    }
}

/// Values by prefix, of which that of the longest prefix around an address counts, and of two for one prefix the later one.
#[derive(Clone, Debug)]
struct PrefixMap<V> {
    values: Vec<V>,
    index: PrefixIndex,
}

impl<V> Default for PrefixMap<V> {
    fn default() -> Self {
        Self { values: vec![], index: PrefixIndex::default() }
    }
}

impl<V> PrefixMap<V> {
    fn new(entries: impl IntoIterator<Item = (Prefix, V)>) -> Self {
        let (prefixes, values): (Vec<Prefix>, Vec<V>) = entries.into_iter().unzip();
        Self { values, index: PrefixIndex::new(prefixes.into_iter().map(Prefix::without_host_bits)) }
    }

    fn find(&self, address: IpAddr) -> Option<&V> {
        self.values.get(self.index.find(address))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prefix(text: &str) -> Prefix {
        let (address, bits) = text.split_once('/').unwrap();
        Prefix::new(address.parse().unwrap(), bits.parse().unwrap()).unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_longest_prefix_decides_and_where_there_is_none_all_is_allowed() {
        let rules = vec![
            (prefix("0.0.0.0/0"), false),
            (prefix("10.1.2.3/8"), true),
            (prefix("10.1.0.0/16"), false),
            (prefix("10.1.0.9/32"), true),
        ];
        let list = AllowList::new(rules, vec![]).unwrap();
        let allows = |text: &str| list.allows(&[address("10.77.0.1")], address(text));
        assert_eq!(["192.0.2.1", "10.0.0.1", "10.1.0.1", "10.1.0.9"].map(allows), [false, true, false, true]);
        assert!(allows("2001:db8::1"));
        assert!(AllowList::default().allows(&[], address("192.0.2.1")));
    }

    #[test]
    fn a_range_is_about_its_own_peers_and_the_longest_one_counts() {
        let no_v4 = || vec![(prefix("0.0.0.0/0"), false)];
        let ranges =
            vec![(prefix("10.77.0.0/16"), no_v4()), (prefix("10.77.5.0/24"), vec![]), (prefix("fd77::/16"), no_v4())];
        let list = AllowList::new(vec![(prefix("203.0.113.0/24"), false)], ranges).unwrap();
        let allows = |peer: &[&str], at: &str| {
            list.allows(&peer.iter().map(|text| address(text)).collect::<Vec<_>>(), address(at))
        };
        assert!(!allows(&["10.77.0.1"], "192.0.2.1"));
        assert!(allows(&["10.77.5.1"], "192.0.2.1"));
        assert!(!allows(&["10.77.5.1"], "203.0.113.1"));
        assert!(allows(&["10.78.0.1"], "192.0.2.1"));
        // Every address of the peer has to be allowed there.
        assert!(!allows(&["10.77.5.1", "fd77::1"], "192.0.2.1"));
    }

    #[test]
    fn rules_and_ranges_have_one_limit() {
        let rules = |count: usize| vec![(prefix("10.0.0.0/8"), true); count];
        assert!(AllowList::new(rules(ALLOW_RULES_MAX), vec![]).is_some());
        assert!(AllowList::new(rules(ALLOW_RULES_MAX), vec![(prefix("10.77.0.0/16"), vec![])]).is_none());
        assert!(AllowList::new(vec![], vec![(prefix("10.77.0.0/16"), rules(ALLOW_RULES_MAX))]).is_none());
    }

    proptest! {
        #[test]
        fn it_agrees_with_looking_at_every_rule(rules in prop::collection::vec((any::<u32>(), 0u32..=32, any::<bool>()), 0..40), noise in prop::collection::vec((0usize..40, any::<u8>()), 40)) {
            let rules: Vec<AllowRule> = rules
                .into_iter()
                .map(|(bits, length, allowed)| (Prefix::new(IpAddr::from(bits.to_be_bytes()), length).unwrap().without_host_bits(), allowed))
                .collect();
            let list = AllowList::new(rules.clone(), vec![]).unwrap();
            for (at, low) in noise {
                let near = rules.get(at).map_or(address("198.51.100.1"), |(prefix, _)| prefix.address());
                let IpAddr::V4(near) = near else { panic!("all are IPv4") };
                let asked = IpAddr::from((near.to_bits() ^ u32::from(low)).to_be_bytes());
                // Of two rules for one prefix the later one counts: the last of the longest.
                let longest = rules.iter().filter(|(prefix, _)| prefix.contains(asked)).max_by_key(|(prefix, _)| prefix.bits());
                prop_assert_eq!(list.allows(&[], asked), longest.is_none_or(|(_, allowed)| *allowed));
            }
        }
    }
}
