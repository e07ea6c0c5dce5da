//! What the control plane and the data plane say to each other: the messages of `dataplane.proto` and the frames they
//! travel in. What a message does is written in `SEMANTICS.md`.

// What comes from outside must not end a thread: nothing here may panic but arithmetic, which is checked in every build and contained.
#![deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::string_slice, clippy::unreachable)]

use std::fmt;

pub mod frame;

/// The messages, generated from `dataplane.proto`.
#[allow(missing_docs, clippy::all)]
pub mod wire {
    include!(concat!(env!("OUT_DIR"), "/lacis.dataplane.rs"));
}

/// Newest version of the contract spoken here.
pub const CONTRACT_VERSION: u32 = 2;

/// Oldest version of the contract spoken here.
pub const OLDEST_VERSION: u32 = 2;

/// Longest message in one frame. A peer that announces more is not speaking this contract.
pub const FRAME_LIMIT_BYTES: usize = 1 << 20;

/// Keys never print.
impl fmt::Debug for wire::InstallSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstallSession").field("local_index", &self.local_index).finish_non_exhaustive()
    }
}

impl wire::Hello {
    /// The newest version that both sides speak. A control plane of version 1 named no range: it speaks what it names.
    pub fn common_version(&self) -> Option<u32> {
        let oldest = if self.oldest_version == 0 { self.contract_version } else { self.oldest_version };
        let common = self.contract_version.min(CONTRACT_VERSION);
        (common >= oldest && common >= OLDEST_VERSION).then_some(common)
    }
}

#[cfg(test)]
mod tests {
    use super::wire::Hello;

    #[test]
    fn the_newest_version_that_both_speak_is_used() {
        let common = |oldest_version, contract_version| Hello { contract_version, oldest_version }.common_version();
        assert_eq!((common(2, 2), common(0, 2), common(2, 3), common(1, 9)), (Some(2), Some(2), Some(2), Some(2)));
        assert_eq!(
            (common(0, 1), common(1, 1), common(3, 4), common(0, 0), common(3, 2)),
            (None, None, None, None, None)
        );
    }
}
