//! `lacis-dataplane broker`: does for the daemon what takes the privilege to change the network, so that the daemon itself has none. What it does is a
//! closed list: the program's own commands about guard, routes and device, with arguments that were read here, and the start of the one data plane.
//! Which program that is, and where it listens, nobody but the broker says.

mod ask;
mod request;

use std::env;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub use ask::ask;
use request::{Request, Task};

use crate::platform::{Interest, LocalSocket, ParentSignals, Told, end_process, harden, listener_of, notify, wait_for};

/// Commands that run at the same time: a daemon has two watches, and gives one order at a time.
const JOBS_MAX: usize = 16;
/// How long a data plane that is asked to end may take for its farewells.
const FAREWELL: Duration = Duration::from_secs(2);
/// Pause between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(10);

/// Serves at `listen` until a signal says otherwise. The data plane is the one that listens at `socket`.
pub fn serve(listen: &Path, socket: &Path) -> io::Result<()> {
    // By its path: after an upgrade another program has it.
    let program = env::current_exe()?;
    let signals = ParentSignals::new()?;
    harden();
    let door = LocalSocket::bind(listen)?;
    door.never_block()?;
    notify("READY=1")?;
    let mut broker = Broker { program, socket: socket.to_owned(), jobs: vec![], planes: vec![] };
    broker.run(&door, signals)
}

struct Broker {
    program: PathBuf,
    socket: PathBuf,
    jobs: Vec<Job>,
    /// Those that were started here. They outlive this process, unless it is to end everything.
    planes: Vec<Child>,
}

/// A command and whoever waits for its end.
struct Job {
    asker: UnixStream,
    child: Child,
}

impl Broker {
    fn run(&mut self, door: &LocalSocket, mut signals: ParentSignals) -> io::Result<()> {
        let watchdog = Watchdog::of_the_manager();
        loop {
            let askers: Vec<bool> = {
                let reads = Interest { reads: true, writes: false };
                let mut files = vec![(signals.as_fd(), reads), (door.as_fd(), reads)];
                files.extend(self.jobs.iter().map(|job| (job.asker.as_fd(), reads)));
                wait_for(&files, watchdog.every)?.iter().skip(2).map(|ready| ready.readable).collect()
            };
            watchdog.tell();
            while let Some(told) = signals.next() {
                match told {
                    Told::ChildEnded => {}
                    Told::Leave => return Ok(()),
                    Told::End => return self.end(),
                }
            }
            self.forsake(&askers);
            self.reap();
            while let Ok(asker) = door.accept() {
                self.hear(asker);
            }
        }
    }

    /// Whoever has asked for a command and gone away, or says more, is served no longer.
    fn forsake(&mut self, askers: &[bool]) {
        for (job, _) in self.jobs.iter_mut().zip(askers).filter(|(_, speaks)| **speaks) {
            let _ = job.child.kill();
        }
    }

    fn reap(&mut self) {
        self.jobs.retain_mut(|job| match job.child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                let _ = job.asker.write_all(ending(status).as_bytes());
                false
            }
            Err(_) => false,
        });
        self.planes.retain_mut(|plane| match plane.try_wait() {
            Ok(Some(status)) => {
                if !status.success() {
                    eprintln!("lacis-dataplane: the data plane {} ended: {status}", plane.id());
                }
                false
            }
            Ok(None) | Err(_) => true,
        });
    }

    fn hear(&mut self, mut asker: UnixStream) {
        let answer = match Request::read(&asker, &self.socket).map(|request| (request.task, self.begin(request))) {
            Err(why) => format!("usage {}\n", why.replace('\n', " ")),
            Ok((_, Err(why))) => format!("error {}\n", why.replace('\n', " ")),
            Ok((task, Ok(child))) => {
                let answer = format!("pid {}\n", child.id());
                match task {
                    Task::DataPlane => self.planes.push(child),
                    Task::Command => {
                        if let Ok(asker) = asker.try_clone() {
                            self.jobs.push(Job { asker, child });
                        }
                    }
                }
                answer
            }
        };
        let _ = asker.write_all(answer.as_bytes());
    }

    fn begin(&self, Request { task, arguments, stdin, stdout, stderr }: Request) -> Result<Child, String> {
        if self.jobs.len() >= JOBS_MAX {
            return Err(format!("{JOBS_MAX} commands run already"));
        }
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().current_dir("/").stdin(stdin).stdout(stdout).stderr(stderr);
        if task == Task::DataPlane {
            command.stdin(Stdio::null()).process_group(0);
        }
        command.spawn().map_err(|error| format!("{}: {error}", self.program.display()))
    }

    /// Everything that was started, by an earlier broker as well.
    fn end(&mut self) -> io::Result<()> {
        for job in &mut self.jobs {
            let _ = job.child.kill();
        }
        let began = Instant::now();
        let mut by_force = false;
        while let Ok(plane) = UnixStream::connect(&self.socket) {
            by_force |= began.elapsed() > FAREWELL;
            // One that was asked has its farewells to say.
            if by_force || began.elapsed() < LOOK {
                end_process(listener_of(&plane)?, by_force)?;
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}\n"),
        (None, signal) => format!("signal {}\n", signal.unwrap_or_default()),
    }
}

/// Word for a service manager that ends what does not turn any more (sd_watchdog_enabled(3)).
struct Watchdog {
    every: Option<Duration>,
}

impl Watchdog {
    fn of_the_manager() -> Self {
        let microseconds = env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        Self { every: microseconds.map(|microseconds: u64| Duration::from_micros(microseconds / 3)) }
    }

    fn tell(&self) {
        if self.every.is_some() {
            let _ = notify("WATCHDOG=1");
        }
    }
}
