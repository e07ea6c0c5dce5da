//! The routes, each found by the addresses that it is the longest for.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::ip::Prefix;
use crate::prefix_index::{PREFIXES_MAX, PrefixIndex};
use crate::route::{ROUTES_MAX, Route, Target};

const _: () = assert!(ROUTES_MAX <= PREFIXES_MAX);

/// All routes. Never changed, only replaced.
#[derive(Default)]
pub struct RouteTable {
    routes: Vec<Route>,
    index: PrefixIndex,
}

/// Why routes make no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BadRoutes {
    TooMany,
    HostBits(Prefix),
    Twice(Prefix),
}

impl RouteTable {
    /// A table of these routes.
    pub fn new(routes: Vec<Route>) -> Result<Self, BadRoutes> {
        if routes.len() > ROUTES_MAX {
            return Err(BadRoutes::TooMany);
        }
        let mut seen = HashSet::with_capacity(routes.len());
        for Route { prefix, .. } in &routes {
            if prefix.has_host_bits() {
                return Err(BadRoutes::HostBits(*prefix));
            }
            if !seen.insert(*prefix) {
                return Err(BadRoutes::Twice(*prefix));
            }
        }
        Ok(Self { index: PrefixIndex::new(routes.iter().map(|route| route.prefix)), routes })
    }

    /// All of them.
    pub fn all(&self) -> &[Route] {
        &self.routes
    }

    /// The longest route to an address.
    #[inline]
    pub fn find(&self, address: IpAddr) -> Option<&Route> {
        self.routes.get(self.index.find(address))
    }

    /// Where packets to an address go.
    pub fn target(&self, address: IpAddr) -> &Target {
        self.find(address).map_or(&Target::None, |route| &route.target)
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
