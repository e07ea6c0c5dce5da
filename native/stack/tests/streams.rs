//! A stream to somebody who answers, over a way that loses packets, with readers that are slow.

#![allow(clippy::unwrap_used)]

use std::collections::VecDeque;
use std::net::SocketAddr;

use lacis_engine::checksum::Checksum;
use lacis_engine::ip::Prefix;
use lacis_stack::{Incoming, NotBegun, Progress, STREAMS_MAX, Stack, StreamId};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpCidr};

const MTU: usize = 1_300;
const BYTES: usize = 600_000;

fn stack() -> Stack {
    Stack::new(&[Prefix::new("10.77.0.2".parse().unwrap(), 24).unwrap()], MTU, 7, 0)
}

fn there(port: u16) -> SocketAddr {
    SocketAddr::new("10.77.0.1".parse().unwrap(), port)
}

#[derive(Default)]
struct Queues {
    incoming: VecDeque<Vec<u8>>,
    outgoing: VecDeque<Vec<u8>>,
}

struct Received(Vec<u8>);
struct ToSend<'a>(&'a mut VecDeque<Vec<u8>>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, look: F) -> R {
        look(&self.0)
    }
}

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut packet = vec![0; length];
        let written = write(&mut packet);
        self.0.push_back(packet);
        written
    }
}

impl Device for Queues {
    type RxToken<'a> = Received;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, ToSend<'_>)> {
        Some((Received(self.incoming.pop_front()?), ToSend(&mut self.outgoing)))
    }

    fn transmit(&mut self, _: Instant) -> Option<ToSend<'_>> {
        Some(ToSend(&mut self.outgoing))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

/// A host with one port that listens.
struct Server {
    queues: Queues,
    interface: Interface,
    sockets: SocketSet<'static>,
    socket: SocketHandle,
}

/// Both ends and the time; of the packets every so many is lost, in both directions.
struct World {
    stack: Stack,
    server: Server,
    now_ms: u64,
    packets: usize,
    lost_every: usize,
}

impl World {
    fn new(lost_every: usize) -> Self {
        let mut queues = Queues::default();
        let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut queues, Instant::ZERO);
        interface.update_ip_addrs(|own| own.push(IpCidr::new("10.77.0.1".parse().unwrap(), 24)).unwrap());
        let buffer = || SocketBuffer::new(vec![0; 64 << 10]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.listen(80).unwrap();
        let mut sockets = SocketSet::new(vec![]);
        let socket = sockets.add(socket);
        let server = Server { queues, interface, sockets, socket };
        Self { stack: stack(), server, now_ms: 0, packets: 0, lost_every }
    }

    fn is_lost(&mut self) -> bool {
        self.packets += 1;
        self.lost_every > 0 && self.packets.is_multiple_of(self.lost_every)
    }

    fn step(&mut self) {
        self.now_ms += 1;
        self.stack.advance(self.now_ms);
        while let Some(packet) = self.stack.outgoing().map(<[u8]>::to_vec) {
            assert!(packet.len() <= MTU);
            self.stack.sent();
            if !self.is_lost() {
                self.server.queues.incoming.push_back(packet);
            }
        }
        let Server { queues, interface, sockets, .. } = &mut self.server;
        interface.poll(Instant::from_millis(self.now_ms as i64), queues, sockets);
        while let Some(packet) = self.server.queues.outgoing.pop_front() {
            if !self.is_lost() {
                self.stack.push(&packet);
            }
        }
        self.stack.advance(self.now_ms);
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..200_000 {
            if done(self) {
                return;
            }
            self.step();
        }
        panic!("never: {what}");
    }

    fn server(&mut self) -> &mut Socket<'static> {
        self.server.sockets.get_mut(self.server.socket)
    }

    fn connected(&mut self) -> StreamId {
        let id = self.stack.dial(there(80)).unwrap();
        self.until("connected", |world| world.stack.progress(id) == Progress::Open && world.server().may_send());
        id
    }
}

fn byte(at: usize) -> u8 {
    (at % 251) as u8
}

#[test]
fn every_byte_arrives_in_order_both_ways_over_a_way_that_loses_one_packet_in_fifty() {
    let mut world = World::new(50);
    let id = world.connected();
    let (mut sent, mut echoed, mut back) = (0, 0, 0);
    let mut waiting: VecDeque<u8> = VecDeque::new();
    world.until("all of it is back", |world| {
        world.stack.send(id, |room| {
            let bytes = room.len().min(BYTES - sent);
            for (at, to) in room[..bytes].iter_mut().enumerate() {
                *to = byte(sent + at);
            }
            sent += bytes;
            bytes
        });
        let server = world.server();
        // A slow one: a thousand bytes at a time.
        if server.can_recv() && waiting.len() < 1_000 {
            server.recv(|there| (there.len().min(1_000), waiting.extend(&there[..there.len().min(1_000)]))).unwrap();
        }
        if server.can_send() && !waiting.is_empty() {
            let written = server.send_slice(waiting.make_contiguous()).unwrap();
            waiting.drain(..written);
            echoed += written;
        }
        world.stack.receive(id, |there| {
            for (at, found) in there.iter().enumerate() {
                assert_eq!(*found, byte(back + at));
            }
            back += there.len();
            there.len()
        });
        back == BYTES
    });
    assert_eq!((sent, echoed), (BYTES, BYTES));
}

#[test]
fn nobody_is_willing_where_nothing_listens() {
    let mut world = World::new(0);
    let id = world.stack.dial(there(81)).unwrap();
    world.until("refused", |world| world.stack.progress(id) == Progress::Over);
    assert_eq!(world.stack.receive(id, <[u8]>::len), Incoming::Broken);
}

#[test]
fn an_end_is_told_from_a_break() {
    let mut world = World::new(0);
    let id = world.connected();
    world.server().close();
    world.until("the end", |world| world.stack.receive(id, <[u8]>::len) == Incoming::End);
    let mut world = World::new(0);
    let id = world.connected();
    world.server().abort();
    world.until("the break", |world| world.stack.receive(id, <[u8]>::len) == Incoming::Broken);
}

#[test]
fn a_stream_that_is_broken_off_breaks_at_the_other_end() {
    let mut world = World::new(0);
    let id = world.connected();
    world.stack.abort(id);
    world.until("reset", |world| !world.server().is_active());
}

#[test]
fn what_listens_nowhere_here_cannot_be_reached_and_a_stack_that_is_full_says_so() {
    let mut full = stack();
    for _ in 0..STREAMS_MAX {
        full.dial(there(80)).unwrap();
    }
    assert_eq!(full.dial(there(80)), Err(NotBegun::TooMany));
    assert_eq!(stack().dial("[fd00::1]:80".parse().unwrap()), Err(NotBegun::NoWay));
}

#[test]
fn bytes_that_are_no_packet_change_nothing() {
    let mut stack = stack();
    for length in 0..80 {
        stack.push(&vec![0x45; length]);
        stack.push(&vec![0xff; length]);
        stack.advance(length as u64);
    }
    assert!(stack.outgoing().is_none());
}

#[test]
fn a_ping_is_answered_from_where_it_came_to() {
    let with_checksum = |mut bytes: Vec<u8>, at: usize, from: usize| {
        let sum = Checksum::default().with(&bytes[from..]).finish();
        bytes[at..at + 2].copy_from_slice(&sum);
        bytes
    };
    let addresses = [[10, 77, 0, 1], [10, 77, 0, 2]].concat();
    let header = [&[0x45, 0, 0, 32, 0, 1, 0x40, 0, 64, 1, 0, 0][..], &addresses].concat();
    let mut packet = with_checksum(header, 10, 0);
    packet.extend_from_slice(&[8, 0, 0, 0, 0, 7, 0, 1, b'h', b'e', b'r', b'e']);
    let mut stack = stack();
    stack.push(&with_checksum(packet, 22, 20));
    stack.advance(0);
    let answer = stack.outgoing().unwrap();
    assert_eq!(answer[12..20], [[10, 77, 0, 2], [10, 77, 0, 1]].concat());
    assert_eq!((answer[20], &answer[24..]), (0, &[0, 7, 0, 1, b'h', b'e', b'r', b'e'][..]));
}
