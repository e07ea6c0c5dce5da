//! Sockets that the standard library does not know.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Opens a socket that is closed with the program it is handed to.
pub fn open(family: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    // SAFETY: no memory is passed.
    let fd = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sends a buffer as one message.
pub fn send(socket: &OwnedFd, message: &[u8]) -> io::Result<()> {
    // SAFETY: the pointer and the length are those of the slice.
    let sent = unsafe { libc::send(socket.as_raw_fd(), message.as_ptr().cast(), message.len(), 0) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Receives one message; what does not fit is cut off.
pub fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the pointer and the length are those of the slice.
    let received = unsafe { libc::recv(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), buffer.len(), 0) };
    usize::try_from(received).map_err(|_| io::Error::last_os_error())
}

/// Sets a whole number as an option of a socket.
pub fn set_option(socket: &impl AsRawFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    let length = size_of::<i32>() as libc::socklen_t;
    // SAFETY: the kernel reads `length` bytes of `value`, which lives until the call returns.
    let done = unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), length) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives a socket a receive buffer of so many bytes, past the system's limit.
pub fn set_buffers(socket: &impl AsRawFd, bytes: i32) -> io::Result<()> {
    set_option(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, bytes)
}

/// Sends the same datagram `count` times in one call on a connected socket, and says how many went.
pub fn send_many(socket: &impl AsRawFd, datagram: &[u8], count: usize) -> io::Result<usize> {
    let mut part = part(datagram);
    let mut messages = vec![message(&mut part); count];
    // SAFETY: every message points to `part`, which points to `datagram`.
    unsafe { send_messages(socket, &mut messages) }
}

/// Sends IPv4 packets, headers and all, in one call, and says how many went.
pub fn send_packets(socket: &OwnedFd, packets: &[Vec<u8>], to: Ipv4Addr) -> io::Result<usize> {
    // SAFETY: all zero is an address of no family.
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    address.sin_family = libc::AF_INET as libc::sa_family_t;
    address.sin_addr.s_addr = u32::from(to).to_be();
    let mut parts: Vec<libc::iovec> = packets.iter().map(|packet| part(packet)).collect();
    let mut messages: Vec<libc::mmsghdr> = parts.iter_mut().map(message).collect();
    for message in &mut messages {
        message.msg_hdr.msg_name = (&raw mut address).cast();
        message.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    }
    // SAFETY: the messages point to `address`, `parts` and through these to `packets`, which all live until the call returns.
    unsafe { send_messages(socket, &mut messages) }
}

fn part(bytes: &[u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}

/// A message of one part, to whom its socket is connected.
fn message(part: &mut libc::iovec) -> libc::mmsghdr {
    // SAFETY: all zero is a message without an address, parts or control data.
    let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
    message.msg_hdr.msg_iov = part;
    message.msg_hdr.msg_iovlen = 1;
    message
}

/// Whatever the messages point to must live.
unsafe fn send_messages(socket: &impl AsRawFd, messages: &mut [libc::mmsghdr]) -> io::Result<usize> {
    let length = u32::try_from(messages.len()).map_err(io::Error::other)?;
    // SAFETY: the kernel only reads what the messages point to, which lives, and writes how much it sent into `messages`.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), length, 0) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}
