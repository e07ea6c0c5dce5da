//! The Linux TUN device.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use lacis_engine::ip::Prefix;

use super::netlink::link::{Links, link_index};
use super::offload::chain::Chain;
use super::packet_socket::PacketSocket;
use super::tun_reader::TunReader;
use crate::failure::Failure;
use crate::platform::{Handle, HandleRef, PacketSink, Tun, TunSettings};

/// `linux/if_tun.h`: what the kernel may leave to whoever reads the device.
const TUN_F_CSUM: libc::c_ulong = 0x01;
const TUN_F_TSO4: libc::c_ulong = 0x02;
const TUN_F_TSO6: libc::c_ulong = 0x04;
const TUN_F_USO4: libc::c_ulong = 0x20;
const TUN_F_USO6: libc::c_ulong = 0x40;

/// An open device. It is gone when the last of its handles is dropped.
pub struct LinuxTun {
    first: Arc<File>,
    /// The other queues.
    others: Vec<Arc<File>>,
    name: String,
    offloads: Offloads,
}

/// What the kernel leaves to us and takes from us in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offloads {
    /// Nothing.
    None,
    /// TCP.
    Tcp,
    /// TCP and UDP (Linux 6.2).
    TcpAndUdp,
}

/// The half that packets are written to.
pub struct TunWriter {
    file: Arc<File>,
    chain: Chain,
    joins: bool,
}

impl Tun for LinuxTun {
    type Reader = TunReader;
    type Writer = TunWriter;

    fn open(name: &str, settings: TunSettings, addresses: &[Prefix]) -> Result<Self, Failure> {
        let (first, others, name) = open_queues(name, settings.queues)?;
        // Granted to the device, whichever queue asks.
        let offloads = enable_offloads(&first, settings.offloads);
        let others = others.into_iter().map(Arc::new).collect();
        let tun = Self { first: Arc::new(first), others, name, offloads };
        tun.set_up(settings, addresses).map_err(|error| explain(&format!("setting up {}", tun.name), &error))?;
        Ok(tun)
    }

    fn adopt(name: &str, settings: TunSettings, handles: Vec<Handle>) -> Result<Self, Failure> {
        let mut files = handles.into_iter().map(File::from);
        let first = files.next().ok_or_else(|| Failure::bad(format!("no open file of {name} came")))?;
        let offloads = enable_offloads(&first, settings.offloads);
        Ok(Self { first: Arc::new(first), others: files.map(Arc::new).collect(), name: name.into(), offloads })
    }

    fn handles(&self) -> Vec<HandleRef<'_>> {
        std::iter::once(&self.first).chain(&self.others).map(|file| file.as_fd()).collect()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn has_offloads(&self) -> bool {
        self.offloads != Offloads::None
    }

    fn queues(&self) -> usize {
        1 + self.others.len()
    }

    fn reader(&self, queue: usize) -> TunReader {
        TunReader::new(self.queue(queue))
    }

    fn writer(&self, queue: usize) -> TunWriter {
        let chain = Chain::new(self.offloads == Offloads::TcpAndUdp);
        TunWriter { file: self.queue(queue), chain, joins: self.offloads != Offloads::None }
    }
}

impl LinuxTun {
    /// A device without the kernel, which needs no right, and the end of whoever is to stand in for it.
    pub fn in_user_space(name: &str, settings: TunSettings) -> io::Result<(Self, PacketSocket)> {
        let (file, other_end) = PacketSocket::pair(settings.mtu as usize)?;
        let tun = Self { first: Arc::new(file), others: vec![], name: name.into(), offloads: Offloads::None };
        Ok((tun, other_end))
    }

    /// A queue by its number, counted round.
    fn queue(&self, number: usize) -> Arc<File> {
        let other = (number % self.queues()).checked_sub(1).and_then(|at| self.others.get(at));
        Arc::clone(other.unwrap_or(&self.first))
    }

    fn set_up(&self, settings: TunSettings, addresses: &[Prefix]) -> io::Result<()> {
        let link = link_index(&self.name)?;
        let mut links = Links::open()?;
        match links.disable_link_local(link) {
            // A kernel without IPv6 makes no link-local addresses either.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EOPNOTSUPP)) => {}
            other => other?,
        }
        links.set_link(link, settings)?;
        let has_ipv4 = addresses.iter().any(|address| address.address().is_ipv4());
        for address in addresses {
            match links.add_address(link, address) {
                // Where IPv6 is switched off, the overlay is reached by IPv4; whoever looks after the device says what it lacks.
                Err(error) if has_ipv4 && address.address().is_ipv6() && is_ipv6_off(&error) => {}
                other => other?,
            }
        }
        links.set_up(link)
    }
}

impl PacketSink for TunWriter {
    fn write(&mut self, packet: &[u8]) -> usize {
        if self.joins && self.chain.join(packet) {
            return 0;
        }
        let refused = self.flush();
        self.chain.start(packet);
        refused
    }

    fn flush(&mut self) -> usize {
        let packets = self.chain.packets();
        if packets == 0 {
            return 0;
        }
        let written = self.file.as_ref().write(self.chain.finish());
        self.chain.clear();
        match written {
            Ok(_) => 0,
            Err(error) => {
                // What this kernel does not like about superpackets does not concern single packets.
                self.joins &= packets == 1 || error.raw_os_error() != Some(libc::EINVAL);
                packets
            }
        }
    }

    fn clear(&mut self) {
        self.chain.clear();
    }
}

/// TUNSETOFFLOAD: the most that this kernel knows.
fn enable_offloads(file: &File, wanted: bool) -> Offloads {
    let tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    let wishes = [(tcp | TUN_F_USO4 | TUN_F_USO6, Offloads::TcpAndUdp), (tcp, Offloads::Tcp)];
    // SAFETY: TUNSETOFFLOAD takes a number.
    let granted = |flags: libc::c_ulong| unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETOFFLOAD as _, flags) } >= 0;
    if !wanted {
        granted(0);
        return Offloads::None;
    }
    wishes.into_iter().find(|(flags, _)| granted(*flags)).map_or(Offloads::None, |(_, offloads)| offloads)
}

/// As many queues of the device `name`, or of one with a name of the kernel's choice, as are asked for, or one.
fn open_queues(name: &str, queues: usize) -> Result<(File, Vec<File>, String), Failure> {
    let is_name = name.len() < libc::IFNAMSIZ && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
    if !is_name {
        return Err(Failure::bad(format!(
            "{name:?} is no name for a device: at most 15 letters, digits, '-', '_' or '.'"
        )));
    }
    let open = || {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC);
        options.open("/dev/net/tun").map_err(|error| explain_open(&error))
    };
    let explained = |error| explain(&format!("creating the device {name}"), &error);
    let first = open()?;
    let mut is_several = queues > 1;
    let mut attached = attach(&first, name, is_several);
    // A device that somebody made beforehand with one queue has no second.
    if is_several && attached.as_ref().is_err_and(|error| error.raw_os_error() == Some(libc::EINVAL)) {
        is_several = false;
        attached = attach(&first, name, is_several);
    }
    let name = attached.map_err(explained)?;
    let mut others = vec![];
    while is_several && 1 + others.len() < queues {
        let other = open()?;
        attach(&other, &name, is_several).map_err(explained)?;
        others.push(other);
    }
    Ok((first, others, name))
}

/// TUNSETIFF: makes `file` a queue of the device `name`, or of one with a name of the kernel's choice.
fn attach(file: &File, name: &str, is_one_of_several: bool) -> io::Result<String> {
    // SAFETY: ifreq is plain data for which all zeros are a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    let several = if is_one_of_several { libc::IFF_MULTI_QUEUE } else { 0 };
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_VNET_HDR | several) as libc::c_short;
    // SAFETY: TUNSETIFF reads and writes one ifreq, which `request` is.
    if unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(request.ifr_name.iter().take_while(|c| **c != 0).map(|c| char::from(*c as u8)).collect())
}

fn is_ipv6_off(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EACCES | libc::EAFNOSUPPORT | libc::EOPNOTSUPP))
}

fn explain_open(error: &io::Error) -> Failure {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENODEV | libc::ENXIO) => Failure::new(
            "no-such-device",
            format!(
                "opening /dev/net/tun: {error}; load the kernel module (modprobe tun) or pass the device into the container"
            ),
        ),
        _ => explain("opening /dev/net/tun", error),
    }
}

fn explain(what: &str, error: &io::Error) -> Failure {
    let mut failure = Failure::system(what, error);
    match failure.code {
        "not-permitted" => {
            failure.message += "; the process needs CAP_NET_ADMIN (run it as root or grant the capability)"
        }
        "device-busy" => {
            failure.message += "; another process has this device: choose another tun.dev or stop that process"
        }
        _ => {}
    }
    failure
}
