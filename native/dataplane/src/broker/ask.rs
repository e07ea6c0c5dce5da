//! The other end: runs as the daemon's child in place of the command that it asks for.

use std::io::{self, BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::request::Request;
use crate::EXIT_USAGE;
use crate::platform::leave_signals_to_the_reader;

/// How a shell tells of a command that was ended by a signal.
const SIGNAL_EXIT: u8 = 128;

/// Has a broker do it with this process's standard input, output and error. The command's exit code; a data plane goes on, and its number is printed.
pub fn ask(broker: &Path, arguments: &[String]) -> io::Result<u8> {
    if arguments.iter().any(|argument| argument == "watch") {
        leave_signals_to_the_reader();
    }
    let named = |error: io::Error| io::Error::new(error.kind(), format!("the broker at {}: {error}", broker.display()));
    let stream = UnixStream::connect(broker).map_err(named)?;
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let starts_plane = arguments.first().is_some_and(|first| first == "--socket");
    // Whoever waits for the number would wait for the end of the data plane, too.
    let output = if starts_plane { stderr.as_fd() } else { stdout.as_fd() };
    Request::send(&stream, arguments, &[stdin.as_fd(), output, stderr.as_fd()]).map_err(named)?;
    for line in BufReader::new(stream).lines() {
        let line = line.map_err(named)?;
        match line.split_once(' ') {
            Some(("pid", number)) if starts_plane => {
                println!("{number}");
                return Ok(0);
            }
            Some(("pid", _)) => {}
            Some(("exit", code)) => return code.parse().map_err(io::Error::other),
            Some(("signal", number)) => return Ok(SIGNAL_EXIT.saturating_add(number.parse().unwrap_or_default())),
            Some(("error", why)) => return Err(io::Error::other(why)),
            Some(("usage", why)) => {
                eprintln!("lacis-dataplane: the broker refuses: {why}");
                return Ok(EXIT_USAGE);
            }
            _ => return Err(io::Error::other(format!("the broker says {line:?}"))),
        }
    }
    Err(named(io::ErrorKind::UnexpectedEof.into()))
}
