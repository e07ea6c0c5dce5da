//! What an error of the system is called in the contract.

use std::io;

/// One of the codes of `Result.code`.
pub fn error_code(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => "not-permitted",
        Some(libc::EADDRINUSE) => "address-in-use",
        Some(libc::EBUSY) => "device-busy",
        Some(libc::ENODEV | libc::ENXIO) => "no-such-device",
        _ => "system",
    }
}
