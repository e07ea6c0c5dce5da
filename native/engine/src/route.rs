//! Where packets to a prefix go (SEMANTICS.md sections 3.1 and 3.2).

use std::net::IpAddr;

use crate::fnv::Fnv1a;
use crate::ip::Prefix;
use crate::packet::Tuple;

/// Routes in one table.
pub const ROUTES_MAX: usize = 16_384;
/// Gateways of one route.
pub const GATEWAYS_MAX: usize = 16;

/// A prefix and where packets to it go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Without host bits.
    pub prefix: Prefix,
    /// Where to.
    pub target: Target,
}

/// Where packets go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To this host.
    Own,
    /// To the peer whose overlay address the destination is.
    Peer,
    /// To one of these peers.
    Gateways(Gateways),
    /// Nowhere.
    None,
}

/// Peers behind which a prefix lies, in the order of the control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateways(Vec<Gateway>);

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Overlay address of the peer.
    pub address: IpAddr,
    /// Share of the flows; 0: only when no other one has a session.
    pub weight: u16,
}

/// Why gateways are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BadGateways {
    Empty,
    TooMany,
    Twice(IpAddr),
}

impl Gateways {
    /// At least one, at most [`GATEWAYS_MAX`], none twice.
    pub fn new(gateways: Vec<Gateway>) -> Result<Self, BadGateways> {
        if gateways.is_empty() {
            return Err(BadGateways::Empty);
        }
        if gateways.len() > GATEWAYS_MAX {
            return Err(BadGateways::TooMany);
        }
        let is_repeated = |(at, gateway): &(usize, &Gateway)| {
            gateways.iter().take(*at).any(|earlier| earlier.address == gateway.address)
        };
        match gateways.iter().enumerate().find(is_repeated) {
            Some((_, gateway)) => Err(BadGateways::Twice(gateway.address)),
            None => Ok(Self(gateways)),
        }
    }

    /// The gateways in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Gateway> {
        self.0.iter()
    }

    /// The one that there is, where there is no choice.
    pub fn only(&self) -> Option<IpAddr> {
        match self.0.as_slice() {
            [only] => Some(only.address),
            _ => None,
        }
    }

    /// The gateway of a flow: always the same one while the same ones have a session.
    pub fn choose(&self, flow: &Tuple, mut has_session: impl FnMut(IpAddr) -> bool) -> Option<IpAddr> {
        let present: Vec<Gateway> = self.0.iter().filter(|gateway| has_session(gateway.address)).copied().collect();
        let hash = flow_hash(flow);
        let chosen = by_weight(&present, hash)
            .or_else(|| present.iter().find(|gateway| gateway.weight == 0))
            .or_else(|| by_weight(&self.0, hash))
            .or_else(|| self.0.first());
        chosen.map(|gateway| gateway.address)
    }
}

/// The first whose cumulated weight exceeds `hash` mod the sum of all. `None` when nobody has a weight.
fn by_weight(gateways: &[Gateway], hash: u32) -> Option<&Gateway> {
    let sum: u32 = gateways.iter().map(|gateway| u32::from(gateway.weight)).sum();
    let mut left = hash.checked_rem(sum)?;
    gateways.iter().find(|gateway| match left.checked_sub(u32::from(gateway.weight)) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    })
}

/// FNV-1a, 32 bit: both data planes choose the same gateway.
fn flow_hash(flow: &Tuple) -> u32 {
    let mut hash = Fnv1a::new();
    for address in [flow.local_address, flow.remote_address] {
        match address {
            IpAddr::V4(v4) => hash.add(&v4.octets()),
            IpAddr::V6(v6) => hash.add(&v6.octets()),
        }
    }
    hash.add(&flow.local_port.to_be_bytes());
    hash.add(&flow.remote_port.to_be_bytes());
    hash.add(&[flow.protocol]);
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::UDP;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn flow(remote_port: u16) -> Tuple {
        Tuple {
            local_address: address(1),
            remote_address: address(9),
            local_port: 1,
            remote_port,
            protocol: UDP,
            icmp_in: 0,
            is_rest: false,
        }
    }

    fn gateways(weights: &[u16]) -> Gateways {
        let numbered =
            weights.iter().zip(1..).map(|(weight, last)| Gateway { address: address(last), weight: *weight });
        Gateways::new(numbered.collect()).unwrap()
    }

    #[test]
    fn the_hash_is_fnv_1a_over_the_flow() {
        let mut expected = Fnv1a::new();
        expected.add(&[10, 0, 0, 1, 10, 0, 0, 9, 0, 1, 1, 2, 17]);
        assert_eq!(flow_hash(&flow(258)), expected.finish());
    }

    #[test]
    fn flows_are_shared_out_by_weight_among_those_with_a_session() {
        let three = gateways(&[1, 3, 0]);
        let count = |present: &[u8]| {
            let mut chosen = [0; 3];
            for port in 0..4_000 {
                let address_of = three.choose(&flow(port), |a| present.iter().any(|last| address(*last) == a)).unwrap();
                chosen[(1..=3).position(|last| address(last) == address_of).unwrap()] += 1;
            }
            chosen
        };
        let [one, two, spare] = count(&[1, 2, 3]);
        assert!((800..1_200).contains(&one) && (2_800..3_200).contains(&two) && spare == 0, "{one} {two}");
        assert_eq!(count(&[1, 3]), [4_000, 0, 0]);
        assert_eq!(count(&[3]), [0, 0, 4_000]);
        assert_eq!(count(&[]), [one, two, 0]);
        assert_eq!(gateways(&[0, 0]).choose(&flow(1), |_| false), Some(address(1)));
    }

    #[test]
    fn gateways_are_one_to_sixteen_different_ones() {
        let gateway = |last| Gateway { address: address(last), weight: 1 };
        assert_eq!(Gateways::new(vec![]), Err(BadGateways::Empty));
        assert_eq!(Gateways::new((0..17).map(gateway).collect()), Err(BadGateways::TooMany));
        assert_eq!(Gateways::new(vec![gateway(1), gateway(2), gateway(1)]), Err(BadGateways::Twice(address(1))));
        assert!(Gateways::new((0..16).map(gateway).collect()).is_ok());
    }
}
