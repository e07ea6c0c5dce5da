//! The command line.

use std::path::PathBuf;
use std::time::Duration;

/// Printed for `--help` and behind every complaint about the command line.
pub const USAGE: &str = "\
Moves the packets of an overlay mesh. Started and steered by the lacis daemon.

  lacis-dataplane --socket PATH [--orphan-seconds N]
  lacis-dataplane --memory
  lacis-dataplane --version [--json]

  --socket PATH         listen for the daemon on this Unix socket; its directory must exist
  --orphan-seconds N    exit after N seconds without a daemon (900)
  --memory              speak the same frames on standard input and output, with packets instead of devices
  --version             print the version and the version of the contract
";

/// Without a control plane nothing renews a session or a certificate: a quarter of an hour is enough for a restart or an
/// upgrade, and short against the lifetime of anything that would have to be noticed.
const ORPHAN_DEFAULT: Duration = Duration::from_secs(900);

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Arguments {
    /// Move packets, steered through this socket.
    Serve {
        /// Where the socket is made.
        socket: PathBuf,
        /// How long to go on without a control plane.
        orphan: Duration,
    },
    /// Speak frames on standard input and output.
    Memory,
    /// Print the version.
    Version {
        /// As JSON.
        json: bool,
    },
    /// Print the usage.
    Help,
}

/// Reads the arguments, without the program's name. The error is a sentence.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = arguments.into_iter();
    let (mut socket, mut orphan, mut json, mut mode) = (None, None, false, None);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--socket" => socket = Some(PathBuf::from(value()?)),
            "--orphan-seconds" => {
                let text = value()?;
                let seconds = text.parse().map_err(|_| format!("--orphan-seconds {text}: not a number of seconds"))?;
                orphan = Some(Duration::from_secs(seconds));
            }
            "--json" => json = true,
            "--memory" => mode = Some(Arguments::Memory),
            "--version" => mode = Some(Arguments::Version { json: false }),
            "--help" | "-h" => mode = Some(Arguments::Help),
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    match (mode, socket) {
        (Some(Arguments::Version { .. }), None) => Ok(Arguments::Version { json }),
        (Some(mode), None) => Ok(mode),
        (Some(_), Some(_)) => Err("--socket stands alone".into()),
        (None, Some(socket)) => Ok(Arguments::Serve { socket, orphan: orphan.unwrap_or(ORPHAN_DEFAULT) }),
        (None, None) => Err("nothing to do without --socket".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn the_three_modes_are_told_apart() {
        let socket = PathBuf::from("/run/x");
        assert_eq!(parsed("--socket /run/x"), Ok(Arguments::Serve { socket: socket.clone(), orphan: ORPHAN_DEFAULT }));
        let orphan = Duration::from_secs(5);
        assert_eq!(parsed("--orphan-seconds 5 --socket /run/x"), Ok(Arguments::Serve { socket, orphan }));
        assert_eq!(parsed("--memory"), Ok(Arguments::Memory));
        assert_eq!(parsed("--version --json"), Ok(Arguments::Version { json: true }));
    }

    #[test]
    fn a_wrong_line_is_named() {
        assert_eq!(parsed("--sockets x"), Err("unknown argument --sockets".into()));
        assert_eq!(parsed("--socket"), Err("--socket needs a value".into()));
        assert_eq!(parsed("--socket a --orphan-seconds x"), Err("--orphan-seconds x: not a number of seconds".into()));
        assert_eq!(parsed("--memory --socket a"), Err("--socket stands alone".into()));
        assert!(parsed("").is_err());
    }
}
