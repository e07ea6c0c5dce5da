//! Addresses and settings of a device (rtnetlink(7)).

use std::ffi::{CStr, CString};
use std::io;
use std::net::IpAddr;

use lacis_engine::ip::Prefix;

use super::address::{HEADER_BYTES as ADDRESS_HEADER_BYTES, IFA_ADDRESS, IFA_FLAGS, IFA_LOCAL, address_in};
use super::message::{NESTED, attribute, number_of, u32_at};
use super::socket::Socket;
use crate::platform::TunSettings;

pub const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_TXQLEN: u16 = 13;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
const IN6_ADDR_GEN_MODE_NONE: u8 = 1;

/// Length of `ifinfomsg`.
pub const HEADER_BYTES: usize = 16;

/// A way to see and change devices.
pub struct Links(Socket);

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// Whether it is set up.
    pub is_up: bool,
    /// Largest packet in bytes.
    pub mtu: u32,
}

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

    /// As it is now.
    pub fn state(&mut self, link: u32) -> io::Result<LinkState> {
        let mut found = None;
        self.0.list(libc::RTM_GETLINK, &[&[0; HEADER_BYTES]], |message| {
            if u32_at(message, 4) == Some(link) {
                let is_up = u32_at(message, 8).is_some_and(|flags| flags & libc::IFF_UP as u32 != 0);
                let mtu = number_of(message.get(HEADER_BYTES..).unwrap_or_default(), IFLA_MTU);
                found = mtu.map(|mtu| LinkState { is_up, mtu });
            }
        })?;
        found.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))
    }

    /// Changes the MTU.
    pub fn set_mtu(&mut self, link: u32, mtu: u32) -> io::Result<()> {
        self.0.request(libc::RTM_NEWLINK, 0, &[&link_header(link, 0), &attribute(IFLA_MTU, &mtu.to_ne_bytes())])
    }

    /// The addresses that the link has.
    pub fn addresses(&mut self, link: u32) -> io::Result<Vec<Prefix>> {
        let mut found = vec![];
        self.0.list(libc::RTM_GETADDR, &[&[0; ADDRESS_HEADER_BYTES]], |message| {
            found.extend(address_in(message).filter(|(its_link, _)| *its_link == link).map(|(_, address)| address));
        })?;
        Ok(found)
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
fn link_header(link: u32, flags: u32) -> Vec<u8> {
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
