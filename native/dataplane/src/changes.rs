//! `lacis-dataplane changes`: tells that others may have changed a device, what guards its packets, or the ways to its networks. Whoever hears it looks again.

use std::io::{self, Write};

use lacis_engine::ip::Prefix;

use crate::platform::{Changes, SystemChanges, leave_signals_to_the_reader};
use crate::values::{DEVICE_BYTES_MAX, name, network};

/// What is watched.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    device: String,
    networks: Vec<Prefix>,
}

/// Prints a line when it listens and for each change, until standard input comes to its end or nobody reads any more.
pub fn watch(order: &Order, out: &mut impl Write) -> io::Result<()> {
    leave_signals_to_the_reader();
    // Whoever reads this has gone when it cannot be written.
    let told = SystemChanges::watch(&order.device, &order.networks, || {
        writeln!(out, "{{\"changed\":true}}").and_then(|()| out.flush()).is_ok()
    });
    told.map_err(|failure| io::Error::other(failure.message))
}

/// Reads what follows `changes` on the command line. The error is a sentence.
pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Order, String> {
    let verb = arguments.next().unwrap_or_default();
    if verb != "watch" {
        return Err(format!("changes {verb}: watch"));
    }
    let (mut device, mut networks) = (None, vec![]);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--device" => device = Some(name(&argument, value, DEVICE_BYTES_MAX)?),
            "--network" => networks.push(network(&argument, &value)?),
            _ => return Err(format!("unknown argument {argument}")),
        }
    }
    Ok(Order { device: device.ok_or("changes watch needs a --device")?, networks })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Order, String> {
        parse(line.split_whitespace().map(String::from))
    }

    #[test]
    fn an_order_names_the_device_and_its_networks() {
        let networks = vec![network("--network", "10.77.0.2/24").unwrap()];
        let order = Order { device: "mesh0".into(), networks };
        assert_eq!(parsed("watch --device mesh0 --network 10.77.0.2/24"), Ok(order));
    }

    #[test]
    fn a_wrong_order_is_named() {
        assert_eq!(parsed("watch"), Err("changes watch needs a --device".into()));
        assert_eq!(parsed("watch --device"), Err("--device needs a value".into()));
        assert_eq!(parsed("watch --mtu 9"), Err("unknown argument --mtu".into()));
        assert_eq!(parsed("set"), Err("changes set: watch".into()));
        assert!(parsed("watch --device mesh0 --network 10.77.0.2").is_err());
    }
}
