//! Routes of others that take addresses of the overlay elsewhere: more specific than the device's own, or as specific. Whoever answers DHCP on the
//! underlay can set such routes; so can somebody whose underlay lies inside the overlay's network, on purpose.

use std::io;

use lacis_engine::ip::{Prefix, address_from_bytes};

use super::link::name_of;
use super::message::{number_of, value_of};
use super::route_entry::{HEADER_BYTES, RTA_DST, RTA_OIF};
use super::socket::Socket;
use crate::platform::Shadow;

/// Named ones; one is enough to look at the table.
const SHADOWS_MAX: usize = 8;

/// Those of the main table, for networks that this device should have.
pub fn shadows(is_ours: impl Fn(&str) -> bool, networks: &[Prefix]) -> io::Result<Vec<Shadow>> {
    let mut socket = Socket::open(libc::NETLINK_ROUTE)?;
    socket.filter_lists();
    let mut found = vec![];
    for family in [libc::AF_INET, libc::AF_INET6] {
        let mut header = vec![family as u8, 0, 0, 0, libc::RT_TABLE_MAIN, 0, 0, libc::RTN_UNICAST];
        header.resize(HEADER_BYTES, 0);
        let listed = socket.list(libc::RTM_GETROUTE, &[&header], |route| {
            let Some((prefix, link)) = route_in(route, family) else { return };
            let device = link.map_or_else(|| "several devices".to_owned(), name_of);
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
    Ok(found)
}

/// Prefix and device of a route in the main table; no device when it has several.
fn route_in(route: &[u8], family: i32) -> Option<(Prefix, Option<u32>)> {
    let (header, attributes) = route.split_at_checked(HEADER_BYTES)?;
    let &[its_family, bits, _, _, table, _, _, kind, ..] = header else { return None };
    if (i32::from(its_family), table, kind) != (family, libc::RT_TABLE_MAIN, libc::RTN_UNICAST) {
        return None;
    }
    // The default route has no destination, and shadows nothing.
    let prefix = Prefix::new(address_from_bytes(value_of(attributes, RTA_DST)?)?, bits.into())?;
    Some((prefix, number_of(attributes, RTA_OIF)))
}

#[cfg(test)]
mod tests {
    use super::super::message::attribute;
    use super::*;

    #[test]
    fn a_route_is_read_with_its_device_and_one_of_another_table_is_not() {
        let route = |table: u8, kind: u8| {
            let header = [libc::AF_INET as u8, 28, 0, 0, table, 3, 0, kind, 0, 0, 0, 0];
            [&header[..], &attribute(RTA_DST, &[10, 77, 0, 128]), &attribute(RTA_OIF, &7u32.to_ne_bytes())].concat()
        };
        let prefix = Prefix::new("10.77.0.128".parse().unwrap(), 28).unwrap();
        let main = libc::RT_TABLE_MAIN;
        assert_eq!(route_in(&route(main, libc::RTN_UNICAST), libc::AF_INET), Some((prefix, Some(7))));
        assert_eq!(route_in(&route(main, libc::RTN_UNREACHABLE), libc::AF_INET), None);
        assert_eq!(route_in(&route(libc::RT_TABLE_LOCAL, libc::RTN_UNICAST), libc::AF_INET), None);
        assert_eq!(route_in(&route(main, libc::RTN_UNICAST), libc::AF_INET6), None);
        assert_eq!(route_in(&[], libc::AF_INET), None);
    }
}
