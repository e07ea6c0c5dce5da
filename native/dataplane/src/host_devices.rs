//! The devices that the control plane has opened, and the threads that run between them.

use std::sync::Arc;

use lacis_contract::wire;
use lacis_engine::engine::Engine;
use lacis_engine::ip::Prefix;

use crate::capabilities;
use crate::decode;
use crate::encode;
use crate::failure::Failure;
use crate::placement;
use crate::platform::{SystemTun, SystemUdp, Tun, TunSettings, Udp, UdpSettings, allowed_cpus};
use crate::shared::Shared;
use crate::thread_output::ThreadOutput;
use crate::workers::Workers;

/// Smallest MTU that carries IPv6 (RFC 8200 section 5) is 1280; IPv4 alone needs less.
const MTU_MIN: u32 = 576;
/// What fits a datagram of the protocol.
const MTU_MAX: u32 = 8_969;
const BATCH_MAX: u32 = 1_024;

/// Device, socket and threads.
pub struct HostDevices {
    shared: Shared,
    // Dropped first: the threads hold the device open.
    workers: Workers,
    out: ThreadOutput,
    tun: Option<(SystemTun, wire::OpenTun)>,
    udp: Option<(Vec<Arc<SystemUdp>>, wire::OpenUdp)>,
    /// Where the threads that read the device are kept.
    cpus: Vec<usize>,
}

impl HostDevices {
    /// Nothing is open.
    pub fn new(shared: Shared) -> Self {
        let out = shared.output(None, &[], 0);
        Self { shared, workers: Workers::default(), out, tun: None, udp: None, cpus: vec![] }
    }

    /// The outputs of the thread that carries out commands.
    pub fn output(&mut self) -> &mut ThreadOutput {
        &mut self.out
    }

    /// What this process and this system can do.
    pub fn capabilities(&self) -> Vec<&'static str> {
        let mut capabilities =
            [&["tun", "udp", "confine", "queues", "send-errors"][..], &capabilities::ENGINE].concat();
        if self.sockets().iter().any(|udp| udp.has_offloads()) {
            capabilities.push("udp-offload");
        }
        if self.tun.as_ref().is_some_and(|(tun, _)| tun.has_offloads()) {
            capabilities.push("tun-offload");
        }
        capabilities
    }

    /// What is open and which relays are set, without sessions.
    pub fn snapshot(&self, engine: &Engine) -> wire::Snapshot {
        let (tun_name, tun_mtu, tun_addresses) = match &self.tun {
            Some((tun, opened)) => (tun.name().to_owned(), opened.mtu, opened.addresses.clone()),
            None => Default::default(),
        };
        let udp = self.bound();
        let relays = engine.relays().into_iter().map(encode::relay).collect();
        wire::Snapshot { tun_name, tun_mtu, tun_addresses, udp, sessions: vec![], relays }
    }

    fn sockets(&self) -> &[Arc<SystemUdp>] {
        self.udp.as_ref().map_or(&[], |(sockets, _)| sockets)
    }

    fn bound(&self) -> Option<wire::Endpoint> {
        self.sockets().first().map(|udp| encode::endpoint(udp.bound()))
    }

    fn opened_tun(&self) -> Option<wire::TunOpened> {
        let (tun, _) = self.tun.as_ref()?;
        let cpus = self.cpus.iter().filter_map(|cpu| u32::try_from(*cpu).ok()).collect();
        Some(wire::TunOpened {
            name: tun.name().to_owned(),
            queues: u32::try_from(tun.queues()).unwrap_or(u32::MAX),
            cpus,
        })
    }

    /// Whether this device is open.
    pub fn has_tun(&self, request: &wire::OpenTun) -> bool {
        self.tun.as_ref().is_some_and(|(_, opened)| opened == request)
    }

    /// Whether this socket is bound.
    pub fn has_udp(&self, request: &wire::OpenUdp) -> bool {
        self.udp.as_ref().is_some_and(|(_, opened)| opened == request)
    }

    /// Whether any socket is bound.
    pub fn has_socket(&self) -> bool {
        self.udp.is_some()
    }

    /// Opens the device. The one that is open stays when it is the same, and goes when it is another.
    pub fn open_tun(&mut self, request: &wire::OpenTun) -> Result<wire::TunOpened, Failure> {
        if self.has_tun(request) {
            return Ok(self.opened_tun().unwrap_or_default());
        }
        let queues = decode::queues(request.queues)?;
        if !(MTU_MIN..=MTU_MAX).contains(&request.mtu) {
            return Err(Failure::bad(format!("an MTU of {} is not between {MTU_MIN} and {MTU_MAX}", request.mtu)));
        }
        let addresses = request.addresses.iter().map(decode::prefix).collect::<Result<Vec<Prefix>, _>>()?;
        self.close_tun();
        let offloads = !request.no_offloads;
        let settings = TunSettings { mtu: request.mtu, tx_queue: request.tx_queue, queues, offloads };
        let tun = SystemTun::open(&request.name, settings, &addresses)?;
        let allowed = allowed_cpus().unwrap_or_default();
        self.cpus = placement::cpus(request.threads.as_ref(), tun.queues(), &allowed);
        self.tun = Some((tun, request.clone()));
        self.restart()?;
        Ok(self.opened_tun().unwrap_or_default())
    }

    /// Binds the socket. The one that is bound stays when it is the same, and goes when another has taken its place.
    pub fn open_udp(&mut self, request: &wire::OpenUdp) -> Result<wire::UdpOpened, Failure> {
        if self.has_udp(request) {
            return Ok(wire::UdpOpened { bound: self.bound() });
        }
        let queues = decode::queues(request.queues)?;
        let bind = decode::bind_endpoint(request.bind.as_ref().ok_or_else(|| Failure::bad("bind is missing"))?)?;
        if !(1..=BATCH_MAX).contains(&request.batch) {
            return Err(Failure::bad(format!("a batch of {} is not between 1 and {BATCH_MAX}", request.batch)));
        }
        if self.sockets().first().is_some_and(|udp| udp.bound().port() == bind.port()) {
            self.close_udp();
        }
        let sockets = SystemUdp::bind(&UdpSettings {
            bind,
            receive_buffer_bytes: request.read_buffer_bytes,
            send_buffer_bytes: request.write_buffer_bytes,
            batch: request.batch as usize,
            mark: request.mark,
            queues,
            offloads: !request.no_offloads,
        })?;
        self.udp = Some((sockets, request.clone()));
        self.restart()?;
        Ok(wire::UdpOpened { bound: self.bound() })
    }

    fn close_tun(&mut self) {
        self.workers = Workers::default();
        self.tun = None;
        self.out = self.shared.output(None, self.sockets(), 0);
    }

    fn close_udp(&mut self) {
        self.workers = Workers::default();
        self.udp = None;
        self.out = self.shared.output(self.tun.as_ref().map(|(tun, _)| tun), &[], 0);
    }

    /// Starts the threads between what is open now.
    fn restart(&mut self) -> Result<(), Failure> {
        self.workers = Workers::default();
        let tun = self.tun.as_ref().map(|(tun, _)| tun);
        self.out = self.shared.output(tun, self.sockets(), 0);
        self.workers = Workers::start(&self.shared, tun, self.sockets(), &self.cpus)
            .map_err(|error| Failure::system("starting the threads", &error))?;
        Ok(())
    }
}
