//! A device whose other end is not the kernel's: packets go through a pair of sockets as they would through a TUN device, each behind its virtio header.

use std::fs::File;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use super::offload::virtio_header::VIRTIO_HEADER_BYTES;

/// Bytes that may wait in each direction, as far as the system lets us: its default holds some dozen packets.
const BUFFER_BYTES: libc::c_int = 4 << 20;

/// The end of whoever stands in for the kernel.
pub struct PacketSocket {
    file: File,
    packet: Vec<u8>,
}

impl PacketSocket {
    /// Such a device for packets of at most `mtu` bytes, and its other end.
    pub fn pair(mtu: usize) -> io::Result<(File, Self)> {
        let mut ends = [-1; 2];
        let kind = libc::SOCK_SEQPACKET | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: the kernel writes two numbers, which `ends` has room for.
        if unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) } < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: both were opened just now, and nobody else has them.
        let [device, own] = ends.map(|end| File::from(unsafe { OwnedFd::from_raw_fd(end) }));
        let bytes = BUFFER_BYTES;
        for end in ends {
            // SAFETY: SO_SNDBUF reads one number, which `bytes` is. What the system does not give stays as it is.
            unsafe {
                let size = size_of_val(&bytes) as libc::socklen_t;
                libc::setsockopt(end, libc::SOL_SOCKET, libc::SO_SNDBUF, (&raw const bytes).cast(), size);
            }
        }
        Ok((device, Self { file: own, packet: vec![0; VIRTIO_HEADER_BYTES + mtu] }))
    }

    /// The packet that waits; `None`: there is none. An error: the other end is gone.
    pub fn read(&mut self) -> io::Result<Option<&[u8]>> {
        match (&self.file).read(&mut self.packet) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => Ok(self.packet.get(VIRTIO_HEADER_BYTES..length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the packet went.
    pub fn write(&mut self, packet: &[u8]) -> io::Result<bool> {
        let header = [0; VIRTIO_HEADER_BYTES];
        match (&self.file).write_vectored(&[IoSlice::new(&header), IoSlice::new(packet)]) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
