//! A route of the main table as the kernel tells of it (rtnetlink(7)).
//!
//! ```text
//! rtmsg:     family u8 | prefix length u8 | source length u8 | tos u8 | table u8 | protocol u8 | scope u8 | type u8 | flags u32
//! rtnexthop: length u16 | flags u8 | hops u8 | link u32 | attributes
//! ```

use std::net::IpAddr;

use lacis_engine::ip::{Prefix, address_from_bytes};

use super::message::{number_of, u32_at, value_of};

pub const RTA_DST: u16 = 1;
pub const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
pub const RTA_PRIORITY: u16 = 6;
pub const RTA_PREFSRC: u16 = 7;
pub const RTA_METRICS: u16 = 8;
const RTA_MULTIPATH: u16 = 9;
const RTA_VIA: u16 = 18;
pub const RTAX_MTU: u16 = 2;
/// Length of `rtmsg`.
pub const HEADER_BYTES: usize = 12;
const NEXT_HOP_BYTES: usize = 8;
/// `rtvia`: family u16, then the address.
const VIA_FAMILY_BYTES: usize = 2;

/// One way of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    pub link: u32,
    /// `None`: whoever is addressed is there himself.
    pub gateway: Option<IpAddr>,
    pub weight: u32,
}

/// A unicast route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteEntry {
    pub prefix: Prefix,
    pub protocol: u8,
    pub scope: u8,
    pub metric: u32,
    /// 0: that of the device.
    pub mtu: u32,
    pub source: Option<IpAddr>,
    pub hops: Vec<Hop>,
}

impl RouteEntry {
    /// `None` for what is no unicast route of the main table.
    pub fn read(route: &[u8], family: i32) -> Option<Self> {
        let (header, attributes) = route.split_at_checked(HEADER_BYTES)?;
        let &[its_family, bits, _, _, table, protocol, scope, kind, ..] = header else { return None };
        if (i32::from(its_family), table, kind) != (family, libc::RT_TABLE_MAIN, libc::RTN_UNICAST) {
            return None;
        }
        // One of all addresses carries no destination.
        let all: &[u8] = if family == libc::AF_INET { &[0; 4] } else { &[0; 16] };
        let prefix = Prefix::new(address_from_bytes(value_of(attributes, RTA_DST).unwrap_or(all))?, bits.into())?;
        let mtu = value_of(attributes, RTA_METRICS).and_then(|metrics| number_of(metrics, RTAX_MTU)).unwrap_or(0);
        let hops = match value_of(attributes, RTA_MULTIPATH) {
            Some(ways) => next_hops(ways),
            None => number_of(attributes, RTA_OIF)
                .map(|link| Hop { link, gateway: gateway_in(attributes), weight: 1 })
                .into_iter()
                .collect(),
        };
        let source = value_of(attributes, RTA_PREFSRC).and_then(address_from_bytes);
        let metric = number_of(attributes, RTA_PRIORITY).unwrap_or(0);
        Some(Self { prefix, protocol, scope, metric, mtu, source, hops })
    }
}

fn next_hops(mut bytes: &[u8]) -> Vec<Hop> {
    let mut hops = vec![];
    while let (Some(length), Some(link)) = (u32_at(bytes, 0).map(|word| word.to_ne_bytes()), u32_at(bytes, 4)) {
        let [l0, l1, _, weight] = length;
        let length = usize::from(u16::from_ne_bytes([l0, l1]));
        let Some(attributes) = bytes.get(NEXT_HOP_BYTES..length) else { break };
        hops.push(Hop { link, gateway: gateway_in(attributes), weight: u32::from(weight) + 1 });
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    hops
}

pub fn gateway_in(attributes: &[u8]) -> Option<IpAddr> {
    let via = || value_of(attributes, RTA_VIA).and_then(|via| via.get(VIA_FAMILY_BYTES..));
    value_of(attributes, RTA_GATEWAY).or_else(via).and_then(address_from_bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::message::attribute;
    use super::*;

    fn header(table: u8, kind: u8) -> Vec<u8> {
        vec![libc::AF_INET as u8, 24, 0, 0, table, 3, 0, kind, 0, 0, 0, 0]
    }

    #[test]
    fn a_route_is_read_with_its_ways() {
        let way = |link: u32, last: u8, hops: u8| {
            let gateway = attribute(RTA_GATEWAY, &[10, 77, 0, last]);
            let length = (NEXT_HOP_BYTES + gateway.len()) as u16;
            [&length.to_ne_bytes()[..], &[0, hops], &link.to_ne_bytes(), &gateway].concat()
        };
        let route = [
            header(libc::RT_TABLE_MAIN, libc::RTN_UNICAST),
            attribute(RTA_DST, &[192, 168, 7, 0]),
            attribute(RTA_PRIORITY, &20u32.to_ne_bytes()),
            attribute(RTA_METRICS, &attribute(RTAX_MTU, &1_200u32.to_ne_bytes())),
            attribute(RTA_MULTIPATH, &[way(7, 3, 0), way(8, 4, 9)].concat()),
        ]
        .concat();
        let entry = RouteEntry::read(&route, libc::AF_INET).unwrap();
        assert_eq!(entry.prefix.to_string(), "192.168.7.0/24");
        assert_eq!((entry.metric, entry.mtu), (20, 1_200));
        let gateway = |last| Some(IpAddr::from([10, 77, 0, last]));
        assert_eq!(
            entry.hops,
            [Hop { link: 7, gateway: gateway(3), weight: 1 }, Hop { link: 8, gateway: gateway(4), weight: 10 }]
        );
    }

    #[test]
    fn what_is_no_unicast_route_of_the_main_table_is_none() {
        for (table, kind) in [(libc::RT_TABLE_LOCAL, libc::RTN_UNICAST), (libc::RT_TABLE_MAIN, libc::RTN_UNREACHABLE)] {
            assert_eq!(RouteEntry::read(&header(table, kind), libc::AF_INET), None);
        }
        assert_eq!(RouteEntry::read(&header(libc::RT_TABLE_MAIN, libc::RTN_UNICAST), libc::AF_INET6), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let route = [header(libc::RT_TABLE_MAIN, libc::RTN_UNICAST), attribute(RTA_MULTIPATH, &bytes)].concat();
            prop_assert!(RouteEntry::read(&route, libc::AF_INET).is_some_and(|entry| entry.hops.len() <= bytes.len()));
        }
    }
}
