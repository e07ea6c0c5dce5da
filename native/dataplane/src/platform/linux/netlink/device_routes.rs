//! Routes through one device: listed, added, changed and removed (rtnetlink(7)).

use std::io;
use std::net::IpAddr;

use lacis_engine::ip::{Prefix, address_to_bytes};

use super::message::{attribute, nested};
use super::route_entry::{
    HEADER_BYTES, RTA_DST, RTA_METRICS, RTA_OIF, RTA_PREFSRC, RTA_PRIORITY, RTAX_MTU, RouteEntry,
};
use super::routes::PROTOCOL;
use super::socket::Socket;
use crate::platform::WantedRoute;

/// What the kernel gives IPv6 routes that name no metric (IP6_RT_PRIO_USER).
const IPV6_METRIC_DEFAULT: u32 = 1024;
/// And those that it makes for an address (IP6_RT_PRIO_ADDRCONF).
const IPV6_METRIC_CONNECTED: u32 = 256;

/// A way to see and change the routes through a device.
pub struct RoutesThrough {
    socket: Socket,
    link: u32,
}

impl RoutesThrough {
    /// Opens a socket.
    pub fn open(link: u32) -> io::Result<Self> {
        let socket = Socket::open(libc::NETLINK_ROUTE)?;
        socket.filter_lists();
        Ok(Self { socket, link })
    }

    /// Every unicast route of the main table, or those that lead through the device alone.
    pub fn list(&mut self, everywhere: bool) -> io::Result<Vec<RouteEntry>> {
        let mut found = vec![];
        for family in [libc::AF_INET, libc::AF_INET6] {
            let mut header = vec![family as u8, 0, 0, 0, libc::RT_TABLE_MAIN, 0, 0, libc::RTN_UNICAST];
            header.resize(HEADER_BYTES, 0);
            let link = if everywhere { vec![] } else { attribute(RTA_OIF, &self.link.to_ne_bytes()) };
            let listed = self.socket.list(libc::RTM_GETROUTE, &[&header, &link], |route| {
                found.extend(RouteEntry::read(route, family));
            });
            // A table that nobody has written to is none.
            match listed {
                Err(error) if error.raw_os_error() != Some(libc::ENOENT) => return Err(error),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Adds a route of ours. Fails when there is one for this prefix and metric.
    pub fn add(&mut self, route: &WantedRoute) -> io::Result<()> {
        self.change(libc::RTM_NEWROUTE, libc::NLM_F_CREATE | libc::NLM_F_EXCL, route)
    }

    /// Changes the MTU of a route of ours.
    pub fn replace(&mut self, route: &WantedRoute) -> io::Result<()> {
        self.change(libc::RTM_NEWROUTE, libc::NLM_F_REPLACE, route)
    }

    /// Removes a route of ours.
    pub fn remove(&mut self, route: &WantedRoute) -> io::Result<()> {
        match self.change(libc::RTM_DELROUTE, 0, route) {
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
            other => other,
        }
    }

    /// Changes the MTU of a route that the kernel made for an address of the device; 0: that of the device.
    pub fn set_connected_mtu(&mut self, entry: &RouteEntry, mtu: u32) -> io::Result<()> {
        let header = header(&entry.prefix, entry.protocol, entry.scope);
        let source = entry.source.map_or(vec![], |source| attribute(RTA_PREFSRC, &address_to_bytes(source)));
        let attributes = self.attributes(&entry.prefix, entry.metric, mtu);
        self.socket.request(libc::RTM_NEWROUTE, libc::NLM_F_REPLACE as u16, &[&header, &attributes, &source])
    }

    /// Adds the route that the kernel makes for an address of the device, where somebody has removed it. Fails when there is one for this prefix and metric.
    pub fn add_connected(&mut self, route: &WantedRoute, source: IpAddr) -> io::Result<()> {
        let header = header(&route.prefix, libc::RTPROT_KERNEL, own_scope(&route.prefix));
        // Of IPv6 the kernel chooses the source for each packet.
        let source = if source.is_ipv4() { attribute(RTA_PREFSRC, &address_to_bytes(source)) } else { vec![] };
        let attributes = self.attributes(&route.prefix, route.metric, route.mtu);
        let flags = (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16;
        self.socket.request(libc::RTM_NEWROUTE, flags, &[&header, &attributes, &source])
    }

    fn change(&mut self, kind: u16, flags: i32, route: &WantedRoute) -> io::Result<()> {
        let header = header(&route.prefix, PROTOCOL, own_scope(&route.prefix));
        let attributes = self.attributes(&route.prefix, route.metric, route.mtu);
        self.socket.request(kind, flags as u16, &[&header, &attributes])
    }

    fn attributes(&self, prefix: &Prefix, metric: u32, mtu: u32) -> Vec<u8> {
        let number = |kind, value: u32| if value == 0 { vec![] } else { attribute(kind, &value.to_ne_bytes()) };
        let mtu = number(RTAX_MTU, mtu);
        [
            attribute(RTA_DST, &address_to_bytes(prefix.address())),
            attribute(RTA_OIF, &self.link.to_ne_bytes()),
            number(RTA_PRIORITY, metric),
            if mtu.is_empty() { mtu } else { nested(RTA_METRICS, &[&mtu]) },
        ]
        .concat()
    }
}

/// Who is addressed is behind the device itself.
fn own_scope(prefix: &Prefix) -> u8 {
    if prefix.address().is_ipv4() { libc::RT_SCOPE_LINK } else { libc::RT_SCOPE_UNIVERSE }
}

/// The metric that the kernel gives the route that it makes for an address.
pub fn metric_of_connected(prefix: &Prefix) -> u32 {
    if prefix.address().is_ipv6() { IPV6_METRIC_CONNECTED } else { 0 }
}

/// The metric that a route will have in the kernel's list.
pub fn metric_in_table(route: &WantedRoute) -> u32 {
    if route.metric == 0 && route.prefix.address().is_ipv6() { IPV6_METRIC_DEFAULT } else { route.metric }
}

fn header(prefix: &Prefix, protocol: u8, scope: u8) -> Vec<u8> {
    let family = if prefix.address().is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let mut header = vec![family as u8, prefix.bits(), 0, 0, libc::RT_TABLE_MAIN, protocol, scope, libc::RTN_UNICAST];
    header.resize(HEADER_BYTES, 0);
    header
}
