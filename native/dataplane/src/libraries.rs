//! The libraries that seal and open in this process.

use std::time::Instant;

use lacis_engine::aead::choice::Libraries;

/// The fastest on this machine.
pub fn fastest() -> Libraries {
    Libraries::fastest(|work| {
        let start = Instant::now();
        work();
        start.elapsed()
    })
}
