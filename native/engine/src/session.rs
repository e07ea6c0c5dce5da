//! One session: its keys, its counters and where its datagrams go.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use crate::active_sessions::{Listing, SampleLists};
use crate::aead::Aead;
use crate::arrivals::Arrivals;
use crate::awake_sessions::AwakeSessions;
use crate::counters::Count;
use crate::counters::InboundCounters;
use crate::drop_reason::DropReason;
use crate::header::{Header, Kind, OVERHEAD_BYTES};
use crate::ip::Prefix;
use crate::kept_answer::{Given, KeptAnswer};
use crate::lock::{lock, read, write};
use crate::path::Path;
use crate::path_mtu::PathMtu;
use crate::roaming::RoamingPath;
use crate::send_counter::SendCounter;
use crate::session_keys::{Sealer, SessionKeys, open, unwrap};
use crate::silence::Silence;
use crate::sync;

/// Time between two notes of where a peer is.
const NOTE_INTERVAL_MS: u64 = 1_000;

/// One session. Shared by the threads of both directions; what each of them writes lies in a cache line of its own, and the two not side by side: some processors
/// fetch lines in pairs. A lighthouse has thousands of sessions, so nothing is kept apart further than that.
#[repr(C)]
pub struct Session {
    send: Sending,
    /// What is written now and then.
    pub(crate) seldom: Seldom,
    receive: Receiving,
    /// Our index, the one the peer sends to.
    pub local_index: u32,
    /// The peer's index, the one we send to.
    pub remote_index: u32,
    /// Every overlay address of the peer's certificate.
    pub peer_addresses: Box<[IpAddr]>,
    /// What lies behind the peer: prefixes that its inner packets may come from, too.
    pub allowed_prefixes: Box<[Prefix]>,
    policy_id: AtomicU32,
    confirmed: AtomicBool,
    path: Mutex<RoamingPath>,
    memo: Box<[u8]>,
    /// How long its inner packets may be.
    pub mtu: PathMtu,
    keys: SessionKeys,
    use_listing: Listing,
    move_listing: Listing,
    /// Where it stands while it does not rest, and whether it does.
    awake: Arc<AwakeSessions>,
    is_awake: AtomicBool,
}

// What the model checker puts in the place of locks and atomics is larger.
#[cfg(not(loom))]
const _: () = assert!(size_of::<Session>() <= 512);

/// On a line of its own: what each packet reads is not to leave a core's cache for it.
#[repr(align(64))]
pub(crate) struct Seldom {
    /// Whether what it sends is left unanswered.
    pub silence: Silence,
    /// What it is answered without the control plane.
    pub kept_answer: Mutex<KeptAnswer>,
    /// When the peer's address may be noted again.
    note_from_ms: AtomicU64,
}

#[repr(align(64))]
struct Sending {
    /// `None` while the session rests.
    key: RwLock<Option<Box<Aead>>>,
    counter: SendCounter,
    active: sync::AtomicBool,
    packets: Count,
    bytes: Count,
}

#[repr(align(64))]
struct Receiving {
    arrivals: Arrivals<Box<Aead>>,
    active: sync::AtomicBool,
}

/// What a new session starts with.
pub struct NewSession {
    /// See [`Session::local_index`].
    pub local_index: u32,
    /// See [`Session::remote_index`].
    pub remote_index: u32,
    /// Counter of the last message sent.
    pub send_counter: u64,
    /// Counters up to and including this one count as received.
    pub receive_floor: u64,
    /// Where to send, if known.
    pub path: Option<Path>,
    /// See [`Session::peer_addresses`].
    pub peer_addresses: Vec<IpAddr>,
    /// See [`Session::allowed_prefixes`].
    pub allowed_prefixes: Vec<Prefix>,
    /// The program that judges its flows.
    pub policy_id: u32,
    /// Whether the peer has proved that it has the keys.
    pub confirmed: bool,
    /// Opaque; returned in the snapshot.
    pub memo: Vec<u8>,
    /// See [`Session::keys`].
    pub keys: SessionKeys,
    /// Where it says that there is something to tell of it.
    pub sample_lists: SampleLists,
    /// Where it says that it does not rest.
    pub awake: Arc<AwakeSessions>,
}

/// What a session did since it was last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Activity {
    pub local_index: u32,
    pub received: bool,
    pub sent: bool,
    pub received_packets: u64,
    pub received_bytes: u64,
    pub sent_packets: u64,
    pub sent_bytes: u64,
    /// Of the sent ones, those that answered without the control plane, since it was last asked.
    pub given: Given,
}

impl Session {
    /// A session in use. `None`: the library refuses a key.
    pub fn new(new: NewSession) -> Option<Self> {
        let (send_key, receive_key) = (new.keys.sealing()?, new.keys.opening()?);
        let session = Self {
            local_index: new.local_index,
            remote_index: new.remote_index,
            peer_addresses: new.peer_addresses.into(),
            allowed_prefixes: new.allowed_prefixes.into(),
            policy_id: AtomicU32::new(new.policy_id),
            confirmed: AtomicBool::new(new.confirmed),
            path: Mutex::new(RoamingPath::new(new.path)),
            seldom: Seldom {
                silence: Silence::default(),
                kept_answer: Mutex::default(),
                note_from_ms: AtomicU64::new(0),
            },
            memo: new.memo.into(),
            mtu: PathMtu::default(),
            keys: new.keys,
            use_listing: Listing::new(new.local_index, new.sample_lists.used),
            move_listing: Listing::new(new.local_index, new.sample_lists.moved),
            awake: new.awake,
            is_awake: AtomicBool::new(false),
            send: Sending {
                key: RwLock::new(Some(send_key)),
                counter: SendCounter::after(new.send_counter),
                active: sync::AtomicBool::new(false),
                packets: Count::default(),
                bytes: Count::default(),
            },
            receive: Receiving {
                arrivals: Arrivals::after(new.receive_floor, receive_key),
                active: sync::AtomicBool::new(false),
            },
        };
        session.wake();
        Some(session)
    }

    /// What it seals and opens with.
    pub fn keys(&self) -> &SessionKeys {
        &self.keys
    }

    /// The highest counter that was received.
    pub fn highest_received(&self) -> u64 {
        self.receive.arrivals.highest()
    }

    /// The counters it sends under.
    pub fn counter(&self) -> &SendCounter {
        &self.send.counter
    }

    /// Writes the sealed datagram of `body` into `slot`, which is [`OVERHEAD_BYTES`] longer. False: it must not be sent.
    pub fn seal_into(&self, slot: &mut [u8], kind: Kind, counter: u64, body: &[u8]) -> bool {
        let write = |sealed: &mut [u8]| {
            let fits = sealed.len() == body.len();
            if fits {
                sealed.copy_from_slice(body);
            }
            fits
        };
        let sealed = self.sealer().is_some_and(|sealer| sealer.seal_with(slot, kind, counter, write));
        if sealed {
            self.sent(1, body.len() + OVERHEAD_BYTES);
        }
        sealed
    }

    /// Makes a frame of `frame`, in which the datagram to relay lies between the header and the tag. False: it must not be sent.
    pub fn wrap(&self, frame: &mut [u8], relay_index: u32, counter: u64) -> bool {
        let length = frame.len();
        let wrapped = self.sealer().is_some_and(|sealer| sealer.wrap(frame, relay_index, counter));
        if wrapped {
            self.sent(1, length);
        }
        wrapped
    }

    /// What seals on this session; `None`: nothing can.
    pub fn sealer(&self) -> Option<Sealer<'_>> {
        loop {
            let key = read(&self.send.key);
            if key.is_some() {
                return Some(Sealer::new(self.remote_index, key));
            }
            drop(key);
            let made = self.keys.sealing()?;
            *write(&self.send.key) = Some(made);
            self.wake();
        }
    }

    /// It has made something of its keys.
    fn wake(&self) {
        if !self.is_awake.swap(true, Ordering::AcqRel) {
            self.awake.add(self.local_index);
        }
    }

    /// Keeps its keys alone, until it is used again, if it has not been since it had sent and received so many datagrams. Returns how many those are
    /// now; `None`: it rests.
    pub(crate) fn rest_unless_used(&self, before: Option<u64>) -> Option<u64> {
        let used = self.counter().last().wrapping_add(self.receive.arrivals.totals().0);
        if before != Some(used) {
            return Some(used);
        }
        // Before they are gone: whoever makes one afterwards says so again.
        self.is_awake.store(false, Ordering::Release);
        *write(&self.send.key) = None;
        self.receive.arrivals.rest();
        None
    }

    /// Counts datagrams and the bytes of all of them.
    pub fn sent(&self, datagrams: u64, bytes: usize) {
        self.send.packets.add(datagrams);
        self.send.bytes.add(bytes as u64);
        self.use_listing.note(&self.send.active);
    }

    /// What a datagram or a frame holds, if it is new and authentic; its counter is then seen.
    pub fn take_in<'a>(
        &self,
        header: &Header,
        datagram: &'a mut [u8],
        counters: &InboundCounters,
    ) -> Result<&'a mut [u8], DropReason> {
        let (counter, length) = (header.counter, datagram.len());
        if length < OVERHEAD_BYTES {
            return Err(DropReason::ShortPacket);
        }
        let make = || {
            let made = self.keys.opening();
            self.wake();
            made
        };
        let held = self.receive.arrivals.take_in((counter, length), counters, make, |key| match header.kind {
            Kind::Relay => unwrap(key, counter, datagram),
            _ => open(key, counter, datagram),
        })?;
        self.use_listing.note(&self.receive.active);
        Ok(held)
    }

    /// The peer has proved that it has the keys. True the first time.
    pub fn confirm(&self) -> bool {
        !self.confirmed.load(Ordering::Relaxed) && !self.confirmed.swap(true, Ordering::AcqRel)
    }

    /// Whether the peer has proved that it has the keys.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed.load(Ordering::Acquire)
    }

    /// Where to send, if anywhere.
    pub fn path(&self) -> Option<Path> {
        lock(&self.path).current()
    }

    /// Sends to `path` from now on.
    pub fn set_path(&self, path: Option<Path>, shun_left: bool) {
        lock(&self.path).set(path, shun_left);
    }

    /// An authentic packet came from `origin`. Returns the path when it is to be told now.
    pub fn heard_from(&self, origin: Path, is_allowed: impl FnOnce() -> bool, now_ms: u64) -> Option<Path> {
        let mut path = lock(&self.path);
        let told = path.heard_from(origin, is_allowed, now_ms);
        if path.is_untold() {
            self.move_listing.list();
        }
        told
    }

    /// Whether the source of the authentic packet that came now is to be noted as known: at most once a second, so that no peer
    /// pushes out others by sending from many.
    pub fn is_noteworthy(&self, now_ms: u64) -> bool {
        let due = now_ms >= self.seldom.note_from_ms.load(Ordering::Relaxed);
        if due {
            self.seldom.note_from_ms.store(now_ms + NOTE_INTERVAL_MS, Ordering::Relaxed);
        }
        due
    }

    /// The path, if it moved and that has not been told. It is told now.
    pub fn take_untold_path(&self, now_ms: u64) -> Option<Path> {
        self.move_listing.unlist();
        lock(&self.path).take_untold(now_ms)
    }

    /// Who it is with: a peer is named by the first of its addresses, whichever of its sessions this is.
    pub fn peer(&self) -> IpAddr {
        self.peer_addresses.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// Whether `address` lies behind the peer.
    pub fn is_behind(&self, address: IpAddr) -> bool {
        self.allowed_prefixes.iter().any(|prefix| prefix.contains(address))
    }

    /// The program that judges its flows.
    pub fn policy_id(&self) -> u32 {
        self.policy_id.load(Ordering::Acquire)
    }

    /// Binds the session to another program.
    pub fn set_policy_id(&self, policy_id: u32) {
        self.policy_id.store(policy_id, Ordering::Release);
    }

    /// The control plane's note.
    pub fn memo(&self) -> &[u8] {
        &self.memo
    }

    /// What happened since the last call, `None` when nothing did.
    pub fn take_activity(&self) -> Option<Activity> {
        self.use_listing.unlist();
        let received = self.receive.active.swap(false, Ordering::AcqRel);
        let sent = self.send.active.swap(false, Ordering::AcqRel);
        if !received && !sent {
            return None;
        }
        let (received_packets, received_bytes) = self.receive.arrivals.totals();
        Some(Activity {
            local_index: self.local_index,
            received,
            sent,
            received_packets,
            received_bytes,
            sent_packets: self.send.packets.get(),
            sent_bytes: self.send.bytes.get(),
            given: lock(&self.seldom.kept_answer).take_given(),
        })
    }
}
