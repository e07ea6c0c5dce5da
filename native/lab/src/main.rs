//! `lacis-lab VERB`: what the network laboratory of the tests asks of the kernel and no ordinary program does.
//!
//! - `forget-connections`: empties the connection tracking of this network namespace, as `conntrack -F` does.
//! - `impair SETTINGS INSIDE OUTSIDE`: is the cable between two devices, and a bad one: what `SETTINGS` says (see
//!   [`impair::settings`]), which is read again whenever the file is another one.

use std::io;
use std::process::ExitCode;

mod conntrack;
mod impair;
mod socket;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["forget-connections"] => conntrack::forget_all(),
        ["impair", settings, inside, outside] => impair::run(settings.as_ref(), inside, outside),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "not something it does")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lacis-lab {}: {error}", words.join(" "));
            ExitCode::FAILURE
        }
    }
}
