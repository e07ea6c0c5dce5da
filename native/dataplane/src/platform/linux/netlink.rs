//! Addresses and link settings by rtnetlink (rtnetlink(7)): no child process, no shell.
//!
//! ```text
//! nlmsghdr:  length u32 | type u16 | flags u16 | sequence u32 | port u32     (host byte order)
//! then the family's own header, then attributes: length u16 | type u16 | value, padded to 4
//! ```

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use lacis_engine::ip::Prefix;

use crate::platform::TunSettings;

const IFLA_MTU: u16 = 4;
const IFLA_TXQLEN: u16 = 13;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
const IN6_ADDR_GEN_MODE_NONE: u8 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
const NESTED: u16 = 1 << 15;
const HEADER_BYTES: usize = 16;

/// A route netlink socket.
pub struct Netlink {
    socket: OwnedFd,
    sequence: u32,
}

impl Netlink {
    /// Opens a socket.
    pub fn open() -> io::Result<Self> {
        // SAFETY: socket takes plain numbers; the descriptor is new and owned by nobody else.
        let socket = unsafe {
            let fd = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd)
        };
        Ok(Self { socket, sequence: 0 })
    }

    /// Keeps the kernel from giving the link an IPv6 link-local address: the overlay has no neighbours to discover.
    pub fn disable_link_local(&mut self, link: u32) -> io::Result<()> {
        let mode = attribute(IFLA_INET6_ADDR_GEN_MODE, &[IN6_ADDR_GEN_MODE_NONE]);
        let family = attribute(libc::AF_INET6 as u16 | NESTED, &mode);
        let spec = attribute(IFLA_AF_SPEC | NESTED, &family);
        self.request(libc::RTM_NEWLINK, 0, &[&link_header(link, 0), &spec])
    }

    /// Sets MTU and queue.
    pub fn set_link(&mut self, link: u32, settings: TunSettings) -> io::Result<()> {
        let mtu = attribute(IFLA_MTU, &settings.mtu.to_ne_bytes());
        let queue = match settings.tx_queue {
            0 => vec![],
            packets => attribute(IFLA_TXQLEN, &packets.to_ne_bytes()),
        };
        self.request(libc::RTM_NEWLINK, 0, &[&link_header(link, 0), &mtu, &queue])
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
        self.request(libc::RTM_NEWADDR, create as u16, &[&header, &local, &remote, &flags])
    }

    /// Sets the link up.
    pub fn set_up(&mut self, link: u32) -> io::Result<()> {
        self.request(libc::RTM_NEWLINK, 0, &[&link_header(link, libc::IFF_UP as u32)])
    }

    /// Sends one request and waits for its acknowledgement.
    fn request(&mut self, kind: u16, flags: u16, parts: &[&[u8]]) -> io::Result<()> {
        self.sequence += 1;
        let body = parts.concat();
        let length = (HEADER_BYTES + body.len()) as u32;
        let flags = flags | (libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16;
        let mut message = length.to_ne_bytes().to_vec();
        message.extend_from_slice(&kind.to_ne_bytes());
        message.extend_from_slice(&flags.to_ne_bytes());
        message.extend_from_slice(&self.sequence.to_ne_bytes());
        message.extend_from_slice(&[0; 4]);
        message.extend_from_slice(&body);
        // SAFETY: the pointer and the length are those of `message`.
        let sent = unsafe { libc::send(self.socket.as_raw_fd(), message.as_ptr().cast(), message.len(), 0) };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        self.acknowledgement()
    }

    /// NLMSG_ERROR with code 0 is the acknowledgement.
    fn acknowledgement(&self) -> io::Result<()> {
        let mut answer = [0; 8_192];
        // SAFETY: the pointer and the length are those of `answer`.
        let received = unsafe { libc::recv(self.socket.as_raw_fd(), answer.as_mut_ptr().cast(), answer.len(), 0) };
        if received < 0 {
            return Err(io::Error::last_os_error());
        }
        let code =
            answer.get(HEADER_BYTES..HEADER_BYTES + 4).and_then(|code| code.try_into().ok()).map(i32::from_ne_bytes);
        match code {
            Some(0) => Ok(()),
            Some(code) => Err(io::Error::from_raw_os_error(-code)),
            None => Err(io::Error::other("netlink gave no answer")),
        }
    }
}

/// `struct ifinfomsg`: family, pad, type u16, index i32, flags u32, which flags to change u32.
fn link_header(link: u32, flags: u32) -> Vec<u8> {
    [[0; 4], link.to_ne_bytes(), flags.to_ne_bytes(), flags.to_ne_bytes()].concat()
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = (4 + value.len()) as u16;
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_padded_to_four_bytes_that_its_length_leaves_out() {
        assert_eq!(
            attribute(IFLA_INET6_ADDR_GEN_MODE, &[1]),
            [&5u16.to_ne_bytes()[..], &8u16.to_ne_bytes(), &[1, 0, 0, 0]].concat()
        );
    }
}
