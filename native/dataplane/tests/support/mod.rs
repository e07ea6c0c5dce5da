//! A running data plane and the control plane's end of its socket.

#![allow(dead_code, clippy::unwrap_used)]

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Program};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lacis_contract::frame;
use lacis_contract::wire::{self, FromDataPlane, ToDataPlane, from_data_plane::Event, to_data_plane::Command};

pub const PATIENCE: Duration = Duration::from_secs(10);

pub struct Plane {
    pub child: Child,
    pub socket: PathBuf,
}

impl Plane {
    pub fn start(arguments: &[&str]) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let socket = std::env::temp_dir().join(format!("lacis-test-{}-{number}.sock", std::process::id()));
        Self::start_at(&socket, arguments)
    }

    pub fn start_at(socket: &Path, arguments: &[&str]) -> Self {
        let program = env!("CARGO_BIN_EXE_lacis-dataplane");
        let child = Program::new(program).arg("--socket").arg(socket).args(arguments).spawn().unwrap();
        Self { child, socket: socket.to_owned() }
    }

    pub fn connect(&self) -> Control {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match UnixStream::connect(&self.socket) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    return Control { stream, asked: 0 };
                }
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn greeted(&self) -> Control {
        let mut control = self.connect();
        assert!(matches!(control.ask(hello()), Event::Ready(_)));
        control
    }

    pub fn exit_code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

pub struct Control {
    pub stream: UnixStream,
    asked: u64,
}

impl Control {
    pub fn say(&mut self, command: Command) {
        self.asked += 1;
        frame::write(&request(self.asked, command), &mut self.stream).unwrap();
    }

    pub fn say_bytes(&mut self, message: &[u8]) {
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        self.stream.write_all(&[&length[..], message].concat()).unwrap();
    }

    pub fn hear(&mut self) -> Event {
        frame::read::<FromDataPlane>(&mut self.stream).unwrap().unwrap().event.unwrap()
    }

    pub fn ask(&mut self, command: Command) -> Event {
        self.say(command);
        self.hear()
    }

    pub fn is_closed(&mut self) -> bool {
        !matches!(frame::read::<FromDataPlane>(&mut self.stream), Ok(Some(_)))
    }
}

pub fn install_session(control: &mut Control, path: std::net::SocketAddr) {
    let program = wire::PolicyProgram { policy_id: 1, ..Default::default() };
    let install = session(7, path);
    let apply = wire::ApplyPolicies { programs: vec![program], ..Default::default() };
    for command in [open_udp(0), configure(), Command::ApplyPolicies(apply), Command::InstallSession(install)] {
        let answer = control.ask(command);
        assert!(matches!(&answer, Event::Result(result) if result.error.is_empty()), "{answer:?}");
    }
}

/// With 10.0.0.2, under policy 1.
pub fn session(local_index: u32, path: std::net::SocketAddr) -> wire::InstallSession {
    wire::InstallSession {
        local_index,
        remote_index: 9,
        cipher: 1,
        send_key: vec![1; 32],
        receive_key: vec![2; 32],
        path: Some(direct(path)),
        peer_addresses: vec![vec![10, 0, 0, 2]],
        policy_id: 1,
        confirmed: true,
        primary: true,
        memo: b"memo".to_vec(),
        ..Default::default()
    }
}

pub fn hello() -> Command {
    Command::Hello(wire::Hello { contract_version: 2, oldest_version: 2 })
}

pub fn direct(to: std::net::SocketAddr) -> wire::Path {
    let endpoint = wire::Endpoint { address: vec![127, 0, 0, 1], port: to.port().into() };
    wire::Path { way: Some(wire::path::Way::Direct(endpoint)) }
}

/// We are 10.0.0.1, the rest of 10.0.0.0/24 are peers.
pub fn routes() -> Command {
    let own = wire::route::Target::Own(wire::OwnRoute {});
    let peer = wire::route::Target::Peer(wire::PeerRoute {});
    let routes = [(vec![10, 0, 0, 1], 32, own), (vec![10, 0, 0, 0], 24, peer)].map(|(address, bits, target)| {
        wire::Route { prefix: Some(wire::Prefix { address, bits }), target: Some(target) }
    });
    Command::ApplyRoutes(wire::ApplyRoutes { routes: routes.to_vec() })
}

pub fn configure() -> Command {
    let networks = vec![wire::Prefix { address: vec![10, 0, 0, 1], bits: 24 }];
    Command::Configure(wire::Configure { networks, send_recv_error: 1, ..Default::default() })
}

pub fn open_udp(port: u16) -> Command {
    let bind = Some(wire::Endpoint { address: vec![127, 0, 0, 1], port: port.into() });
    Command::OpenUdp(wire::OpenUdp { bind, batch: 64, ..Default::default() })
}

pub fn request(request_id: u64, command: Command) -> ToDataPlane {
    ToDataPlane { request_id, command: Some(command), ..Default::default() }
}
