//! Routes through a device, as they are wanted.

use std::collections::HashMap;
use std::io;
use std::thread;
use std::time::Duration;

use lacis_engine::ip::Prefix;

use super::device_state::mend;
use super::netlink::device_routes::{RoutesThrough, metric_in_table, metric_of_connected};
use super::netlink::link::{Links, link_index, name_of};
use super::netlink::news::{News, Subject};
use super::netlink::route_entry::RouteEntry;
use super::netlink::routes::PROTOCOL;
use crate::failure::Failure;
use crate::platform::{DeviceRoutes, LearnedRoute, RoutesReport, WantedRoute, WantedRoutes};

/// Who sets many routes sets them in a row: their end is waited for.
const SETTLE: Duration = Duration::from_millis(50);
/// Networks that are told of.
const LEARNED_MAX: usize = 4_096;

/// The routes of one device.
pub struct LinuxRoutes {
    through: RoutesThrough,
    links: Links,
    device: String,
    link: u32,
}

/// What undoes a step.
enum Undo {
    Mtu(u32),
    Connected(RouteEntry),
    Remove(WantedRoute),
    Replace(WantedRoute),
    Add(WantedRoute),
}

/// A change under way.
struct Change<'a> {
    through: &'a mut RoutesThrough,
    links: &'a mut Links,
    report: RoutesReport,
    undo: Vec<Undo>,
}

impl DeviceRoutes for LinuxRoutes {
    fn open(device: &str) -> Result<Self, Failure> {
        let link = link_index(device).map_err(|error| Failure::system(format!("the device {device}"), &error))?;
        let through = RoutesThrough::open(link).map_err(|error| Failure::system("routes", &error))?;
        let links = Links::open().map_err(|error| Failure::system("the device's settings", &error))?;
        Ok(Self { through, links, device: device.to_owned(), link })
    }

    fn set(&mut self, wanted: &WantedRoutes) -> RoutesReport {
        let (through, links) = (&mut self.through, &mut self.links);
        let mut change = Change { through, links, report: RoutesReport::default(), undo: vec![] };
        if let Err(error) = change.make(wanted, self.link) {
            change.report.failures.push((None, Failure::system("routes", &error)));
        }
        if wanted.all_or_nothing && !change.report.failures.is_empty() {
            change.take_back(self.link);
        }
        change.report
    }

    fn watch(&mut self, buffer_bytes: u32, mut each: impl FnMut(&[LearnedRoute]) -> bool) -> Result<(), Failure> {
        let failure = |error: io::Error| Failure::system("news of routes", &error);
        let news = News::subscribe(&[Subject::Routes4, Subject::Routes6], buffer_bytes).map_err(failure)?;
        let mut told = None;
        loop {
            let learned = self.learned().map_err(failure)?;
            if told.as_ref() != Some(&learned) {
                if !each(&learned) {
                    return Ok(());
                }
                told = Some(learned);
            }
            if !news.wait().map_err(failure)? || link_index(&self.device).ok() != Some(self.link) {
                return Ok(());
            }
            thread::sleep(SETTLE);
            news.drain(|_, _| true);
        }
    }
}

impl LinuxRoutes {
    fn learned(&mut self) -> io::Result<Vec<LearnedRoute>> {
        let mut learned: HashMap<Prefix, LearnedRoute> = HashMap::new();
        for RouteEntry { prefix, metric, hops, .. } in self.through.list(false)? {
            let through = hops.into_iter().filter(|hop| hop.link == self.link);
            let hops: Vec<_> = through.filter_map(|hop| Some((hop.gateway?, hop.weight))).collect();
            let known = learned.get(&prefix);
            if !hops.is_empty() && known.is_none_or(|known| metric < known.metric) {
                learned.insert(prefix, LearnedRoute { prefix, metric, hops });
            }
        }
        let mut learned: Vec<_> = learned.into_values().collect();
        learned.sort_by_key(|route| (route.prefix.address(), route.prefix.bits()));
        learned.truncate(LEARNED_MAX);
        Ok(learned)
    }
}

impl Change<'_> {
    fn make(&mut self, wanted: &WantedRoutes, link: u32) -> io::Result<()> {
        self.set_mtu(wanted, link)?;
        // What others did to the device is put right whatever becomes of the rest.
        let mended = mend(self.links, link, &wanted.addresses)?;
        self.report.repairs.extend(mended.repairs);
        self.report.failures.extend(mended.failures.into_iter().map(|failure| (None, failure)));
        let standing = self.through.list(false)?;
        let ours: HashMap<(Prefix, u32), WantedRoute> = standing
            .iter()
            .filter(|entry| entry.protocol == PROTOCOL)
            .map(|&RouteEntry { prefix, metric, mtu, .. }| ((prefix, metric), WantedRoute { prefix, metric, mtu }))
            .collect();
        (self.report.before, self.report.standing) = (ours.len(), ours.len());
        self.set_connected(wanted, &standing, link)?;
        self.restore_connected(wanted, &mended.addresses, &standing, link);
        let key = |route: &WantedRoute| (route.prefix, metric_in_table(route));
        let by_key: HashMap<_, _> = wanted.routes.iter().map(|route| (key(route), route)).collect();
        for (key, &route) in &by_key {
            match ours.get(key) {
                Some(standing) if standing.mtu == route.mtu => {}
                Some(standing) => match self.through.replace(route) {
                    Ok(()) => self.done(0, Undo::Replace(*standing)),
                    Err(error) => self.refused(route, &error, link),
                },
                None => match self.through.add(route) {
                    Ok(()) => self.done(1, Undo::Remove(*route)),
                    Err(error) => self.refused(route, &error, link),
                },
            }
        }
        // Last, so that a network whose route gets another metric is never without one.
        for old in ours.iter().filter(|(key, _)| !by_key.contains_key(key)).map(|(_, old)| old) {
            self.through.remove(old)?;
            self.done(-1, Undo::Add(*old));
        }
        Ok(())
    }

    fn set_mtu(&mut self, wanted: &WantedRoutes, link: u32) -> io::Result<()> {
        let before = self.links.state(link)?.mtu;
        if wanted.mtu == 0 || wanted.mtu == before {
            return Ok(());
        }
        match self.links.set_mtu(link, wanted.mtu) {
            Ok(()) => {
                self.undo.push(Undo::Mtu(before));
                self.report.repairs.push("mtu".into());
            }
            Err(error) => {
                let failure = Failure::system(format!("the device takes no MTU of {}", wanted.mtu), &error);
                let route = wanted.routes.iter().find(|route| route.mtu == wanted.mtu);
                self.report.failures.push((route.copied(), failure));
            }
        }
        Ok(())
    }

    /// The kernel lets a route be changed by its prefix and metric alone: one that others have, too, is left alone.
    fn set_connected(&mut self, wanted: &WantedRoutes, standing: &[RouteEntry], link: u32) -> io::Result<()> {
        let connected: HashMap<Prefix, u32> = wanted.connected.iter().copied().collect();
        let is_connected = |entry: &&RouteEntry| entry.protocol == libc::RTPROT_KERNEL;
        let wanted_mtu = |entry: &RouteEntry| connected.get(&entry.prefix).copied().filter(|mtu| *mtu != entry.mtu);
        let others: Vec<(&RouteEntry, u32)> =
            standing.iter().filter(is_connected).filter_map(|entry| Some((entry, wanted_mtu(entry)?))).collect();
        if others.is_empty() {
            return Ok(());
        }
        let everywhere = self.through.list(true)?;
        for (entry, mtu) in others {
            let is_alike = |other: &&RouteEntry| (other.prefix, other.metric) == (entry.prefix, entry.metric);
            if everywhere.iter().filter(is_alike).any(|other| other.hops.iter().any(|hop| hop.link != link)) {
                continue;
            }
            self.through.set_connected_mtu(entry, mtu)?;
            self.done(0, Undo::Connected(entry.clone()));
        }
        Ok(())
    }

    /// Adds the routes to the device's own networks that somebody has removed.
    fn restore_connected(&mut self, wanted: &WantedRoutes, addresses: &[Prefix], standing: &[RouteEntry], link: u32) {
        for &(prefix, mtu) in &wanted.connected {
            let is_alone = prefix.bits() == if prefix.address().is_ipv4() { 32 } else { 128 };
            let stands =
                standing.iter().any(|entry| entry.prefix == prefix && entry.hops.iter().all(|hop| hop.link == link));
            let own = addresses.iter().find(|address| address.without_host_bits() == prefix);
            let Some(own) = own.filter(|_| !is_alone && !stands) else { continue };
            let route = WantedRoute { prefix, metric: metric_of_connected(&prefix), mtu };
            match self.through.add_connected(&route, own.address()) {
                Ok(()) => self.report.changed += 1,
                Err(error) => self.refused(&route, &error, link),
            }
        }
    }

    fn done(&mut self, more: isize, undo: Undo) {
        self.report.changed += 1;
        self.report.standing = self.report.standing.saturating_add_signed(more);
        self.undo.push(undo);
    }

    fn refused(&mut self, route: &WantedRoute, error: &io::Error, link: u32) {
        let what = format!("the route {}", route.prefix);
        let failure = match error.raw_os_error() {
            Some(libc::EEXIST) => Failure::new("taken", format!("{what}: {}", self.who_has(route, link))),
            _ => Failure::system(what, error),
        };
        self.report.failures.push((Some(*route), failure));
    }

    fn who_has(&mut self, route: &WantedRoute, link: u32) -> String {
        let metric = metric_in_table(route);
        let is_it = |entry: &RouteEntry| (entry.prefix, entry.metric) == (route.prefix, metric);
        let entry = self.through.list(true).ok().and_then(|all| all.into_iter().find(is_it));
        let where_to = match entry.as_ref().map(|entry| entry.hops.as_slice()) {
            Some([hop]) if hop.link == link => "this device already, and not by us".to_owned(),
            Some([hop]) => name_of(hop.link),
            _ => "another place".to_owned(),
        };
        format!("one with metric {metric} leads to {where_to}")
    }

    /// Backwards; what cannot be undone was told already.
    fn take_back(&mut self, link: u32) {
        while let Some(undo) = self.undo.pop() {
            let _ = match undo {
                Undo::Mtu(mtu) => self.links.set_mtu(link, mtu),
                Undo::Connected(entry) => self.through.set_connected_mtu(&entry, entry.mtu),
                Undo::Remove(route) => self.through.remove(&route),
                Undo::Replace(route) => self.through.replace(&route),
                Undo::Add(route) => self.through.add(&route),
            };
        }
        (self.report.standing, self.report.changed) = (self.report.before, 0);
    }
}
