//! The libraries that seal and open in this process.

use std::sync::LazyLock;
use std::time::Instant;

use lacis_engine::aead::choice::Libraries;

static FASTEST: LazyLock<Libraries> = LazyLock::new(|| {
    Libraries::fastest(|work| {
        let start = Instant::now();
        work();
        start.elapsed()
    })
});

/// The fastest on this machine, which is found out once.
pub fn fastest() -> Libraries {
    *FASTEST
}
