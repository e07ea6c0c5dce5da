//! Socket addresses in the kernel's form.

use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A socket address as the kernel has it.
#[derive(Clone, Copy)]
#[repr(C)]
pub union RawAddress {
    family: libc::sa_family_t,
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl RawAddress {
    /// Room for either family.
    pub fn empty() -> Self {
        // SAFETY: a sockaddr_in6, the longest variant, is plain data for which all zeros are a valid value.
        Self { v6: unsafe { mem::zeroed() } }
    }

    /// The address and its length in bytes.
    pub fn new(address: SocketAddr) -> (Self, libc::socklen_t) {
        let mut raw = Self::empty();
        let length = match address {
            SocketAddr::V4(v4) => {
                raw.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(v4.ip().octets()) },
                    sin_zero: [0; 8],
                };
                mem::size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(v6) => {
                raw.v6 = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: v6.port().to_be(),
                    sin6_flowinfo: 0,
                    sin6_addr: libc::in6_addr { s6_addr: v6.ip().octets() },
                    sin6_scope_id: v6.scope_id(),
                };
                mem::size_of::<libc::sockaddr_in6>()
            }
        };
        (raw, length as libc::socklen_t)
    }

    /// The address with IPv4-mapped IPv6 unmapped: above the socket there is no such thing.
    pub fn decode(&self) -> Option<SocketAddr> {
        // SAFETY: all variants start with the family, and every bit pattern of the one it names is valid.
        unsafe {
            match libc::c_int::from(self.family) {
                libc::AF_INET => {
                    let ip = Ipv4Addr::from(self.v4.sin_addr.s_addr.to_ne_bytes());
                    Some(SocketAddr::new(ip.into(), u16::from_be(self.v4.sin_port)))
                }
                libc::AF_INET6 => {
                    let ip = Ipv6Addr::from(self.v6.sin6_addr.s6_addr);
                    Some(SocketAddr::new(IpAddr::V6(ip).to_canonical(), u16::from_be(self.v6.sin6_port)))
                }
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_kernel_s_form_and_a_mapped_one_is_unmapped() {
        for text in ["192.0.2.1:4242", "[2001:db8::1]:1"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(RawAddress::new(address).0.decode(), Some(address));
        }
        let mapped = RawAddress::new("[::ffff:192.0.2.1]:7".parse().unwrap()).0;
        assert_eq!(mapped.decode(), Some("192.0.2.1:7".parse().unwrap()));
        assert_eq!(RawAddress::empty().decode(), None);
    }
}
