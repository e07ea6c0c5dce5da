//! `lacis-lab VERB`: what the network laboratory of the tests asks of the kernel and no ordinary program does.
//!
//! - `forget-connections`: empties the connection tracking of this network namespace, as `conntrack -F` does.
//! - `aead [KIND]`: measures the ciphers, on all kinds of processor that this one can pretend to be, or one (see [`cpuid::Kind`]).
//! - `impair SETTINGS INSIDE OUTSIDE`: is the cable between two devices, and a bad one: what `SETTINGS` says (see
//!   [`impair::settings`]), which is read again whenever the file is another one.
//! - Load for measurements: see [`load`].

use std::error::Error;
use std::process::ExitCode;

mod aead;
mod conntrack;
mod cpuid;
mod impair;
mod load;
mod socket;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done: Result<(), Box<dyn Error>> = match words[..] {
        ["forget-connections"] => conntrack::forget_all().map_err(Into::into),
        ["aead"] => aead::compare().map_err(Into::into),
        ["aead", kind] => aead::print(kind).map_err(Into::into),
        ["impair", settings, inside, outside] => impair::run(settings.as_ref(), inside, outside).map_err(Into::into),
        _ => load::run(&words).unwrap_or_else(|| Err("not something it does".into())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lacis-lab {}: {error}", words.join(" "));
            ExitCode::FAILURE
        }
    }
}
