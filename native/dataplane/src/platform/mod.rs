//! The seam to an operating system. What is Linux lies in `linux/` and nowhere else; another system is another folder that
//! implements the traits here and exports the same names.
//!
//! Packets and datagrams come and go in bursts, so that whatever a system can move at once (segmentation offload, batched calls)
//! stays below the seam, and everything above is the same code on every system. No trait speaks of a file descriptor: how a thread
//! waits is the system's own business. What a process can give up (`confinement.rs`) is said in words that every system has; how, and
//! what of it this system lacks, is its own business too. The system is chosen when this is compiled, so that nothing here costs an indirect call.
//! The clock needs no seam: the standard library has it for every system (`clock.rs`).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use lacis_engine::flow::Foreseen;
use lacis_engine::ip::Prefix;
use lacis_engine::segments::Segments;

use crate::failure::Failure;

pub mod confinement;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
compile_error!(
    "lacis-dataplane runs on Linux: for another system src/platform needs a folder that implements its traits"
);

#[cfg(target_os = "linux")]
pub use linux::{
    Bell, ControlStream, Doorway, Handle, HandleRef, Interest, LocalSocket, PacketSocket, ParentSignals, Readiness,
    Stop, Stopped, SystemChanges, SystemGuard, SystemRoutes, SystemTun, SystemUdp, SystemUnderlay, Told, Wake,
    allowed_cpus, await_bytes, confine, end_process, error_code, give, harden, leave_signals_to_the_reader,
    listener_of, notify, offload, pin_to, renounce, stop_switch, take, wait_for, wish_huge_pages,
};

/// A TUN device. It is gone when the last of its handles is dropped.
pub trait Tun: Sized {
    /// The half that packets are read from.
    type Reader: PacketSource + Send + 'static;
    /// The half that packets are written to.
    type Writer: PacketSink + Send + 'static;

    /// Creates the device, gives it its addresses and sets it up.
    fn open(name: &str, settings: TunSettings, addresses: &[Prefix]) -> Result<Self, Failure>;
    /// The device that another process has opened with these settings, by all of its handles in their order.
    fn adopt(name: &str, settings: TunSettings, handles: Vec<Handle>) -> Result<Self, Failure>;
    /// Its handles, for another process to adopt.
    fn handles(&self) -> Vec<HandleRef<'_>>;
    /// Its name, also when the system chose it.
    fn name(&self) -> &str;
    /// Whether packets go through it several at a time.
    fn has_offloads(&self) -> bool;
    /// How many queues it has: packets of one flow stay in one of them.
    fn queues(&self) -> usize;
    /// A handle to read from one of the queues.
    fn reader(&self, queue: usize) -> Self::Reader;
    /// A handle to write to one of the queues.
    fn writer(&self, queue: usize) -> Self::Writer;
}

/// How a device is set up.
#[derive(Clone, Copy)]
pub struct TunSettings {
    /// Largest packet in bytes.
    pub mtu: u32,
    /// Packets the device queues; 0 leaves the system's choice.
    pub tx_queue: u32,
    /// Queues to read from, if the device can have so many: else there is one.
    pub queues: usize,
    /// Whether packets may go through it several at a time.
    pub offloads: bool,
}

/// What keeps packets of the overlay off every other way, with a data plane or without one. It belongs to an owner, by whose name it is found
/// again: it outlives the process that has set it, and each owner's guard is apart from those of others.
pub trait Guard {
    /// The guard of this owner, whether or not it stands.
    fn of(owner: &str) -> Self;
    /// Makes it stand for this device and these networks, each with the host's own address in it, and for nothing else. Where packets have no route, they
    /// are unreachable; what comes from elsewhere to an own address, or from an address of these networks that is not reached through there, is dropped.
    /// Packets for what lies `beyond` other hosts of the overlay are unreachable there, too. An empty name stands for a device with a name of the
    /// system's choice.
    fn set(&self, device: &str, networks: &[Prefix], beyond: &[Prefix]) -> GuardReport;
    /// Removes it.
    fn clear(&self) -> GuardReport;
    /// Looks whether it stands.
    fn show(&self) -> GuardReport;
}

/// What became of a guard.
pub struct GuardReport {
    /// Against packets that leave.
    pub routes: GuardedPart,
    /// Against packets that come.
    pub filter: GuardedPart,
    /// Routes that it cannot hold against.
    pub shadows: Vec<Shadow>,
}

/// A route or a rule of somebody else's that takes addresses of the overlay away from its device.
pub struct Shadow {
    /// What it takes.
    pub prefix: Prefix,
    /// Where to; "nowhere" for one that only refuses.
    pub device: String,
}

/// Half of a guard, in routes or rules.
#[derive(Default)]
pub struct GuardedPart {
    /// How many stood before.
    pub before: usize,
    /// How many stand now.
    pub standing: usize,
    /// How many had to be added or removed.
    pub changed: usize,
    /// Packets that it has dropped.
    pub dropped_packets: u64,
    /// Why it is not as it should be.
    pub failure: Option<Failure>,
}

/// Routes of the system's table through a device of ours, beside those that follow from its addresses. They are told from those of others by a mark.
pub trait DeviceRoutes: Sized {
    /// Of this device.
    fn open(device: &str) -> Result<Self, Failure>;
    /// Makes exactly these stand.
    fn set(&mut self, wanted: &WantedRoutes) -> RoutesReport;
    /// Tells, now and after each change, which networks routes of others lead to through hosts behind the device. Returns when `each` says so.
    fn watch(&mut self, buffer_bytes: u32, each: impl FnMut(&[LearnedRoute]) -> bool) -> Result<(), Failure>;
}

/// What is below the overlay: this machine's interfaces and where they lead.
pub trait Underlay: Sized {
    /// As this process sees it.
    fn open() -> Result<Self, Failure>;
    /// Tells of all of it, now and after each change. Returns when `each` says so.
    fn watch(&mut self, each: impl FnMut(&Place) -> bool) -> Result<(), Failure>;
}

/// Where this machine is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Those that carry packets and have an address that others could use.
    pub interfaces: Vec<Interface>,
    /// How to whoever is in none of their networks.
    pub ways: Vec<Way>,
}

/// A device with addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// As the system names it.
    pub name: String,
    /// What drives it, in the system's words; empty for hardware.
    pub kind: String,
    /// Whether it carries frames; else it carries packets, as tunnels do.
    pub ethernet: bool,
    /// Kinds of the devices that a bridge joins, each once.
    pub ports: Vec<String>,
    /// How often its cable was plugged in or pulled out, in a manner of speaking.
    pub carrier_changes: u32,
    /// With the length of their networks.
    pub addresses: Vec<Prefix>,
}

/// What the system does with packets to somewhere far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Of the system's table for this family.
    pub is_ipv6: bool,
    /// Through which device.
    pub device: String,
    /// To whom; `None`: whoever is addressed is thought to be there himself.
    pub gateway: Option<std::net::IpAddr>,
}

/// What is to stand.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WantedRoutes {
    /// MTU of the device; 0 leaves it.
    pub mtu: u32,
    /// Addresses that it has to have; empty leaves them, and whether it is up.
    pub addresses: Vec<Prefix>,
    /// MTUs of its own networks; 0: the device's.
    pub connected: Vec<(Prefix, u32)>,
    /// The routes.
    pub routes: Vec<WantedRoute>,
    /// Whether what cannot be done is a reason to leave everything as it was.
    pub all_or_nothing: bool,
}

/// A route through the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WantedRoute {
    /// Without host bits.
    pub prefix: Prefix,
    /// 0: the system's choice.
    pub metric: u32,
    /// 0: the device's.
    pub mtu: u32,
}

/// What became of routes.
#[derive(Default)]
pub struct RoutesReport {
    /// How many of ours stood before.
    pub before: usize,
    /// How many stand now.
    pub standing: usize,
    /// How many were added, removed or changed.
    pub changed: usize,
    /// What others had done to the device and was put right: "down", "mtu", or an address that was missing.
    pub repairs: Vec<String>,
    /// What could not be done; of a route, or of the device.
    pub failures: Vec<(Option<WantedRoute>, Failure)>,
}

/// News of what others do to a device, to what guards its packets, and to the ways of packets to its networks.
pub trait Changes {
    /// Tells once when it listens, and after whatever may concern them. Returns when `each` says so.
    fn watch(device: &str, networks: &[Prefix], each: impl FnMut() -> bool) -> Result<(), Failure>;
}

/// A network that a route of somebody else's leads to through hosts of the overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnedRoute {
    /// Without host bits.
    pub prefix: Prefix,
    /// Smaller ones come first.
    pub metric: u32,
    /// Next hops and their weights.
    pub hops: Vec<(std::net::IpAddr, u32)>,
}

/// A bound UDP socket, shared by threads.
pub trait Udp: DatagramSink + Send + Sync + Sized + 'static {
    /// The receive side.
    type Reader: DatagramSource + Send + 'static;

    /// Binds as many sockets as there are to be queues, at least one. `::` takes IPv4 as well. What comes from one place comes to one of them.
    fn bind(settings: &UdpSettings) -> Result<Vec<Arc<Self>>, Failure>;
    /// The sockets that another process has bound there with these settings, by their handles in their order.
    fn adopt(settings: &UdpSettings, handles: Vec<Handle>) -> Vec<Arc<Self>>;
    /// Its handle, for another process to adopt.
    fn handle(&self) -> HandleRef<'_>;
    /// Where it is bound.
    fn bound(&self) -> SocketAddr;
    /// Whether the system takes apart and puts together for us.
    fn has_offloads(&self) -> bool;
    /// A reader of its own; the socket is shared.
    fn reader(self: &Arc<Self>) -> Self::Reader;
}

/// How a socket is made.
pub struct UdpSettings {
    /// Where it listens; port 0 lets the system choose.
    pub bind: SocketAddr,
    /// 0 = 8 MiB if the system allows it.
    pub receive_buffer_bytes: u32,
    /// 0 = the system's choice.
    pub send_buffer_bytes: u32,
    /// Datagrams of one receive call.
    pub batch: usize,
    /// A mark for the system's routing, 0 = none.
    pub mark: u32,
    /// Sockets on the port.
    pub queues: usize,
    /// Whether the system may take apart and put together for us.
    pub offloads: bool,
}

/// What a thread waits for.
pub trait Wait {
    /// Where something to read shows: see [`Stopped::wait_with`].
    fn handle(&self) -> HandleRef<'_>;
}

/// What was handed on at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Burst {
    /// All of it.
    pub bytes: usize,
    /// Whether there may be more.
    pub has_more: bool,
}

/// The read side of a TUN device.
pub trait PacketSource: Wait {
    /// Hands on the packets that wait, at most one burst of them, in the pieces in which the system has them, without blocking.
    fn read_burst(&mut self, taker: &mut impl PacketTaker) -> io::Result<Burst>;
}

/// Where packets of a TUN device go.
pub trait PacketTaker {
    /// Hears of a packet before it is its turn, to have fetched what says where its flow lies.
    fn foresee(&mut self, packet: &[u8]) -> Foreseen;
    /// Has the flow fetched.
    fn approach(&mut self, foreseen: Foreseen);
    /// Takes what one read brought, and what was said of it.
    fn take(&mut self, segments: &mut dyn Segments, foreseen: Foreseen);
}

/// The write side of a TUN device. Both methods return how many packets the device refused.
pub trait PacketSink {
    /// Takes a packet, to be written at the next [`Self::flush`] at the latest.
    fn write(&mut self, packet: &[u8]) -> usize;
    /// Writes what is gathered.
    fn flush(&mut self) -> usize;
    /// Forgets what is gathered.
    fn clear(&mut self);
}

/// The receive side of a UDP socket. IPv4-mapped sources are unmapped below it.
pub trait DatagramSource: Wait {
    /// Hands on the datagrams that wait, at most one call full, without blocking: those of one source that lie behind each other, and how many bytes each of
    /// them has but for the last. They may be changed in place.
    fn receive_burst(&mut self, each: impl FnMut(&mut [u8], usize, SocketAddr)) -> io::Result<Burst>;
}

/// The send side of a UDP socket, shared by threads.
pub trait DatagramSink {
    /// Whether runs of several datagrams may be sent as one.
    fn takes_runs(&self) -> bool;
    /// From now on datagrams are sent one by one: a device cannot segment.
    fn stop_runs(&self);
    /// Sends runs of `slab` in order; they are all whole or none is. Returns how many went out and, if none did, why.
    fn send(&self, slab: &[u8], runs: &[Run]) -> Result<usize, NotSent>;
}

/// Why the first run did not go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// What can be done about it.
    pub cause: Cause,
    /// The system's name of the error.
    pub error: &'static str,
}

/// What a sender can do about what was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing is wrong with it: to be tried again.
    Interrupted,
    /// Larger than what this path takes in one piece.
    TooLarge,
    /// The device on its way cannot segment.
    CannotSegment,
    /// It cannot be sent.
    Refused,
}

/// Datagrams that lie behind each other, go to one place and have one size; the last may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where to.
    pub to: SocketAddr,
    /// Where the first one starts.
    pub start: usize,
    /// Bytes of all of them.
    pub bytes: usize,
    /// Bytes of each of them.
    pub segment_bytes: usize,
    /// How many they are.
    pub datagrams: usize,
    /// Whether it must not be divided on the way. Such a one is alone.
    pub is_whole: bool,
}

impl Failure {
    /// The operating system said no to `what`.
    pub fn system(what: impl AsRef<str>, error: &io::Error) -> Self {
        Self::new(error_code(error), format!("{}: {error}", what.as_ref()))
    }
}
