//! What a control plane of this or another version may say, and what it is told.

#![allow(clippy::unwrap_used)]

mod support;

use lacis_contract::wire::{self, from_data_plane::Event, to_data_plane::Command};
use prost::Message;
use support::*;

#[test]
fn the_newest_version_that_both_speak_is_used() {
    for (oldest_version, contract_version) in [(2, 2), (0, 2), (2, 3), (1, 3)] {
        let plane = Plane::start(&[]);
        let hello = Command::Hello(wire::Hello { contract_version, oldest_version });
        let mut control = plane.connect();
        let Event::Ready(ready) = control.ask(hello) else { panic!("the first answer is Ready") };
        assert_eq!((ready.contract_version, ready.oldest_version), (2, 2));
        assert!(ready.snapshot.is_some());
        assert!(matches!(control.ask(configure()), Event::Result(result) if result.error.is_empty()));
    }
}

#[test]
fn without_a_common_version_only_shutdown_is_obeyed() {
    for (oldest_version, contract_version) in [(0, 1), (1, 1), (3, 4)] {
        let mut plane = Plane::start(&[]);
        install_session(&mut plane.greeted(), "127.0.0.1:9".parse().unwrap());
        let stranger = || {
            let mut control = plane.connect();
            let hello = Command::Hello(wire::Hello { contract_version, oldest_version });
            let Event::Ready(ready) = control.ask(hello) else { panic!("the first answer is Ready") };
            assert_eq!((ready.contract_version, ready.oldest_version, ready.snapshot), (2, 2, None));
            control
        };
        for refused in [configure(), hello()] {
            let mut control = stranger();
            control.say(refused);
            assert!(control.is_closed());
        }
        let mut control = stranger();
        let answer = control.ask(Command::Shutdown(wire::Shutdown { send_close: false }));
        assert!(matches!(answer, Event::Result(result) if result.error.is_empty()));
        assert_eq!(plane.exit_code(), Some(0));
    }
}

#[test]
fn fields_of_a_later_version_are_skipped_and_its_commands_refused_by_name() {
    let plane = Plane::start(&[]);
    let mut control = plane.greeted();
    // Field 2000 with a text in it, at the end of the request and inside the command.
    let later = [0x82, 0x7d, 3, b'n', b'e', b'w'];
    let mut inner = wire::Configure { send_recv_error: 1, ..Default::default() }.encode_to_vec();
    inner.extend_from_slice(&later);
    let configure = [&[0x08, 1, 5 << 3 | 2, u8::try_from(inner.len()).unwrap()][..], &inner, &later].concat();
    control.say_bytes(&configure);
    assert!(matches!(control.hear(), Event::Result(result) if result.request_id == 1 && result.error.is_empty()));
    control.say_bytes(&[&[0x08, 2][..], &later].concat());
    let Event::Result(result) = control.hear() else { panic!("a request is answered") };
    assert_eq!((result.request_id, result.code.as_str()), (2, "unsupported"));
    assert!(result.error.starts_with("command: "), "{}", result.error);
}

#[test]
fn what_cannot_be_done_yet_is_refused_by_name() {
    let plane = Plane::start(&[]);
    let mut control = plane.greeted();
    let rejecting = wire::PolicyProgram { policy_id: 1, refuse_inbound: 3, ..Default::default() };
    for (command, field) in [
        (Command::SetRelay(wire::SetRelay::default()), "set_relay.role"),
        (Command::LookUpRoutes(wire::LookUpRoutes::default()), "look_up_routes"),
        (
            Command::SetPath(wire::SetPath { local_index: 7, path: Some(wire::Path::default()), shun_left: false }),
            "path.way",
        ),
        (
            Command::ApplyPolicies(wire::ApplyPolicies { programs: vec![rejecting], ..Default::default() }),
            "refuse_inbound",
        ),
        (Command::Configure(wire::Configure { send_recv_error: 9, ..Default::default() }), "send_recv_error"),
    ] {
        let Event::Result(result) = control.ask(command) else { panic!("a request is answered") };
        assert_eq!(result.code, "unsupported");
        assert!(result.error.starts_with(&format!("{field}: ")), "{}", result.error);
    }
}

#[test]
fn staged_pieces_are_in_force_all_at_once_and_die_with_their_connection() {
    let plane = Plane::start(&[]);
    let piece = |policy_id| {
        let programs = vec![wire::PolicyProgram { policy_id, ..Default::default() }];
        Command::Stage(wire::Stage { programs, routes: vec![] })
    };
    let bind = |policy_id| {
        let bindings = vec![wire::PolicyBinding { local_index: 9, policy_id }];
        Command::ApplyPolicies(wire::ApplyPolicies { bindings, ..Default::default() })
    };
    let code = |control: &mut Control, command| match control.ask(command) {
        Event::Result(result) => result.code,
        event => panic!("{event:?} is no answer"),
    };
    let mut first = plane.greeted();
    assert_eq!((code(&mut first, piece(1)), code(&mut first, piece(2))), (String::new(), String::new()));
    assert_eq!(code(&mut first, bind(3)), "unknown-policy");
    assert_eq!((code(&mut first, bind(1)), code(&mut first, piece(1))), ("unknown-policy".into(), String::new()));
    let mut second = plane.greeted();
    assert_eq!(code(&mut second, bind(1)), "unknown-policy");
    assert_eq!((code(&mut second, piece(1)), code(&mut second, bind(1))), (String::new(), String::new()));
}
