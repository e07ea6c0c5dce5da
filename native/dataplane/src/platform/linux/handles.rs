//! Open files that go from one process to another (unix(7), SCM_RIGHTS), among the bytes of a connection.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::{Duration, Instant};

/// What the kernel lets pass at once (SCM_MAX_FD).
const HANDLES_MAX: usize = 253;
/// How long a reader that is behind is left alone.
const PAUSE: Duration = Duration::from_millis(1);

/// An open file of another process.
pub type Handle = OwnedFd;
/// One to give away: it stays open here, too.
pub type HandleRef<'a> = BorrowedFd<'a>;

/// Room for the control message of as many files as can come.
#[repr(C)]
struct Rights {
    header: libc::cmsghdr,
    files: [libc::c_int; HANDLES_MAX],
}

impl Rights {
    fn new(files: &[HandleRef<'_>]) -> Self {
        let bytes = mem::size_of::<libc::cmsghdr>() + mem::size_of_val(files);
        let header = libc::cmsghdr { cmsg_len: bytes as _, cmsg_level: libc::SOL_SOCKET, cmsg_type: libc::SCM_RIGHTS };
        let mut rights = Self { header, files: [-1; HANDLES_MAX] };
        for (to, from) in rights.files.iter_mut().zip(files) {
            *to = from.as_raw_fd();
        }
        rights
    }
}

/// Writes all of `bytes` until then, the files with the first of them. Only with system calls that are left to a confined process.
pub fn give(to: &UnixStream, bytes: &[u8], files: &[HandleRef<'_>], until: Instant) -> io::Result<()> {
    if files.len() > HANDLES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} files are too many to give", files.len())));
    }
    let mut rights = Rights::new(files);
    let (mut rest, mut is_first) = (bytes, !files.is_empty());
    while !rest.is_empty() {
        let mut vector = libc::iovec { iov_base: rest.as_ptr().cast_mut().cast(), iov_len: rest.len() };
        // SAFETY: mmsghdr is plain data for which all zeros are a valid value.
        let mut message: libc::mmsghdr = unsafe { mem::zeroed() };
        message.msg_hdr.msg_iov = &raw mut vector;
        message.msg_hdr.msg_iovlen = 1;
        if is_first {
            message.msg_hdr.msg_control = (&raw mut rights).cast();
            message.msg_hdr.msg_controllen = rights.header.cmsg_len as _;
        }
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        // SAFETY: the message points to one vector and, with files, to as many bytes of `rights` as it says; both live until the call
        // returns, and the kernel only reads them.
        let sent = unsafe { libc::sendmmsg(to.as_raw_fd(), &raw mut message, 1, flags as _) };
        if sent == 1 {
            is_first = false;
            rest = rest.get(message.msg_len as usize..).unwrap_or_default();
            continue;
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock if Instant::now() < until => std::thread::sleep(PAUSE),
            _ => return Err(error),
        }
    }
    Ok(())
}

/// Sends one datagram with one file.
pub fn give_datagram(to: &UnixDatagram, bytes: &[u8], file: HandleRef<'_>) -> io::Result<()> {
    let mut rights = Rights::new(&[file]);
    let mut vector = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: msghdr is plain data for which all zeros are a valid value.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut rights).cast();
    message.msg_controllen = rights.header.cmsg_len as _;
    // SAFETY: the message points to one vector and to as many bytes of `rights` as it says; both live until the call returns.
    let sent = unsafe { libc::sendmsg(to.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Reads some bytes, and the files that come with them.
pub fn take(from: &UnixStream, bytes: &mut [u8]) -> io::Result<(usize, Vec<Handle>)> {
    let mut rights = Rights::new(&[]);
    let mut vector = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: msghdr is plain data for which all zeros are a valid value.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut vector;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut rights).cast();
    message.msg_controllen = mem::size_of::<Rights>() as _;
    // SAFETY: the message points to one vector of `bytes` and to `rights`, both alive and unaliased until the call returns.
    let read = unsafe { libc::recvmsg(from.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
    let read = usize::try_from(read).map_err(|_| io::Error::last_os_error())?;
    let header = mem::size_of::<libc::cmsghdr>();
    let has_rights = message.msg_controllen as usize > header
        && rights.header.cmsg_level == libc::SOL_SOCKET
        && rights.header.cmsg_type == libc::SCM_RIGHTS;
    let count = if has_rights { (rights.header.cmsg_len - header) / mem::size_of::<libc::c_int>() } else { 0 };
    // SAFETY: the kernel has just opened these for this process, and nobody else knows of them.
    let files = rights.files.iter().take(count).map(|file| unsafe { OwnedFd::from_raw_fd(*file) }).collect();
    if message.msg_flags & libc::MSG_CTRUNC != 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "more files came than can be taken"));
    }
    Ok((read, files))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Seek, Write};
    use std::os::fd::AsFd;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(50)
    }

    #[test]
    fn open_files_come_with_the_first_bytes_and_are_the_same_files() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let path = std::env::temp_dir().join(format!("lacis-handles-{}", std::process::id()));
        let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        file.write_all(b"same").unwrap();
        give(&ours, b"hello", &[file.as_fd(), file.as_fd()], soon()).unwrap();
        let mut bytes = [0; 9];
        let (read, files) = take(&theirs, &mut bytes).unwrap();
        assert_eq!((&bytes[..read], files.len()), (&b"hello"[..], 2));
        let mut text = String::new();
        let mut taken = File::from(files.into_iter().next().unwrap());
        taken.rewind().unwrap();
        taken.read_to_string(&mut text).unwrap();
        assert_eq!(text, "same");
        give(&ours, b"more", &[], soon()).unwrap();
        assert!(take(&theirs, &mut bytes).unwrap().1.is_empty());
    }

    #[test]
    fn who_does_not_read_is_not_waited_for_for_ever() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        assert_eq!(give(&ours, &vec![0; 8 << 20], &[], soon()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        assert_eq!(give(&ours, b"x", &[], soon()).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
