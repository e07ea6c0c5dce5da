//! The UDP socket: whole bursts per system call, segmentation offload where the kernel has it.

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::socket_address::RawAddress;
use super::udp_message::{Control, message};
use crate::failure::Failure;
use crate::platform::{Burst, DatagramSource, Handle, HandleRef, Udp, UdpSettings, Wait};

mod send;

/// A GRO receive is at most one maximal UDP payload long.
const GRO_BUFFER_BYTES: usize = 65_536;
/// One byte more than any datagram of the protocol, so that longer ones are seen to be too long.
const SINGLE_BUFFER_BYTES: usize = 9_002;
/// With GRO each slot holds up to 64 datagrams: more slots only cost memory, and the cache of the processor.
const GRO_SLOTS_MAX: usize = 8;
/// What the kernel is asked to buffer when the configuration does not say: two or three superpackets fit its own default.
const RECEIVE_BUFFER_BYTES: u32 = 8 << 20;

/// A bound socket.
pub struct LinuxUdp {
    socket: OwnedFd,
    bound: SocketAddr,
    is_ipv6: bool,
    has_gro: bool,
    has_gso: AtomicBool,
    batch: usize,
}

impl Udp for LinuxUdp {
    type Reader = UdpReader;

    fn bind(settings: &UdpSettings) -> Result<Vec<Arc<Self>>, Failure> {
        // The first takes the port for itself, so that it is not shared with another process that listens there already.
        let first = Self::open(settings, settings.bind, false)?;
        let bound = first.bound;
        if settings.queues > 1 {
            first.share_port()?;
        }
        let mut sockets = vec![Arc::new(first)];
        while sockets.len() < settings.queues {
            sockets.push(Arc::new(Self::open(settings, bound, true)?));
        }
        Ok(sockets)
    }

    fn adopt(settings: &UdpSettings, handles: Vec<Handle>) -> Vec<Arc<Self>> {
        let adopted = |socket| {
            let mut udp = Self::of(socket, settings, settings.bind);
            udp.enable_offloads(settings.offloads);
            Arc::new(udp)
        };
        handles.into_iter().map(adopted).collect()
    }

    fn handle(&self) -> HandleRef<'_> {
        self.socket.as_fd()
    }

    fn bound(&self) -> SocketAddr {
        self.bound
    }

    fn has_offloads(&self) -> bool {
        self.has_gro && self.has_gso.load(Ordering::Relaxed)
    }

    fn reader(self: &Arc<Self>) -> UdpReader {
        UdpReader::new(Arc::clone(self))
    }
}

impl LinuxUdp {
    fn open(settings: &UdpSettings, bind: SocketAddr, shares_port: bool) -> Result<Self, Failure> {
        let is_ipv6 = bind.is_ipv6();
        let family = if is_ipv6 { libc::AF_INET6 } else { libc::AF_INET };
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
        // SAFETY: socket takes plain numbers; the descriptor is new and owned by nobody else.
        let socket = unsafe {
            let fd = libc::socket(family, kind, 0);
            if fd < 0 {
                return Err(Failure::system("creating a UDP socket", &io::Error::last_os_error()));
            }
            OwnedFd::from_raw_fd(fd)
        };
        let mut udp = Self::of(socket, settings, bind);
        udp.configure(settings)?;
        if shares_port {
            udp.share_port()?;
        }
        udp.bind_to(bind)?;
        Ok(udp)
    }

    fn of(socket: OwnedFd, settings: &UdpSettings, bound: SocketAddr) -> Self {
        Self {
            socket,
            bound,
            is_ipv6: bound.is_ipv6(),
            has_gro: false,
            has_gso: AtomicBool::new(false),
            batch: settings.batch,
        }
    }

    /// The kernel gives all datagrams of one sender to one of the sockets that share a port.
    fn share_port(&self) -> Result<(), Failure> {
        self.set(libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)
            .map_err(|error| Failure::system("setting SO_REUSEPORT for routines", &error))
    }

    fn configure(&mut self, settings: &UdpSettings) -> Result<(), Failure> {
        if self.is_ipv6 {
            let only = i32::from(settings.bind.ip() != IpAddr::V6(Ipv6Addr::UNSPECIFIED));
            self.set(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, only)
                .map_err(|error| Failure::system("setting IPV6_V6ONLY", &error))?;
        }
        if settings.mark != 0 {
            self.set(libc::SOL_SOCKET, libc::SO_MARK, settings.mark as i32)
                .map_err(|error| Failure::system("setting listen.so_mark", &error))?;
        }
        self.set_buffer(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, settings.receive_buffer_bytes, RECEIVE_BUFFER_BYTES);
        self.set_buffer(libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, settings.send_buffer_bytes, 0);
        self.enable_offloads(settings.offloads);
        Ok(())
    }

    fn enable_offloads(&mut self, wanted: bool) {
        if wanted {
            self.has_gro = self.set(libc::SOL_UDP, libc::UDP_GRO, 1).is_ok();
            // Accepted with size 0 where it is known: the size comes with each send.
            self.has_gso = AtomicBool::new(self.set(libc::SOL_UDP, libc::UDP_SEGMENT, 0).is_ok());
        }
    }

    /// A buffer size is a wish: the system's limit applies unless the process may exceed it.
    fn set_buffer(&self, force: libc::c_int, ask: libc::c_int, bytes: u32, default: u32) {
        let bytes = if bytes == 0 { default } else { bytes };
        let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
        if bytes != 0 && self.set(libc::SOL_SOCKET, force, bytes).is_err() {
            let _ = self.set(libc::SOL_SOCKET, ask, bytes);
        }
    }

    fn set(&self, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
        let length = mem::size_of_val(&value) as libc::socklen_t;
        // SAFETY: the pointer and the length are those of `value`.
        let result =
            unsafe { libc::setsockopt(self.socket.as_raw_fd(), level, option, (&raw const value).cast(), length) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn bind_to(&mut self, address: SocketAddr) -> Result<(), Failure> {
        let (raw, length) = RawAddress::new(address);
        // SAFETY: `raw` is a socket address of `length` bytes.
        let bind = || unsafe { libc::bind(self.socket.as_raw_fd(), (&raw const raw).cast(), length) };
        let mut bound = bind();
        // An address that comes later (DHCP, a cable that is not plugged in) is listened at from the moment it is there.
        if bound < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EADDRNOTAVAIL) {
            let _ = self.set(libc::IPPROTO_IP, libc::IP_FREEBIND, 1);
            bound = bind();
        }
        if bound < 0 {
            let error = io::Error::last_os_error();
            let mut failure = Failure::system(format!("binding UDP {address}"), &error);
            if failure.code == "address-in-use" {
                failure.message += &format!("; another process listens on port {}", address.port());
            }
            return Err(failure);
        }
        let mut raw = RawAddress::empty();
        let mut length = mem::size_of::<RawAddress>() as libc::socklen_t;
        // SAFETY: `raw` has room for `length` bytes.
        if unsafe { libc::getsockname(self.socket.as_raw_fd(), (&raw mut raw).cast(), &raw mut length) } < 0 {
            return Err(Failure::system("asking for the bound port", &io::Error::last_os_error()));
        }
        self.bound = raw.decode().unwrap_or(address);
        Ok(())
    }
}

/// Room for one receive call.
pub struct UdpReader {
    udp: Arc<LinuxUdp>,
    slot_bytes: usize,
    buffer: Vec<u8>,
    names: Vec<RawAddress>,
    controls: Vec<Control>,
}

impl UdpReader {
    fn new(udp: Arc<LinuxUdp>) -> Self {
        let (slots, slot_bytes) = match udp.has_gro {
            true => (udp.batch.min(GRO_SLOTS_MAX), GRO_BUFFER_BYTES),
            false => (udp.batch, SINGLE_BUFFER_BYTES),
        };
        Self {
            udp,
            slot_bytes,
            buffer: vec![0; slots * slot_bytes],
            names: vec![RawAddress::empty(); slots],
            controls: vec![Control::EMPTY; slots],
        }
    }
}

impl DatagramSource for UdpReader {
    fn receive_burst(&mut self, mut each: impl FnMut(&mut [u8], usize, SocketAddr)) -> io::Result<Burst> {
        let slots = self.names.len();
        let mut vectors = Vec::with_capacity(slots);
        let mut headers = Vec::with_capacity(slots);
        for (slot, (name, control)) in
            self.buffer.chunks_exact_mut(self.slot_bytes).zip(self.names.iter_mut().zip(&mut self.controls))
        {
            vectors.push(libc::iovec { iov_base: slot.as_mut_ptr().cast(), iov_len: slot.len() });
            headers.push(message((&raw mut *name).cast(), mem::size_of::<RawAddress>(), Some(control)));
        }
        for (header, vector) in headers.iter_mut().zip(&mut vectors) {
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: every header points to a vector, a name and a control of its own, all alive and unaliased until the call returns.
        let received = unsafe {
            let count = headers.len() as libc::c_uint;
            libc::recvmmsg(self.udp.as_raw_fd(), headers.as_mut_ptr(), count, libc::MSG_DONTWAIT, std::ptr::null_mut())
        };
        let Ok(received) = usize::try_from(received) else {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock => Ok(Burst::default()),
                io::ErrorKind::Interrupted => Ok(Burst { bytes: 0, has_more: true }),
                _ => Err(error),
            };
        };
        let mut moved = Burst { bytes: 0, has_more: received == slots };
        let arrived =
            self.buffer.chunks_exact_mut(self.slot_bytes).zip(&headers).zip(self.names.iter().zip(&self.controls));
        for ((slot, header), (name, control)) in arrived.take(received) {
            let (Some(source), Some(bytes)) = (name.decode(), slot.get_mut(..header.msg_len as usize)) else {
                continue;
            };
            let segment = control.gro_segment_bytes(header.msg_hdr.msg_controllen).unwrap_or(bytes.len());
            moved.bytes += bytes.len();
            each(bytes, segment, source);
        }
        Ok(moved)
    }
}

impl Wait for UdpReader {
    fn handle(&self) -> HandleRef<'_> {
        self.udp.socket.as_fd()
    }
}

impl LinuxUdp {
    /// An IPv6 socket reaches IPv4 by mapped addresses.
    fn reachable(&self, to: SocketAddr) -> SocketAddr {
        match to.ip() {
            IpAddr::V4(v4) if self.is_ipv6 => SocketAddr::new(v4.to_ipv6_mapped().into(), to.port()),
            _ => to,
        }
    }

    fn as_raw_fd(&self) -> libc::c_int {
        self.socket.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    fn bind(port: u16, queues: usize, offloads: bool) -> Result<Vec<Arc<LinuxUdp>>, Failure> {
        let bind = SocketAddr::from(([127, 0, 0, 1], port));
        let settings =
            UdpSettings { bind, receive_buffer_bytes: 0, send_buffer_bytes: 0, batch: 8, mark: 0, queues, offloads };
        LinuxUdp::bind(&settings)
    }

    fn received(socket: &Arc<LinuxUdp>) -> usize {
        let mut datagrams = 0;
        let _ = socket.reader().receive_burst(|bytes, each, _| datagrams += bytes.len().div_ceil(each));
        datagrams
    }

    #[test]
    fn queues_share_a_port_and_each_sender_stays_in_one_of_them() {
        let sockets = bind(0, 4, false).unwrap();
        let bound = sockets[0].bound();
        assert!(sockets.iter().all(|socket| socket.bound() == bound) && sockets.len() == 4);
        let mut used = 0;
        for _ in 0..16 {
            let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
            for _ in 0..5 {
                sender.send_to(b"x", bound).unwrap();
            }
            let counts: Vec<_> = sockets.iter().map(received).collect();
            assert_eq!((counts.iter().sum::<usize>(), counts.iter().max()), (5, Some(&5)));
            used |= 1 << counts.iter().position(|count| *count == 5).unwrap();
        }
        assert!(i32::count_ones(used) > 1, "sixteen senders were all given to one socket");
    }

    #[test]
    fn an_address_that_is_not_there_yet_is_listened_at_all_the_same() {
        let bind = SocketAddr::from(([192, 0, 2, 200], 0));
        let settings = UdpSettings {
            bind,
            receive_buffer_bytes: 0,
            send_buffer_bytes: 0,
            batch: 8,
            mark: 0,
            queues: 1,
            offloads: false,
        };
        assert_eq!(LinuxUdp::bind(&settings).map(|sockets| sockets[0].bound().ip()), Ok(bind.ip()));
    }

    #[test]
    fn a_port_that_another_has_is_taken_even_if_it_would_be_shared() {
        let first = bind(0, 2, true).unwrap();
        for queues in [1, 2] {
            let refused = bind(first[0].bound().port(), queues, true).err().map(|failure| failure.code);
            assert_eq!(refused, Some("address-in-use"));
        }
    }

    #[test]
    fn offloads_are_there_only_when_they_are_wanted() {
        assert!(!bind(0, 1, false).unwrap()[0].has_offloads());
        assert!(bind(0, 1, true).unwrap()[0].has_offloads());
    }
}
