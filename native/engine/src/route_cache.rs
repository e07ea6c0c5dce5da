//! What one thread remembers of the routes, so that a run of packets asks the table once.

use std::net::IpAddr;

use crate::kept_gateways::KeptGateways;
use crate::packet::Tuple;
use crate::route::{Gateways, Target};
use crate::route_table::RouteTable;

/// Addresses remembered. A burst rarely speaks of more.
const PLACES: usize = 64;

/// The kind of a route's target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Way {
    Own,
    Peer,
    Gateways,
    None,
}

/// Holds good for one table: whoever replaces the table clears it.
pub struct RouteCache {
    /// Our own side of flows, and the other: they must not take each other's places.
    own: [Option<(IpAddr, Way)>; PLACES],
    remote: [Option<(IpAddr, Way)>; PLACES],
    /// The gateway of the flow seen last, and the version of the sessions that it was chosen among.
    gateway: Option<(Tuple, u64, IpAddr)>,
}

impl RouteCache {
    /// Remembers nothing.
    pub fn new() -> Self {
        Self { own: [None; PLACES], remote: [None; PLACES], gateway: None }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Whether an address on our side of a flow is ours.
    pub fn is_own(&mut self, table: &RouteTable, address: &IpAddr) -> bool {
        remembered(&mut self.own, table, address) == Way::Own
    }

    /// Which way packets to an address on the other side go.
    pub fn way(&mut self, table: &RouteTable, address: &IpAddr) -> Way {
        remembered(&mut self.remote, table, address)
    }

    /// The gateway of a flow, among the sessions as they are at `version`.
    pub fn gateway(
        &mut self,
        gateways: &Gateways,
        kept: &KeptGateways,
        flow: &Tuple,
        version: u64,
        has_session: impl FnMut(IpAddr) -> bool,
    ) -> Option<IpAddr> {
        if let Some((held, at, gateway)) = &self.gateway
            && *at == version
            && held == flow
        {
            return Some(*gateway);
        }
        let gateway = kept.choose(gateways, flow, has_session)?;
        self.gateway = Some((*flow, version, gateway));
        Some(gateway)
    }
}

impl Way {
    fn of(target: &Target) -> Self {
        match target {
            Target::Own => Self::Own,
            Target::Peer => Self::Peer,
            Target::Gateways(_) => Self::Gateways,
            Target::None => Self::None,
        }
    }
}

#[inline]
fn remembered(places: &mut [Option<(IpAddr, Way)>; PLACES], table: &RouteTable, address: &IpAddr) -> Way {
    match places.get_mut(place_of(address)) {
        Some(Some((held, way))) if held == address => *way,
        Some(place) => {
            let way = Way::of(table.target(*address));
            *place = Some((*address, way));
            way
        }
        None => Way::of(table.target(*address)),
    }
}

/// Neighbours have places of their own.
fn place_of(address: &IpAddr) -> usize {
    let last = match address {
        IpAddr::V4(v4) => v4.octets()[3],
        IpAddr::V6(v6) => v6.octets()[15],
    };
    usize::from(last) % PLACES
}
