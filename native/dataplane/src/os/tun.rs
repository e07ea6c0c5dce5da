//! The Linux TUN device.

use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

use lacis_engine::ip::Prefix;

use crate::failure::Failure;
use crate::os::netlink::{LinkSettings, Netlink};

/// Largest packet a device hands over.
const PACKET_BYTES: usize = 65_536;
/// Packets taken from the device before what they caused is sent.
const BURST_PACKETS: usize = 64;

/// An open device. It is gone when the last of its handles is dropped.
pub struct Tun {
    file: Arc<File>,
    /// Its name, also when the kernel chose it.
    pub name: String,
}

/// The half that packets are read from.
pub struct TunReader {
    file: Arc<File>,
    packet: Vec<u8>,
}

/// The half that packets are written to.
pub struct TunWriter {
    file: Arc<File>,
}

impl Tun {
    /// Creates the device, gives it its addresses and sets it up.
    pub fn open(name: &str, settings: LinkSettings, addresses: &[Prefix]) -> Result<Self, Failure> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
            .open("/dev/net/tun")
            .map_err(|error| explain_open(&error))?;
        let name = attach(&file, name)?;
        let tun = Self { file: Arc::new(file), name };
        tun.set_up(settings, addresses).map_err(|error| explain(&format!("setting up {}", tun.name), &error))?;
        Ok(tun)
    }

    fn set_up(&self, settings: LinkSettings, addresses: &[Prefix]) -> io::Result<()> {
        let link = link_index(&self.name)?;
        let mut netlink = Netlink::open()?;
        match netlink.disable_link_local(link) {
            // A kernel without IPv6 makes no link-local addresses either.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EOPNOTSUPP)) => {}
            other => other?,
        }
        netlink.set_link(link, settings)?;
        for address in addresses {
            netlink.add_address(link, address)?;
        }
        netlink.set_up(link)
    }

    /// A handle to read from.
    pub fn reader(&self) -> TunReader {
        TunReader { file: Arc::clone(&self.file), packet: vec![0; PACKET_BYTES] }
    }

    /// A handle to write to.
    pub fn writer(&self) -> TunWriter {
        TunWriter { file: Arc::clone(&self.file) }
    }
}

impl TunReader {
    /// Hands on the packets that wait, at most one burst of them. True when there may be more.
    pub fn read_burst(&mut self, mut each: impl FnMut(&[u8])) -> io::Result<bool> {
        for _ in 0..BURST_PACKETS {
            match self.file.as_ref().read(&mut self.packet) {
                Ok(length) => each(self.packet.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

impl AsFd for TunReader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl TunWriter {
    /// Writes one packet. False when the device refuses it.
    pub fn write(&mut self, packet: &[u8]) -> bool {
        self.file.as_ref().write(packet).is_ok_and(|written| written == packet.len())
    }
}

/// TUNSETIFF: makes `file` the device `name`, or one with a name of the kernel's choice.
fn attach(file: &File, name: &str) -> Result<String, Failure> {
    // SAFETY: ifreq is plain data for which all zeros are a valid value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let is_name = name.len() < request.ifr_name.len() && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
    if !is_name {
        return Err(Failure::bad(format!(
            "{name:?} is no name for a device: at most 15 letters, digits, '-', '_' or '.'"
        )));
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: TUNSETIFF reads and writes one ifreq, which `request` is.
    if unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF as _, &raw mut request) } < 0 {
        return Err(explain(&format!("creating the device {name}"), &io::Error::last_os_error()));
    }
    Ok(request.ifr_name.iter().take_while(|c| **c != 0).map(|c| char::from(*c as u8)).collect())
}

fn link_index(name: &str) -> io::Result<u32> {
    let name = CString::new(name)?;
    // SAFETY: `name` ends with a zero byte.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
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
