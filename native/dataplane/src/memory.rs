//! `--memory`: the engine between two streams of frames, with packets instead of devices and a clock that is told the time.
//! What comes out of one request comes out in the order in which it was caused.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use lacis_contract::frame;
use lacis_contract::wire::{
    self, FromDataPlane, ToDataPlane, from_data_plane::Event as Wire, result::Value, to_data_plane::Command,
};
use lacis_engine::engine::{Engine, Worker};
use lacis_engine::output::{Event, Output};
use lacis_engine::reports::snapshot;

use crate::capabilities;
use crate::commands::carry_out;
use crate::decode;
use crate::encode;
use crate::failure::Failure;
use crate::greeting::Greeting;
use crate::libraries;
use crate::staged::Staged;

/// Speaks until `requests` ends or a Shutdown comes.
pub fn converse(mut requests: impl Read, mut answers: impl Write) -> io::Result<()> {
    let engine = Engine::new(libraries::fastest());
    let mut conversation = Conversation { engine, ..Default::default() };
    while let Some(request) = frame::read::<ToDataPlane>(&mut requests)? {
        let goes_on = conversation.handle(request)?;
        answers.write_all(&conversation.out.frames)?;
        answers.flush()?;
        conversation.out.frames.clear();
        if !goes_on {
            break;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Conversation {
    engine: Engine,
    worker: Worker,
    devices: PaperDevices,
    staged: Staged,
    out: Frames,
    now_ms: u64,
    greeting: Greeting,
}

impl Conversation {
    /// Handles one request; false after Shutdown.
    fn handle(&mut self, request: ToDataPlane) -> io::Result<bool> {
        let (request_id, quiet) = (request.request_id, request.quiet);
        let mut goes_on = true;
        let outcome = match request.command {
            Some(Command::Hello(hello)) if self.greeting != Greeting::Stranger => {
                self.greet(&hello, request_id);
                return Ok(true);
            }
            Some(Command::Shutdown(shutdown)) if self.greeting != Greeting::Awaited => {
                if shutdown.send_close {
                    self.engine.at(self.now_ms, &mut self.worker, &mut self.out).close_all();
                }
                goes_on = false;
                Ok(None)
            }
            _ if self.greeting == Greeting::Awaited => return Err(io::Error::other("the first frame was not Hello")),
            _ if self.greeting == Greeting::Stranger => {
                return Err(io::Error::other("no common version of the contract"));
            }
            Some(command) => self.carry_out(command),
            None => Err(Failure::unknown_member("command")),
        };
        if let Some(result) = encode::result(request_id, quiet, outcome) {
            self.out.push(result);
        }
        self.out.push(Wire::Quiet(wire::Quiet { request_id }));
        Ok(goes_on)
    }

    /// As on a new connection.
    fn greet(&mut self, hello: &wire::Hello, request_id: u64) {
        self.staged = Staged::default();
        let capabilities = [&["memory"][..], &capabilities::ENGINE].concat();
        let introduction = encode::introduction(&capabilities, self.engine.libraries(), vec![], 0);
        if let Some(version) = hello.common_version() {
            self.greeting = Greeting::Agreed;
            self.engine.forget_answers();
            for ready in
                encode::ready(introduction, version, self.devices.snapshot(&self.engine), snapshot(&self.engine))
            {
                self.out.push(Wire::Ready(ready));
            }
        } else {
            self.greeting = Greeting::Stranger;
            self.out.push(Wire::Ready(introduction));
        }
        self.out.push(Wire::Quiet(wire::Quiet { request_id }));
    }

    fn carry_out(&mut self, command: Command) -> Result<Option<Value>, Failure> {
        if let Command::Advance(advance) = &command {
            if advance.now_ms < self.now_ms {
                return Err(Failure::bad("time does not go back"));
            }
            self.now_ms = advance.now_ms;
        }
        let mut pass = self.engine.at(self.now_ms, &mut self.worker, &mut self.out);
        match command {
            Command::Advance(_) => pass.tick(),
            Command::InjectTun(inject) => pass.outbound(&inject.packet),
            Command::InjectUdp(mut inject) => {
                let source = decode::bind_endpoint(&decode::required(inject.source, "source")?)?;
                pass.inbound(&mut inject.datagram, source);
            }
            Command::LookUpRoutes(ask) => return Ok(Some(look_up(&self.engine, &ask.addresses)?)),
            Command::OpenTun(open) => return Ok(Some(Value::TunOpened(self.devices.open_tun(&open)?))),
            Command::OpenUdp(open) => return Ok(Some(Value::UdpOpened(self.devices.open_udp(open)?))),
            other => return carry_out(other, &self.engine, &mut pass, &mut self.staged),
        }
        Ok(None)
    }
}

fn look_up(engine: &Engine, addresses: &[Vec<u8>]) -> Result<Value, Failure> {
    let table = engine.routes();
    let route = |bytes: &Vec<u8>| Ok(encode::route(table.find(decode::address(bytes)?)));
    let routes = addresses.iter().map(route).collect::<Result<_, Failure>>()?;
    Ok(Value::RoutesLookedUp(wire::RoutesLookedUp { routes }))
}

/// Everything that comes out, as frames in one buffer.
#[derive(Default)]
struct Frames {
    frames: Vec<u8>,
}

impl Frames {
    fn push(&mut self, event: Wire) {
        // Nothing the engine says is near the limit of a frame; what were longer would be left out, not cut.
        let _ = frame::append(&FromDataPlane { event: Some(event) }, &mut self.frames);
    }
}

impl Output for Frames {
    fn datagram(&mut self, to: SocketAddr, length: usize, fill: impl FnOnce(&mut [u8]) -> bool) -> bool {
        let mut datagram = vec![0; length];
        let filled = fill(&mut datagram);
        if filled {
            self.push(Wire::UdpOut(wire::UdpOut { to: Some(encode::endpoint(to)), datagram }));
        }
        filled
    }

    fn packet(&mut self, packet: &[u8]) {
        self.push(Wire::TunOut(wire::TunOut { packet: packet.to_vec() }));
    }

    fn event(&mut self, event: Event) {
        self.push(encode::event(event));
    }
}

/// Devices that open without being there.
#[derive(Default)]
struct PaperDevices {
    tun: Option<wire::OpenTun>,
    udp: Option<wire::Endpoint>,
}

impl PaperDevices {
    fn snapshot(&self, engine: &Engine) -> wire::Snapshot {
        let tun = self.tun.clone().unwrap_or_default();
        wire::Snapshot {
            tun_name: tun.name,
            tun_mtu: tun.mtu,
            tun_addresses: tun.addresses,
            udp: self.udp.clone(),
            sessions: vec![],
            relays: engine.relays().into_iter().map(encode::relay).collect(),
        }
    }
}

impl PaperDevices {
    fn open_tun(&mut self, request: &wire::OpenTun) -> Result<wire::TunOpened, Failure> {
        decode::queues(request.queues)?;
        let name = if request.name.is_empty() { "memory" } else { &request.name }.to_owned();
        self.tun = Some(wire::OpenTun { name: name.clone(), ..request.clone() });
        Ok(wire::TunOpened { name, queues: 1, cpus: vec![] })
    }

    fn open_udp(&mut self, request: wire::OpenUdp) -> Result<wire::UdpOpened, Failure> {
        decode::queues(request.queues)?;
        let bind = decode::required(request.bind, "bind")?;
        decode::bind_endpoint(&bind)?;
        self.udp = Some(bind.clone());
        Ok(wire::UdpOpened { bound: Some(bind) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    fn commands() -> Vec<Command> {
        let prefix = wire::Prefix { address: vec![10, 0, 0, 1], bits: 24 };
        let endpoint = wire::Endpoint { address: vec![192, 0, 2, 1], port: 4_242 };
        let path = Some(wire::Path { way: Some(wire::path::Way::Direct(endpoint.clone())) });
        let gateway = wire::Gateway { address: vec![10, 0, 0, 2], weight: 1 };
        let own = wire::route::Target::Own(wire::OwnRoute {});
        let gateways = wire::route::Target::Gateways(wire::GatewayRoute { gateways: vec![gateway] });
        let routes = [(own, vec![10, 0, 0, 1], 32), (gateways, vec![0; 4], 0)].map(|(target, address, bits)| {
            wire::Route { prefix: Some(wire::Prefix { address, bits }), target: Some(target) }
        });
        let rule =
            wire::PolicyRule { protocol: 1, port_last: 65_535, remote: vec![prefix.clone()], ..Default::default() };
        let program = wire::PolicyProgram {
            policy_id: 1,
            inbound: vec![rule.clone()],
            outbound: vec![rule],
            ..Default::default()
        };
        let binding = wire::PolicyBinding { local_index: 7, policy_id: 1 };
        vec![
            Command::Configure(wire::Configure {
                networks: vec![prefix.clone()],
                send_recv_error: 1,
                ..Default::default()
            }),
            Command::Stage(wire::Stage { programs: vec![program.clone()], routes: routes.to_vec() }),
            Command::ApplyRoutes(wire::ApplyRoutes { routes: vec![] }),
            Command::ApplyPolicies(wire::ApplyPolicies {
                programs: vec![program],
                bindings: vec![binding],
                raise_epoch: true,
            }),
            Command::InstallSession(wire::InstallSession {
                local_index: 7,
                remote_index: 9,
                cipher: 1,
                send_key: vec![1; 32],
                receive_key: vec![2; 32],
                path: path.clone(),
                allowed_prefixes: vec![prefix.clone()],
                peer_addresses: vec![vec![10, 0, 0, 2]],
                policy_id: 1,
                confirmed: true,
                primary: true,
                ..Default::default()
            }),
            Command::SetPath(wire::SetPath { local_index: 7, path: path.clone(), shun_left: false }),
            Command::SealAndSend(wire::SealAndSend {
                local_index: 7,
                r#type: 3,
                subtype: 0,
                body: vec![1; 20],
                to: None,
            }),
            Command::SendDatagram(wire::SendDatagram { to: path, datagram: vec![1; 20] }),
            Command::ListFlows(wire::ListFlows {}),
            Command::InjectUdp(wire::InjectUdp { source: Some(endpoint), datagram: vec![0x11; 40] }),
            Command::InjectTun(wire::InjectTun { packet: vec![0x45; 40] }),
            Command::Sample(wire::Sample {}),
            Command::Advance(wire::Advance { now_ms: 20_000 }),
        ]
    }

    proptest! {
        #[test]
        fn no_request_however_damaged_panics(damage in prop::collection::vec((0usize..13, any::<prop::sample::Index>(), any::<u8>()), 0..6)) {
            let hello = ToDataPlane { request_id: 1, command: Some(Command::Hello(wire::Hello { contract_version: 2, oldest_version: 2 })), quiet: false };
            let mut stream = vec![];
            frame::append(&hello, &mut stream).unwrap();
            for (number, command) in commands().into_iter().enumerate() {
                let mut body = ToDataPlane { request_id: 2, command: Some(command), quiet: false }.encode_to_vec();
                for (_, at, value) in damage.iter().filter(|(which, _, _)| *which == number) {
                    let at = at.index(body.len());
                    body[at] = *value;
                }
                stream.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
                stream.extend_from_slice(&body);
            }
            let _ = converse(&stream[..], &mut vec![]);
        }
    }
}
