//! Which news of the kernel may be about a device of ours, about what guards its packets, or about the ways to its networks. What is not looked at
//! costs nothing where routes are learned by the thousand and filters are rewritten all day.

use lacis_engine::ip::{Prefix, address_from_bytes};

use super::address;
use super::filter::TABLE_PREFIX;
use super::interfaces::text;
use super::link::{HEADER_BYTES as LINK_HEADER_BYTES, IFLA_IFNAME, link_index};
use super::message::{number_of, u32_at, value_of};
use super::route_entry::{HEADER_BYTES as ROUTE_HEADER_BYTES, RTA_DST, RTA_OIF};
use super::routes::PROTOCOL;

/// `nfgenmsg`, and the name of the table, which is the first attribute of tables, chains and rules alike.
const FILTER_HEADER_BYTES: usize = 4;
const FILTER_TABLE: u16 = 1;
const FILTER_SUBSYSTEM: u16 = libc::NFNL_SUBSYS_NFTABLES as u16;

/// What is listened for.
pub struct Concern {
    device: String,
    link: Option<u32>,
    networks: Vec<Prefix>,
}

impl Concern {
    /// The device need not be there.
    pub fn new(device: &str, networks: &[Prefix]) -> Self {
        let networks = networks.iter().map(|network| network.without_host_bits()).collect();
        Self { device: device.to_owned(), link: link_index(device).ok(), networks }
    }

    /// Whether these news may be about it.
    pub fn includes(&mut self, kind: u16, body: &[u8]) -> bool {
        match kind {
            libc::RTM_NEWLINK | libc::RTM_DELLINK => self.includes_link(kind, body),
            libc::RTM_NEWADDR | libc::RTM_DELADDR => self.link.is_some() && address::link_of(body) == self.link,
            libc::RTM_NEWROUTE | libc::RTM_DELROUTE => self.includes_route(body).unwrap_or(false),
            libc::RTM_NEWRULE | libc::RTM_DELRULE => true,
            _ => kind >> 8 == FILTER_SUBSYSTEM && is_of_a_guard(body),
        }
    }

    /// Routes through another device go with it, and the kernel does not tell of each.
    fn includes_link(&mut self, kind: u16, body: &[u8]) -> bool {
        let (Some(link), Some(change)) = (u32_at(body, 4), u32_at(body, 12)) else { return false };
        let name = body.get(LINK_HEADER_BYTES..).and_then(|attributes| value_of(attributes, IFLA_IFNAME)).map(text);
        if name.as_deref() == Some(self.device.as_str()) {
            self.link = Some(link);
            return true;
        }
        self.link == Some(link) || kind == libc::RTM_DELLINK || change & libc::IFF_UP as u32 != 0
    }

    fn includes_route(&self, body: &[u8]) -> Option<bool> {
        let (header, attributes) = body.split_at_checked(ROUTE_HEADER_BYTES)?;
        let &[_, bits, _, _, _, protocol, ..] = header else { return None };
        let through = number_of(attributes, RTA_OIF);
        if protocol == PROTOCOL || (through.is_some() && through == self.link) {
            return Some(true);
        }
        let address = address_from_bytes(value_of(attributes, RTA_DST)?)?;
        Some(self.networks.iter().any(|network| bits >= network.bits() && network.contains(address)))
    }
}

fn is_of_a_guard(body: &[u8]) -> bool {
    let table = body.get(FILTER_HEADER_BYTES..).and_then(|attributes| value_of(attributes, FILTER_TABLE));
    table.is_some_and(|name| name.starts_with(TABLE_PREFIX.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::message::attribute;
    use super::*;

    const OURS: u32 = 7;

    fn concern() -> Concern {
        let networks = vec![Prefix::new("10.77.0.0".parse().unwrap(), 24).unwrap()];
        Concern { device: "mesh0".into(), link: Some(OURS), networks }
    }

    fn link(index: u32, change: u32, name: &str) -> Vec<u8> {
        let numbers = [0, index, 0, change].map(u32::to_ne_bytes).concat();
        [numbers, attribute(IFLA_IFNAME, format!("{name}\0").as_bytes())].concat()
    }

    fn route(bits: u8, protocol: u8, address: [u8; 4], through: u32) -> Vec<u8> {
        let header = [libc::AF_INET as u8, bits, 0, 0, 254, protocol, 0, 1, 0, 0, 0, 0];
        [&header[..], &attribute(RTA_DST, &address), &attribute(RTA_OIF, &through.to_ne_bytes())].concat()
    }

    #[test]
    fn a_device_counts_by_its_name_and_by_its_number_and_others_when_they_come_or_go() {
        let mut concern = concern();
        assert!(concern.includes(libc::RTM_NEWLINK, &link(OURS, 0, "renamed")));
        assert!(!concern.includes(libc::RTM_NEWLINK, &link(8, 0, "eth0")));
        assert!(concern.includes(libc::RTM_NEWLINK, &link(8, libc::IFF_UP as u32, "eth0")));
        assert!(concern.includes(libc::RTM_DELLINK, &link(8, 0, "eth0")));
        assert!(concern.includes(libc::RTM_NEWLINK, &link(9, 0, "mesh0")));
        assert!(!concern.includes(libc::RTM_NEWLINK, &link(OURS, 0, "renamed")), "another has the name now");
    }

    #[test]
    fn a_route_counts_through_the_device_into_the_overlay_or_when_it_is_ours() {
        let mut concern = concern();
        let mut counts = |bits, protocol, address, through| {
            concern.includes(libc::RTM_DELROUTE, &route(bits, protocol, address, through))
        };
        assert!(counts(24, 3, [192, 168, 7, 0], OURS));
        assert!(counts(28, 3, [10, 77, 0, 16], 2));
        assert!(counts(24, PROTOCOL, [192, 168, 7, 0], 2));
        assert!(!counts(16, 3, [10, 77, 0, 0], 2), "less specific than ours");
        assert!(!counts(24, 3, [192, 168, 7, 0], 2));
    }

    #[test]
    fn of_packet_filters_only_those_of_guards_count() {
        let table = |name: &str| [&[0; 4][..], &attribute(FILTER_TABLE, name.as_bytes())].concat();
        let deleted = FILTER_SUBSYSTEM << 8 | libc::NFT_MSG_DELTABLE as u16;
        assert!(concern().includes(deleted, &table("lacis_a\0")));
        assert!(!concern().includes(deleted, &table("kube-proxy\0")));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_an_end(kind: u16, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = concern().includes(kind, &bytes);
        }
    }
}
