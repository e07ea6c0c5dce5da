//! What the control plane and the data plane say to each other: the messages of `dataplane.proto` and the frames they
//! travel in. What a message does is written in `SEMANTICS.md`.

use std::fmt;

pub mod frame;

/// The messages, generated from `dataplane.proto`.
#[allow(missing_docs, clippy::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/lacis.dataplane.v1.rs"));
}

/// Version of the contract spoken here, the first thing each side tells the other.
pub const CONTRACT_VERSION: u32 = 1;

/// Longest message in one frame. A peer that announces more is not speaking this contract.
pub const FRAME_LIMIT_BYTES: usize = 1 << 20;

/// Keys never print.
impl fmt::Debug for v1::InstallSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstallSession").field("local_index", &self.local_index).finish_non_exhaustive()
    }
}
