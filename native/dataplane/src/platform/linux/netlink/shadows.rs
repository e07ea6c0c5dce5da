//! Routes of others that take addresses of the overlay elsewhere: more specific than the device's own, or as specific; and rules that send them to tables
//! with such routes. Whoever answers DHCP on the underlay can set such routes, and so does another VPN; so can somebody whose underlay lies inside the
//! overlay's network, on purpose.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lacis_engine::ip::{Prefix, address_from_bytes, address_to_bytes};

use super::link::name_of;
use super::message::{attribute, number_of, value_of};
use super::route_entry::{HEADER_BYTES, RTA_DST, RTA_OIF};
use super::routes::PROTOCOL;
use super::socket::Socket;
use crate::platform::Shadow;

/// Named ones; one is enough to look at the table.
const SHADOWS_MAX: usize = 8;

/// Where packets go that are refused.
const NOWHERE: &str = "nowhere";

/// Those of the main table, and those of other tables as far as the first and the last address of a network go by them, for networks that this device
/// should have.
pub fn shadows(is_ours: impl Fn(&str) -> bool, networks: &[Prefix]) -> io::Result<Vec<Shadow>> {
    let mut socket = Socket::open(libc::NETLINK_ROUTE)?;
    socket.filter_lists();
    let mut found = vec![];
    for family in [libc::AF_INET, libc::AF_INET6] {
        let mut header = vec![family as u8, 0, 0, 0, libc::RT_TABLE_MAIN, 0, 0, 0];
        header.resize(HEADER_BYTES, 0);
        let listed = socket.list(libc::RTM_GETROUTE, &[&header], |route| {
            let Some((prefix, to)) = route_in(route, family) else { return };
            let device = match to {
                To::Device(link) => name_of(link),
                To::Several => "several devices".to_owned(),
                To::Nowhere => NOWHERE.to_owned(),
            };
            let covers = |network: &Prefix| prefix.bits() >= network.bits() && network.contains(prefix.address());
            if found.len() < SHADOWS_MAX && networks.iter().any(covers) && !is_ours(&device) {
                found.push(Shadow { prefix, device });
            }
        });
        // A table that nobody has written to is none.
        match listed {
            Err(error) if error.raw_os_error() != Some(libc::ENOENT) => return Err(error),
            _ => {}
        }
    }
    for network in networks {
        for sample in samples(network).into_iter().filter(|sample| *sample != network.address()) {
            let is_found = found.iter().any(|shadow| shadow.prefix.contains(sample));
            let Some(device) = way_to(&mut socket, sample).filter(|device| !is_found && !is_ours(device)) else {
                continue;
            };
            if found.len() < SHADOWS_MAX {
                found.push(Shadow { prefix: network.without_host_bits(), device });
            }
        }
    }
    Ok(found)
}

/// The device that the kernel would send a packet through; none where it would refuse.
fn way_to(socket: &mut Socket, address: IpAddr) -> Option<String> {
    let bytes = address_to_bytes(address);
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let mut header = vec![family as u8, (bytes.len() * 8) as u8];
    header.resize(HEADER_BYTES, 0);
    let route = socket.ask(libc::RTM_GETROUTE, &[&header, &attribute(RTA_DST, &bytes)]).ok()?;
    let (header, attributes) = route.split_at_checked(HEADER_BYTES)?;
    (header.get(7) == Some(&libc::RTN_UNICAST)).then(|| number_of(attributes, RTA_OIF).map(name_of)).flatten()
}

/// The first and the last address that a host of this network may have.
fn samples(network: &Prefix) -> Vec<IpAddr> {
    let network = network.without_host_bits();
    match network.address() {
        IpAddr::V4(first) if network.bits() < 31 => {
            let (first, hosts) = (u32::from(first), u32::MAX.checked_shr(network.bits().into()).unwrap_or(0));
            [first | 1, first | (hosts - 1)].map(|address| Ipv4Addr::from(address).into()).to_vec()
        }
        IpAddr::V6(first) if network.bits() < 127 => {
            let (first, hosts) = (u128::from(first), u128::MAX.checked_shr(network.bits().into()).unwrap_or(0));
            [first | 1, first | hosts].map(|address| Ipv6Addr::from(address).into()).to_vec()
        }
        _ => vec![],
    }
}

/// Where a route leads.
#[derive(Debug, PartialEq, Eq)]
enum To {
    Device(u32),
    Several,
    /// It refuses.
    Nowhere,
}

/// Prefix and destination of a route in the main table that is none of a guard.
fn route_in(route: &[u8], family: i32) -> Option<(Prefix, To)> {
    let (header, attributes) = route.split_at_checked(HEADER_BYTES)?;
    let &[its_family, bits, _, _, table, protocol, _, kind, ..] = header else { return None };
    if (i32::from(its_family), table) != (family, libc::RT_TABLE_MAIN) || protocol == PROTOCOL {
        return None;
    }
    let to = match (kind, number_of(attributes, RTA_OIF)) {
        (libc::RTN_UNICAST, Some(link)) => To::Device(link),
        (libc::RTN_UNICAST, None) => To::Several,
        (libc::RTN_BLACKHOLE | libc::RTN_UNREACHABLE | libc::RTN_PROHIBIT, _) => To::Nowhere,
        _ => return None,
    };
    // The default route has no destination, and shadows nothing.
    let prefix = Prefix::new(address_from_bytes(value_of(attributes, RTA_DST)?)?, bits.into())?;
    Some((prefix, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_read_with_its_device_and_one_of_another_table_is_not() {
        let route = |table: u8, kind: u8| {
            let header = [libc::AF_INET as u8, 28, 0, 0, table, 3, 0, kind, 0, 0, 0, 0];
            [&header[..], &attribute(RTA_DST, &[10, 77, 0, 128]), &attribute(RTA_OIF, &7u32.to_ne_bytes())].concat()
        };
        let prefix = Prefix::new("10.77.0.128".parse().unwrap(), 28).unwrap();
        let main = libc::RT_TABLE_MAIN;
        assert_eq!(route_in(&route(main, libc::RTN_UNICAST), libc::AF_INET), Some((prefix, To::Device(7))));
        assert_eq!(route_in(&route(main, libc::RTN_BLACKHOLE), libc::AF_INET), Some((prefix, To::Nowhere)));
        assert_eq!(route_in(&route(main, libc::RTN_MULTICAST), libc::AF_INET), None);
        assert_eq!(route_in(&route(libc::RT_TABLE_LOCAL, libc::RTN_UNICAST), libc::AF_INET), None);
        assert_eq!(route_in(&route(main, libc::RTN_UNICAST), libc::AF_INET6), None);
        assert_eq!(route_in(&[], libc::AF_INET), None);
        let guard =
            [vec![libc::AF_INET as u8, 28, 0, 0, main, PROTOCOL], route(main, libc::RTN_UNREACHABLE).split_off(6)];
        assert_eq!(route_in(&guard.concat(), libc::AF_INET), None);
    }

    #[test]
    fn the_edges_of_a_network_are_asked_for() {
        let edges = |text: &str, bits| {
            let network = Prefix::new(text.parse().unwrap(), bits).unwrap();
            samples(&network).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(edges("10.77.0.2", 24), ["10.77.0.1", "10.77.0.254"]);
        assert_eq!(edges("0.0.0.0", 0), ["0.0.0.1", "255.255.255.254"]);
        assert_eq!(edges("fd77::2", 64), ["fd77::1", "fd77::ffff:ffff:ffff:ffff"]);
        assert!(edges("10.77.0.2", 32).is_empty() && edges("fd77::2", 128).is_empty());
    }
}
