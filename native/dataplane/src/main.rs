//! The program: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    lacis_dataplane::run(std::env::args().skip(1))
}
