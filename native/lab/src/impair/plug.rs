//! A packet socket on a device: whatever arrives there is received, whatever is sent leaves there (packet(7)).

use std::ffi::CString;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use super::frame::Frame;
use crate::socket;

/// A frame of the largest kind that a device hands over in one piece, and its offload header.
pub const FRAME_BYTES_MAX: usize = 65_536 + 64;

/// One end of the cable.
pub struct Plug(OwnedFd);

impl Plug {
    /// Opens a socket on a device of this network namespace.
    pub fn into(device: &str) -> io::Result<Self> {
        let name = CString::new(device)?;
        // SAFETY: the pointer is to a string that ends with a zero.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        if index == 0 {
            return Err(io::Error::last_os_error());
        }
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK;
        let every = (libc::ETH_P_ALL as u16).to_be();
        // For nothing until it is bound: otherwise frames of all devices would be in it.
        let plug = Self(socket::open(libc::AF_PACKET, kind, 0)?);
        // What the kernel has left undone, checksums, is handed over and handed on; what goes out here is not received again.
        for option in [libc::PACKET_VNET_HDR, libc::PACKET_IGNORE_OUTGOING] {
            socket::set_option(&plug.0, libc::SOL_PACKET, option, 1)?;
        }
        // SAFETY: all fields of the structure may be zero.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = every;
        address.sll_ifindex = i32::try_from(index).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        // SAFETY: pointer and length are those of the structure.
        let bound = unsafe {
            libc::bind(plug.0.as_raw_fd(), (&raw const address).cast(), mem::size_of_val(&address) as libc::socklen_t)
        };
        if bound < 0 { Err(io::Error::last_os_error()) } else { Ok(plug) }
    }

    /// The next frame that has arrived, read into a buffer of [`FRAME_BYTES_MAX`].
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Frame>> {
        match socket::receive(&self.0, buffer) {
            Ok(length) => Ok(Some(Frame(buffer[..length].to_vec()))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            // Somebody unplugs the device, and may plug it in again.
            Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lets a frame out. One that the device does not take now is lost, as on any cable.
    pub fn send(&self, frame: &Frame) -> io::Result<()> {
        match socket::send(&self.0, &frame.0) {
            Err(error) if !is_loss(&error) => Err(error),
            _ => Ok(()),
        }
    }
}

fn is_loss(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || matches!(error.raw_os_error(), Some(libc::ENETDOWN | libc::ENOBUFS | libc::EMSGSIZE))
}

/// Waits until something has arrived at one of them, or for so long.
pub fn wait_for_any(plugs: &[Plug; 2], at_most: Duration) -> io::Result<()> {
    let mut waiting =
        plugs.each_ref().map(|plug| libc::pollfd { fd: plug.0.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    let timeout = libc::timespec { tv_sec: at_most.as_secs() as _, tv_nsec: at_most.subsec_nanos() as _ };
    // SAFETY: pointers and length are those of the array and the structure; no signal mask is given.
    let ready = unsafe { libc::ppoll(waiting.as_mut_ptr(), 2, &raw const timeout, std::ptr::null()) };
    if ready < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
