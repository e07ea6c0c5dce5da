//! The memory that holds the keys: it is not dumped, not swapped, and no part of it becomes code.

use std::io;

use crate::platform::confinement::{Confinement, Measure};

/// `linux/prctl.h` (Linux 6.3).
const PR_SET_MDWE: libc::c_int = 65;
const PR_MDWE_REFUSE_EXEC_GAIN: libc::c_ulong = 1;

/// To be called before there is a key: keeps keys out of core dumps and swap and away from debuggers of the same user, and files
/// private to it.
pub fn harden() -> Confinement {
    let mut confinement = Confinement::default();
    // SAFETY: umask takes a plain number.
    unsafe { libc::umask(0o077) };
    confinement.note(Measure::NoDump, never_dump());
    confinement.note(Measure::MemoryLocked, lock());
    confinement
}

/// Nothing becomes executable that was not.
pub fn refuse_new_code() -> Result<(), String> {
    // SAFETY: prctl takes plain numbers here.
    match unsafe { libc::prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(format!("the kernel does not do it (Linux 6.3): {}", io::Error::last_os_error())),
    }
}

fn never_dump() -> io::Result<()> {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: these calls take plain numbers and a pointer to a live rlimit.
    unsafe {
        check(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0))?;
        check(libc::setrlimit(libc::RLIMIT_CORE, &none))
    }
}

/// Locks what is used, when it is used. Only without a limit: with one, the kernel would refuse memory as soon as it is reached.
fn lock() -> Result<(), String> {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: these calls take plain numbers and a pointer to a live rlimit.
    unsafe {
        if libc::setrlimit(libc::RLIMIT_MEMLOCK, &limit) < 0 {
            check(libc::getrlimit(libc::RLIMIT_MEMLOCK, &mut limit)).map_err(|error| error.to_string())?;
        }
        if limit.rlim_cur != libc::RLIM_INFINITY {
            let bytes = limit.rlim_cur;
            return Err(format!("only {bytes} bytes may be locked (RLIMIT_MEMLOCK; systemd: LimitMEMLOCK=infinity)"));
        }
        check(libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT))
            .map_err(|error| error.to_string())
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
