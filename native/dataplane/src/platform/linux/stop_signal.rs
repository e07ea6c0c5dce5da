//! Signals that the process can wait for.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

/// Some signals as a file to wait for.
pub struct Signals(File);

impl Signals {
    /// Blocks these signals for this thread and those it will start. To be called before any other thread runs.
    fn block(wanted: &[libc::c_int]) -> io::Result<Self> {
        // SAFETY: a zeroed sigset_t is valid for sigemptyset, which initialises it; the descriptor is new and owned by nobody else.
        unsafe {
            let mut signals: libc::sigset_t = mem::zeroed();
            libc::sigemptyset(&raw mut signals);
            for signal in wanted {
                libc::sigaddset(&raw mut signals, *signal);
            }
            check(libc::sigprocmask(libc::SIG_BLOCK, &raw const signals, std::ptr::null_mut()))?;
            let fd = check(libc::signalfd(-1, &raw const signals, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK))?;
            Ok(Self(File::from(OwnedFd::from_raw_fd(fd))))
        }
    }

    /// What has come since the last look, one at a time.
    fn next(&mut self) -> Option<libc::c_int> {
        let mut one = [0; mem::size_of::<libc::signalfd_siginfo>()];
        self.0.read_exact(&mut one).ok()?;
        let (number, _) = one.split_first_chunk()?;
        libc::c_int::try_from(u32::from_ne_bytes(*number)).ok()
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// SIGTERM and SIGINT as a file to wait for.
pub struct StopSignal(Signals);

impl StopSignal {
    /// To be called before any other thread runs.
    pub fn new() -> io::Result<Self> {
        // SAFETY: SIG_IGN runs no code. The terminal of whoever started this may close: that ends a conversation, not the sessions.
        unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
        Signals::block(&[libc::SIGTERM, libc::SIGINT]).map(Self)
    }

    /// Whether a signal has arrived.
    pub fn has_arrived(&mut self) -> bool {
        self.0.next().is_some()
    }
}

/// For a program that tells its parent of something until that closes its standard input. A signal to a whole group, of a terminal's Ctrl-C or of a
/// service manager, is the parent's to obey: gone before it, this one would look as if it had failed. At a terminal it obeys as any other.
pub fn leave_signals_to_the_reader() {
    if io::stdin().is_terminal() {
        return;
    }
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM, libc::SIGUSR2] {
        // SAFETY: SIG_IGN runs no code.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// What a process is told that has children.
pub struct ParentSignals(Signals);

/// One of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// To end, with all that it has started.
    End,
    /// To end alone: another one comes in its place.
    Leave,
    /// A child has ended.
    ChildEnded,
}

impl ParentSignals {
    /// To be called before any other thread runs.
    pub fn new() -> io::Result<Self> {
        Signals::block(&[libc::SIGTERM, libc::SIGINT, libc::SIGUSR2, libc::SIGCHLD]).map(Self)
    }

    /// What has come since the last look, one at a time.
    pub fn next(&mut self) -> Option<Told> {
        Some(match self.0.next()? {
            libc::SIGCHLD => Told::ChildEnded,
            libc::SIGUSR2 => Told::Leave,
            _ => Told::End,
        })
    }
}

impl AsFd for ParentSignals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Asks another process to end, or makes it.
pub fn end_process(pid: u32, by_force: bool) -> io::Result<()> {
    let pid = libc::pid_t::try_from(pid).ok().filter(|pid| *pid > 1).ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: the call takes plain numbers.
    check(unsafe { libc::kill(pid, if by_force { libc::SIGKILL } else { libc::SIGTERM }) }).map(drop)
}

impl AsFd for StopSignal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
