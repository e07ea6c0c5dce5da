//! TCP in user space, for a host without a device: packets of the overlay go in and come out, streams are opened and carried. No system calls, no clock: time
//! is an argument. The protocol is smoltcp's; what is here bounds it and says how a stream has ended.
//!
//! Nothing can be reached here from outside but by ping: no port listens, and a segment for none is answered with a reset.

#![deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::string_slice, clippy::unreachable)]

mod wire;

use std::net::{IpAddr, SocketAddr};

use lacis_engine::ip::Prefix;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp::{CongestionControl, RecvError, Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpCidr, IpListenEndpoint, Ipv4Address};

use wire::Wire;

/// Streams at once, those that still close included.
pub const STREAMS_MAX: usize = 256;
/// Bytes that wait in a stream in one direction: what one round trip of 40 ms carries at 50 Mbit/s.
pub const BUFFER_BYTES: usize = 256 << 10;
/// Addresses that a host can have here.
pub const ADDRESSES_MAX: usize = 8;

/// A peer that acknowledges nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(120);
/// An idle stream asks so often whether its peer is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// RFC 6335, 6: ports for whoever needs any.
const FIRST_PORT: u16 = 49_152;

/// One stream, until it is given back by [`Stack::forget`].
pub type StreamId = SocketHandle;

/// Why a stream was not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBegun {
    /// There are as many as there may be.
    TooMany,
    /// This host has no address of that family, or nobody can be there.
    NoWay,
}

/// What a stream has for its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// Nothing yet.
    Nothing,
    /// So many bytes were taken.
    Taken(usize),
    /// The peer has said its last byte.
    End,
    /// It broke off.
    Broken,
}

/// How far a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nobody has answered.
    Calling,
    /// It carries bytes in one direction at least.
    Open,
    /// Both directions have ended, or it broke off, or nobody was willing.
    Over,
}

/// The streams of one host.
pub struct Stack {
    interface: Interface,
    sockets: SocketSet<'static>,
    wire: Wire,
    addresses: Vec<Prefix>,
    randomness: u64,
}

impl Stack {
    /// For a host with these addresses, [`ADDRESSES_MAX`] at most; whatever more there are it has not. `seed` is to be unpredictable.
    pub fn new(addresses: &[Prefix], mtu: usize, seed: u64, now_ms: u64) -> Self {
        let mut wire = Wire::new(mtu);
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut wire, at(now_ms));
        let addresses: Vec<Prefix> = addresses.iter().take(ADDRESSES_MAX).copied().collect();
        interface.update_ip_addrs(|own| {
            for address in &addresses {
                let _ = own.push(IpCidr::new(address.address().into(), address.bits()));
            }
        });
        // Every address is on the wire; who it is for is the data plane's to say. The gateways are never asked for.
        let _ = interface.routes_mut().add_default_ipv4_route(Ipv4Address::new(0, 0, 0, 1));
        let _ = interface.routes_mut().add_default_ipv6_route(std::net::Ipv6Addr::LOCALHOST);
        Self { interface, sockets: SocketSet::new(vec![]), wire, addresses, randomness: seed }
    }

    /// Calls somebody.
    pub fn dial(&mut self, to: SocketAddr) -> Result<StreamId, NotBegun> {
        if self.sockets.iter().count() >= STREAMS_MAX {
            return Err(NotBegun::TooMany);
        }
        let from = self.source_for(to.ip()).ok_or(NotBegun::NoWay)?;
        let buffer = || SocketBuffer::new(vec![0; BUFFER_BYTES]);
        let mut socket = Socket::new(buffer(), buffer());
        socket.set_congestion_control(CongestionControl::Cubic);
        socket.set_nagle_enabled(false);
        socket.set_keep_alive(Some(KEEP_ALIVE));
        socket.set_timeout(Some(SILENCE));
        let local = IpListenEndpoint { addr: Some(from.into()), port: self.free_port() };
        socket.connect(self.interface.context(), to, local).map_err(|_| NotBegun::NoWay)?;
        Ok(self.sockets.add(socket))
    }

    /// How far it is.
    pub fn progress(&self, id: StreamId) -> Progress {
        match self.socket(id).state() {
            State::SynSent | State::SynReceived | State::Listen => Progress::Calling,
            State::Closed | State::TimeWait => Progress::Over,
            State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck => Progress::Open,
        }
    }

    /// Whether it takes bytes now.
    pub fn has_room(&self, id: StreamId) -> bool {
        self.socket(id).can_send()
    }

    /// Whether somebody is to be told something: bytes, or an end.
    pub fn has_news(&self, id: StreamId) -> bool {
        let socket = self.socket(id);
        socket.can_recv() || !socket.may_recv()
    }

    /// Lets `fill` write into the room that there is, and says how many bytes it wrote. `None`: there is none.
    pub fn send(&mut self, id: StreamId, fill: impl FnOnce(&mut [u8]) -> usize) -> Option<usize> {
        let socket = self.sockets.get_mut::<Socket>(id);
        if !socket.can_send() {
            return None;
        }
        socket
            .send(|room| {
                let bytes = fill(room).min(room.len());
                (bytes, bytes)
            })
            .ok()
    }

    /// Lets `take` read what is there, and say how many bytes it took.
    pub fn receive(&mut self, id: StreamId, take: impl FnOnce(&[u8]) -> usize) -> Incoming {
        let taken = self.sockets.get_mut::<Socket>(id).recv(|there| {
            if there.is_empty() {
                return (0, None);
            }
            let bytes = take(there).min(there.len());
            (bytes, Some(bytes))
        });
        match taken {
            Ok(Some(bytes)) => Incoming::Taken(bytes),
            Ok(None) => Incoming::Nothing,
            Err(RecvError::Finished) => Incoming::End,
            Err(RecvError::InvalidState) => match self.progress(id) {
                Progress::Calling => Incoming::Nothing,
                Progress::Open | Progress::Over => Incoming::Broken,
            },
        }
    }

    /// There is no more to send: what waits still goes.
    pub fn finish(&mut self, id: StreamId) {
        self.sockets.get_mut::<Socket>(id).close();
    }

    /// Breaks it off: its peer is told with the next packet.
    pub fn abort(&mut self, id: StreamId) {
        self.sockets.get_mut::<Socket>(id).abort();
    }

    /// Gives its place back.
    pub fn forget(&mut self, id: StreamId) {
        drop(self.sockets.remove(id));
    }

    /// Takes a packet of the overlay; it is looked at by the next [`Self::advance`].
    pub fn push(&mut self, packet: &[u8]) {
        self.wire.push(packet);
    }

    /// Handles what has come and what is due.
    pub fn advance(&mut self, now_ms: u64) {
        self.interface.poll(at(now_ms), &mut self.wire, &mut self.sockets);
    }

    /// In how many milliseconds something is due; `None`: never.
    pub fn due_in_ms(&mut self, now_ms: u64) -> Option<u64> {
        if self.wire.is_full() {
            // It goes on when packets were taken.
            return None;
        }
        self.interface.poll_delay(at(now_ms), &self.sockets).map(|delay| delay.total_micros().div_ceil(1_000))
    }

    /// The packet that is to go next. It stays until [`Self::sent`].
    pub fn outgoing(&self) -> Option<&[u8]> {
        self.wire.outgoing()
    }

    /// It is gone.
    pub fn sent(&mut self) {
        self.wire.sent();
    }

    fn socket(&self, id: StreamId) -> &Socket<'static> {
        self.sockets.get::<Socket>(id)
    }

    /// The own address in the network of `to`, else the first of its family.
    fn source_for(&self, to: IpAddr) -> Option<IpAddr> {
        let of_family = |own: &&Prefix| own.address().is_ipv4() == to.is_ipv4();
        let near = self.addresses.iter().find(|own| own.contains(to));
        near.or_else(|| self.addresses.iter().find(of_family)).map(Prefix::address)
    }

    fn free_port(&mut self) -> u16 {
        loop {
            // SplitMix64: whoever does not see our packets does not know the next port.
            self.randomness = self.randomness.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.randomness;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let port = FIRST_PORT | (mixed >> 40) as u16;
            let is_taken = |socket: &Socket| socket.local_endpoint().is_some_and(|local| local.port == port);
            if !self.sockets.iter().any(|(_, smoltcp::socket::Socket::Tcp(socket))| is_taken(socket)) {
                return port;
            }
        }
    }
}

fn at(now_ms: u64) -> Instant {
    Instant::from_millis(i64::try_from(now_ms).unwrap_or(i64::MAX))
}
