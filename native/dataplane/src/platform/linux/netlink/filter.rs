//! A table of nf_tables that is ours alone: packets that only the overlay may bring, and which came another way, are dropped before anything
//! else has looked at them.
//!
//! ```text
//! nfgenmsg:  family u8 | version u8 | resource u16 (network order)
//! ```

use std::io;

use lacis_engine::ip::Prefix;

use super::message::{attribute, nested};
use super::rule::{Rule, Side, StandingRule, zero_ended};
use super::socket::{Socket, Step};

const SUBSYSTEM: u16 = libc::NFNL_SUBSYS_NFTABLES as u16;
const TABLE_NAME: u16 = 1;
const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
const CHAIN_HOOK: u16 = 4;
const CHAIN_TYPE: u16 = 7;
const HOOK_NUMBER: u16 = 1;
const HOOK_PRIORITY: u16 = 2;
const RULE_TABLE: u16 = 1;
const HEADER_BYTES: usize = 4;

const CHAIN: &str = "underlay";
/// `raw`: before connections are tracked and destinations are rewritten.
const PRIORITY: i32 = -300;
/// In front of the owner's name.
pub const TABLE_PREFIX: &str = "lacis_";

/// The table of one owner.
pub struct UnderlayFilter {
    socket: Socket,
    name: String,
}

impl UnderlayFilter {
    /// Opens a socket.
    pub fn open(owner: &str) -> io::Result<Self> {
        Ok(Self { socket: Socket::open(libc::NETLINK_NETFILTER)?, name: format!("{TABLE_PREFIX}{owner}") })
    }

    /// Its rules, in order; none when it does not stand.
    pub fn list(&mut self) -> io::Result<Vec<StandingRule>> {
        let table = zero_ended(&self.name);
        let (header, wanted) = (header(libc::NFPROTO_INET, 0), attribute(RULE_TABLE, &table));
        let mut rules = vec![];
        let listed = self.socket.list(kind(libc::NFT_MSG_GETRULE), &[&header, &wanted], |rule| {
            rules.extend(rule.get(HEADER_BYTES..).and_then(|rule| StandingRule::read(rule, &table)));
        });
        match listed {
            Err(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(error),
            _ => Ok(rules),
        }
    }

    /// Makes the table anew, in place of the one that stands: there is no moment without.
    pub fn replace(&mut self, rules: &[Rule]) -> io::Result<()> {
        let table = attribute(TABLE_NAME, &zero_ended(&self.name));
        let create = || step(libc::NFT_MSG_NEWTABLE, libc::NLM_F_CREATE, table.clone());
        let mut steps = vec![create(), step(libc::NFT_MSG_DELTABLE, 0, table.clone()), create(), self.chain()];
        let (name, chain) = (zero_ended(&self.name), zero_ended(CHAIN));
        let add = |rule: &Rule| {
            let flags = libc::NLM_F_CREATE | libc::NLM_F_APPEND;
            step(libc::NFT_MSG_NEWRULE, flags, rule.attributes(&name, &chain))
        };
        steps.extend(rules.iter().map(add));
        self.batch(steps)
    }

    /// Removes the table.
    pub fn remove(&mut self) -> io::Result<()> {
        let table = attribute(TABLE_NAME, &zero_ended(&self.name));
        match self.batch(vec![step(libc::NFT_MSG_DELTABLE, 0, table)]) {
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            other => other,
        }
    }

    fn chain(&self) -> Step {
        let number = attribute(HOOK_NUMBER, &(libc::NF_INET_PRE_ROUTING as u32).to_be_bytes());
        let priority = attribute(HOOK_PRIORITY, &PRIORITY.to_be_bytes());
        let attributes = [
            attribute(CHAIN_TABLE, &zero_ended(&self.name)),
            attribute(CHAIN_NAME, &zero_ended(CHAIN)),
            attribute(CHAIN_TYPE, &zero_ended("filter")),
            nested(CHAIN_HOOK, &[&number, &priority]),
        ];
        step(libc::NFT_MSG_NEWCHAIN, libc::NLM_F_CREATE, attributes.concat())
    }

    fn batch(&mut self, steps: Vec<Step>) -> io::Result<()> {
        let edge = |kind: i32| Step { kind: kind as u16, flags: 0, body: header(libc::AF_UNSPEC, SUBSYSTEM) };
        self.socket.batch(edge(libc::NFNL_MSG_BATCH_BEGIN), steps, edge(libc::NFNL_MSG_BATCH_END))
    }
}

/// What may come in: what the overlay's device and this host's own programs bring, and of everything else what neither goes to an overlay
/// address of this host nor pretends to come from the overlay. An address of the overlay that is reached another way, because a more
/// specific route says so, is no pretence.
pub fn rules(device: &str, networks: &[Prefix]) -> Vec<Rule> {
    let pass = |device: &str| Rule::new(format!("device {device}")).came_through(device).verdict(libc::NF_ACCEPT);
    let mut rules = vec![pass(device), pass("lo")];
    for network in networks {
        let address = network.address();
        let Some(own) = Prefix::new(address, if address.is_ipv4() { 32 } else { 128 }) else { continue };
        let to = Rule::new(format!("to {address}")).address_in(Side::Destination, &own);
        rules.push(to.count().verdict(libc::NF_DROP));
        let network = network.without_host_bits();
        let from = Rule::new(format!("from {network}")).address_in(Side::Source, &network).no_way_back();
        rules.push(from.count().verdict(libc::NF_DROP));
    }
    rules
}

fn step(message: i32, flags: i32, attributes: Vec<u8>) -> Step {
    Step { kind: kind(message), flags: flags as u16, body: [header(libc::NFPROTO_INET, 0), attributes].concat() }
}

fn kind(message: i32) -> u16 {
    SUBSYSTEM << 8 | message as u16
}

fn header(family: i32, resource: u16) -> Vec<u8> {
    let [high, low] = resource.to_be_bytes();
    vec![family as u8, libc::NFNETLINK_V0 as u8, high, low]
}
