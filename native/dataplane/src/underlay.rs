//! `lacis-dataplane underlay`: tells on which interfaces and addresses this machine is, and whenever that changes.

use std::io::{self, Write};

use crate::json::harmless;
use crate::platform::{Interface, Place, SystemUnderlay, Underlay, Way, leave_signals_to_the_reader};

/// Prints a line for now and for each change, until standard input comes to its end or nobody reads any more.
pub fn watch(out: &mut impl Write) -> io::Result<()> {
    leave_signals_to_the_reader();
    let told = SystemUnderlay::open().and_then(|mut underlay| {
        // Whoever reads this has gone when it cannot be written.
        underlay.watch(|place| writeln!(out, "{}", json(place)).and_then(|()| out.flush()).is_ok())
    });
    told.map_err(|failure| io::Error::other(failure.message))
}

/// Reads what follows `underlay` on the command line. The error is a sentence.
pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<(), String> {
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("watch"), None) => Ok(()),
        (Some("watch"), Some(more)) => Err(format!("unknown argument {more}")),
        (verb, _) => Err(format!("underlay {}: watch", verb.unwrap_or_default())),
    }
}

fn json(Place { interfaces, ways }: &Place) -> String {
    let interfaces = list(interfaces, |interface| {
        let Interface { name, kind, ethernet, ports, carrier_changes, addresses } = interface;
        let (name, kind) = (harmless(name), harmless(kind));
        let ports = list(ports, |port| format!("\"{}\"", harmless(port)));
        let addresses = list(addresses, |address| format!("\"{address}\""));
        format!(
            "{{\"name\":\"{name}\",\"kind\":\"{kind}\",\"ethernet\":{ethernet},\"ports\":{ports},\"carrierChanges\":{carrier_changes},\"addresses\":{addresses}}}"
        )
    });
    let ways = list(ways, |Way { is_ipv6, device, gateway }| {
        let family = if *is_ipv6 { 6 } else { 4 };
        let gateway = gateway.map_or("null".to_owned(), |address| format!("\"{address}\""));
        format!("{{\"family\":{family},\"device\":\"{}\",\"gateway\":{gateway}}}", harmless(device))
    });
    format!("{{\"interfaces\":{interfaces},\"ways\":{ways}}}")
}

fn list<T>(items: &[T], each: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(each).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::prefix;

    fn parsed(line: &str) -> Result<(), String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn there_is_one_thing_to_do() {
        assert_eq!(parsed("watch"), Ok(()));
        assert_eq!(parsed("watch --now"), Err("unknown argument --now".into()));
        assert_eq!(parsed(""), Err("underlay : watch".into()));
    }

    #[test]
    fn a_place_is_one_line_of_json() {
        let interface = Interface {
            name: "br\"0".into(),
            kind: "bridge".into(),
            ethernet: true,
            ports: vec![String::new(), "veth".into()],
            carrier_changes: 3,
            addresses: vec![prefix("192.0.2.3/24").unwrap()],
        };
        let ways = vec![
            Way { is_ipv6: false, device: "br0".into(), gateway: "192.0.2.254".parse().ok() },
            Way { is_ipv6: true, device: "br0".into(), gateway: None },
        ];
        assert_eq!(
            json(&Place { interfaces: vec![interface], ways }),
            r#"{"interfaces":[{"name":"br0","kind":"bridge","ethernet":true,"ports":["","veth"],"carrierChanges":3,"addresses":["192.0.2.3/24"]}],"ways":[{"family":4,"device":"br0","gateway":"192.0.2.254"},{"family":6,"device":"br0","gateway":null}]}"#
        );
    }
}
