//! One data plane takes over from another: nothing here needs a privilege.

#![allow(clippy::unwrap_used)]

mod support;

use std::net::UdpSocket;

use lacis_contract::wire::{self, Handed, handed::Part};
use lacis_contract::wire::{from_data_plane::Event, to_data_plane::Command};
use lacis_contract::{frame, wire::SessionSnapshot};
use support::*;

/// Sends a test request in the session and says under which counter it came.
fn counter_sent(control: &mut Control, peer: &UdpSocket) -> u64 {
    let seal = wire::SealAndSend { local_index: 7, r#type: 4, subtype: 0, body: vec![0; 4], to: None };
    let answer = control.ask(Command::SealAndSend(seal));
    assert!(matches!(&answer, Event::Result(result) if result.error.is_empty()), "{answer:?}");
    let mut datagram = [0; 100];
    peer.recv_from(&mut datagram).unwrap();
    u64::from_be_bytes(datagram[8..16].try_into().unwrap())
}

fn peer() -> UdpSocket {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    peer
}

fn ready(control: &mut Control) -> wire::Ready {
    match control.ask(hello()) {
        Event::Ready(ready) => ready,
        other => panic!("{other:?} is not Ready"),
    }
}

fn session_of(ready: &wire::Ready) -> SessionSnapshot {
    ready.snapshot.as_ref().unwrap().sessions.first().unwrap().clone()
}

#[test]
fn a_newer_one_goes_on_under_the_next_counter_on_the_same_port_and_no_peer_is_told_of_an_end() {
    let mut older = Plane::start(&[]);
    let peer = peer();
    let mut control = older.greeted();
    install_session(&mut control, peer.local_addr().unwrap());
    assert!(
        matches!(control.ask(Command::Confine(wire::Confine {})), Event::Result(result) if result.error.is_empty())
    );
    assert_eq!(counter_sent(&mut control, &peer), 1);
    let before = ready(&mut older.connect());

    let newer = Plane::start_at(&older.socket, &["--take-over"]);
    assert_eq!(older.exit_code(), Some(0));
    let mut control = newer.connect();
    let after = ready(&mut control);
    assert_eq!(after.snapshot.as_ref().unwrap().udp, before.snapshot.as_ref().unwrap().udp);
    assert_eq!(session_of(&after).memo, b"memo");
    assert_eq!(counter_sent(&mut control, &peer), 2);
    assert_eq!((after.program.len(), &after.program), (32, &before.program));
}

#[test]
fn who_asks_and_does_not_say_that_it_has_everything_leaves_the_older_one_at_work_and_is_not_asked_twice() {
    let older = Plane::start(&[]);
    let peer = peer();
    let mut control = older.greeted();
    install_session(&mut control, peer.local_addr().unwrap());
    control.ask(Command::Confine(wire::Confine {}));

    let mut thief = older.connect();
    thief.say(Command::HandOver(wire::HandOver {}));
    let parts: Vec<Part> = std::iter::from_fn(|| frame::read::<Handed>(&mut thief.stream).unwrap()?.part)
        .take_while(|part| !matches!(part, Part::End(_)))
        .collect();
    assert!(matches!(parts.first(), Some(Part::Devices(devices)) if devices.udp_files == 1));
    drop(thief);

    let mut control = older.greeted();
    assert_eq!(counter_sent(&mut control, &peer), 1);
    // Its threads go on as well: what comes is answered.
    let bound = ready(&mut older.connect()).snapshot.unwrap().udp.unwrap();
    let mut control = older.greeted();
    peer.send_to(&[0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0], ("127.0.0.1", bound.port as u16)).unwrap();
    assert!(matches!(control.hear(), Event::Datagram(_)));

    let mut again = older.connect();
    again.say(Command::HandOver(wire::HandOver {}));
    assert!(again.is_closed());
    older.greeted();
}

#[test]
fn a_newer_one_that_finds_nobody_says_so_and_ends() {
    let nobody = std::env::temp_dir().join(format!("lacis-nobody-{}.sock", std::process::id()));
    let mut newer = Plane::start_at(&nobody, &["--take-over"]);
    assert_eq!(newer.exit_code(), Some(1));
}

/// `LACIS_SESSIONS=20000 cargo test --release -p lacis-dataplane --test hand_over -- --nocapture many` prints what many take.
#[test]
fn many_sessions_and_rules_are_all_there_afterwards() {
    let sessions: u32 = std::env::var("LACIS_SESSIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let mut older = Plane::start(&[]);
    let mut control = older.greeted();
    let rule = wire::PolicyRule { protocol: 1, port_last: 65_535, ..Default::default() };
    let rules = (0..5_000).map(|rule_id| wire::PolicyRule { rule_id, ..rule.clone() }).collect();
    let program = wire::PolicyProgram { policy_id: 1, inbound: rules, ..Default::default() };
    let apply = Command::ApplyPolicies(wire::ApplyPolicies { programs: vec![program], ..Default::default() });
    for command in [open_udp(0), configure(), routes(), apply] {
        let answer = control.ask(command);
        assert!(matches!(&answer, Event::Result(result) if result.error.is_empty()), "{answer:?}");
    }
    for number in 1..=sessions {
        let peer_addresses = vec![(0x0a00_0000 + number).to_be_bytes().to_vec()];
        let install = wire::InstallSession { peer_addresses, ..session(number, "127.0.0.1:9".parse().unwrap()) };
        let silent =
            wire::ToDataPlane { request_id: 0, command: Some(Command::InstallSession(install)), ..Default::default() };
        frame::write(&silent, &mut control.stream).unwrap();
    }
    // In order: what came before is done when this is answered.
    assert!(matches!(control.ask(Command::Sample(wire::Sample {})), Event::Result(_)));

    let begun = std::time::Instant::now();
    let newer = Plane::start_at(&older.socket, &["--take-over"]);
    assert_eq!(older.exit_code(), Some(0));
    let mut control = newer.connect();
    control.say(hello());
    let (mut held, mut more) = (0, true);
    while more {
        let Event::Ready(ready) = control.hear() else { panic!("only Ready comes first") };
        held += ready.snapshot.unwrap().sessions.len();
        more = ready.more;
    }
    println!("{sessions} sessions and 5000 rules handed over and told of in {} ms", begun.elapsed().as_millis());
    assert_eq!(held, sessions as usize);
}
