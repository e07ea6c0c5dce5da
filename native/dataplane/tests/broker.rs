//! A broker, asked by whoever has no privilege.

#![cfg(not(lacis_null_cipher))]
#![allow(clippy::unwrap_used)]

mod support;

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use support::PATIENCE;

const PROGRAM: &str = env!("CARGO_BIN_EXE_lacis-dataplane");

struct Broker {
    child: Child,
    listen: PathBuf,
    socket: PathBuf,
    plane: Option<u32>,
}

impl Broker {
    fn start(name: &str) -> Self {
        let of = |part| std::env::temp_dir().join(format!("lacis-broker-{name}-{}.{part}", std::process::id()));
        let (listen, socket) = (of("broker"), of("plane"));
        let broker = Self { child: Self::spawn(&listen, &socket), listen, socket, plane: None };
        until("it listens", || UnixStream::connect(&broker.listen).is_ok());
        broker
    }

    fn spawn(listen: &Path, socket: &Path) -> Child {
        Command::new(PROGRAM).arg("broker").arg("--listen").arg(listen).arg("--socket").arg(socket).spawn().unwrap()
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        Command::new(PROGRAM).arg("ask").arg(&self.listen).args(arguments).stdin(Stdio::null()).output().unwrap()
    }

    fn start_plane(&mut self) -> u32 {
        // Its standard error is the data plane's, which goes on.
        let mut asker = Command::new(PROGRAM);
        asker.arg("ask").arg(&self.listen).arg("--socket").arg(&self.socket).stderr(Stdio::null());
        let started = asker.output().unwrap();
        let pid = String::from_utf8(started.stdout).unwrap().trim().parse().unwrap();
        self.plane = Some(pid);
        until("its data plane listens", || UnixStream::connect(&self.socket).is_ok());
        pid
    }

    fn signal(&mut self, signal: &str) -> Option<i32> {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(plane) = self.plane {
            let _ = Command::new("kill").args(["-KILL", &plane.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(10));
    }
}

fn runs(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[test]
fn a_command_runs_with_the_askers_output_and_ends_with_its_exit_code() {
    let broker = Broker::start("command");
    let shown = broker.ask(&["guard", "show", "--owner", "nobody"]);
    let alone = Command::new(PROGRAM).args(["guard", "show", "--owner", "nobody"]).output().unwrap();
    assert_eq!((shown.status.code(), &shown.stdout), (alone.status.code(), &alone.stdout));
    assert!(!shown.stdout.is_empty());
}

#[test]
fn what_it_does_not_do_is_refused_as_a_wrong_command_line() {
    let broker = Broker::start("refused");
    for arguments in [&["--memory"][..], &["guard", "paint"], &["--socket", "/tmp/another.sock"], &[]] {
        let asked = broker.ask(arguments);
        assert_eq!((asked.status.code(), asked.stdout.len()), (Some(64), 0), "{arguments:?}");
        assert!(!asked.stderr.is_empty());
    }
}

#[test]
fn a_watch_ends_with_whoever_asked_for_it() {
    let broker = Broker::start("watch");
    let mut asker = Command::new(PROGRAM);
    asker.arg("ask").arg(&broker.listen).args(["changes", "watch", "--device", "lo"]).stdin(Stdio::piped());
    let mut asker = asker.stdout(Stdio::null()).spawn().unwrap();
    let children = || {
        let listed = Command::new("pgrep").args(["-P", &broker.child.id().to_string()]).output().unwrap();
        String::from_utf8(listed.stdout).unwrap().lines().count()
    };
    until("it runs", || children() == 1);
    asker.kill().unwrap();
    asker.wait().unwrap();
    until("it has ended", || children() == 0);
}

#[test]
fn a_data_plane_outlives_the_broker_that_leaves_and_the_next_one_ends_it() {
    let mut broker = Broker::start("plane");
    let plane = broker.start_plane();
    assert_eq!(broker.signal("-USR2"), Some(0));
    assert!(UnixStream::connect(&broker.socket).is_ok(), "it goes on");
    broker.child = Broker::spawn(&broker.listen, &broker.socket);
    until("the next one listens", || UnixStream::connect(&broker.listen).is_ok());
    assert_eq!(broker.signal("-TERM"), Some(0));
    until("it has ended", || {
        !runs(plane) || std::fs::read(format!("/proc/{plane}/cmdline")).is_ok_and(|c| c.is_empty())
    });
    assert!(UnixStream::connect(&broker.socket).is_err());
}
