//! `lacis-dataplane`: moves the packets of one host, steered by its control plane. A library for the fuzzer's sake: what takes foreign bytes can be
//! called without the process around it.

// What comes from outside must not end a thread: nothing here may panic but arithmetic, which is checked in every build and contained.
#![deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::string_slice, clippy::unreachable)]

mod arguments;
mod broker;
mod capabilities;
mod changes;
mod clock;
mod commands;
mod decode;
mod duties;
mod encode;
mod encode_commands;
mod event_class;
mod event_queue;
mod failure;
mod gathering;
mod greeting;
mod guard;
mod hand_over;
mod host_devices;
mod json;
mod libraries;
pub mod memory;
mod placement;
mod platform;
mod program;
mod routes;
mod send_batch;
mod send_errors;
mod serve;
mod shared;
mod staged;
mod take_over;
mod thread_output;
mod underlay;
mod user_space;
mod values;
mod workers;

use std::io;
use std::process::ExitCode;

use arguments::Arguments;
use lacis_contract::CONTRACT_VERSION;
use lacis_engine::aead;
pub use platform::offload;
pub use user_space::chunks;

/// Exit code for a command line that cannot be meant (sysexits.h, EX_USAGE).
const EXIT_USAGE: u8 = 64;

/// Does what the command line says, without the program's name.
pub fn run(arguments: impl IntoIterator<Item = String>) -> ExitCode {
    let outcome = match arguments::parse(arguments) {
        Ok(Arguments::Version { json }) => {
            print_version(json);
            Ok(())
        }
        Ok(Arguments::Help) => {
            print!("{}", arguments::USAGE);
            Ok(())
        }
        Ok(Arguments::Memory) => memory::converse(io::stdin().lock(), io::stdout().lock()),
        Ok(Arguments::Guard(order)) => guard::obey(&order, &mut io::stdout()),
        Ok(Arguments::Routes(order)) => routes::obey(&order, io::stdin().lock(), &mut io::stdout()),
        Ok(Arguments::WatchChanges(order)) => changes::watch(&order, &mut io::stdout()),
        Ok(Arguments::Notify(state)) => platform::notify(&state),
        Ok(Arguments::WatchUnderlay) => underlay::watch(&mut io::stdout()),
        Ok(Arguments::Serve { socket, orphan, takes_over }) => serve::serve(&socket, orphan, takes_over),
        Ok(Arguments::Broker { listen, socket }) => broker::serve(&listen, &socket),
        Ok(Arguments::Ask { broker, arguments }) => match broker::ask(&broker, &arguments) {
            Ok(code) => return ExitCode::from(code),
            Err(error) => Err(error),
        },
        Err(complaint) => {
            eprint!("lacis-dataplane: {complaint}\n\n{}", arguments::USAGE);
            return ExitCode::from(EXIT_USAGE);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lacis-dataplane: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_version(json: bool) {
    let version = env!("CARGO_PKG_VERSION");
    if json {
        println!(
            "{{\"version\":\"{version}\",\"contractVersion\":{CONTRACT_VERSION},\"encrypts\":{}}}",
            !aead::IS_NULL
        );
    } else {
        println!("{} (contract {CONTRACT_VERSION})", encode::BUILD);
    }
}
