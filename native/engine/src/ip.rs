//! Prefixes and the address questions the packet rules ask.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// An address with a prefix length; the address may carry host bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    address: IpAddr,
    bits: u8,
}

impl Prefix {
    /// `None` when `bits` is more than the address has.
    pub fn new(address: IpAddr, bits: u32) -> Option<Self> {
        let bits = u8::try_from(bits).ok().filter(|bits| *bits <= width(address))?;
        Some(Self { address, bits })
    }

    /// The address as given, host bits included.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Prefix length in bits.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// The same prefix at its first address.
    pub fn without_host_bits(self) -> Self {
        let bits = u32::from(self.bits);
        Self { address: masked(self.address, bits, bits), bits: self.bits }
    }

    /// Whether the address is another one than the first of the prefix.
    pub fn has_host_bits(&self) -> bool {
        self.without_host_bits() != *self
    }

    /// Whether `address` lies in the prefix. Families never match each other.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(32 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }

    /// Whether `address` is the directed broadcast address of this IPv4 network. Networks of one or two hosts have none.
    pub fn is_broadcast(&self, address: IpAddr) -> bool {
        let host_bits = u32::MAX.checked_shr(u32::from(self.bits)).unwrap_or(0);
        match address {
            IpAddr::V4(other) => self.bits < 31 && self.contains(address) && other.to_bits() & host_bits == host_bits,
            IpAddr::V6(_) => false,
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// The first `v4` or `v6` bits of an address, the rest zero: the key of a rate limit.
pub fn masked(address: IpAddr, v4: u32, v6: u32) -> IpAddr {
    match address {
        IpAddr::V4(a) => IpAddr::V4((a.to_bits() & !u32::MAX.checked_shr(v4).unwrap_or(0)).into()),
        IpAddr::V6(a) => IpAddr::V6((a.to_bits() & !u128::MAX.checked_shr(v6).unwrap_or(0)).into()),
    }
}

/// RFC 1918 or RFC 4193 (fc00::/7).
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => a.is_private(),
        IpAddr::V6(a) => a.is_unique_local(),
    }
}

/// 4 or 16 bytes in network order. An IPv4-mapped IPv6 address is no address of this contract.
pub fn address_from_bytes(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(v4));
    }
    let v6 = Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?);
    v6.to_ipv4_mapped().is_none().then_some(IpAddr::V6(v6))
}

/// The 4 or 16 bytes of an address in network order.
pub fn address_to_bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(address: &str, bits: u32) -> Prefix {
        Prefix::new(address.parse().unwrap(), bits).unwrap()
    }

    fn contains(outer: Prefix, address: &str) -> bool {
        outer.contains(address.parse().unwrap())
    }

    #[test]
    fn a_prefix_holds_what_shares_its_first_bits() {
        assert!(contains(prefix("10.1.2.3", 8), "10.255.0.1"));
        assert!(!contains(prefix("10.1.2.3", 8), "11.0.0.1"));
        assert!(contains(prefix("10.1.2.3", 32), "10.1.2.3"));
        assert!(!contains(prefix("10.1.2.3", 32), "10.1.2.2"));
        assert!(contains(prefix("0.0.0.0", 0), "255.1.2.3"));
        assert!(contains(prefix("::", 0), "fd00::1"));
        assert!(contains(prefix("fd00::1", 64), "fd00::ffff"));
        assert!(!contains(prefix("fd00::1", 64), "fd00:0:0:1::1"));
    }

    #[test]
    fn families_never_match_each_other() {
        assert!(!contains(prefix("0.0.0.0", 0), "::1"));
        assert!(!contains(prefix("::", 0), "1.2.3.4"));
    }

    #[test]
    fn more_bits_than_the_address_has_make_no_prefix() {
        assert!(Prefix::new("10.0.0.1".parse().unwrap(), 33).is_none());
        assert!(Prefix::new("fd00::".parse().unwrap(), 129).is_none());
    }

    #[test]
    fn the_broadcast_address_is_the_last_of_an_ipv4_network() {
        let network = prefix("10.1.2.3", 24);
        assert!(network.is_broadcast("10.1.2.255".parse().unwrap()));
        assert!(!network.is_broadcast("10.1.3.255".parse().unwrap()));
        assert!(!network.is_broadcast("10.1.2.254".parse().unwrap()));
        assert!(!prefix("10.1.2.3", 31).is_broadcast("10.1.2.3".parse().unwrap()));
        assert!(!prefix("fd00::", 64).is_broadcast("fd00::ffff:ffff:ffff:ffff".parse().unwrap()));
    }

    #[test]
    fn masking_keeps_the_first_bits() {
        assert_eq!(masked("10.1.2.3".parse().unwrap(), 24, 48), "10.1.2.0".parse::<IpAddr>().unwrap());
        assert_eq!(masked("10.1.2.3".parse().unwrap(), 32, 64), "10.1.2.3".parse::<IpAddr>().unwrap());
        assert_eq!(masked("fd00:1:2:3:4::5".parse().unwrap(), 32, 64), "fd00:1:2:3::".parse::<IpAddr>().unwrap());
    }

    #[test]
    fn an_address_is_four_or_sixteen_bytes_and_never_mapped() {
        assert_eq!(address_from_bytes(&[1, 2, 3, 4]), Some("1.2.3.4".parse().unwrap()));
        assert_eq!(address_from_bytes(&[1, 2, 3]), None);
        let mapped = "::ffff:1.2.3.4".parse::<Ipv6Addr>().unwrap();
        assert_eq!(address_from_bytes(&mapped.octets()), None);
        let v6: IpAddr = "fd00::1".parse().unwrap();
        assert_eq!(address_from_bytes(&address_to_bytes(v6)), Some(v6));
    }
}
