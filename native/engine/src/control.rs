//! What the control plane can do to the engine. Everything is checked again: a command that cannot be meant is refused and
//! changes nothing.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::aead::{Cipher, SecretKey};
use crate::awaited::AWAIT_MS_MAX;
use crate::drop_reason::DropReason;
use crate::engine::{Engine, Pass, Step};
use crate::header::{BODY_LIMIT_BYTES, DATAGRAM_LIMIT_BYTES, Header, Kind, PATH_TOKEN_BYTES};
use crate::host::HostFacts;
use crate::ip::Prefix;
use crate::lock::{lock, read, write};
use crate::output::Output;
use crate::path::Path;
use crate::policy::Program;
pub use crate::policy_table::{POLICIES_MAX, RULES_MAX};
use crate::relay::{RELAYS_MAX, Relay, RelayEntry, Role};
use crate::relaying::RELAYED_LIMIT_BYTES;
use crate::route::{ROUTES_MAX, Route};
use crate::route_table::{BadRoutes, RouteTable};
use crate::session::{NewSession, Session};
use crate::session_keys::SessionKeys;
use crate::session_table::{InsertError, PRIMARIES_MAX, SESSIONS_MAX};
use crate::silence::SILENCE_MS_MAX;

/// Longest note the control plane may keep with a session.
pub const MEMO_LIMIT_BYTES: usize = 64 << 10;

/// Prefixes behind one peer.
pub const ALLOWED_PREFIXES_MAX: usize = 1_024;

/// What every link of IPv4 carries (RFC 791).
const PATH_MTU_MIN: u32 = 68;

/// A command that was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub code: RefusalCode,
    /// For people: what and why.
    pub message: String,
}

/// Why, in the words of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RefusalCode {
    BadRequest,
    UnknownSession,
    UnknownPolicy,
}

impl Refusal {
    /// A request that cannot be meant.
    pub fn bad(message: impl Into<String>) -> Self {
        Self { code: RefusalCode::BadRequest, message: message.into() }
    }

    fn unknown_session(local_index: u32) -> Self {
        Self { code: RefusalCode::UnknownSession, message: format!("there is no session with index {local_index}") }
    }

    fn unknown_policy(policy_id: u32) -> Self {
        Self { code: RefusalCode::UnknownPolicy, message: format!("there is no policy with id {policy_id}") }
    }
}

/// A session to install.
#[allow(missing_docs)]
pub struct Installation {
    pub local_index: u32,
    pub remote_index: u32,
    pub cipher: Cipher,
    pub send_key: SecretKey,
    pub receive_key: SecretKey,
    pub send_counter: u64,
    pub receive_floor: u64,
    pub path: Option<Path>,
    pub peer_addresses: Vec<IpAddr>,
    pub allowed_prefixes: Vec<Prefix>,
    pub policy_id: u32,
    pub confirmed: bool,
    pub primary: bool,
    pub memo: Vec<u8>,
}

/// New programs, and which sessions they judge.
#[allow(missing_docs)]
pub struct PolicyChange {
    pub programs: Vec<(u32, Program)>,
    /// Local index and policy id.
    pub bindings: Vec<(u32, u32)>,
    pub raise_epoch: bool,
}

impl Engine {
    pub(crate) fn session(&self, local_index: u32) -> Result<Arc<Session>, Refusal> {
        self.sessions.by_index(local_index).ok_or_else(|| Refusal::unknown_session(local_index))
    }

    /// Sends to `path` from now on.
    pub fn set_path(&self, local_index: u32, path: Option<Path>, shun_left: bool) -> Result<(), Refusal> {
        check_path(path, Some(local_index))?;
        self.session(local_index)?.set_path(path, shun_left);
        Ok(())
    }

    /// The longest inner packet that the session's way carries, 0: any; and from which length on packets are told of, 0: none.
    pub fn set_path_mtu(&self, local_index: u32, mtu: u32, large_above: u32) -> Result<(), Refusal> {
        if mtu != 0 && mtu < PATH_MTU_MIN {
            return Err(Refusal::bad(format!("no path carries only {mtu} bytes")));
        }
        self.session(local_index)?.mtu.set(mtu, large_above);
        Ok(())
    }

    /// From now on it is told when what is sent on a session is left unanswered for so long; 0: never.
    pub fn watch_silence(&self, local_index: u32, after_ms: u32) -> Result<(), Refusal> {
        if after_ms > SILENCE_MS_MAX {
            return Err(Refusal::bad(format!("nobody is waited for longer than {SILENCE_MS_MAX} ms")));
        }
        self.silences.watch(&*self.session(local_index)?, after_ms);
        Ok(())
    }

    /// Sets a relay in the place of the one with the same index. It goes with its sessions.
    pub fn set_relay(&self, relay: Relay) -> Result<(), Refusal> {
        let next = match relay.role {
            Role::Forward(next) if next.relay_index == 0 => {
                return Err(Refusal::bad("the relay index of the next hop is 0"));
            }
            Role::End(_) if relay.remote_index == 0 => {
                return Err(Refusal::bad("an end needs the index of the way back"));
            }
            _ if relay.relay_index == 0 => return Err(Refusal::bad("the relay index is 0")),
            Role::Forward(next) => Some(next),
            Role::End(_) => None,
        };
        let find = || {
            let hop = self.session(relay.session)?;
            let next = next.map(|next| self.session(next.session)).transpose()?;
            let is_one_peer = match relay.role {
                Role::Forward(_) => next.as_ref().is_some_and(|next| next.peer() == hop.peer()),
                Role::End(peer) => hop.peer_addresses.contains(&peer),
            };
            if is_one_peer {
                return Err(Refusal::bad("both sides of a relay are one peer"));
            }
            Ok(RelayEntry::new(relay, hop, next))
        };
        let set = self.relays.set(relay.relay_index, find)?;
        set.ok_or_else(|| Refusal::bad(format!("there are already {RELAYS_MAX} relays")))
    }

    /// Takes a relay away, if it is there.
    pub fn remove_relay(&self, relay_index: u32) {
        self.relays.remove(relay_index);
    }

    /// Replaces the facts about this host.
    pub fn configure(&self, host: HostFacts, now_ms: u64) {
        self.replace_host(host, now_ms);
    }

    /// All or nothing: these routes take the place of all that there were.
    pub fn apply_routes(&self, routes: Vec<Route>) -> Result<(), Refusal> {
        let table = RouteTable::new(routes).map_err(|bad| {
            Refusal::bad(match bad {
                BadRoutes::TooMany => format!("there are more than {ROUTES_MAX} routes"),
                BadRoutes::HostBits(prefix) => format!("the prefix {prefix} of a route has host bits"),
                BadRoutes::Twice(prefix) => format!("there are two routes for {prefix}"),
            })
        })?;
        self.replace_routes(table);
        Ok(())
    }

    /// All or nothing: adds programs, binds sessions to them and, with `raise_epoch`, drops programs that nothing uses any more and
    /// has every flow judged again.
    pub fn apply_policies(&self, change: PolicyChange) -> Result<(), Refusal> {
        let PolicyChange { programs, bindings, raise_epoch } = change;
        let added: HashSet<u32> = programs.iter().map(|(policy_id, _)| *policy_id).collect();
        let mut policies = write(&self.policies);
        let mut bound = vec![];
        for (local_index, policy_id) in bindings {
            if !added.contains(&policy_id) && !policies.has(policy_id) {
                return Err(Refusal::unknown_policy(policy_id));
            }
            // A peer may have closed its session a moment ago: that is no reason to leave everybody else unjudged.
            bound.extend(self.sessions.by_index(local_index).map(|session| (session, policy_id)));
        }
        let rebound: HashMap<u32, u32> = bound.iter().map(|(session, id)| (session.local_index, *id)).collect();
        let policy_of =
            |session: &Arc<Session>| rebound.get(&session.local_index).copied().unwrap_or(session.policy_id());
        // Without a new epoch nothing is forgotten: whoever adds a program for a new peer knows what is here.
        let in_use = raise_epoch.then(|| self.sessions.all().iter().map(policy_of).collect());
        let Some(changed) = policies.with(programs, in_use.as_ref()) else {
            return Err(Refusal::bad(format!("there would be more than {POLICIES_MAX} policies or {RULES_MAX} rules")));
        };
        *policies = changed;
        for (session, policy_id) in bound {
            session.set_policy_id(policy_id);
        }
        // The flow table asks for programs while it is locked: the order of the two locks is flows, policies.
        drop(policies);
        if raise_epoch {
            self.flows.raise_epoch();
        }
        Ok(())
    }
}

impl<O: Output> Pass<'_, O> {
    /// Replaces the facts about this host.
    pub fn configure(&mut self, host: HostFacts) {
        let Step { engine, now_ms, .. } = self.step;
        engine.flows.settle(self.step.flow);
        engine.configure(host, now_ms);
    }

    /// Installs a session.
    pub fn install(&mut self, new: Installation) -> Result<(), Refusal> {
        let engine = self.step.engine;
        if new.local_index == 0 || new.remote_index == 0 {
            return Err(Refusal::bad("an index is 0"));
        }
        if new.peer_addresses.is_empty() {
            return Err(Refusal::bad("the peer has no address"));
        }
        check_path(new.path, Some(new.local_index))?;
        if new.allowed_prefixes.len() > ALLOWED_PREFIXES_MAX {
            return Err(Refusal::bad(format!("more than {ALLOWED_PREFIXES_MAX} prefixes lie behind the peer")));
        }
        if engine.sessions.by_index(new.local_index).is_some() {
            return Err(describe(InsertError::IndexTaken, new.local_index));
        }
        check_memo(&new.memo)?;
        let library = engine.libraries.of(new.cipher);
        let primary = new.primary && new.confirmed;
        let session = Session::new(NewSession {
            local_index: new.local_index,
            remote_index: new.remote_index,
            send_counter: new.send_counter,
            receive_floor: new.receive_floor,
            path: new.path,
            peer_addresses: new.peer_addresses,
            allowed_prefixes: new.allowed_prefixes,
            policy_id: new.policy_id,
            confirmed: new.confirmed,
            memo: new.memo,
            keys: SessionKeys { library, cipher: new.cipher, send: new.send_key, receive: new.receive_key },
            sample_lists: engine.sample_lists.clone(),
            awake: Arc::clone(&engine.awake),
        });
        let session = Arc::new(session.ok_or_else(|| Refusal::bad("the cipher refuses the key"))?);
        // Held until the session is in the table, so that its program is not dropped as unused in between.
        let policies = read(&engine.policies);
        if !policies.has(new.policy_id) {
            return Err(Refusal::unknown_policy(new.policy_id));
        }
        engine.sessions.insert(&session, primary).map_err(|error| describe(error, new.local_index))?;
        drop(policies);
        if primary {
            self.release_all(&session);
        }
        self.catch_up(&session);
        Ok(())
    }

    /// Makes a session the one that sends for its addresses, and sends what waits for them.
    pub fn set_primary(&mut self, local_index: u32) -> Result<(), Refusal> {
        let session = self.step.engine.session(local_index)?;
        if !session.is_confirmed() {
            return Err(Refusal::bad(format!("session {local_index} is not confirmed")));
        }
        self.step.engine.sessions.make_primary(&session);
        self.release_all(&session);
        Ok(())
    }

    /// Forgets a session, telling the peer first if `send_close`.
    pub fn remove(&mut self, local_index: u32, send_close: bool) -> Result<(), Refusal> {
        let session = self.step.engine.session(local_index)?;
        if send_close {
            self.step.send(&session, Kind::CloseTunnel, &[], None);
        }
        self.step.engine.forget(local_index);
        Ok(())
    }

    /// Tells every peer that its session is over.
    pub fn close_all(&mut self) {
        for session in self.step.engine.sessions.all() {
            self.step.send(&session, Kind::CloseTunnel, &[], None);
        }
    }

    /// Seals a control message and sends it.
    pub fn seal_and_send(
        &mut self,
        local_index: u32,
        kind: Kind,
        body: &[u8],
        to: Option<Path>,
    ) -> Result<(), Refusal> {
        if !kind.is_sealed() {
            return Err(Refusal::bad("this type of datagram is not sealed"));
        }
        if body.len() > BODY_LIMIT_BYTES {
            return Err(Refusal::bad(format!("a body of {} bytes fits no datagram", body.len())));
        }
        let session = self.step.engine.session(local_index)?;
        let is_size_probe = matches!(kind, Kind::TestRequest | Kind::PathRequest) && body.len() > PATH_TOKEN_BYTES;
        self.step.out.keep_whole(is_size_probe);
        self.step.send_along(to.or_else(|| session.path()), &session, kind, body, None);
        self.step.out.keep_whole(false);
        Ok(())
    }

    /// A message 1 names this index: for so long its session may be installed at any moment.
    pub fn await_session(&mut self, local_index: u32, for_ms: u32) -> Result<(), Refusal> {
        if for_ms > AWAIT_MS_MAX {
            return Err(Refusal::bad(format!("no handshake takes longer than {AWAIT_MS_MAX} ms")));
        }
        lock(&self.step.engine.awaited).expect(local_index, for_ms.into(), self.step.now_ms);
        Ok(())
    }

    /// Sends a datagram as it is.
    pub fn send_datagram(&mut self, path: Path, datagram: &[u8]) -> Result<(), Refusal> {
        if datagram.len() > DATAGRAM_LIMIT_BYTES {
            return Err(Refusal::bad(format!("a datagram of {} bytes is longer than any", datagram.len())));
        }
        check_path(Some(path), None)?;
        match path {
            Path::Direct(to) => {
                if wants_answer(datagram) {
                    lock(&self.step.engine.acquaintances).asked(to.ip(), self.step.now_ms);
                }
                self.step.send_datagram(to, datagram);
            }
            Path::Relayed(_) if datagram.len() > RELAYED_LIMIT_BYTES => {
                return Err(Refusal::bad(format!("a datagram of {} bytes fits no relay's frame", datagram.len())));
            }
            Path::Relayed(relayed) => self.step.send_datagram_relayed(relayed, datagram),
        }
        Ok(())
    }

    /// Drops what is parked for `destination`.
    pub fn drop_parked(&mut self, destination: IpAddr) {
        let dropped = lock(&self.step.engine.parked).take(destination).len();
        self.step.engine.drops.add(DropReason::ParkedDropped, dropped as u64);
    }

    fn release_all(&mut self, session: &Session) {
        for address in &session.peer_addresses {
            self.release(*address);
        }
    }
}

/// A hop may be gone by the time that something is sent; what can never be one is refused.
fn check_path(path: Option<Path>, of: Option<u32>) -> Result<(), Refusal> {
    match path {
        Some(Path::Relayed(relayed)) if relayed.relay_index == 0 => Err(Refusal::bad("the relay index of a path is 0")),
        Some(Path::Relayed(relayed)) if Some(relayed.session) == of => {
            Err(Refusal::bad("a session is no relay for itself"))
        }
        _ => Ok(()),
    }
}

/// A message 1, or a punch. A message 2 wants none: it goes to whoever claims to have asked.
fn wants_answer(datagram: &[u8]) -> bool {
    match Header::decode(datagram) {
        Ok(header) => header.kind == Kind::Handshake && header.counter == 1,
        Err(reason) => reason == DropReason::Punch,
    }
}

fn check_memo(memo: &[u8]) -> Result<(), Refusal> {
    if memo.len() > MEMO_LIMIT_BYTES {
        return Err(Refusal::bad(format!("a memo of {} bytes is longer than {MEMO_LIMIT_BYTES}", memo.len())));
    }
    Ok(())
}

fn describe(error: InsertError, local_index: u32) -> Refusal {
    Refusal::bad(match error {
        InsertError::IndexTaken => format!("index {local_index} is taken"),
        InsertError::SessionsFull => format!("there are already {SESSIONS_MAX} sessions"),
        InsertError::PrimariesFull => format!("there are already {PRIMARIES_MAX} overlay addresses with a session"),
    })
}
