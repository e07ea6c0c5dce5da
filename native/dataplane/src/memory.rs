//! `--memory`: the engine between two streams of frames, with packets instead of devices and a clock that is told the time.
//! What comes out of one request comes out in the order in which it was caused.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use lacis_contract::frame;
use lacis_contract::v1::{
    self, FromDataPlane, ToDataPlane, from_data_plane::Event as Wire, result::Value, to_data_plane::Command,
};
use lacis_engine::engine::{Engine, Worker};
use lacis_engine::output::{Event, Output};

use crate::commands::carry_out;
use crate::decode;
use crate::encode;
use crate::failure::Failure;

/// Speaks until `requests` ends or a Shutdown comes.
pub fn converse(mut requests: impl Read, mut answers: impl Write) -> io::Result<()> {
    let mut conversation = Conversation::default();
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
    out: Frames,
    now_ms: u64,
    is_greeted: bool,
}

impl Conversation {
    /// Handles one request; false after Shutdown.
    fn handle(&mut self, request: ToDataPlane) -> io::Result<bool> {
        let request_id = request.request_id;
        let mut goes_on = true;
        let outcome = match request.command {
            Some(Command::Hello(_)) => {
                self.greet(request_id);
                return Ok(true);
            }
            _ if !self.is_greeted => return Err(io::Error::other("the first frame was not Hello")),
            Some(Command::Shutdown(shutdown)) => {
                if shutdown.send_close {
                    self.engine.at(self.now_ms, &mut self.worker, &mut self.out).close_all();
                }
                goes_on = false;
                Ok(None)
            }
            Some(command) => self.carry_out(command),
            None => Err(Failure::bad("the request has no command that is known here")),
        };
        if let Some(result) = encode::result(request_id, outcome) {
            self.out.push(result);
        }
        self.out.push(Wire::Quiet(v1::Quiet { request_id }));
        Ok(goes_on)
    }

    /// Whatever version Hello names: the control plane is the one that compares and gives up.
    fn greet(&mut self, request_id: u64) {
        self.is_greeted = true;
        for ready in encode::ready(&["memory"], self.devices.snapshot(), self.engine.snapshot()) {
            self.out.push(Wire::Ready(ready));
        }
        self.out.push(Wire::Quiet(v1::Quiet { request_id }));
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
            Command::OpenTun(open) => return Ok(Some(Value::TunOpened(self.devices.open_tun(&open)))),
            Command::OpenUdp(open) => return Ok(Some(Value::UdpOpened(self.devices.open_udp(open)?))),
            other => return carry_out(other, &self.engine, &mut pass),
        }
        Ok(None)
    }
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
            self.push(Wire::UdpOut(v1::UdpOut { to: Some(encode::endpoint(to)), datagram }));
        }
        filled
    }

    fn packet(&mut self, packet: &[u8]) {
        self.push(Wire::TunOut(v1::TunOut { packet: packet.to_vec() }));
    }

    fn event(&mut self, event: Event) {
        self.push(encode::event(event));
    }
}

/// Devices that open without being there.
#[derive(Default)]
struct PaperDevices {
    tun: Option<v1::OpenTun>,
    udp: Option<v1::Endpoint>,
}

impl PaperDevices {
    fn snapshot(&self) -> v1::Snapshot {
        let tun = self.tun.clone().unwrap_or_default();
        v1::Snapshot {
            tun_name: tun.name,
            tun_mtu: tun.mtu,
            tun_addresses: tun.addresses,
            udp: self.udp.clone(),
            tunnels: vec![],
        }
    }
}

impl PaperDevices {
    fn open_tun(&mut self, request: &v1::OpenTun) -> v1::TunOpened {
        let name = if request.name.is_empty() { "memory" } else { &request.name }.to_owned();
        self.tun = Some(v1::OpenTun { name: name.clone(), ..request.clone() });
        v1::TunOpened { name }
    }

    fn open_udp(&mut self, request: v1::OpenUdp) -> Result<v1::UdpOpened, Failure> {
        let bind = decode::required(request.bind, "bind")?;
        decode::bind_endpoint(&bind)?;
        self.udp = Some(bind.clone());
        Ok(v1::UdpOpened { bound: Some(bind) })
    }
}
