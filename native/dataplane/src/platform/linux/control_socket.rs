//! The Unix socket that the control plane connects to.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The process that listens where this connection leads (unix(7), SO_PEERCRED).
pub fn listener_of(connection: &UnixStream) -> io::Result<u32> {
    let mut found = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut bytes = libc::socklen_t::try_from(std::mem::size_of_val(&found)).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most `bytes` bytes to `found`, which is plain data and lives until the call returns.
    let failed = unsafe {
        let to = (&raw mut found).cast();
        libc::getsockopt(connection.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, to, &raw mut bytes)
    };
    if failed < 0 { Err(io::Error::last_os_error()) } else { u32::try_from(found.pid).map_err(io::Error::other) }
}

/// A listening socket; its file is removed with it.
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Listens at `path`, which only this user may connect to. What a dead process left there is removed.
    pub fn bind(path: &Path) -> io::Result<Self> {
        remove_if_dead(path)?;
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("listening at {}: {error}", path.display()));
        let listener = UnixListener::bind(path).map_err(named)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(named)?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// From now on [`Self::accept_at_once`] does not wait for a connection.
    pub fn never_block(&self) -> io::Result<()> {
        self.listener.set_nonblocking(true)
    }

    /// The connection that waits, made so that nothing waits for it either: a confined process may not change that later.
    pub fn accept_at_once(&self) -> io::Result<UnixStream> {
        let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        let null = std::ptr::null_mut();
        // SAFETY: accept4 fills in no address where it is given none.
        let accepted = unsafe { libc::accept4(self.listener.as_raw_fd(), null, null.cast(), flags) };
        if accepted < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: it was opened just now, and nobody else has it.
        Ok(UnixStream::from(unsafe { OwnedFd::from_raw_fd(accepted) }))
    }

    /// The connection that waits.
    pub fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept()?.0)
    }
}

impl AsFd for ControlSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn remove_if_dead(path: &Path) -> io::Result<()> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    if !is_socket {
        return Ok(());
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            format!("another process already listens at {}", path.display()),
        )),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("lacis-{name}-{}.sock", std::process::id()))
    }

    #[test]
    fn the_socket_is_private_and_gone_afterwards() {
        let path = scratch("private");
        let socket = ControlSocket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_dead_socket_is_replaced_and_a_live_one_is_left_alone() {
        let path = scratch("dead");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let live = ControlSocket::bind(&path).unwrap();
        assert_eq!(ControlSocket::bind(&path).err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));
        drop(live);
    }

    #[test]
    fn a_file_that_is_no_socket_is_never_removed() {
        let path = scratch("file");
        fs::write(&path, "x").unwrap();
        assert!(ControlSocket::bind(&path).is_err());
        assert!(path.exists());
        fs::remove_file(&path).unwrap();
    }
}
