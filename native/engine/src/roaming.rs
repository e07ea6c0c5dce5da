//! Where a session's datagrams go, and how that follows the peer (SEMANTICS.md section 5).

use crate::path::Path;

/// For this long a session does not go back to the path it has just left: packets of both paths are still on the way.
pub const ROAM_GUARD_MS: u64 = 2_000;
/// How often a move is told at once. A peer can move with every packet; only where it is now is of use to anybody.
pub const TOLD_INTERVAL_MS: u64 = 1_000;

/// The path of one session, and the one it has left.
#[derive(Default)]
pub struct RoamingPath {
    current: Option<Path>,
    is_untold: bool,
    /// Present once it has moved: most peers never do, and a host knows thousands.
    moves: Option<Box<Moves>>,
}

#[derive(Default)]
struct Moves {
    left: Option<(Path, u64)>,
    /// The path that the control plane has left because it loses packets.
    shunned: Option<Path>,
    told_at_ms: Option<u64>,
}

impl RoamingPath {
    /// A path that has never moved.
    pub fn new(path: Option<Path>) -> Self {
        Self { current: path, ..Self::default() }
    }

    /// Where to send, if anywhere.
    pub fn current(&self) -> Option<Path> {
        self.current
    }

    /// The control plane's choice. `shun_left`: what comes on the path of before does not lead back there.
    pub fn set(&mut self, path: Option<Path>, shun_left: bool) {
        let shunned = self.current.filter(|&left| shun_left && path != Some(left));
        if self.moves.is_some() || shunned.is_some() {
            self.moves().shunned = shunned;
        }
        self.current = path;
        self.is_untold = false;
    }

    /// An authentic packet came from `origin`, straight being a better way than any relay, and where the peer may be only if `is_allowed` says
    /// so. Returns the path when it moved, there or before, and is to be told now.
    pub fn heard_from(&mut self, origin: Path, is_allowed: impl FnOnce() -> bool, now_ms: u64) -> Option<Path> {
        if self.current != Some(origin) && !self.leads_back(origin, now_ms) && is_allowed() {
            let left = self.current.replace(origin).map(|path| (path, now_ms));
            let moves = self.moves();
            moves.left = left;
            moves.shunned = None;
            self.is_untold = true;
        }
        let told_at_ms = || self.moves.as_ref().and_then(|moves| moves.told_at_ms);
        let may_tell = || told_at_ms().is_none_or(|at| now_ms.saturating_sub(at) >= TOLD_INTERVAL_MS);
        if self.is_untold && may_tell() { self.take_untold(now_ms) } else { None }
    }

    /// Whether it was left too lately, or for good reason, to be gone back to.
    fn leads_back(&self, origin: Path, now_ms: u64) -> bool {
        let Some(moves) = &self.moves else { return false };
        let is_relayed = matches!(self.current, Some(Path::Relayed(_)));
        let is_just_left =
            || moves.left.is_some_and(|(left, at)| left == origin && now_ms.saturating_sub(at) < ROAM_GUARD_MS);
        moves.shunned == Some(origin) || (!is_relayed && is_just_left())
    }

    fn moves(&mut self) -> &mut Moves {
        self.moves.get_or_insert_default()
    }

    /// Whether it moved and that has not been told.
    pub fn is_untold(&self) -> bool {
        self.is_untold
    }

    /// The path, if it moved and that has not been told. It is told now.
    pub fn take_untold(&mut self, now_ms: u64) -> Option<Path> {
        if !std::mem::take(&mut self.is_untold) {
            return None;
        }
        self.moves().told_at_ms = Some(now_ms);
        self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Relayed;

    fn endpoint(port: u16) -> Path {
        Path::Direct(([192, 0, 2, 1], port).into())
    }

    fn anywhere() -> bool {
        true
    }

    #[test]
    fn where_the_peer_may_not_be_the_path_does_not_follow_it() {
        let mut path = RoamingPath::new(Some(endpoint(1)));
        assert_eq!(path.heard_from(endpoint(2), || false, 0), None);
        assert_eq!(path.current(), Some(endpoint(1)));
        assert_eq!(path.heard_from(endpoint(3), anywhere, 0), Some(endpoint(3)));
        // Not left, so nobody comes back to it.
        assert_eq!(path.heard_from(endpoint(2), || false, 1_000), None);
        path.heard_from(endpoint(2), anywhere, 1_000);
        assert_eq!(path.current(), Some(endpoint(2)));
    }

    #[test]
    fn the_path_follows_the_peer_at_once_and_the_first_move_is_told() {
        let mut path = RoamingPath::new(Some(endpoint(1)));
        assert_eq!(path.heard_from(endpoint(1), anywhere, 0), None);
        assert_eq!(path.heard_from(endpoint(2), anywhere, 0), Some(endpoint(2)));
        assert_eq!(path.heard_from(endpoint(3), anywhere, 0), None);
        assert_eq!(path.current(), Some(endpoint(3)));
    }

    #[test]
    fn a_path_that_is_shunned_is_not_gone_back_to_until_the_session_has_gone_elsewhere() {
        let relayed = Path::Relayed(Relayed { session: 7, relay_index: 8 });
        let mut path = RoamingPath::new(Some(endpoint(1)));
        path.set(Some(relayed), true);
        assert_eq!(path.heard_from(endpoint(1), anywhere, 60_000), None);
        assert_eq!(path.current(), Some(relayed));
        assert_eq!(path.heard_from(endpoint(2), anywhere, 60_000), Some(endpoint(2)));
        assert_eq!(path.heard_from(endpoint(1), anywhere, 70_000), Some(endpoint(1)));
        path.set(Some(relayed), false);
        assert_eq!(path.heard_from(endpoint(1), anywhere, 80_000), Some(endpoint(1)));
    }

    #[test]
    fn moves_within_a_second_are_told_as_one() {
        let mut path = RoamingPath::new(Some(endpoint(1)));
        assert_eq!(path.heard_from(endpoint(2), anywhere, 500), Some(endpoint(2)));
        for port in 3..1_000 {
            assert_eq!(path.heard_from(endpoint(port), anywhere, 1_499), None);
        }
        assert_eq!(path.heard_from(endpoint(999), anywhere, 1_500), Some(endpoint(999)));
        assert_eq!(path.heard_from(endpoint(999), anywhere, 9_000), None);
    }

    #[test]
    fn what_is_asked_for_is_told_and_counts() {
        let mut path = RoamingPath::new(Some(endpoint(1)));
        path.heard_from(endpoint(2), anywhere, 0);
        assert_eq!(path.take_untold(10), None);
        path.heard_from(endpoint(3), anywhere, 20);
        assert_eq!(path.take_untold(900), Some(endpoint(3)));
        assert_eq!(path.heard_from(endpoint(4), anywhere, 1_899), None);
        assert_eq!(path.heard_from(endpoint(4), anywhere, 1_900), Some(endpoint(4)));
    }

    #[test]
    fn a_path_that_the_control_plane_chose_is_no_news_to_it() {
        let mut path = RoamingPath::new(Some(endpoint(1)));
        path.heard_from(endpoint(2), anywhere, 0);
        path.heard_from(endpoint(3), anywhere, 0);
        path.set(Some(endpoint(9)), false);
        assert_eq!(path.take_untold(0), None);
    }

    #[test]
    fn roaming_back_within_two_seconds_is_ignored() {
        let mut path = RoamingPath::new(Some(endpoint(1)));
        path.heard_from(endpoint(2), anywhere, 1_000);
        path.heard_from(endpoint(1), anywhere, 2_999);
        assert_eq!(path.current(), Some(endpoint(2)));
        assert_eq!(path.heard_from(endpoint(1), anywhere, 3_000), Some(endpoint(1)));
        path.heard_from(endpoint(2), anywhere, 3_001);
        assert_eq!(path.current(), Some(endpoint(1)));
    }

    #[test]
    fn a_relayed_path_gives_way_at_once_to_any_direct_one() {
        let mut path = RoamingPath::new(Some(endpoint(1)));
        path.heard_from(endpoint(2), anywhere, 1_000);
        path.set(Some(Path::Relayed(Relayed { session: 7, relay_index: 9 })), false);
        path.heard_from(endpoint(1), anywhere, 1_001);
        assert_eq!(path.current(), Some(endpoint(1)));
    }

    #[test]
    fn a_session_without_a_path_gets_one() {
        let mut path = RoamingPath::new(None);
        assert_eq!(path.heard_from(endpoint(1), anywhere, 0), Some(endpoint(1)));
        assert_eq!(path.current(), Some(endpoint(1)));
    }
}
