//! Whoever wants something of the process: a signal, a thread, a control plane that calls, the one that speaks.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use super::control_socket::ControlSocket;
use super::poll::wait_readable;
use super::stop_signal::StopSignal;
use super::wake::Wake;

/// The connection to a control plane.
pub type ControlStream = UnixStream;

/// What the process waits for besides its connection.
pub struct Doorway {
    signal: StopSignal,
    socket: ControlSocket,
}

/// What has happened.
pub struct Knocks {
    /// The process is asked to end.
    pub must_stop: bool,
    /// A control plane wants to connect.
    pub is_called: bool,
    /// There is something to read from the connection, or it has ended.
    pub is_spoken_to: bool,
}

/// Whether there is something to read, or an end, within this time.
pub fn await_bytes(stream: &ControlStream, timeout: Duration) -> io::Result<bool> {
    let until = Instant::now() + timeout;
    loop {
        let [is_there] = wait_readable([stream.as_fd()], Some(until.saturating_duration_since(Instant::now())))?;
        if is_there || Instant::now() >= until {
            return Ok(is_there);
        }
    }
}

impl Doorway {
    /// Listens at `path` once `before` is done. To be called before any other thread runs.
    pub fn open<T>(path: &Path, before: impl FnOnce() -> io::Result<T>) -> io::Result<(Self, T)> {
        let signal = StopSignal::new()?;
        let done = before()?;
        Ok((Self { signal, socket: ControlSocket::bind(path)? }, done))
    }

    /// Waits until something happens, at most `timeout`.
    pub fn wait(
        &mut self,
        wake: &Wake,
        connection: Option<&ControlStream>,
        timeout: Option<Duration>,
    ) -> io::Result<Knocks> {
        let spoken = connection.map_or(self.socket.as_fd(), AsFd::as_fd);
        let watched: [BorrowedFd<'_>; 4] = [self.signal.as_fd(), wake.as_fd(), self.socket.as_fd(), spoken];
        let [is_signalled, is_woken, is_called, is_spoken_to] = wait_readable(watched, timeout)?;
        if is_woken {
            wake.acknowledge();
        }
        Ok(Knocks {
            must_stop: is_signalled && self.signal.has_arrived(),
            is_called,
            is_spoken_to: is_spoken_to && connection.is_some(),
        })
    }

    /// The connection that waits.
    pub fn accept(&self) -> io::Result<ControlStream> {
        self.socket.accept()
    }
}
