//! Waiting for files without spinning.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::thread;
use std::time::Duration;

/// Whoever could not wait asks again after so long.
const ASKED_AGAIN: Duration = Duration::from_millis(10);

/// Waits until one of the files can be read (or is broken), at most `timeout`. Says which; all false after the timeout.
pub fn wait_readable<const N: usize>(files: [BorrowedFd<'_>; N], timeout: Option<Duration>) -> io::Result<[bool; N]> {
    let mut polled = files.map(|file| entry(Some(file), libc::POLLIN));
    poll(&mut polled, timeout)?;
    Ok(polled.map(|entry| entry.revents != 0))
}

/// What is polled at one file. The kernel passes over what is none.
fn entry(file: Option<BorrowedFd<'_>>, events: libc::c_short) -> libc::pollfd {
    libc::pollfd { fd: file.map_or(-1, |file| file.as_raw_fd()), events, revents: 0 }
}

/// Waits for what the entries ask for, at most `timeout`. Nothing is ready after the timeout, after a signal, or when the kernel has no memory for it now.
/// Any other failure is told of here, because who cannot wait ends.
fn poll(polled: &mut [libc::pollfd], timeout: Option<Duration>) -> io::Result<()> {
    // Rounded up, so that a deadline has passed when it is said to have.
    let timeout = timeout.map_or(-1, |t| i32::try_from(t.as_micros().div_ceil(1_000)).unwrap_or(i32::MAX));
    // SAFETY: `polled` holds as many initialised entries as are said; of a file that is closed meanwhile the kernel says so.
    let ready = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, timeout) };
    if ready >= 0 {
        return Ok(());
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EINTR) => Ok(()),
        Some(libc::ENOMEM | libc::EAGAIN) => {
            thread::sleep(ASKED_AGAIN);
            Ok(())
        }
        _ => {
            eprintln!("lacis-dataplane: a thread cannot wait any more: {error}");
            Err(error)
        }
    }
}

/// What is waited for at one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Something to read, or its end.
    pub reads: bool,
    /// Room to write.
    pub writes: bool,
}

/// What became of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Something is there, or it ended, or it is broken.
    pub readable: bool,
    /// There is room, or it is broken.
    pub writable: bool,
    /// Its other end is gone altogether.
    pub gone: bool,
}

/// Waits for any number of files, at most `timeout`. A file without an interest is still told gone.
pub fn wait_for(files: &[(BorrowedFd<'_>, Interest)], timeout: Option<Duration>) -> io::Result<Vec<Readiness>> {
    let events = |interest: &Interest| {
        let reads = if interest.reads { libc::POLLIN } else { 0 };
        reads | if interest.writes { libc::POLLOUT } else { 0 }
    };
    let mut polled: Vec<_> = files.iter().map(|(file, interest)| entry(Some(*file), events(interest))).collect();
    poll(&mut polled, timeout)?;
    let broken = libc::POLLHUP | libc::POLLERR;
    let of = |entry: &libc::pollfd| Readiness {
        readable: entry.revents & (libc::POLLIN | broken) != 0,
        writable: entry.revents & (libc::POLLOUT | broken) != 0,
        gone: entry.revents & broken != 0,
    };
    Ok(polled.iter().map(of).collect())
}

/// Throws the switch when it is dropped.
pub struct Stop {
    _held_open: PipeWriter,
}

/// The end of a switch that a thread keeps an eye on.
pub struct Stopped(PipeReader);

/// A switch and the first of the ends that see it.
pub fn stop_switch() -> io::Result<(Stop, Stopped)> {
    // The end of the pipe wakes whoever waits for it.
    let (reader, writer) = io::pipe()?;
    Ok((Stop { _held_open: writer }, Stopped(reader)))
}

impl AsFd for Stopped {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Stopped {
    /// Another end of the same switch.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// Waits until the switch is thrown, at most `timeout`. True when it is.
    pub fn wait(&self, timeout: Duration) -> bool {
        is_over(wait_readable([self.0.as_fd()], Some(timeout)))
    }

    /// Waits until one of those files can be read that there are, or the switch is thrown: then `None`. Says which can.
    pub fn wait_with<const N: usize>(&self, files: [Option<BorrowedFd<'_>>; N]) -> Option<[bool; N]> {
        let all = files.into_iter().chain([Some(self.as_fd())]);
        let mut polled: Vec<_> = all.map(|file| entry(file, libc::POLLIN)).collect();
        poll(&mut polled, None).ok()?;
        let is_thrown = polled.pop().is_none_or(|switch| switch.revents != 0);
        let mut ready = [false; N];
        for (ready, entry) in ready.iter_mut().zip(&polled) {
            *ready = entry.revents != 0;
        }
        (!is_thrown).then_some(ready)
    }
}

/// Whether the first of the files, the pipe that ends with its switch, has ended. Who cannot wait any more has to end, too.
fn is_over<const N: usize>(waited: io::Result<[bool; N]>) -> bool {
    waited.map_or(true, |ready| ready.first().copied().unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::env::consts::ARCH;

    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

    use super::super::bell::Bell;
    use super::*;
    use crate::platform::Wait;

    /// In a thread in which nobody can wait for files: the kernel says this instead.
    fn where_waiting_fails<T: Send>(errno: libc::c_int, try_out: impl FnOnce() -> T + Send) -> T {
        let calls = [
            #[cfg(target_arch = "x86_64")]
            libc::SYS_poll,
            libc::SYS_ppoll,
        ];
        let rules: BTreeMap<_, _> = calls.into_iter().map(|call| (call, vec![])).collect();
        let refused = SeccompAction::Errno(errno.unsigned_abs());
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, ARCH.try_into().unwrap()).unwrap();
        let program = BpfProgram::try_from(filter).unwrap();
        thread::scope(|scope| {
            let tried = scope.spawn(move || {
                apply_filter(&program).unwrap();
                try_out()
            });
            tried.join().unwrap()
        })
    }

    #[test]
    fn who_cannot_wait_for_want_of_memory_goes_on_and_asks_again() {
        let (_stop, stopped) = stop_switch().unwrap();
        let rung = Bell::new().unwrap();
        rung.ring();
        let files = || [Some(rung.handle()), None];
        let told =
            where_waiting_fails(libc::ENOMEM, || (stopped.wait_with(files()), stopped.wait(Duration::from_secs(60))));
        assert_eq!(told, (Some([false, false]), false), "no thread ends, and nothing is said to be there");
        assert_eq!(stopped.wait_with(files()), Some([true, false]));
    }

    #[test]
    fn who_can_never_wait_again_ends() {
        let (_stop, stopped) = stop_switch().unwrap();
        let told = where_waiting_fails(libc::EINVAL, || (stopped.wait_with([]), stopped.wait(Duration::from_secs(60))));
        assert_eq!(told, (None, true));
    }

    #[test]
    fn who_waits_is_told_which_of_the_files_there_are_can_be_read_and_of_the_switch() {
        let (stop, stopped) = stop_switch().unwrap();
        let (rung, silent) = (Bell::new().unwrap(), Bell::new().unwrap());
        rung.ring();
        let files = || [Some(silent.handle()), None, Some(rung.handle())];
        assert_eq!(stopped.wait_with(files()), Some([false, false, true]));
        rung.hush();
        silent.ring();
        assert_eq!(stopped.wait_with(files()), Some([true, false, false]));
        drop(stop);
        assert_eq!(stopped.wait_with(files()), None);
    }
}
