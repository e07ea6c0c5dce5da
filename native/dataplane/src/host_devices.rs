//! The devices that the control plane has opened, and the threads that run between them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use lacis_contract::wire;
use lacis_engine::engine::Engine;
use lacis_engine::ip::Prefix;
use lacis_stack::ADDRESSES_MAX;

use crate::capabilities;
use crate::decode;
use crate::encode;
use crate::failure::Failure;
use crate::placement;
use crate::platform::{Handle, HandleRef, SystemTun, SystemUdp, Tun, TunSettings, Udp, UdpSettings, allowed_cpus};
use crate::shared::Shared;
use crate::thread_output::ThreadOutput;
use crate::user_space::UserSpace;
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
    /// Whoever stands in for the kernel at the device's other end.
    user_space: Option<UserSpace>,
    udp: Option<(Vec<Arc<SystemUdp>>, wire::OpenUdp)>,
    /// Where the threads that read the device are kept.
    cpus: Vec<usize>,
}

impl HostDevices {
    /// Nothing is open.
    pub fn new(shared: Shared) -> Self {
        let out = shared.output(None, &[], 0);
        Self { shared, workers: Workers::default(), out, tun: None, user_space: None, udp: None, cpus: vec![] }
    }

    /// The outputs of the thread that carries out commands.
    pub fn output(&mut self) -> &mut ThreadOutput {
        &mut self.out
    }

    /// What this process and this system can do.
    pub fn capabilities(&self) -> Vec<&'static str> {
        let mut capabilities =
            [&["tun", "udp", "confine", "queues", "send-errors", "user-space"][..], &capabilities::ENGINE].concat();
        // Streams that end in this process cannot go on in another one.
        if self.user_space.is_none() {
            capabilities.push("hand-over");
        }
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

    /// What is open, in the words of the contract, and its open files: those of the socket, then those of the device.
    pub fn handed(&self) -> Option<(wire::HandedDevices, Vec<HandleRef<'_>>)> {
        let (sockets, udp) = self.udp.as_ref()?;
        let mut files: Vec<_> = sockets.iter().map(|socket| socket.handle()).collect();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let mut devices = wire::HandedDevices {
            udp: Some(udp.clone()),
            bound: self.bound(),
            udp_files: count(sockets.len()),
            ..Default::default()
        };
        if let Some((tun, opened)) = &self.tun {
            files.extend(tun.handles());
            devices.tun = Some(opened.clone());
            devices.tun_name = tun.name().to_owned();
            devices.tun_files = count(tun.queues());
        }
        Some((devices, files))
    }

    /// Takes what another process has opened. Nothing moves before [`Self::restart`].
    pub fn adopt(&mut self, devices: &wire::HandedDevices, mut files: Vec<Handle>) -> Result<(), Failure> {
        let udp = decode::required(devices.udp.clone(), "udp")?;
        let bound = decode::bind_endpoint(&decode::required(devices.bound.clone(), "bound")?)?;
        if files.len() != (devices.udp_files as usize).saturating_add(devices.tun_files as usize) || files.is_empty() {
            return Err(Failure::bad(format!("{} open files came, which is another number", files.len())));
        }
        let of_tun = files.split_off(devices.udp_files as usize);
        let sockets = SystemUdp::adopt(&udp_settings(&udp, bound)?, files);
        self.udp = Some((sockets, udp));
        if let Some(opened) = &devices.tun {
            let tun = SystemTun::adopt(&devices.tun_name, tun_settings(opened)?, of_tun)?;
            self.place(&tun, opened);
            self.tun = Some((tun, opened.clone()));
        }
        Ok(())
    }

    /// Whether nothing moves until [`Self::go_on`]. Once only.
    pub fn pause(&mut self) -> bool {
        self.out.flush();
        self.workers.pause()
    }

    /// See [`Self::pause`].
    pub fn go_on(&mut self) {
        self.workers.go_on();
    }

    fn place(&mut self, tun: &SystemTun, opened: &wire::OpenTun) {
        let allowed = allowed_cpus().unwrap_or_default();
        self.cpus = placement::cpus(opened.threads.as_ref(), tun.queues(), &allowed);
    }

    /// Opens the device. The one that is open stays when it is the same, and goes when it is another.
    pub fn open_tun(&mut self, request: &wire::OpenTun) -> Result<wire::TunOpened, Failure> {
        if self.has_tun(request) {
            return Ok(self.opened_tun().unwrap_or_default());
        }
        let settings = tun_settings(request)?;
        let addresses = request.addresses.iter().map(decode::prefix).collect::<Result<Vec<Prefix>, _>>()?;
        self.close_tun();
        let tun = match &request.user_space {
            Some(wanted) => self.stand_in(&request.name, settings, &addresses, Path::new(&wanted.streams_socket))?,
            None => SystemTun::open(&request.name, settings, &addresses)?,
        };
        self.place(&tun, request);
        self.tun = Some((tun, request.clone()));
        self.restart()?;
        Ok(self.opened_tun().unwrap_or_default())
    }

    fn stand_in(
        &mut self,
        name: &str,
        settings: TunSettings,
        addresses: &[Prefix],
        socket: &Path,
    ) -> Result<SystemTun, Failure> {
        if addresses.len() > ADDRESSES_MAX {
            let count = addresses.len();
            return Err(Failure::bad(format!("{count} addresses: without a device a host can have {ADDRESSES_MAX}")));
        }
        let (tun, other_end) = SystemTun::in_user_space(name, settings)
            .map_err(|error| Failure::system("making a device in user space", &error))?;
        let started = UserSpace::start(socket, other_end, addresses, settings.mtu as usize, self.shared.clone());
        self.user_space = Some(started.map_err(|error| Failure::system("carrying streams", &error))?);
        Ok(tun)
    }

    /// Binds the socket. The one that is bound stays when it is the same, and goes when another has taken its place.
    pub fn open_udp(&mut self, request: &wire::OpenUdp) -> Result<wire::UdpOpened, Failure> {
        if self.has_udp(request) {
            return Ok(wire::UdpOpened { bound: self.bound() });
        }
        let bind = decode::bind_endpoint(request.bind.as_ref().ok_or_else(|| Failure::bad("bind is missing"))?)?;
        let settings = udp_settings(request, bind)?;
        if self.sockets().first().is_some_and(|udp| udp.bound().port() == bind.port()) {
            self.close_udp();
        }
        let sockets = SystemUdp::bind(&settings)?;
        self.udp = Some((sockets, request.clone()));
        self.restart()?;
        Ok(wire::UdpOpened { bound: self.bound() })
    }

    fn close_tun(&mut self) {
        self.workers = Workers::default();
        self.tun = None;
        self.user_space = None;
        self.out = self.shared.output(None, self.sockets(), 0);
    }

    fn close_udp(&mut self) {
        self.workers = Workers::default();
        self.udp = None;
        self.out = self.shared.output(self.tun.as_ref().map(|(tun, _)| tun), &[], 0);
    }

    /// There are routes: what waits in the device finds its way.
    pub fn begin(&mut self) {
        self.workers.begin();
    }

    /// Starts the threads between what is open now.
    pub fn restart(&mut self) -> Result<(), Failure> {
        self.workers = Workers::default();
        let tun = self.tun.as_ref().map(|(tun, _)| tun);
        self.out = self.shared.output(tun, self.sockets(), 0);
        self.workers = Workers::start(&self.shared, tun, self.sockets(), &self.cpus)
            .map_err(|error| Failure::system("starting the threads", &error))?;
        if !self.shared.engine.routes().all().is_empty() {
            self.begin();
        }
        Ok(())
    }
}

fn tun_settings(request: &wire::OpenTun) -> Result<TunSettings, Failure> {
    if !(MTU_MIN..=MTU_MAX).contains(&request.mtu) {
        return Err(Failure::bad(format!("an MTU of {} is not between {MTU_MIN} and {MTU_MAX}", request.mtu)));
    }
    let queues = decode::queues(request.queues)?;
    Ok(TunSettings { mtu: request.mtu, tx_queue: request.tx_queue, queues, offloads: !request.no_offloads })
}

fn udp_settings(request: &wire::OpenUdp, bind: SocketAddr) -> Result<UdpSettings, Failure> {
    if !(1..=BATCH_MAX).contains(&request.batch) {
        return Err(Failure::bad(format!("a batch of {} is not between 1 and {BATCH_MAX}", request.batch)));
    }
    Ok(UdpSettings {
        bind,
        receive_buffer_bytes: request.read_buffer_bytes,
        send_buffer_bytes: request.write_buffer_bytes,
        batch: request.batch as usize,
        mark: request.mark,
        queues: decode::queues(request.queues)?,
        offloads: !request.no_offloads,
    })
}
