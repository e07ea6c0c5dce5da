//! The routes as one lookup: prefixes nest, so they cut the addresses into ranges that each belong to one route.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::ip::Prefix;
use crate::range_tree::RangeTree;
use crate::route::{ROUTES_MAX, Route, Target};

/// Number of no route.
const NO_ROUTE: u16 = u16::MAX;
const _: () = assert!(ROUTES_MAX < NO_ROUTE as usize);

/// All routes. Never changed, only replaced.
pub struct RouteTable {
    routes: Vec<Route>,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

/// Why routes make no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BadRoutes {
    TooMany,
    HostBits(Prefix),
    Twice(Prefix),
}

impl Default for RouteTable {
    fn default() -> Self {
        Self { routes: vec![], v4: Ranges::new(vec![], 32), v6: Ranges::new(vec![], 128) }
    }
}

impl RouteTable {
    /// A table of these routes.
    pub fn new(routes: Vec<Route>) -> Result<Self, BadRoutes> {
        if routes.len() > ROUTES_MAX {
            return Err(BadRoutes::TooMany);
        }
        let (mut v4, mut v6, mut seen) = (vec![], vec![], HashSet::with_capacity(routes.len()));
        for (route, number) in routes.iter().zip(0..) {
            let bits = u32::from(route.prefix.bits());
            if route.prefix.has_host_bits() {
                return Err(BadRoutes::HostBits(route.prefix));
            }
            if !seen.insert(route.prefix) {
                return Err(BadRoutes::Twice(route.prefix));
            }
            match route.prefix.address() {
                IpAddr::V4(address) => v4.push((address.to_bits(), bits, number)),
                IpAddr::V6(address) => v6.push((address.to_bits(), bits, number)),
            }
        }
        Ok(Self { v4: Ranges::new(v4, 32), v6: Ranges::new(v6, 128), routes })
    }

    /// The longest route to an address.
    #[inline]
    pub fn find(&self, address: IpAddr) -> Option<&Route> {
        let number = match address {
            IpAddr::V4(address) => self.v4.find(address.to_bits()),
            IpAddr::V6(address) => self.v6.find(address.to_bits()),
        };
        self.routes.get(usize::from(number))
    }

    /// Where packets to an address go.
    pub fn target(&self, address: IpAddr) -> &Target {
        self.find(address).map_or(&Target::None, |route| &route.target)
    }
}

/// The ranges of one family and the route of each.
struct Ranges<K> {
    starts: RangeTree<K>,
    routes: Vec<u16>,
}

/// An address as a number.
trait Address: Copy + Ord {
    const ZERO: Self;
    /// The last address of the prefix that begins here and leaves `host_bits` open.
    fn last(self, host_bits: u32) -> Self;
    fn next(self) -> Option<Self>;
}

impl<K: Address> Ranges<K> {
    /// `prefixes` are first address, length and number of route.
    fn new(mut prefixes: Vec<(K, u32, u16)>, width: u32) -> Self {
        prefixes.sort_unstable();
        let mut cuts = Cuts { starts: vec![K::ZERO], routes: vec![NO_ROUTE] };
        // The prefixes that hold the place that was reached, outermost first: last address and route.
        let mut open: Vec<(K, u16)> = vec![];
        for (first, bits, route) in prefixes {
            cuts.close(&mut open, Some(first));
            cuts.begin(first, route);
            open.push((first.last(width - bits), route));
        }
        cuts.close(&mut open, None);
        Self { starts: RangeTree::new(&cuts.starts), routes: cuts.routes }
    }

    #[inline]
    fn find(&self, address: K) -> u16 {
        self.routes.get(self.starts.find(address)).copied().unwrap_or(NO_ROUTE)
    }
}

struct Cuts<K> {
    starts: Vec<K>,
    routes: Vec<u16>,
}

impl<K: Address> Cuts<K> {
    /// From `start` on `route` decides.
    fn begin(&mut self, start: K, route: u16) {
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.routes.pop();
        }
        if self.routes.last() != Some(&route) {
            self.starts.push(start);
            self.routes.push(route);
        }
    }

    /// Ends the prefixes that end before `before`; behind each of them the one around it decides again.
    fn close(&mut self, open: &mut Vec<(K, u16)>, before: Option<K>) {
        while let Some((last, _)) = open.last().copied().filter(|(last, _)| before.is_none_or(|first| *last < first)) {
            open.pop();
            let around = open.last().map_or(NO_ROUTE, |(_, route)| *route);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn prefix(address: &str, bits: u32) -> Prefix {
        Prefix::new(address.parse().unwrap(), bits).unwrap()
    }

    fn table(prefixes: &[(&str, u32)]) -> RouteTable {
        let route = |(address, bits): &(&str, u32)| Route { prefix: prefix(address, *bits), target: Target::Peer };
        RouteTable::new(prefixes.iter().map(route).collect()).unwrap()
    }

    #[test]
    fn the_longest_prefix_that_holds_an_address_decides() {
        let table =
            table(&[("10.0.0.0", 8), ("10.1.0.0", 16), ("10.1.0.0", 32), ("255.255.255.255", 32), ("fd00::", 8)]);
        let bits = |address: &str| table.find(address.parse().unwrap()).map(|route| route.prefix.bits());
        assert_eq!((bits("9.255.255.255"), bits("11.0.0.0"), bits("255.255.255.254")), (None, None, None));
        assert_eq!((bits("10.0.255.255"), bits("10.2.0.0"), bits("10.255.255.255")), (Some(8), Some(8), Some(8)));
        assert_eq!((bits("10.1.0.0"), bits("10.1.0.1"), bits("10.1.255.255")), (Some(32), Some(16), Some(16)));
        assert_eq!((bits("255.255.255.255"), bits("fdff::1"), bits("fe00::")), (Some(32), Some(8), None));
    }

    #[test]
    fn a_prefix_stands_once_and_without_host_bits() {
        let route = |address: &str, bits| Route { prefix: prefix(address, bits), target: Target::Own };
        let refusal = |routes: Vec<Route>| RouteTable::new(routes).err();
        assert_eq!(refusal(vec![route("10.0.0.1", 24)]), Some(BadRoutes::HostBits(prefix("10.0.0.1", 24))));
        let twice = vec![route("10.0.0.0", 24), route("10.0.0.0", 25), route("10.0.0.0", 24)];
        assert_eq!(refusal(twice), Some(BadRoutes::Twice(prefix("10.0.0.0", 24))));
        let host =
            |n: u32| Route { prefix: Prefix::new(IpAddr::from(n.to_be_bytes()), 32).unwrap(), target: Target::Own };
        assert_eq!(refusal((0..=16_384).map(host).collect()), Some(BadRoutes::TooMany));
        assert!(RouteTable::new((0..16_384).map(host).collect()).is_ok());
    }

    /// Addresses that meet often, from both families and at both ends.
    fn near_address() -> impl Strategy<Value = IpAddr> {
        let end = prop::sample::select(vec![0u128, u128::MAX, 0xfd << 120, 10 << 120]);
        (end, any::<u16>(), 0u32..112, any::<bool>()).prop_map(|(end, noise, shift, is_v4)| {
            let bits = end ^ (u128::from(noise) << shift);
            if is_v4 {
                IpAddr::from(((bits >> 96) as u32 ^ u32::from(noise)).to_be_bytes())
            } else {
                IpAddr::from(bits.to_be_bytes())
            }
        })
    }

    proptest! {
        #[test]
        fn it_agrees_with_looking_at_every_route(prefixes in prop::collection::vec((near_address(), 0u32..=128), 0..60), addresses in prop::collection::vec(near_address(), 60)) {
            let mut seen = HashSet::new();
            let routes: Vec<Route> = prefixes
                .into_iter()
                .filter_map(|(address, bits)| Prefix::new(address, bits))
                .map(Prefix::without_host_bits)
                .filter(|prefix| seen.insert(*prefix))
                .map(|prefix| Route { prefix, target: Target::Peer })
                .collect();
            let table = RouteTable::new(routes.clone()).unwrap();
            for address in addresses {
                let longest = routes.iter().filter(|route| route.prefix.contains(address)).max_by_key(|route| route.prefix.bits());
                prop_assert_eq!(table.find(address), longest);
            }
        }
    }
}
