//! Steers one data plane into one session with fixed keys, for measuring the data plane without a control plane:
//!
//! ```text
//! static_session SOCKET OWN_OVERLAY PEER_OVERLAY BIND PEER_ENDPOINT 1|2 [aes|chachapoly] [MTU]
//! ```
//!
//! Run it once against each of two data planes, with 1 and 2 as the side. It goes on until its standard input ends.

use std::error::Error;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixStream;

use lacis_contract::wire::{
    self, FromDataPlane, ToDataPlane, from_data_plane::Event, route::Target, to_data_plane::Command,
};
use lacis_contract::{CONTRACT_VERSION, OLDEST_VERSION, frame};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [socket, own, peer, bind, endpoint, side, rest @ ..] = arguments.as_slice() else {
        return Err("SOCKET OWN_OVERLAY PEER_OVERLAY BIND PEER_ENDPOINT 1|2 [aes|chachapoly] [MTU]".into());
    };
    let mut stream = UnixStream::connect(socket)?;
    let mut request_id = 0;
    let mut ask = |command: Command| -> Result<(), Box<dyn Error>> {
        request_id += 1;
        frame::write(&ToDataPlane { request_id, command: Some(command), ..Default::default() }, &mut stream)?;
        loop {
            match frame::read::<FromDataPlane>(&mut stream)?.and_then(|said| said.event) {
                Some(Event::Ready(_)) => return Ok(()),
                Some(Event::Result(result)) if result.error.is_empty() => return Ok(()),
                Some(Event::Result(result)) => return Err(format!("{}: {}", result.code, result.error).into()),
                Some(_) => {}
                None => return Err("the data plane hung up".into()),
            }
        }
    };

    let networks = vec![wire::Prefix { address: octets(own.parse()?), bits: 24 }];
    let mtu = rest.get(1).map_or(Ok(1_300), |mtu| mtu.parse())?;
    ask(Command::Hello(wire::Hello { contract_version: CONTRACT_VERSION, oldest_version: OLDEST_VERSION }))?;
    let addresses = networks.clone();
    ask(Command::OpenTun(wire::OpenTun { mtu, addresses, tx_queue: 500, ..Default::default() }))?;
    let bind = Some(wire_endpoint(bind.parse()?));
    ask(Command::OpenUdp(wire::OpenUdp { bind, batch: 64, ..Default::default() }))?;
    ask(Command::Configure(wire::Configure { networks, send_recv_error: 1, ..Default::default() }))?;
    let routes = [(own, Target::Own(wire::OwnRoute {})), (peer, Target::Peer(wire::PeerRoute {}))];
    let routes = routes.into_iter().map(|(address, target)| -> Result<_, Box<dyn Error>> {
        let address = octets(address.parse()?);
        let bits = u32::try_from(address.len())? * 8;
        Ok(wire::Route { prefix: Some(wire::Prefix { address, bits }), target: Some(target) })
    });
    ask(Command::ApplyRoutes(wire::ApplyRoutes { routes: routes.collect::<Result<_, _>>()? }))?;
    let rule = wire::PolicyRule { protocol: 1, port_last: 65_535, ..Default::default() };
    let program =
        wire::PolicyProgram { policy_id: 1, inbound: vec![rule.clone()], outbound: vec![rule], ..Default::default() };
    ask(Command::ApplyPolicies(wire::ApplyPolicies { programs: vec![program], ..Default::default() }))?;
    let (send, receive) = if side == "1" { (1, 2) } else { (2, 1) };
    ask(Command::InstallSession(wire::InstallSession {
        local_index: u32::from(receive),
        remote_index: u32::from(send),
        cipher: if rest.first().is_some_and(|cipher| cipher == "chachapoly") { 2 } else { 1 },
        send_key: vec![send; 32],
        receive_key: vec![receive; 32],
        send_counter: 2,
        receive_floor: 2,
        path: Some(wire::Path { way: Some(wire::path::Way::Direct(wire_endpoint(endpoint.parse()?))) }),
        peer_addresses: vec![octets(peer.parse()?)],
        policy_id: 1,
        confirmed: true,
        primary: true,
        memo: vec![],
        allowed_prefixes: vec![],
    }))?;
    std::io::stdin().read_to_end(&mut vec![])?;
    Ok(())
}

fn octets(address: IpAddr) -> Vec<u8> {
    lacis_engine::ip::address_to_bytes(address)
}

fn wire_endpoint(endpoint: SocketAddr) -> wire::Endpoint {
    wire::Endpoint { address: octets(endpoint.ip()), port: endpoint.port().into() }
}
