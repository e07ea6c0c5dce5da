//! Taking over from the data plane that runs here (SEMANTICS.md section 16).

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use lacis_contract::frame::{self, FrameBuffer};
use lacis_contract::wire::{self, ToDataPlane, handed::Part, to_data_plane::Command};
use lacis_engine::engine::Worker;
use lacis_engine::flow::{FlowView, Traffic};
use lacis_engine::packet::{Direction, Tuple};
use lacis_engine::policy::AllowedBy;
use zeroize::Zeroizing;

use crate::commands::carry_out;
use crate::decode;
use crate::failure::Failure;
use crate::host_devices::HostDevices;
use crate::platform::{ControlStream, Handle, await_bytes, take};
use crate::shared::Shared;
use crate::staged::Staged;

/// How long the older one may say nothing, and how long it may take to end.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes read at once.
const READ_BYTES: usize = 256 << 10;

/// What has come of the older one so far: what it has open.
pub struct Handed {
    stream: ControlStream,
    frames: FrameBuffer,
    devices: wire::HandedDevices,
    files: Vec<Handle>,
}

impl Handed {
    /// Asks the data plane behind this socket.
    pub fn ask(socket: &Path) -> io::Result<Self> {
        let mut stream = ControlStream::connect(socket)?;
        frame::write(&request(Command::HandOver(wire::HandOver {})), &mut stream)?;
        let (mut frames, mut files) = (FrameBuffer::default(), vec![]);
        loop {
            let mut bytes = Zeroizing::new(vec![0; READ_BYTES]);
            patiently(&stream)?;
            let (length, came) = take(&stream, &mut bytes)?;
            files.extend(came);
            let next = next_part(&mut frames, bytes.get(..length).unwrap_or_default())?;
            match next {
                Some(Part::Devices(devices)) => return Ok(Self { stream, frames, devices, files }),
                Some(_) => return Err(broken("it began with something else than what it has open")),
                None => {}
            }
        }
    }

    /// The older one's clock.
    pub fn now_ms(&self) -> u64 {
        self.devices.now_ms
    }

    /// Takes everything in, and returns when the older one is gone; nothing moves yet. What was configured comes with it.
    pub fn take_in(self, shared: &Shared, devices: &mut HostDevices) -> io::Result<Option<wire::Configure>> {
        let Self { mut stream, mut frames, devices: handed, files } = self;
        devices.adopt(&handed, files).map_err(failed)?;
        let (mut worker, mut staged, mut configured) = (Worker::new(), Staged::default(), None);
        let mut bytes = Zeroizing::new(vec![0; READ_BYTES]);
        let mut length = 0;
        loop {
            let now_ms = shared.clock.now_ms();
            match next_part(&mut frames, bytes.get(..length).unwrap_or_default())? {
                Some(Part::Command(ToDataPlane { command: Some(command), .. })) => {
                    if let Command::Configure(configure) = &command {
                        configured = Some(configure.clone());
                    }
                    let mut pass = shared.engine.at(now_ms, &mut worker, devices.output());
                    carry_out(command, &shared.engine, &mut pass, &mut staged).map_err(failed)?;
                }
                Some(Part::Flows(flows)) => {
                    for flow in flows.flows {
                        shared.engine.take_over_flow(&flow_view(flow).map_err(failed)?, now_ms);
                    }
                }
                Some(Part::End(_)) => break,
                Some(_) => return Err(broken("it said something that is not known here")),
                None => {
                    patiently(&stream)?;
                    length = stream.read(&mut bytes)?;
                    if length == 0 {
                        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
                    }
                    continue;
                }
            }
            length = 0;
        }
        worker.rest(&shared.engine);
        frame::write(&request(Command::Shutdown(wire::Shutdown { send_close: false })), &mut stream)?;
        until_gone(&mut stream, &mut frames)?;
        Ok(configured)
    }
}

/// Waits until the older one has said that it sends no more, and is gone. One that only ends the connection has not waited for the word, and goes on:
/// two that send with the same keys would use counters twice.
fn until_gone(stream: &mut ControlStream, frames: &mut FrameBuffer) -> io::Result<()> {
    let mut bytes = [0; 64];
    let mut has_agreed = false;
    loop {
        patiently(stream)?;
        let length = stream.read(&mut bytes)?;
        if length == 0 {
            return if has_agreed { Ok(()) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof)) };
        }
        has_agreed |= matches!(next_part(frames, bytes.get(..length).unwrap_or_default())?, Some(Part::End(_)));
    }
}

fn request(command: Command) -> ToDataPlane {
    ToDataPlane { request_id: 0, command: Some(command), ..Default::default() }
}

/// Waits for the next bytes, or the end.
fn patiently(stream: &ControlStream) -> io::Result<()> {
    if await_bytes(stream, PATIENCE)? { Ok(()) } else { Err(io::Error::from(io::ErrorKind::TimedOut)) }
}

fn next_part(frames: &mut FrameBuffer, bytes: &[u8]) -> io::Result<Option<Part>> {
    frames.extend(bytes);
    let Some(handed) = frames.take::<wire::Handed>()? else { return Ok(None) };
    handed.part.map(Some).ok_or_else(|| broken("it said something that is not known here"))
}

fn flow_view(handed: wire::HandedFlow) -> Result<FlowView, Failure> {
    let flow = decode::required(handed.flow, "flow")?;
    let small = |value: u32| u8::try_from(value).map_err(|_| Failure::bad(format!("{value} is no byte")));
    Ok(FlowView {
        tuple: Tuple {
            local_address: decode::address(&flow.local_address)?,
            remote_address: decode::address(&flow.remote_address)?,
            local_port: decode::port(flow.local_port)?,
            remote_port: decode::port(flow.remote_port)?,
            protocol: small(flow.protocol)?,
            icmp_in: small(handed.icmp_in)?,
            is_rest: handed.is_rest,
        },
        opened_by: if flow.inbound { Direction::Inbound } else { Direction::Outbound },
        by: AllowedBy { policy_id: flow.policy_id, rule_id: flow.rule_id },
        age_ms: flow.age_ms,
        idle_ms: flow.idle_ms,
        traffic: Traffic {
            received_packets: flow.received_packets,
            received_bytes: flow.received_bytes,
            sent_packets: flow.sent_packets,
            sent_bytes: flow.sent_bytes,
        },
    })
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn failed(failure: Failure) -> io::Error {
    io::Error::other(failure.message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn end() -> Vec<u8> {
        let mut bytes = vec![];
        frame::append(&wire::Handed { part: Some(Part::End(wire::HandedEnd {})) }, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn an_older_one_that_only_ends_the_connection_may_go_on_so_the_newer_one_does_not() {
        let (mut newer, older) = ControlStream::pair().unwrap();
        drop(older);
        let error = until_gone(&mut newer, &mut FrameBuffer::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn an_older_one_that_says_that_it_sends_no_more_and_is_gone_is_believed() {
        let (mut newer, mut older) = ControlStream::pair().unwrap();
        io::Write::write_all(&mut older, &end()).unwrap();
        drop(older);
        until_gone(&mut newer, &mut FrameBuffer::default()).unwrap();
    }
}
