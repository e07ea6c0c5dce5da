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

/// The name of an error that sending may end with, as the system's manual has it.
pub fn error_name(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::ENETUNREACH) => "ENETUNREACH",
        Some(libc::EHOSTUNREACH) => "EHOSTUNREACH",
        Some(libc::ENETDOWN) => "ENETDOWN",
        Some(libc::EADDRNOTAVAIL) => "EADDRNOTAVAIL",
        Some(libc::EAFNOSUPPORT) => "EAFNOSUPPORT",
        Some(libc::ECONNREFUSED) => "ECONNREFUSED",
        Some(libc::EPERM) => "EPERM",
        Some(libc::EACCES) => "EACCES",
        Some(libc::EMSGSIZE) => "EMSGSIZE",
        Some(libc::EINVAL) => "EINVAL",
        Some(libc::EAGAIN) => "EAGAIN",
        Some(libc::ENOBUFS) => "ENOBUFS",
        _ => "other",
    }
}
