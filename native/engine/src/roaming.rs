//! Where a session's datagrams go, and how that follows the peer (SEMANTICS.md section 5).

use crate::path::Path;

/// For this long a session does not go back to the path it has just left: packets of both paths are still on the way.
pub const ROAM_GUARD_MS: u64 = 2_000;

/// The path of one session, and the one it has left.
#[derive(Default)]
pub struct RoamingPath {
    current: Option<Path>,
    left: Option<(Path, u64)>,
}

impl RoamingPath {
    /// A path that has never moved.
    pub fn new(path: Option<Path>) -> Self {
        Self { current: path, left: None }
    }

    /// Where to send, if anywhere.
    pub fn current(&self) -> Option<Path> {
        self.current
    }

    /// The control plane's choice.
    pub fn set(&mut self, path: Option<Path>) {
        self.current = path;
    }

    /// An authentic packet came from `origin`. True when the path moved there.
    pub fn heard_from(&mut self, origin: Path, now_ms: u64) -> bool {
        if self.current == Some(origin) {
            return false;
        }
        if self.left.is_some_and(|(left, at)| left == origin && now_ms.saturating_sub(at) < ROAM_GUARD_MS) {
            return false;
        }
        self.left = self.current.map(|path| (path, now_ms));
        self.current = Some(origin);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(port: u16) -> Path {
        Path::Direct(([192, 0, 2, 1], port).into())
    }

    #[test]
    fn the_path_follows_the_peer_at_once() {
        let mut path = RoamingPath::new(Some(endpoint(1)));
        assert!(!path.heard_from(endpoint(1), 0));
        assert!(path.heard_from(endpoint(2), 0));
        assert!(path.heard_from(endpoint(3), 0));
        assert_eq!(path.current(), Some(endpoint(3)));
    }

    #[test]
    fn roaming_back_within_two_seconds_is_ignored() {
        let mut path = RoamingPath::new(Some(endpoint(1)));
        assert!(path.heard_from(endpoint(2), 1_000));
        assert!(!path.heard_from(endpoint(1), 2_999));
        assert!(path.heard_from(endpoint(1), 3_000));
        assert!(!path.heard_from(endpoint(2), 3_001));
    }

    #[test]
    fn a_session_without_a_path_gets_one() {
        let mut path = RoamingPath::new(None);
        assert!(path.heard_from(endpoint(1), 0));
        assert_eq!(path.current(), Some(endpoint(1)));
    }
}
