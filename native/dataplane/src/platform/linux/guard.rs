//! The guard of Linux: unreachable routes, and a table of nf_tables.

use std::collections::HashSet;
use std::io;

use lacis_engine::ip::Prefix;

use super::netlink::filter::{UnderlayFilter, rules};
use super::netlink::routes::UnreachableRoutes;
use super::netlink::shadows::shadows;
use crate::failure::Failure;
use crate::platform::{Guard, GuardReport, GuardedPart};

/// The guard of one owner.
pub struct LinuxGuard {
    owner: String,
}

impl Guard for LinuxGuard {
    fn of(owner: &str) -> Self {
        Self { owner: owner.to_owned() }
    }

    fn set(&self, device: &str, networks: &[Prefix], beyond: &[Prefix]) -> GuardReport {
        self.arrange(Some((device, networks)), beyond)
    }

    fn clear(&self) -> GuardReport {
        self.arrange(Some(("", &[])), &[])
    }

    fn show(&self) -> GuardReport {
        self.arrange(None, &[])
    }
}

impl LinuxGuard {
    /// Makes it stand for these networks, or only looks. Each half does what it can when the other fails.
    fn arrange(&self, wanted: Option<(&str, &[Prefix])>, beyond: &[Prefix]) -> GuardReport {
        // A name of the kernel's choice is "tun" and a number.
        let wanted = wanted.map(|(device, networks)| (if device.is_empty() { "tun*" } else { device }, networks));
        let mut routes = GuardedPart::default();
        if let Err(error) = self.arrange_routes(wanted.map(|(_, networks)| [networks, beyond].concat()), &mut routes) {
            routes.failure = Some(Failure::system("routes", &error));
        }
        let mut filter = GuardedPart::default();
        if let Err(error) = self.arrange_filter(wanted, &mut filter) {
            filter.failure = Some(Failure::system("nf_tables", &error));
        }
        let is_ours = |device: &str, name: &str| match name.strip_suffix('*') {
            Some(beginning) => device.starts_with(beginning),
            None => device == name,
        };
        // What cannot be listed was told as a failure of the routes.
        let shadows = wanted.map(|(name, networks)| shadows(|device| is_ours(device, name), networks));
        GuardReport { routes, filter, shadows: shadows.and_then(Result::ok).unwrap_or_default() }
    }

    fn arrange_routes(&self, wanted: Option<Vec<Prefix>>, part: &mut GuardedPart) -> io::Result<()> {
        let mut routes = UnreachableRoutes::open(&self.owner)?;
        let standing = routes.list()?;
        (part.before, part.standing) = (standing.len(), standing.len());
        let Some(networks) = wanted else { return Ok(()) };
        let wanted: HashSet<Prefix> = networks.iter().map(|network| network.without_host_bits()).collect();
        // New ones first: no moment lacks a route that both have.
        for missing in wanted.iter().filter(|prefix| !standing.contains(prefix)) {
            routes.add(missing)?;
            part.changed += 1;
        }
        for old in standing.iter().filter(|prefix| !wanted.contains(prefix)) {
            routes.remove(old)?;
            part.changed += 1;
        }
        part.standing = wanted.len();
        Ok(())
    }

    fn arrange_filter(&self, wanted: Option<(&str, &[Prefix])>, part: &mut GuardedPart) -> io::Result<()> {
        let mut filter = UnderlayFilter::open(&self.owner)?;
        let standing = filter.list()?;
        (part.before, part.standing) = (standing.len(), standing.len());
        part.dropped_packets = standing.iter().map(|rule| rule.packets).sum();
        let Some((device, networks)) = wanted else { return Ok(()) };
        if networks.is_empty() {
            filter.remove()?;
            part.changed = standing.len();
            (part.standing, part.dropped_packets) = (0, 0);
            return Ok(());
        }
        let wanted = rules(device, networks);
        part.standing = wanted.len();
        let comments = standing.iter().map(|rule| &rule.comment);
        if comments.eq(wanted.iter().map(|rule| &rule.comment)) {
            return Ok(());
        }
        part.standing = standing.len();
        filter.replace(&wanted)?;
        (part.standing, part.changed, part.dropped_packets) = (wanted.len(), wanted.len(), 0);
        Ok(())
    }
}
