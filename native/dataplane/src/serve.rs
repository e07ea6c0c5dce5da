//! The process: one control plane at a time, the devices it opened, the deadlines, and the end.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lacis_contract::frame::FrameBuffer;
use lacis_contract::wire::{self, ToDataPlane, from_data_plane::Event, to_data_plane::Command};
use lacis_engine::drop_reason::DropReason;
use lacis_engine::engine::Worker;
use lacis_engine::reports::snapshot;

use crate::clock::Clock;
use crate::commands::carry_out;
use crate::encode;
use crate::failure::Failure;
use crate::greeting::Greeting;
use crate::hand_over::hand_over;
use crate::host_devices::HostDevices;
use crate::platform::confinement::{Confinement, spawn_bare};
use crate::platform::{ControlStream, Doorway, Wake, confine, harden};
use crate::program::own_digest;
use crate::shared::Shared;
use crate::staged::Staged;
use crate::take_over::Handed;

/// Deadlines that lie closer together are met at once.
const NAP: Duration = Duration::from_millis(5);
/// How long the last answers may take to be read.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Bytes read from the control plane at once.
const READ_BYTES: usize = 64 << 10;

/// Serves until told to stop, by a signal, by the control plane, or by its absence for `orphan`.
pub fn serve(socket: &Path, orphan: Duration, takes_over: bool) -> io::Result<()> {
    let confinement = harden();
    let program = own_digest();
    let (doorway, (shared, mut devices, configured)) = Doorway::open(socket, || {
        let handed = takes_over.then(|| Handed::ask(socket)).transpose()?;
        let shared = Shared::new(Wake::new()?, Clock::from(handed.as_ref().map_or(0, Handed::now_ms)));
        let mut devices = HostDevices::new(shared.clone());
        let configured = handed.map(|handed| handed.take_in(&shared, &mut devices)).transpose()?.flatten();
        Ok((shared, devices, configured))
    })?;
    let events = Arc::clone(&shared.events);
    spawn_bare("events", || (), move || events.write_forever())?;
    if devices.has_socket() {
        devices.restart().map_err(|failure| io::Error::other(failure.message))?;
    }
    Process {
        devices,
        shared,
        program,
        configured,
        worker: Worker::new(),
        confinement,
        is_confined: false,
        socket: socket.to_owned(),
        doorway,
        connection: None,
        orphan,
        orphaned_at: Instant::now(),
    }
    .run()
}

struct Process {
    shared: Shared,
    /// Which program this is.
    program: Vec<u8>,
    /// As the control plane said it last.
    configured: Option<wire::Configure>,
    devices: HostDevices,
    worker: Worker,
    confinement: Confinement,
    is_confined: bool,
    socket: PathBuf,
    doorway: Doorway,
    connection: Option<Connection>,
    orphan: Duration,
    orphaned_at: Instant,
}

struct Connection {
    stream: ControlStream,
    frames: FrameBuffer,
    greeting: Greeting,
    staged: Staged,
}

/// Whether the process goes on.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    Stop,
}

impl Process {
    fn run(mut self) -> io::Result<()> {
        while self.step()? == Next::GoOn {}
        self.shared.events.drain(LAST_WORDS);
        Ok(())
    }

    /// Waits for one thing to happen and handles it.
    fn step(&mut self) -> io::Result<Next> {
        let timeout = self.timeout();
        let connection = self.connection.as_ref().map(|connection| &connection.stream);
        let knocks = self.doorway.wait(&self.shared.wake, connection, timeout)?;
        self.tick();
        // One that calls now came in time: this process may have been stopped itself.
        if knocks.must_stop || (self.is_orphaned() && !knocks.is_called) {
            self.close_all();
            return Ok(Next::Stop);
        }
        if knocks.is_spoken_to && self.listen() == Next::Stop {
            return Ok(Next::Stop);
        }
        if knocks.is_called {
            self.accept();
        }
        Ok(Next::GoOn)
    }

    fn timeout(&self) -> Option<Duration> {
        let now_ms = self.shared.clock.now_ms();
        let until_ms = self.shared.wake.prepare(&self.shared.engine, now_ms);
        let tick = until_ms.map(|until_ms| Duration::from_millis(until_ms.saturating_sub(now_ms)).max(NAP));
        let orphan = self.connection.is_none().then(|| self.orphan.saturating_sub(self.orphaned_at.elapsed()));
        tick.into_iter().chain(orphan).min()
    }

    fn is_orphaned(&self) -> bool {
        self.connection.is_none() && self.orphaned_at.elapsed() >= self.orphan
    }

    fn tick(&mut self) {
        let now_ms = self.shared.clock.now_ms();
        self.shared.engine.at(now_ms, &mut self.worker, self.devices.output()).tick();
        self.devices.output().flush();
    }

    fn close_all(&mut self) {
        let now_ms = self.shared.clock.now_ms();
        self.shared.engine.at(now_ms, &mut self.worker, self.devices.output()).close_all();
        self.devices.output().flush();
    }

    /// A new control plane replaces the one before it.
    fn accept(&mut self) {
        let Ok(stream) = self.doorway.accept() else { return };
        let Ok(writer) = stream.try_clone() else { return };
        self.shared.engine.capture.stop();
        self.shared.events.connect(Some(writer));
        self.connection = Some(Connection {
            stream,
            frames: FrameBuffer::default(),
            greeting: Greeting::Awaited,
            staged: Staged::default(),
        });
    }

    fn hang_up(&mut self) {
        self.shared.engine.capture.stop();
        self.shared.events.connect(None);
        self.connection = None;
        self.orphaned_at = Instant::now();
    }

    /// Reads what the control plane said and does it.
    fn listen(&mut self) -> Next {
        let mut bytes = zeroize::Zeroizing::new(vec![0; READ_BYTES]);
        let Some(connection) = &mut self.connection else { return Next::GoOn };
        match connection.stream.read(&mut bytes) {
            Ok(length) if length > 0 => connection.frames.extend(bytes.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Next::GoOn,
            _ => {
                self.hang_up();
                return Next::GoOn;
            }
        }
        while let Some(connection) = &mut self.connection {
            match connection.frames.take::<ToDataPlane>() {
                Ok(Some(request)) => {
                    if self.handle(request) == Next::Stop {
                        return Next::Stop;
                    }
                }
                Ok(None) => break,
                Err(_) => self.hang_up(),
            }
        }
        self.devices.output().flush();
        self.worker.rest(&self.shared.engine);
        Next::GoOn
    }

    fn handle(&mut self, request: ToDataPlane) -> Next {
        let greeting = self.connection.as_ref().map_or(Greeting::Awaited, |connection| connection.greeting);
        let (request_id, quiet) = (request.request_id, request.quiet);
        let mut next = Next::GoOn;
        let outcome = match request.command {
            Some(Command::Hello(hello)) if greeting != Greeting::Stranger => {
                self.greet(&hello);
                return Next::GoOn;
            }
            Some(Command::HandOver(_)) if greeting == Greeting::Awaited => return self.hand_over(),
            Some(Command::Shutdown(shutdown)) if greeting != Greeting::Awaited => {
                if shutdown.send_close {
                    self.close_all();
                }
                next = Next::Stop;
                Ok(None)
            }
            _ if greeting != Greeting::Agreed => {
                self.hang_up();
                return Next::GoOn;
            }
            Some(command) => {
                let shared = self.shared.clone();
                let broken = || Err(Failure::new("system", "the data plane failed at this command"));
                shared.contain(|| self.carry_out(command)).unwrap_or_else(broken)
            }
            None => Err(Failure::unknown_member("command")),
        };
        if let Some(result) = encode::result(request_id, quiet, outcome) {
            self.shared.events.answer(result);
        }
        next
    }

    /// Everything to whoever asks. Nothing moves meanwhile, and nothing is sent any more once it is there; without the word that it is, this
    /// process goes on as if it had not been asked: whoever did not say it has sent nothing.
    fn hand_over(&mut self) -> Next {
        let given = self.try_hand_over();
        if let Err(error) = &given {
            eprintln!("lacis-dataplane: not handed over: {error}");
            self.devices.go_on();
            self.hang_up();
        }
        if given.is_ok() { Next::Stop } else { Next::GoOn }
    }

    fn try_hand_over(&mut self) -> io::Result<()> {
        if !self.devices.pause() {
            return Err(io::Error::other("the threads do not pause, or did once"));
        }
        let Some(connection) = &self.connection else { return Err(io::ErrorKind::NotConnected.into()) };
        let Some((mut devices, files)) = self.devices.handed() else { return Err(io::Error::other("nothing is open")) };
        let now_ms = self.shared.clock.now_ms();
        devices.now_ms = now_ms;
        let mut out = self.shared.output(None, &[], 0);
        let mut pass = self.shared.engine.at(now_ms, &mut self.worker, &mut out);
        hand_over(&connection.stream, (devices, files), self.configured.as_ref(), &self.shared.engine, &mut pass)
    }

    /// Tells what already runs here; events that come from now on are told behind it. To a stranger only who speaks here.
    fn greet(&mut self, hello: &wire::Hello) {
        let Some(connection) = &mut self.connection else { return };
        connection.staged = Staged::default();
        let (devices, engine) = (&self.devices, &self.shared.engine);
        let age_ms = self.shared.clock.age_ms();
        let introduction =
            encode::introduction(&devices.capabilities(), engine.libraries(), self.program.clone(), age_ms);
        let Some(version) = hello.common_version() else {
            connection.greeting = Greeting::Stranger;
            self.shared.events.answer(Event::Ready(introduction));
            return;
        };
        connection.greeting = Greeting::Agreed;
        engine.forget_answers();
        let sessions = snapshot(Arc::clone(engine));
        let ready = encode::ready(introduction, version, devices.snapshot(engine), sessions);
        self.shared.events.greet(Box::new(ready.map(Event::Ready)));
    }

    fn carry_out(&mut self, command: Command) -> Result<Option<wire::result::Value>, Failure> {
        match command {
            Command::OpenTun(open) if self.is_confined && !self.devices.has_tun(&open) => Err(confined("open_tun")),
            Command::OpenUdp(open) if self.is_confined && !self.devices.has_udp(&open) => Err(confined("open_udp")),
            Command::Confine(_) => Ok(Some(wire::result::Value::Confinement(self.confine()?))),
            Command::OpenTun(open) => Ok(Some(wire::result::Value::TunOpened(self.devices.open_tun(&open)?))),
            Command::OpenUdp(open) => Ok(Some(wire::result::Value::UdpOpened(self.devices.open_udp(&open)?))),
            command => {
                if let Command::Configure(configure) = &command {
                    self.configured = Some(configure.clone());
                }
                let routes = matches!(command, Command::ApplyRoutes(_));
                if let Command::Sample(_) = command {
                    self.shared.engine.count_drops(DropReason::LeftUnread, self.shared.events.take_late());
                }
                let now_ms = self.shared.clock.now_ms();
                let mut pass = self.shared.engine.at(now_ms, &mut self.worker, self.devices.output());
                let mut nobody_s = Staged::default();
                let staged = self.connection.as_mut().map_or(&mut nobody_s, |connection| &mut connection.staged);
                let done = carry_out(command, &self.shared.engine, &mut pass, staged)?;
                if routes {
                    self.devices.begin();
                }
                Ok(done)
            }
        }
    }

    /// What holds once holds for ever: asked again, it is only told again.
    fn confine(&mut self) -> Result<wire::Confinement, Failure> {
        if !self.devices.has_socket() {
            return Err(Failure::bad("nothing is open yet, and nothing could be opened any more"));
        }
        if !self.is_confined {
            self.confinement = confine(&self.socket, std::mem::take(&mut self.confinement));
            self.is_confined = true;
        }
        Ok(encode::confinement(&self.confinement))
    }
}

fn confined(command: &str) -> Failure {
    Failure::new("confined", format!("{command}: this data plane has given up what opening takes; only a new one can"))
}
