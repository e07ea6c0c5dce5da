//! `lacis-dataplane guard`: sets, removes or shows, once, what has to outlive every data plane. A data plane that gave its powers away cannot do it, and
//! one that is dead cannot either: so it is a command of its own, which the control plane runs before the first one and after the last.

use std::io::{self, Write};

use lacis_engine::ip::Prefix;

use crate::failure::outcome;
use crate::json::{failure_json, harmless};
use crate::platform::{Guard, GuardReport, GuardedPart, Shadow, SystemGuard};
use crate::values::{DEVICE_BYTES_MAX, name, network};

/// Longest name of an owner: it becomes part of the name of a table.
const OWNER_BYTES_MAX: usize = 64;

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    owner: String,
    action: Action,
}

#[derive(Debug, PartialEq, Eq)]
enum Action {
    Set { device: String, networks: Vec<Prefix>, beyond: Vec<Prefix> },
    Clear,
    Show,
}

/// Does it and prints what stands. Fails when not all of it could be done.
pub fn obey(order: &Order, out: &mut impl Write) -> io::Result<()> {
    let guard = SystemGuard::of(&order.owner);
    let report = match &order.action {
        Action::Set { device, networks, beyond } => guard.set(device, networks, beyond),
        Action::Clear => guard.clear(),
        Action::Show => guard.show(),
    };
    writeln!(out, "{}", json(&report))?;
    let failures = [&report.routes, &report.filter].into_iter().filter_map(|part| part.failure.as_ref());
    outcome(failures)
}

/// Reads what follows `guard` on the command line. The error is a sentence.
pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Order, String> {
    let verb = arguments.next().unwrap_or_default();
    let (mut owner, mut device, mut networks, mut beyond) = (None, None, vec![], vec![]);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match (verb.as_str(), argument.as_str()) {
            (_, "--owner") => owner = Some(name(&argument, value, OWNER_BYTES_MAX)?),
            ("set", "--device") => device = Some(name(&argument, value, DEVICE_BYTES_MAX)?),
            ("set", "--network") => networks.push(network(&argument, &value)?),
            ("set", "--beyond") => beyond.push(network(&argument, &value)?),
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    let action = match verb.as_str() {
        "set" if networks.is_empty() => return Err("guard set needs a --network".into()),
        "set" => Action::Set { device: device.unwrap_or_default(), networks, beyond },
        "clear" => Action::Clear,
        "show" => Action::Show,
        _ => return Err(format!("guard {verb}: set, clear or show")),
    };
    Ok(Order { owner: owner.ok_or_else(|| format!("guard {verb} needs an --owner"))?, action })
}

fn json(GuardReport { routes, filter, shadows }: &GuardReport) -> String {
    let shadows: Vec<String> = shadows.iter().map(shadow_json).collect();
    let shadows = shadows.join(",");
    format!("{{\"routes\":{},\"filter\":{},\"shadows\":[{shadows}]}}", part_json(routes), part_json(filter))
}

fn shadow_json(Shadow { prefix, device }: &Shadow) -> String {
    format!("{{\"prefix\":\"{prefix}\",\"device\":\"{}\"}}", harmless(device))
}

fn part_json(part: &GuardedPart) -> String {
    let GuardedPart { before, standing, changed, dropped_packets, failure } = part;
    let failure = failure.as_ref().map_or("null".to_owned(), failure_json);
    format!(
        "{{\"before\":{before},\"standing\":{standing},\"changed\":{changed},\"droppedPackets\":{dropped_packets},\"failure\":{failure}}}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    fn prefix(text: &str) -> Prefix {
        network("--network", text).unwrap()
    }

    fn parsed(line: &str) -> Result<Order, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn an_order_names_its_owner_and_what_stands() {
        let networks = ["10.77.0.2/24", "fd77::2/64"].map(prefix).to_vec();
        let beyond = vec![prefix("192.168.7.0/24")];
        assert_eq!(
            parsed("set --owner a --device mesh0 --network 10.77.0.2/24 --network fd77::2/64 --beyond 192.168.7.0/24"),
            Ok(Order { owner: "a".into(), action: Action::Set { device: "mesh0".into(), networks, beyond } })
        );
        assert_eq!(parsed("clear --owner a"), Ok(Order { owner: "a".into(), action: Action::Clear }));
        assert_eq!(parsed("show --owner a"), Ok(Order { owner: "a".into(), action: Action::Show }));
    }

    #[test]
    fn a_wrong_order_is_named() {
        assert_eq!(parsed("set --owner a"), Err("guard set needs a --network".into()));
        assert_eq!(parsed("clear"), Err("guard clear needs an --owner".into()));
        assert_eq!(parsed("clear --owner"), Err("--owner needs a value".into()));
        assert_eq!(parsed("clear --owner a --network 10.0.0.1/8"), Err("unknown argument --network".into()));
        assert_eq!(parsed("set --owner a --network 10.0.0.1/33"), Err("--network 10.0.0.1/33: ADDRESS/BITS".into()));
        let beyond = parsed("set --owner a --network 10.0.0.1/8 --beyond 10.0.0.0");
        assert_eq!(beyond, Err("--beyond 10.0.0.0: ADDRESS/BITS".into()));
        assert!(parsed("set --owner a --device nameofadevice123 --network 10.0.0.1/8").is_err());
        assert!(parsed("set --owner a --device tun* --network 10.0.0.1/8").is_err());
        assert!(parsed("lift --owner a").is_err());
    }

    #[test]
    fn a_report_is_json_whatever_the_system_says() {
        let failure = Some(Failure::new("system", "no \"such\" \\ thing\n"));
        let shadow = Shadow { prefix: prefix("10.77.0.128/28"), device: "et\"h0".into() };
        let report = GuardReport {
            routes: GuardedPart { before: 2, ..GuardedPart::default() },
            filter: GuardedPart { failure, ..GuardedPart::default() },
            shadows: vec![shadow],
        };
        assert_eq!(
            json(&report),
            r#"{"routes":{"before":2,"standing":0,"changed":0,"droppedPackets":0,"failure":null},"filter":{"before":0,"standing":0,"changed":0,"droppedPackets":0,"failure":{"code":"system","text":"no such  thing"}},"shadows":[{"prefix":"10.77.0.128/28","device":"eth0"}]}"#
        );
    }
}
