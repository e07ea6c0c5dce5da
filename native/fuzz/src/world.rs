//! One host with two peers, a relay and addresses of both families.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use lacis_engine::control::Installation;
use lacis_engine::host::HostFacts;
use lacis_engine::ip::Prefix;
use lacis_engine::relay::{Relay, Role};
use lacis_engine::route::Target;

use crate::support::{Host, LOCAL_INDEX, RELAY_INDEX, THIRD_INDEX, forward, installation, route, whole};

pub const OWN: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), v6(1)];
/// The peer whose keys the bytes have.
pub const PEER: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), v6(2)];
const THIRD: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 3)), v6(3)];
/// Of a relay that ends here, and of one that goes on to the third host.
pub const RELAYS: [u32; 2] = [RELAY_INDEX, RELAY_INDEX + 1];

const fn v6(last: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last))
}

pub fn world() -> Host {
    let networks = OWN.map(|own| Prefix::new(own, if own.is_ipv4() { 24 } else { 64 }).expect("a network"));
    let mut host = Host::configured(HostFacts { networks: networks.to_vec(), ..HostFacts::default() });
    let own = OWN.into_iter().map(|address| route(whole(address), Target::Own));
    let peers = PEER.into_iter().chain(THIRD).map(|address| route(whole(address), Target::Peer));
    host.engine.apply_routes(own.chain(peers).collect()).expect("routes");
    for (local_index, peer) in [(LOCAL_INDEX, PEER), (THIRD_INDEX, THIRD)] {
        let (remote_index, peer_addresses) = (local_index + 1, peer.to_vec());
        let session = Installation { local_index, remote_index, peer_addresses, ..installation() };
        host.pass().install(session).expect("a session");
    }
    for (relay_index, role) in RELAYS.into_iter().zip([Role::End(THIRD[0]), forward()]) {
        let relay = Relay { relay_index, session: LOCAL_INDEX, remote_index: 1, role };
        host.engine.set_relay(relay).expect("a relay");
    }
    host
}
