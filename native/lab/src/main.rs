//! `lacis-lab VERB`: what the network laboratory of the tests asks of the kernel and no ordinary program does.
//!
//! - `forget-connections`: empties the connection tracking of this network namespace, as `conntrack -F` does.

use std::process::ExitCode;

mod conntrack;
mod socket;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.first().map(String::as_str) {
        Some("forget-connections") => conntrack::forget_all(),
        other => {
            eprintln!("lacis-lab: {} is not something it does", other.unwrap_or("nothing"));
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lacis-lab: {}: {error}", arguments.join(" "));
            ExitCode::FAILURE
        }
    }
}
