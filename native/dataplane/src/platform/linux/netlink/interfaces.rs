//! Interfaces, their addresses, and the way to everybody else (rtnetlink(7)).
//!
//! ```text
//! ifinfomsg: family u8 | pad u8 | type u16 | index u32 | flags u32 | change u32
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lacis_engine::ip::{Prefix, address_to_bytes};

use super::address::{HEADER_BYTES as ADDRESS_HEADER_BYTES, address_in};
use super::link::{HEADER_BYTES as LINK_HEADER_BYTES, IFLA_IFNAME, name_of};
use super::message::{attribute, number_of, u32_at, value_of};
use super::route_entry::{HEADER_BYTES as ROUTE_HEADER_BYTES, RTA_DST, RTA_OIF, gateway_in};
use super::socket::Socket;
use crate::platform::{Interface, Place, Way};

const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_CARRIER_CHANGES: u16 = 35;
const IFLA_INFO_KIND: u16 = 1;
const CARRIES: u32 = (libc::IFF_UP | libc::IFF_RUNNING) as u32;

/// Hosts of containers have many; no more are told of.
const INTERFACES_MAX: usize = 1_024;
/// Of one interface. Balancers of clusters give one interface an address for each service.
const ADDRESSES_MAX: usize = 256;

/// Somewhere far: root servers of the DNS. Nothing is sent there; the kernel is asked how it would be. A table with a million routes is not read for it.
const FAR: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(198, 41, 0, 4)), IpAddr::V6(Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30))];
/// Routes to more addresses than those of half the Internet or a quarter of it are how VPNs take over the way to everywhere.
const FAR_BITS_MAX: u8 = 3;

/// What the kernel can be asked.
pub struct Interfaces(Socket);

impl Interfaces {
    pub fn open() -> io::Result<Self> {
        Socket::open(libc::NETLINK_ROUTE).map(Self)
    }

    /// As it is now.
    pub fn place(&mut self) -> io::Result<Place> {
        let links = self.links()?;
        let mut addresses = self.addresses()?;
        let mut ports: HashMap<u32, BTreeSet<&str>> = HashMap::new();
        for link in links.values() {
            if let Some(master) = link.master {
                ports.entry(master).or_default().insert(&link.kind);
            }
        }
        let interfaces = links
            .iter()
            .filter(|(_, link)| link.flags & CARRIES == CARRIES && link.flags & libc::IFF_LOOPBACK as u32 == 0)
            .filter_map(|(index, link)| {
                let addresses = addresses.remove(index)?;
                let ports = ports.get(index).into_iter().flatten().map(|&kind| kind.to_owned()).collect();
                let Link { name, kind, ethernet, carrier_changes, .. } = link.clone();
                Some(Interface { name, kind, ethernet, ports, carrier_changes, addresses })
            });
        let interfaces = interfaces.take(INTERFACES_MAX).collect();
        Ok(Place { interfaces, ways: FAR.iter().filter_map(|far| self.way(*far)).collect() })
    }

    fn links(&mut self) -> io::Result<BTreeMap<u32, Link>> {
        let mut links = BTreeMap::new();
        self.0.list(libc::RTM_GETLINK, &[&[0; LINK_HEADER_BYTES]], |message| links.extend(link_in(message)))?;
        Ok(links)
    }

    fn addresses(&mut self) -> io::Result<HashMap<u32, Vec<Prefix>>> {
        let mut addresses: HashMap<u32, Vec<Prefix>> = HashMap::new();
        self.0.list(libc::RTM_GETADDR, &[&[0; ADDRESS_HEADER_BYTES]], |message| {
            let Some((link, address)) = address_in(message) else { return };
            let known = addresses.entry(link).or_default();
            if known.len() < ADDRESSES_MAX {
                known.push(address);
            }
        })?;
        Ok(addresses)
    }

    /// `None` where there is none.
    fn way(&mut self, far: IpAddr) -> Option<Way> {
        let bytes = address_to_bytes(far);
        let mut header = [0; ROUTE_HEADER_BYTES];
        header[0] = if far.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET } as u8;
        header[1] = (bytes.len() * 8) as u8;
        let route = self.0.ask(libc::RTM_GETROUTE, &[&header, &attribute(RTA_DST, &bytes)]).ok()?;
        let (_, attributes) = route.split_at_checked(ROUTE_HEADER_BYTES)?;
        let link = number_of(attributes, RTA_OIF)?;
        Some(Way { is_ipv6: far.is_ipv6(), device: name_of(link), gateway: gateway_in(attributes) })
    }
}

/// Whether news may be about this machine's place: not those of routes to somewhere in particular, which come by the thousand where routes are learned.
pub fn says_where_packets_go(kind: u16, body: &[u8]) -> bool {
    let is_route = kind == libc::RTM_NEWROUTE || kind == libc::RTM_DELROUTE;
    !is_route || body.get(1).is_none_or(|bits| *bits <= FAR_BITS_MAX)
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    name: String,
    kind: String,
    ethernet: bool,
    master: Option<u32>,
    flags: u32,
    carrier_changes: u32,
}

fn link_in(message: &[u8]) -> Option<(u32, Link)> {
    let (header, attributes) = message.split_at_checked(LINK_HEADER_BYTES)?;
    let [_, _, t0, t1, ..] = *header else { return None };
    let kind = value_of(attributes, IFLA_LINKINFO).and_then(|info| value_of(info, IFLA_INFO_KIND));
    let link = Link {
        name: text(value_of(attributes, IFLA_IFNAME)?),
        kind: kind.map(text).unwrap_or_default(),
        ethernet: u16::from_ne_bytes([t0, t1]) == libc::ARPHRD_ETHER,
        master: number_of(attributes, IFLA_MASTER),
        flags: u32_at(header, 8)?,
        carrier_changes: number_of(attributes, IFLA_CARRIER_CHANGES).unwrap_or(0),
    };
    Some((u32_at(header, 4)?, link))
}

/// Up to the zero at its end.
pub fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::message::nested;
    use super::*;

    fn link(flags: libc::c_int, attributes: &[&[u8]]) -> Vec<u8> {
        let index = 7u32.to_ne_bytes();
        let kind = libc::ARPHRD_ETHER.to_ne_bytes();
        [&[0, 0], &kind[..], &index, &(flags as u32).to_ne_bytes(), &[0; 4], &attributes.concat()].concat()
    }

    #[test]
    fn a_link_is_read_with_its_kind_and_the_bridge_that_it_is_in() {
        let attributes = [
            attribute(IFLA_IFNAME, b"veth1\0"),
            attribute(IFLA_MASTER, &9u32.to_ne_bytes()),
            nested(IFLA_LINKINFO, &[&attribute(IFLA_INFO_KIND, b"veth\0")]),
            attribute(IFLA_CARRIER_CHANGES, &2u32.to_ne_bytes()),
        ];
        let message = link(libc::IFF_UP, &attributes.each_ref().map(Vec::as_slice));
        let expected = Link {
            name: "veth1".into(),
            kind: "veth".into(),
            ethernet: true,
            master: Some(9),
            flags: libc::IFF_UP as u32,
            carrier_changes: 2,
        };
        assert_eq!(link_in(&message), Some((7, expected)));
        assert_eq!(link_in(&link(0, &[&attribute(IFLA_IFNAME, b"eth0\0")])).unwrap().1.kind, "");
    }

    #[test]
    fn news_of_routes_to_somewhere_in_particular_do_not_count() {
        let route = |bits| [libc::AF_INET as u8, bits, 0, 0];
        assert!(says_where_packets_go(libc::RTM_NEWROUTE, &route(0)));
        assert!(says_where_packets_go(libc::RTM_DELROUTE, &route(1)));
        assert!(!says_where_packets_go(libc::RTM_NEWROUTE, &route(24)));
        assert!(says_where_packets_go(libc::RTM_NEWADDR, &route(24)));
    }

    #[test]
    fn the_kernel_tells_of_this_machine_without_its_loopback() {
        let place = Interfaces::open().unwrap().place().unwrap();
        assert!(place.interfaces.iter().all(|interface| interface.name != "lo"));
        assert!(place.interfaces.iter().all(|interface| !interface.addresses.is_empty()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (link_in(&bytes), says_where_packets_go(24, &bytes));
        }
    }
}
