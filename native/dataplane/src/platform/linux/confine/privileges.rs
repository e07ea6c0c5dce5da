//! Capabilities (capabilities(7)), which each thread has for itself.

use std::fs;
use std::io;

use caps::CapSet;

/// Drops every capability of this thread, those that it could get back included.
pub fn drop_all() -> Result<(), String> {
    gain_none().map_err(|error| error.to_string())?;
    for capability in caps::all() {
        // Only somebody with CAP_SETPCAP may; without new privileges the bounding set bounds nothing any more.
        let _ = caps::drop(None, CapSet::Bounding, capability);
    }
    for set in [CapSet::Ambient, CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
        caps::clear(None, set).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// No program that this thread starts has more than it has (no_new_privs).
pub fn gain_none() -> io::Result<()> {
    // SAFETY: prctl takes plain numbers here.
    match unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Whether it is so for all threads, as the kernel tells it (proc_pid_status(5)).
pub fn none_in_any_thread() -> Result<(), String> {
    let unknown = |error: io::Error| format!("what its threads have left cannot be read: {error}");
    for task in fs::read_dir("/proc/self/task").map_err(unknown)? {
        let status = fs::read_to_string(task.map_err(unknown)?.path().join("status")).map_err(unknown)?;
        let left = |set: &str| status.lines().find_map(|line| line.strip_prefix(set)).map(str::trim);
        for set in ["CapPrm:", "CapEff:", "CapInh:"] {
            match left(set) {
                Some(mask) if mask.bytes().all(|digit| digit == b'0') => {}
                mask => return Err(format!("a thread kept {set} {}", mask.unwrap_or("unknown"))),
            }
        }
    }
    Ok(())
}
