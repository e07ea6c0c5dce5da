//! Routes that say "unreachable" (rtnetlink(7)), in the main table and behind every other route for the same prefix. They belong to no
//! device and so outlive each of them.
//!
//! ```text
//! rtmsg:  family u8 | prefix length u8 | source length u8 | tos u8 | table u8 | protocol u8 | scope u8 | type u8 | flags u32
//! ```

use std::io;

use lacis_engine::ip::{Prefix, address_from_bytes, address_to_bytes};

use super::message::{attribute, number_of, value_of};
use super::route_entry::{HEADER_BYTES, RTA_DST, RTA_PRIORITY};
use super::socket::Socket;

/// Who has set a route (rtnetlink(7), rtm_protocol): ours, not in use in iproute2's list. `ip route show proto 142` lists what is ours.
pub const PROTOCOL: u8 = 142;

/// The unreachable routes of one owner, which are told from those of others by their metric.
pub struct UnreachableRoutes {
    socket: Socket,
    metric: u32,
}

impl UnreachableRoutes {
    /// Opens a socket.
    pub fn open(owner: &str) -> io::Result<Self> {
        let socket = Socket::open(libc::NETLINK_ROUTE)?;
        socket.filter_lists();
        Ok(Self { socket, metric: metric_of(owner) })
    }

    /// Those that stand.
    pub fn list(&mut self) -> io::Result<Vec<Prefix>> {
        let mut found = vec![];
        for family in [libc::AF_INET, libc::AF_INET6] {
            let header = header(family, 0, 0);
            let metric = self.metric;
            self.socket.list(libc::RTM_GETROUTE, &[&header], |route| found.extend(prefix_in(route, family, metric)))?;
        }
        Ok(found)
    }

    /// Adds one. A kernel without the address family has nowhere to send its packets, and needs none.
    pub fn add(&mut self, prefix: &Prefix) -> io::Result<()> {
        let flags = (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16;
        match self.change(libc::RTM_NEWROUTE, flags, prefix) {
            Err(error) if is_of_no_such_family(&error) && prefix.address().is_ipv6() => Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
            other => other,
        }
    }

    /// Removes one.
    pub fn remove(&mut self, prefix: &Prefix) -> io::Result<()> {
        match self.change(libc::RTM_DELROUTE, 0, prefix) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            other => other,
        }
    }

    fn change(&mut self, kind: u16, flags: u16, prefix: &Prefix) -> io::Result<()> {
        let family = if prefix.address().is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let header = header(family, prefix.bits(), libc::RTN_UNREACHABLE);
        let destination = attribute(RTA_DST, &address_to_bytes(prefix.address()));
        let metric = attribute(RTA_PRIORITY, &self.metric.to_ne_bytes());
        self.socket.request(kind, flags, &[&header, &destination, &metric])
    }
}

fn header(family: i32, bits: u8, kind: u8) -> Vec<u8> {
    // A list is asked for with all of it zero but family and protocol; then the table is not looked at.
    let table = if kind == 0 { 0 } else { libc::RT_TABLE_MAIN };
    let mut header = vec![family as u8, bits, 0, 0, table, PROTOCOL, libc::RT_SCOPE_UNIVERSE, kind];
    header.resize(HEADER_BYTES, 0);
    header
}

/// The prefix of a route that is ours. One of all addresses carries no destination.
fn prefix_in(route: &[u8], family: i32, metric: u32) -> Option<Prefix> {
    let (header, attributes) = route.split_at_checked(HEADER_BYTES)?;
    let &[its_family, bits, _, _, _, protocol, _, kind, ..] = header else { return None };
    let is_ours = (i32::from(its_family), protocol, kind) == (family, PROTOCOL, libc::RTN_UNREACHABLE);
    if !is_ours || number_of(attributes, RTA_PRIORITY) != Some(metric) {
        return None;
    }
    let all: &[u8] = if family == libc::AF_INET { &[0; 4] } else { &[0; 16] };
    Prefix::new(address_from_bytes(value_of(attributes, RTA_DST).unwrap_or(all))?, bits.into())
}

fn is_of_no_such_family(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EOPNOTSUPP))
}

/// A metric that no route for the same prefix has a reason to exceed, with 28 bits that follow from the owner's name (FNV-1a).
fn metric_of(owner: &str) -> u32 {
    let hash = owner.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    0xf000_0000 | (hash ^ (hash >> 28))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_have_metrics_of_their_own_behind_all_others() {
        let metrics = ["config-1f0c93ab", "config-1f0c93ac", "mesh0", ""].map(metric_of);
        assert!(metrics.iter().all(|metric| *metric >= 0xf000_0000));
        assert!((1..metrics.len()).all(|n| !metrics[..n].contains(&metrics[n])));
    }

    #[test]
    fn only_a_route_of_this_owner_is_ours() {
        let route = |protocol: u8, kind: u8, metric: u32| {
            let mut header = header(libc::AF_INET, 24, kind);
            header[5] = protocol;
            [header, attribute(RTA_DST, &[10, 77, 0, 0]), attribute(RTA_PRIORITY, &metric.to_ne_bytes())].concat()
        };
        let (ours, metric) = ((PROTOCOL, libc::RTN_UNREACHABLE), metric_of("a"));
        let prefix = Prefix::new("10.77.0.0".parse().unwrap(), 24);
        assert_eq!(prefix_in(&route(ours.0, ours.1, metric), libc::AF_INET, metric), prefix);
        assert_eq!(prefix_in(&route(ours.0, ours.1, metric_of("b")), libc::AF_INET, metric), None);
        assert_eq!(prefix_in(&route(4, ours.1, metric), libc::AF_INET, metric), None);
        assert_eq!(prefix_in(&route(ours.0, libc::RTN_UNICAST, metric), libc::AF_INET, metric), None);
        assert_eq!(prefix_in(&route(ours.0, ours.1, metric), libc::AF_INET6, metric), None);
    }
}
