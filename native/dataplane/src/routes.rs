//! `lacis-dataplane routes`: gives the system's table the routes through a device and takes them back, or tells what others have put there. A data plane
//! that gave its powers away cannot: so it is a command of its own, like the guard.

use std::io::{self, BufRead, Write};

use lacis_engine::ip::Prefix;

use crate::failure::outcome;
use crate::json::{failure_json, harmless};
use crate::platform::{
    DeviceRoutes, LearnedRoute, RoutesReport, SystemRoutes, WantedRoute, WantedRoutes, leave_signals_to_the_reader,
};
use crate::values::{DEVICE_BYTES_MAX, name, network, number, prefix};

/// Lines that are read: as many routes as a host may have.
const ROUTES_MAX: usize = 16_384;

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    device: String,
    action: Action,
}

#[derive(Debug, PartialEq, Eq)]
enum Action {
    /// The routes come on standard input.
    Set(WantedRoutes),
    Clear,
    Watch {
        buffer_bytes: u32,
    },
}

/// Does it and prints what stands. Fails when not all of it could be done.
pub fn obey(order: &Order, input: impl BufRead, out: &mut impl Write) -> io::Result<()> {
    let cannot = |failure: crate::failure::Failure| io::Error::other(failure.message);
    if let Action::Watch { buffer_bytes } = order.action {
        leave_signals_to_the_reader();
        let mut routes = SystemRoutes::open(&order.device).map_err(cannot)?;
        // Whoever reads this has gone when it cannot be written.
        return routes
            .watch(buffer_bytes, |learned| {
                writeln!(out, "{}", learned_json(learned)).and_then(|()| out.flush()).is_ok()
            })
            .map_err(cannot);
    }
    let wanted = match &order.action {
        Action::Set(WantedRoutes { mtu, addresses, all_or_nothing, .. }) => {
            let (connected, routes) = listed(input).map_err(io::Error::other)?;
            WantedRoutes { mtu: *mtu, addresses: addresses.clone(), connected, routes, all_or_nothing: *all_or_nothing }
        }
        _ => WantedRoutes::default(),
    };
    let report = match SystemRoutes::open(&order.device) {
        Ok(mut routes) => routes.set(&wanted),
        Err(failure) => RoutesReport { failures: vec![(None, failure)], ..RoutesReport::default() },
    };
    writeln!(out, "{}", json(&report))?;
    outcome(report.failures.iter().map(|(_, failure)| failure))
}

/// Reads what follows `routes` on the command line. The error is a sentence.
pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Order, String> {
    let verb = arguments.next().unwrap_or_default();
    let (mut device, mut wanted, mut buffer_bytes) = (None, WantedRoutes::default(), 0);
    while let Some(argument) = arguments.next() {
        if (verb.as_str(), argument.as_str()) == ("set", "--all-or-nothing") {
            wanted.all_or_nothing = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match (verb.as_str(), argument.as_str()) {
            (_, "--device") => device = Some(name(&argument, value, DEVICE_BYTES_MAX)?),
            ("set", "--address") => wanted.addresses.push(network(&argument, &value)?),
            ("set", "--mtu") => wanted.mtu = number(&argument, &value)?,
            ("watch", "--buffer") => buffer_bytes = number(&argument, &value)?,
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    let action = match verb.as_str() {
        "set" if wanted.mtu == 0 => return Err("routes set needs an --mtu".into()),
        "set" => Action::Set(wanted),
        "clear" => Action::Clear,
        "watch" => Action::Watch { buffer_bytes },
        _ => return Err(format!("routes {verb}: set, clear or watch")),
    };
    Ok(Order { device: device.ok_or_else(|| format!("routes {verb} needs a --device"))?, action })
}

/// What standard input lists: the device's own networks, and routes.
type Listed = (Vec<(Prefix, u32)>, Vec<WantedRoute>);

fn listed(input: impl BufRead) -> Result<Listed, String> {
    let (mut connected, mut routes) = (vec![], vec![]);
    for line in input.lines() {
        let line = line.map_err(|error| error.to_string())?;
        if connected.len() + routes.len() == ROUTES_MAX {
            return Err(format!("more than {ROUTES_MAX} routes"));
        }
        read(&line, &mut connected, &mut routes)
            .ok_or_else(|| format!("{line:?}: PREFIX METRIC MTU, or PREFIX connected MTU"))?;
    }
    Ok((connected, routes))
}

fn read(line: &str, connected: &mut Vec<(Prefix, u32)>, routes: &mut Vec<WantedRoute>) -> Option<()> {
    let [prefix, metric, mtu] = line.split(' ').collect::<Vec<_>>()[..] else { return None };
    let prefix = self::prefix(prefix).filter(|prefix| !prefix.has_host_bits())?;
    let mtu = mtu.parse().ok()?;
    match metric {
        "connected" => connected.push((prefix, mtu)),
        metric => routes.push(WantedRoute { prefix, metric: metric.parse().ok()?, mtu }),
    }
    Some(())
}

fn json(RoutesReport { before, standing, changed, repairs, failures }: &RoutesReport) -> String {
    let one = |(route, failure): &(Option<WantedRoute>, _)| {
        let prefix = route.map_or("null".to_owned(), |route| format!("\"{}\"", route.prefix));
        format!("{{\"prefix\":{prefix},\"failure\":{}}}", failure_json(failure))
    };
    let failures = failures.iter().map(one).collect::<Vec<_>>().join(",");
    let repairs = repairs.iter().map(|repair| format!("\"{}\"", harmless(repair))).collect::<Vec<_>>().join(",");
    format!(
        "{{\"before\":{before},\"standing\":{standing},\"changed\":{changed},\"repairs\":[{repairs}],\"failures\":[{failures}]}}"
    )
}

fn learned_json(learned: &[LearnedRoute]) -> String {
    let one = |LearnedRoute { prefix, metric, hops }: &LearnedRoute| {
        let hop =
            |(address, weight): &(std::net::IpAddr, u32)| format!("{{\"address\":\"{address}\",\"weight\":{weight}}}");
        let hops = hops.iter().map(hop).collect::<Vec<_>>().join(",");
        format!("{{\"prefix\":\"{prefix}\",\"metric\":{metric},\"hops\":[{hops}]}}")
    };
    format!("[{}]", learned.iter().map(one).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    fn parsed(line: &str) -> Result<Order, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn an_order_names_its_device_and_what_becomes_of_it() {
        let addresses = vec![network("--address", "10.77.0.2/24").unwrap()];
        let wanted = WantedRoutes { mtu: 1400, addresses, all_or_nothing: true, ..WantedRoutes::default() };
        assert_eq!(
            parsed("set --device mesh0 --mtu 1400 --address 10.77.0.2/24 --all-or-nothing"),
            Ok(Order { device: "mesh0".into(), action: Action::Set(wanted) })
        );
        assert_eq!(parsed("clear --device a"), Ok(Order { device: "a".into(), action: Action::Clear }));
        let action = Action::Watch { buffer_bytes: 9 };
        assert_eq!(parsed("watch --device a --buffer 9"), Ok(Order { device: "a".into(), action }));
    }

    #[test]
    fn a_wrong_order_is_named() {
        assert_eq!(parsed("set --device a"), Err("routes set needs an --mtu".into()));
        assert_eq!(parsed("set --mtu 1300"), Err("routes set needs a --device".into()));
        assert_eq!(parsed("set --device a --mtu x"), Err("--mtu x: not a number".into()));
        assert_eq!(parsed("clear --device a --mtu 1"), Err("unknown argument --mtu".into()));
        assert!(parsed("add --device a").is_err());
    }

    #[test]
    fn routes_are_read_from_lines() {
        let prefix = |text| self::prefix(text).unwrap();
        assert_eq!(
            listed(&b"192.168.7.0/24 0 1300\n10.77.0.0/24 connected 1300\nfd00::/64 9 0\n"[..]),
            Ok((
                vec![(prefix("10.77.0.0/24"), 1300)],
                vec![
                    WantedRoute { prefix: prefix("192.168.7.0/24"), metric: 0, mtu: 1300 },
                    WantedRoute { prefix: prefix("fd00::/64"), metric: 9, mtu: 0 },
                ]
            ))
        );
        for wrong in ["192.168.7.1/24 0 0", "192.168.7.0/24 0", "192.168.7.0/24 -1 0", "", "a b c"] {
            assert!(listed(format!("{wrong}\n").as_bytes()).is_err(), "{wrong}");
        }
        assert!(listed("10.0.0.0/8 0 0\n".repeat(ROUTES_MAX + 1).as_bytes()).is_err());
    }

    #[test]
    fn reports_are_json() {
        let failed = WantedRoute { prefix: prefix("192.168.7.0/24").unwrap(), metric: 0, mtu: 0 };
        let failures = vec![(Some(failed), Failure::new("taken", "\"eth1\"")), (None, Failure::bad("no"))];
        assert_eq!(
            json(&RoutesReport { before: 1, standing: 2, changed: 3, repairs: vec!["down".into()], failures }),
            r#"{"before":1,"standing":2,"changed":3,"repairs":["down"],"failures":[{"prefix":"192.168.7.0/24","failure":{"code":"taken","text":"eth1"}},{"prefix":null,"failure":{"code":"bad-request","text":"no"}}]}"#
        );
        let hops = vec![("10.77.0.3".parse().unwrap(), 2)];
        let learned = LearnedRoute { prefix: prefix("10.0.0.0/8").unwrap(), metric: 5, hops };
        assert_eq!(
            learned_json(&[learned]),
            r#"[{"prefix":"10.0.0.0/8","metric":5,"hops":[{"address":"10.77.0.3","weight":2}]}]"#
        );
    }
}
