//! Confinement by what Linux has for it. A kernel without one of them lacks that measure and keeps the others; each is told by name.

mod files;
mod memory;
mod privileges;
mod system_calls;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use memory::harden;

use crate::platform::confinement::{Confinement, Measure};

/// For a thread that only moves bytes between what is open: no privileges, no files. What the system does not have, it goes on without.
pub fn renounce() {
    let _ = privileges::drop_all();
    let _ = files::close(None);
}

/// For the whole process, whose other threads have renounced already. What is open stays open; of the file system only the names in the
/// folder of `socket` can be removed.
pub fn confine(socket: &Path, mut confinement: Confinement) -> Confinement {
    confinement.note(Measure::NoPrivileges, privileges::drop_all().and_then(|()| privileges::none_in_any_thread()));
    confinement.note(Measure::NoNewPrivileges, privileges::gain_none());
    confinement.note(Measure::NoFiles, files::close(socket.parent()));
    confinement.note(Measure::NoNewCode, memory::refuse_new_code());
    let filtered = system_calls::limit();
    confinement.system_calls = *filtered.as_ref().unwrap_or(&0);
    confinement.note(Measure::FewSystemCalls, filtered.map(drop));
    confinement
}
