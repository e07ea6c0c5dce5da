//! Waiting for files without spinning.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Waits until one of the files can be read (or is broken), at most `timeout`. Says which; all false after the timeout.
pub fn wait_readable<const N: usize>(files: [BorrowedFd<'_>; N], timeout: Option<Duration>) -> io::Result<[bool; N]> {
    let mut polled = files.map(|file| libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 });
    // Rounded up, so that a deadline has passed when it is said to have.
    let timeout = timeout.map_or(-1, |t| i32::try_from(t.as_micros().div_ceil(1_000)).unwrap_or(i32::MAX));
    // SAFETY: `polled` holds N initialised entries, and the files are open while `files` borrows them.
    let ready = unsafe { libc::poll(polled.as_mut_ptr(), N as libc::nfds_t, timeout) };
    if ready < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok([false; N]) } else { Err(error) };
    }
    Ok(polled.map(|entry| entry.revents != 0))
}
