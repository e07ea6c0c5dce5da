//! Addresses and settings of a device (rtnetlink(7)).

use std::ffi::{CStr, CString};
use std::io;
use std::net::IpAddr;

use lacis_engine::ip::Prefix;

use super::message::{NESTED, attribute};
use super::socket::Socket;
use crate::platform::TunSettings;

pub const IFLA_MTU: u16 = 4;
const IFLA_TXQLEN: u16 = 13;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
const IN6_ADDR_GEN_MODE_NONE: u8 = 1;
pub const IFA_ADDRESS: u16 = 1;
pub const IFA_LOCAL: u16 = 2;
pub const IFA_FLAGS: u16 = 8;

/// Length of `ifinfomsg`.
pub const HEADER_BYTES: usize = 16;

/// A way to change devices.
pub struct Links(Socket);

impl Links {
    /// Opens a socket.
    pub fn open() -> io::Result<Self> {
        Socket::open(libc::NETLINK_ROUTE).map(Self)
    }

    /// Keeps the kernel from giving the link an IPv6 link-local address: the overlay has no neighbours to discover.
    pub fn disable_link_local(&mut self, link: u32) -> io::Result<()> {
        let mode = attribute(IFLA_INET6_ADDR_GEN_MODE, &[IN6_ADDR_GEN_MODE_NONE]);
        let family = attribute(libc::AF_INET6 as u16 | NESTED, &mode);
        let spec = attribute(IFLA_AF_SPEC | NESTED, &family);
        self.0.request(libc::RTM_NEWLINK, 0, &[&link_header(link, 0), &spec])
    }

    /// Sets MTU and queue.
    pub fn set_link(&mut self, link: u32, settings: TunSettings) -> io::Result<()> {
        let mtu = attribute(IFLA_MTU, &settings.mtu.to_ne_bytes());
        let queue = match settings.tx_queue {
            0 => vec![],
            packets => attribute(IFLA_TXQLEN, &packets.to_ne_bytes()),
        };
        self.0.request(libc::RTM_NEWLINK, 0, &[&link_header(link, 0), &mtu, &queue])
    }

    /// Gives the link an address. The kernel adds the connected route with this address as its source. IPv6 addresses are
    /// usable at once: nobody else can have an address that a certificate names.
    pub fn add_address(&mut self, link: u32, address: &Prefix) -> io::Result<()> {
        let (family, bytes) = match address.address() {
            IpAddr::V4(v4) => (libc::AF_INET, v4.octets().to_vec()),
            IpAddr::V6(v6) => (libc::AF_INET6, v6.octets().to_vec()),
        };
        let [l0, l1, l2, l3] = link.to_ne_bytes();
        let header = [family as u8, address.bits(), libc::IFA_F_NODAD as u8, libc::RT_SCOPE_UNIVERSE, l0, l1, l2, l3];
        let flags = attribute(IFA_FLAGS, &libc::IFA_F_NODAD.to_ne_bytes());
        let (local, remote) = (attribute(IFA_LOCAL, &bytes), attribute(IFA_ADDRESS, &bytes));
        let create = libc::NLM_F_CREATE | libc::NLM_F_REPLACE;
        self.0.request(libc::RTM_NEWADDR, create as u16, &[&header, &local, &remote, &flags])
    }

    /// Sets the link up.
    pub fn set_up(&mut self, link: u32) -> io::Result<()> {
        self.0.request(libc::RTM_NEWLINK, 0, &[&link_header(link, libc::IFF_UP as u32)])
    }
}

/// `struct ifinfomsg`: family, pad, type u16, index i32, flags u32, which flags to change u32.
pub fn link_header(link: u32, flags: u32) -> Vec<u8> {
    [[0; 4], link.to_ne_bytes(), flags.to_ne_bytes(), flags.to_ne_bytes()].concat()
}

/// The number of a device.
pub fn link_index(name: &str) -> io::Result<u32> {
    let name = CString::new(name)?;
    // SAFETY: `name` ends with a zero byte.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// The name of a device, or its number when it has none any more.
pub fn name_of(link: u32) -> String {
    let mut name = [0_u8; libc::IFNAMSIZ];
    // SAFETY: if_indextoname writes at most IFNAMSIZ bytes, zero included, which is what `name` has.
    let known = unsafe { !libc::if_indextoname(link, name.as_mut_ptr().cast()).is_null() };
    let text = CStr::from_bytes_until_nul(&name).ok().filter(|_| known);
    text.map_or_else(|| format!("device {link}"), |text| text.to_string_lossy().into_owned())
}
