//! The program from the outside: its command line, its two conversations, its ends. Nothing here needs a privilege.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::process::{Command as Program, Stdio};

use lacis_contract::frame;
use lacis_contract::wire::{self, FromDataPlane, ToDataPlane, from_data_plane::Event, to_data_plane::Command};
use support::*;

#[test]
fn it_says_which_version_and_contract_it_is() {
    let text = output(&["--version"]);
    assert_eq!(text, format!("lacis-dataplane {} (contract 2)\n", env!("CARGO_PKG_VERSION")));
    let json = output(&["--version", "--json"]);
    assert_eq!(
        json,
        format!("{{\"version\":\"{}\",\"contractVersion\":2,\"encrypts\":true}}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_command_line_that_cannot_be_meant_is_explained() {
    let run = Program::new(env!("CARGO_BIN_EXE_lacis-dataplane")).arg("--sokcet").output().unwrap();
    assert_eq!(run.status.code(), Some(64));
    assert!(String::from_utf8(run.stderr).unwrap().contains("unknown argument --sokcet"));
}

/// Ctrl-C at the daemon's terminal and a service manager reach every process: one that was gone before the daemon would look as if it had failed.
#[test]
fn a_watch_ends_with_its_input_and_not_by_a_signal_to_everybody() {
    let mut watch = Program::new(env!("CARGO_BIN_EXE_lacis-dataplane"))
        .args(["underlay", "watch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    BufReader::new(watch.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    for signal in ["INT", "TERM", "HUP", "USR2"] {
        assert!(
            Program::new("kill").args([&format!("-{signal}"), &watch.id().to_string()]).status().unwrap().success()
        );
    }
    drop(watch.stdin.take());
    assert!(watch.wait().unwrap().success());
}

#[test]
fn in_memory_every_request_ends_with_its_quiet() {
    let mut child = Program::new(env!("CARGO_BIN_EXE_lacis-dataplane"))
        .arg("--memory")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut requests = child.stdin.take().unwrap();
    let mut answers = child.stdout.take().unwrap();
    let mut until_quiet = |request: ToDataPlane| {
        let id = request.request_id;
        frame::write(&request, &mut requests).unwrap();
        let mut events = vec![];
        loop {
            match frame::read::<FromDataPlane>(&mut answers).unwrap().unwrap().event.unwrap() {
                Event::Quiet(quiet) => {
                    assert_eq!(quiet.request_id, id);
                    return events;
                }
                event => events.push(event),
            }
        }
    };
    assert!(matches!(until_quiet(request(1, hello()))[..], [Event::Ready(_)]));
    assert!(matches!(&until_quiet(request(2, configure()))[..], [Event::Result(result)] if result.error.is_empty()));
    assert!(matches!(&until_quiet(request(2, routes()))[..], [Event::Result(result)] if result.error.is_empty()));
    let packet = b"\x45\0\0\x1c\0\0\0\0\x40\x11\0\0\x0a\0\0\x01\x0a\0\0\x02\0\x01\0\x02\0\x08\0\0".to_vec();
    let inject = Command::InjectTun(wire::InjectTun { packet });
    assert!(matches!(until_quiet(request(0, inject))[..], [Event::NeedSession(_)]));
    let unknown = Command::SetPrimary(wire::SetPrimary { local_index: 9 });
    assert!(
        matches!(&until_quiet(request(0, unknown))[..], [Event::Result(result)] if result.code == "unknown-session")
    );
    let shutdown = Command::Shutdown(wire::Shutdown { send_close: true });
    assert!(matches!(until_quiet(request(3, shutdown))[..], [Event::Result(_)]));
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_new_control_plane_replaces_the_old_one_and_finds_what_runs() {
    let plane = Plane::start(&[]);
    let mut first = plane.greeted();
    install_session(&mut first, "127.0.0.1:9".parse().unwrap());

    let mut second = plane.connect();
    let Event::Ready(ready) = second.ask(hello()) else { panic!("the first answer is Ready") };
    let snapshot = ready.snapshot.unwrap();
    assert_eq!(snapshot.sessions.len(), 1);
    assert_eq!((snapshot.sessions[0].local_index, &snapshot.sessions[0].memo[..]), (7, &b"memo"[..]));
    assert!(snapshot.udp.is_some_and(|udp| udp.port != 0));
    assert!(first.is_closed());
}

#[test]
fn who_does_not_begin_with_hello_is_not_spoken_with() {
    let plane = Plane::start(&[]);
    let mut rude = plane.connect();
    rude.say(configure());
    assert!(rude.is_closed());
    let mut garbled = plane.connect();
    garbled.stream.write_all(&[0xff; 64]).unwrap();
    assert!(garbled.is_closed());
    plane.greeted();
}

#[test]
fn shutdown_answers_first_and_leaves_nothing_behind() {
    let mut plane = Plane::start(&[]);
    let mut control = plane.greeted();
    let answer = control.ask(Command::Shutdown(wire::Shutdown { send_close: false }));
    assert!(matches!(answer, Event::Result(result) if result.error.is_empty()));
    assert_eq!(plane.exit_code(), Some(0));
    assert!(!plane.socket.exists());
}

#[test]
fn on_sigterm_every_peer_is_told_that_its_session_is_over() {
    let mut plane = Plane::start(&[]);
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut control = plane.greeted();
    install_session(&mut control, peer.local_addr().unwrap());
    assert!(Program::new("kill").arg(plane.child.id().to_string()).status().unwrap().success());
    let mut datagram = [0; 100];
    let (length, _) = peer.recv_from(&mut datagram).unwrap();
    assert_eq!((length, datagram[0]), (32, 0x15));
    assert_eq!(plane.exit_code(), Some(0));
}

#[test]
fn without_a_control_plane_it_ends_by_itself() {
    let mut plane = Plane::start(&["--orphan-seconds", "1"]);
    drop(plane.greeted());
    assert_eq!(plane.exit_code(), Some(0));
}

#[test]
fn a_control_plane_that_called_while_the_process_was_stopped_came_in_time() {
    let plane = Plane::start(&["--orphan-seconds", "1"]);
    let pid = plane.child.id().to_string();
    let signal = |name: &str| assert!(Program::new("kill").args([name, &pid]).status().unwrap().success());
    drop(plane.greeted());
    signal("-STOP");
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    let mut control = plane.connect();
    signal("-CONT");
    assert!(matches!(control.ask(hello()), Event::Ready(_)));
}

#[test]
fn a_taken_port_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let plane = Plane::start(&[]);
    let mut control = plane.greeted();
    let Event::Result(result) = control.ask(open_udp(port)) else { panic!("a request is answered") };
    assert_eq!(result.code, "address-in-use");
    assert!(result.error.contains(&port.to_string()), "{}", result.error);
}

#[test]
fn datagrams_of_a_burst_reach_the_peer_and_come_back() {
    let plane = Plane::start(&[]);
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut control = plane.greeted();
    let Event::Result(result) = control.ask(open_udp(0)) else { panic!("a request is answered") };
    let Some(wire::result::Value::UdpOpened(opened)) = result.value else { panic!("{}", result.error) };
    let bound = opened.bound.unwrap();
    control.ask(configure());
    let handshake = [&[0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1][..], b"noise"].concat();
    peer.send_to(&handshake, ("127.0.0.1", u16::try_from(bound.port).unwrap())).unwrap();
    let Event::Datagram(arrived) = control.hear() else { panic!("a handshake is passed on") };
    assert_eq!(arrived.datagram, handshake);
    let answer = Command::SendDatagram(wire::SendDatagram { to: arrived.origin, datagram: b"answer".to_vec() });
    control.say(answer);
    let mut datagram = [0; 100];
    assert_eq!(peer.recv(&mut datagram).unwrap(), 6);
}

fn output(arguments: &[&str]) -> String {
    let run = Program::new(env!("CARGO_BIN_EXE_lacis-dataplane")).args(arguments).output().unwrap();
    assert!(run.status.success());
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn silence_is_told_in_time_and_once() {
    let plane = Plane::start(&[]);
    let mut control = plane.greeted();
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
    install_session(&mut control, nobody.local_addr().unwrap());
    control.ask(Command::WatchSilence(wire::WatchSilence { local_index: 7, after_ms: 150 }));
    let sent = std::time::Instant::now();
    let body = vec![0x45; 20];
    control.ask(Command::SealAndSend(wire::SealAndSend { local_index: 7, r#type: 1, body, ..Default::default() }));
    let Event::Silent(silent) = control.hear() else { panic!("nothing else happens") };
    let waited_ms = u32::try_from(sent.elapsed().as_millis()).unwrap();
    assert_eq!(silent.local_index, 7);
    assert!((150..1_000).contains(&silent.since_ms) && waited_ms >= 150, "{silent:?} {waited_ms}");
    assert!(matches!(control.ask(Command::Sample(wire::Sample {})), Event::Result(_)));
}

#[test]
fn of_what_cannot_be_sent_ten_a_second_are_told_with_the_name_of_the_error() {
    let plane = Plane::start(&[]);
    let mut control = plane.greeted();
    install_session(&mut control, "127.0.0.1:9".parse().unwrap());
    // An IPv4 socket has no way there.
    for port in 1..=40 {
        let endpoint = wire::Endpoint { address: std::net::Ipv6Addr::LOCALHOST.octets().to_vec(), port };
        let to = Some(wire::Path { way: Some(wire::path::Way::Direct(endpoint)) });
        control.say(Command::SendDatagram(wire::SendDatagram { to, datagram: vec![1] }));
    }
    let mut told = vec![];
    // What one burst of commands has to send leaves at its end.
    let [_, sampled] = [(), ()].map(|()| {
        control.say(Command::Sample(wire::Sample {}));
        loop {
            match control.hear() {
                Event::SendError(error) => told.push(error),
                Event::Result(wire::Result { value: Some(wire::result::Value::Sampled(sampled)), .. }) => {
                    break sampled;
                }
                Event::Result(result) => assert_eq!(result.error, ""),
                other => panic!("{other:?}"),
            }
        }
    });
    let drops = sampled.counters.unwrap().drops;
    let failed = drops.iter().find(|drop| drop.name == "send-failed").map(|drop| drop.count);
    assert_eq!(failed, Some(40));
    assert!((10..14).contains(&told.len()), "{}", told.len());
    assert!(told.iter().all(|error| error.error == "EAFNOSUPPORT"
        && error.endpoint.as_ref().is_some_and(|endpoint| endpoint.address.len() == 16)));
}
