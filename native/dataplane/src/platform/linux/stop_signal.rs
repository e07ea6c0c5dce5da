//! Signals that the process can wait for.

use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

/// SIGTERM and SIGINT as a file to wait for.
pub struct StopSignal(File);

impl StopSignal {
    /// Blocks the signals for this thread and those it will start. To be called before any other thread runs.
    pub fn new() -> io::Result<Self> {
        // SAFETY: SIG_IGN runs no code; a zeroed sigset_t is valid for sigemptyset, which initialises it; the descriptor is new and owned by nobody else.
        unsafe {
            // The terminal of whoever started this may close: that ends a conversation, not the sessions.
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            let mut signals: libc::sigset_t = mem::zeroed();
            libc::sigemptyset(&mut signals);
            libc::sigaddset(&mut signals, libc::SIGTERM);
            libc::sigaddset(&mut signals, libc::SIGINT);
            check(libc::sigprocmask(libc::SIG_BLOCK, &signals, std::ptr::null_mut()))?;
            let fd = check(libc::signalfd(-1, &signals, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))?;
            Ok(Self(File::from(OwnedFd::from_raw_fd(fd))))
        }
    }

    /// Whether a signal has arrived.
    pub fn has_arrived(&mut self) -> bool {
        let mut one = [0; mem::size_of::<libc::signalfd_siginfo>()];
        self.0.read(&mut one).is_ok_and(|read| read > 0)
    }
}

impl AsFd for StopSignal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
