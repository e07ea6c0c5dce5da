//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use lacis_engine::aead;

use crate::guard::{self, Order};
use crate::{changes, routes, underlay};

/// Printed for `--help` and behind every complaint about the command line.
pub const USAGE: &str = "\
Moves the packets of an overlay mesh. Started and steered by the lacis daemon.

  lacis-dataplane --socket PATH [--orphan-seconds N] [--take-over]
  lacis-dataplane --memory
  lacis-dataplane --version [--json]
  lacis-dataplane guard set --owner NAME [--device NAME] --network ADDRESS/BITS... [--beyond PREFIX...]
  lacis-dataplane guard clear --owner NAME
  lacis-dataplane guard show --owner NAME
  lacis-dataplane routes set --device NAME --mtu N [--address ADDRESS/BITS...] [--all-or-nothing]
  lacis-dataplane routes clear --device NAME
  lacis-dataplane routes watch --device NAME [--buffer BYTES]
  lacis-dataplane changes watch --device NAME --network ADDRESS/BITS...
  lacis-dataplane underlay watch
  lacis-dataplane notify STATE
  lacis-dataplane broker --listen PATH --socket PATH
  lacis-dataplane ask PATH ARGUMENTS...

  --socket PATH         listen for the daemon on this Unix socket; its directory must exist
  --orphan-seconds N    exit after N seconds without a daemon (900)
  --take-over           take the place of the data plane that listens there: its devices, sessions and flows; nothing is lost
  --memory              speak the same frames on standard input and output, with packets instead of devices
  --null-cipher         encrypt nothing, for measurements; only a build for that takes it, and takes nothing else
  --version             print the version and the version of the contract

  guard set             keep packets of these overlay networks off every way but the device, with a data plane or without one, and
                        print as JSON what stands; an ADDRESS is the host's own
  --beyond PREFIX       a network behind other hosts of the overlay, whose packets are kept off other ways as well
  guard clear           remove what was set for this owner
  guard show            print what stands
  --owner NAME          whose guard it is: each owner's is apart from those of others
  --device NAME         the overlay's device, which need not be there; \"tun\" and a number when left out

  routes set            give the system the routes through this device that standard input lists, PREFIX METRIC MTU in each line (MTU 0: that
                        of the device; METRIC connected: a network of its own, of which only the MTU is set), take back others that were given it, and print as JSON what stands
  routes clear          take back all of them
  routes watch          print as JSON the networks that routes of others lead to through hosts behind this device, now and after each change
  --mtu N               MTU of the device
  --address ADDRESS/BITS  one that the device has to have; it is set up as well
  --all-or-nothing      when something is refused, leave everything as it was
  --buffer BYTES        for news of routes, instead of the system's choice

  changes watch         print a line when it listens, and whenever the device, what guards its packets, or a way to its networks may have changed

  notify STATE          tell the service manager that waits for this service (READY=1); nothing where none does

  underlay watch        print as JSON this machine's interfaces with their addresses and the way to everybody else, now and after each change

  broker                do guard, routes and changes for a daemon without the privilege, and start its data plane, which listens at --socket
  --listen PATH         where it is asked, by its own user alone
  ask PATH ARGUMENTS    have the broker there carry out these arguments, on this process's standard input, output and error
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
        /// Whether another one listens there, and gives way.
        takes_over: bool,
    },
    /// Speak frames on standard input and output.
    Memory,
    /// Print the version.
    Version {
        /// As JSON.
        json: bool,
    },
    /// Keep packets off other ways.
    Guard(Order),
    /// Give the system the routes of a device, or tell of them.
    Routes(routes::Order),
    /// Tell that others have changed a device.
    WatchChanges(changes::Order),
    /// Tell of the machine's interfaces.
    WatchUnderlay,
    /// Tell the service manager.
    Notify(String),
    /// Do for others what takes a privilege.
    Broker {
        /// Where it is asked.
        listen: PathBuf,
        /// Where its data plane listens.
        socket: PathBuf,
    },
    /// Have it done.
    Ask {
        /// Where the broker listens.
        broker: PathBuf,
        /// What it is to do.
        arguments: Vec<String>,
    },
    /// Print the usage.
    Help,
}

/// Reads the arguments, without the program's name. The error is a sentence.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = arguments.into_iter().peekable();
    if arguments.next_if(|first| first == "guard").is_some() {
        return guard::parse(arguments).map(Arguments::Guard);
    }
    if arguments.next_if(|first| first == "routes").is_some() {
        return routes::parse(arguments).map(Arguments::Routes);
    }
    if arguments.next_if(|first| first == "changes").is_some() {
        return changes::parse(arguments).map(Arguments::WatchChanges);
    }
    if arguments.next_if(|first| first == "underlay").is_some() {
        return underlay::parse(arguments).map(|()| Arguments::WatchUnderlay);
    }
    if arguments.next_if(|first| first == "notify").is_some() {
        return match (arguments.next(), arguments.next()) {
            (Some(state), None) => Ok(Arguments::Notify(state)),
            (None, _) => Err("notify needs a state, READY=1 for example".into()),
            (_, Some(more)) => Err(format!("unknown argument {more}")),
        };
    }
    if arguments.next_if(|first| first == "broker").is_some() {
        return parse_broker(arguments);
    }
    if arguments.next_if(|first| first == "ask").is_some() {
        let broker = arguments.next().map(PathBuf::from).ok_or("ask needs the path of a broker")?;
        return Ok(Arguments::Ask { broker, arguments: arguments.collect() });
    }
    let (mut socket, mut orphan, mut json, mut mode, mut null) = (None, None, false, None, false);
    let mut takes_over = false;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--socket" => socket = Some(PathBuf::from(value()?)),
            "--orphan-seconds" => {
                let text = value()?;
                let seconds = text.parse().map_err(|_| format!("--orphan-seconds {text}: not a number of seconds"))?;
                orphan = Some(Duration::from_secs(seconds));
            }
            "--take-over" => takes_over = true,
            "--json" => json = true,
            "--null-cipher" => null = true,
            "--memory" => mode = Some(Arguments::Memory),
            "--version" => mode = Some(Arguments::Version { json: false }),
            "--help" | "-h" => mode = Some(Arguments::Help),
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    if !matches!(mode, Some(Arguments::Version { .. } | Arguments::Help)) {
        check_encryption(null)?;
    }
    match (mode, socket) {
        (Some(Arguments::Version { .. }), None) => Ok(Arguments::Version { json }),
        (Some(mode), None) => Ok(mode),
        (Some(_), Some(_)) => Err("--socket stands alone".into()),
        (None, Some(socket)) => Ok(Arguments::Serve { socket, orphan: orphan.unwrap_or(ORPHAN_DEFAULT), takes_over }),
        (None, None) => Err("nothing to do without --socket".into()),
    }
}

fn parse_broker(mut arguments: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let (mut listen, mut socket) = (None, None);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().map(PathBuf::from).ok_or_else(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--listen" => listen = Some(value),
            "--socket" => socket = Some(value),
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    let (listen, socket) = listen.zip(socket).ok_or("broker needs --listen and --socket")?;
    Ok(Arguments::Broker { listen, socket })
}

/// A build that encrypts nothing is never started by mistake: whoever starts it says so, and whoever says so gets no other.
fn check_encryption(null: bool) -> Result<(), String> {
    match (aead::IS_NULL, null) {
        (false, true) => Err("--null-cipher: this build encrypts".into()),
        (true, false) => {
            Err(format!("{}: this build is for measurements, and only runs with --null-cipher", aead::NULL_CIPHER))
        }
        (true, true) | (false, false) => Ok(()),
    }
}

#[cfg(test)]
#[cfg(not(lacis_null_cipher))]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn the_three_modes_are_told_apart() {
        let socket = PathBuf::from("/run/x");
        assert_eq!(
            parsed("--socket /run/x"),
            Ok(Arguments::Serve { socket: socket.clone(), orphan: ORPHAN_DEFAULT, takes_over: false })
        );
        let orphan = Duration::from_secs(5);
        assert_eq!(
            parsed("--orphan-seconds 5 --socket /run/x"),
            Ok(Arguments::Serve { socket: socket.clone(), orphan, takes_over: false })
        );
        let newer = Arguments::Serve { socket, orphan: ORPHAN_DEFAULT, takes_over: true };
        assert_eq!(parsed("--socket /run/x --take-over"), Ok(newer));
        assert_eq!(parsed("--memory"), Ok(Arguments::Memory));
        assert_eq!(parsed("notify READY=1"), Ok(Arguments::Notify("READY=1".into())));
        assert!(parsed("notify").is_err() && parsed("notify READY=1 more").is_err());
        assert_eq!(parsed("--version --json"), Ok(Arguments::Version { json: true }));
    }

    #[test]
    fn a_broker_has_two_sockets_and_whoever_asks_it_says_what() {
        let broker = Arguments::Broker { listen: "/run/b".into(), socket: "/run/d".into() };
        assert_eq!(parsed("broker --socket /run/d --listen /run/b"), Ok(broker));
        let arguments = vec!["guard".into(), "show".into()];
        assert_eq!(parsed("ask /run/b guard show"), Ok(Arguments::Ask { broker: "/run/b".into(), arguments }));
        assert!(parsed("broker --listen /run/b").is_err() && parsed("broker --listen").is_err());
        assert!(parsed("broker --listen /run/b --socket /run/d --more x").is_err() && parsed("ask").is_err());
    }

    #[test]
    fn a_wrong_line_is_named() {
        assert_eq!(parsed("--sockets x"), Err("unknown argument --sockets".into()));
        assert_eq!(parsed("--socket"), Err("--socket needs a value".into()));
        assert_eq!(parsed("--socket a --orphan-seconds x"), Err("--orphan-seconds x: not a number of seconds".into()));
        assert_eq!(parsed("--memory --socket a"), Err("--socket stands alone".into()));
        assert!(parsed("").is_err());
    }

    #[test]
    fn a_build_that_encrypts_cannot_be_told_not_to() {
        assert_eq!(parsed("--socket a --null-cipher"), Err("--null-cipher: this build encrypts".into()));
        assert_eq!(parsed("--null-cipher --memory"), Err("--null-cipher: this build encrypts".into()));
    }
}
