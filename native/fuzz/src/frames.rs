//! What a control plane says, frame by frame: the contract, every command, the engine behind them.

use lacis_contract::wire::{self, ToDataPlane, to_data_plane::Command};
use lacis_contract::{CONTRACT_VERSION, OLDEST_VERSION, frame};
use lacis_dataplane::memory::converse;

/// Behind a greeting that is right, so that it is not all that is ever reached: frames as the bytes say. What does not decode ends the conversation, and
/// what was answered until then are whole frames.
pub fn check(bytes: &[u8]) {
    let hello = wire::Hello { contract_version: CONTRACT_VERSION, oldest_version: OLDEST_VERSION };
    let mut stream = vec![];
    let hello = ToDataPlane { request_id: 1, command: Some(Command::Hello(hello)), ..Default::default() };
    frame::append(&hello, &mut stream).unwrap_or_default();
    stream.extend_from_slice(bytes);
    let mut answers = vec![];
    let _ = converse(&stream[..], &mut answers);
    let mut rest = &answers[..];
    while let Some(answer) = frame::read::<wire::FromDataPlane>(&mut rest).expect("whole frames") {
        assert!(answer.event.is_some(), "an answer that says nothing");
    }
}
