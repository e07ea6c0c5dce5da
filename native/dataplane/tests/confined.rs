//! The program after it has given everything up: what it still does, and what it tells.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::net::UdpSocket;
use std::os::unix::process::ExitStatusExt;
use std::process::Command as Program;

use lacis_contract::wire::{self, from_data_plane::Event, result::Value, to_data_plane::Command};
use support::*;

#[test]
fn no_thread_has_a_privilege_left_and_each_has_the_filter() {
    let (plane, mut control, _) = confined();
    let confinement = confinement_of(&control.ask(confine()));
    let mut threads = 0;
    for task in fs::read_dir(format!("/proc/{}/task", plane.child.id())).unwrap() {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
            assert_eq!(u64::from_str_radix(&field(set), 16), Ok(0), "{set} of {}", field("Name:"));
        }
        assert_eq!((field("NoNewPrivs:"), field("Seccomp:")), ("1".into(), "2".into()), "{}", field("Name:"));
        threads += 1;
    }
    assert_eq!(threads, 3, "main, events, inbound");
    for measure in ["no-privileges", "no-new-privileges", "few-system-calls", "no-dump"] {
        assert!(confinement.holds.iter().any(|held| held == measure), "{measure}: {:?}", confinement.lacking);
    }
    assert!((20..60).contains(&confinement.system_calls), "{}", confinement.system_calls);
}

#[test]
fn it_is_told_again_to_whoever_asks_again() {
    let (plane, mut control, told) = confined();
    assert_eq!(confinement_of(&control.ask(confine())), told);
    let mut next = plane.greeted();
    assert_eq!(confinement_of(&next.ask(confine())), told);
}

#[test]
fn nothing_is_given_up_before_there_is_something_to_keep() {
    let plane = Plane::start(&[]);
    let mut control = plane.greeted();
    assert_eq!(code_of(&control.ask(confine())), "bad-request");
    assert_eq!(code_of(&control.ask(open_udp(0))), "");
}

#[test]
fn what_is_open_is_opened_again_and_nothing_else() {
    let (_plane, mut control, _) = confined();
    assert_eq!(code_of(&control.ask(open_udp(0))), "", "the socket that is bound");
    let other = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(code_of(&control.ask(open_udp(other))), "confined");
    let tun = wire::OpenTun { mtu: 1_300, ..Default::default() };
    assert_eq!(code_of(&control.ask(Command::OpenTun(tun))), "confined");
}

#[test]
fn sessions_move_in_large_numbers_and_memory_comes_and_goes() {
    let (_plane, mut control, _) = confined();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let program = wire::PolicyProgram { policy_id: 1, ..Default::default() };
    let apply = Command::ApplyPolicies(wire::ApplyPolicies { programs: vec![program], ..Default::default() });
    assert_eq!(code_of(&control.ask(apply)), "");
    for round in 0..2 {
        for local_index in 1..=1_000 {
            let mut install = session(local_index, peer.local_addr().unwrap());
            install.memo = vec![round; 40_000];
            assert_eq!(code_of(&control.ask(Command::InstallSession(install))), "");
        }
        let seal = wire::SealAndSend { local_index: 1_000, r#type: 3, subtype: 0, body: vec![1; 20], to: None };
        assert_eq!(code_of(&control.ask(Command::SealAndSend(seal))), "");
        assert_eq!(peer.recv(&mut [0; 100]).unwrap(), 16 + 20 + 16);
        for local_index in 1..=1_000 {
            let remove = wire::RemoveSession { local_index, send_close: false };
            assert_eq!(code_of(&control.ask(Command::RemoveSession(remove))), "");
        }
    }
}

#[test]
fn it_ends_as_any_other_and_takes_its_socket_along() {
    let (mut plane, _control, _) = confined();
    assert!(Program::new("kill").arg(plane.child.id().to_string()).status().unwrap().success());
    assert_eq!(plane.exit_code(), Some(0));
    assert!(!plane.socket.exists());
}

#[test]
fn what_kills_it_leaves_no_core_behind() {
    let (mut plane, _control, _) = confined();
    assert!(Program::new("kill").arg("-ABRT").arg(plane.child.id().to_string()).status().unwrap().success());
    let status = plane.child.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
}

fn confined() -> (Plane, Control, wire::Confinement) {
    let plane = Plane::start(&[]);
    let mut control = plane.greeted();
    assert_eq!(code_of(&control.ask(open_udp(0))), "");
    control.ask(configure());
    let told = confinement_of(&control.ask(confine()));
    (plane, control, told)
}

fn confine() -> Command {
    Command::Confine(wire::Confine {})
}

fn code_of(event: &Event) -> &str {
    let Event::Result(result) = event else { panic!("a request is answered, not {event:?}") };
    &result.code
}

fn confinement_of(event: &Event) -> wire::Confinement {
    match event {
        Event::Result(wire::Result { value: Some(Value::Confinement(confinement)), .. }) => confinement.clone(),
        other => panic!("{other:?}"),
    }
}
