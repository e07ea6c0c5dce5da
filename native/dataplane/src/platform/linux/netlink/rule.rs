//! One rule of nf_tables, put together from expressions (linux/netfilter/nf_tables.h), each of which works on one 16-byte register.

use std::net::IpAddr;

use lacis_engine::ip::{Prefix, address_to_bytes};

use super::message::{attribute, attributes, nested, value_of};

const RULE_TABLE: u16 = 1;
const RULE_CHAIN: u16 = 2;
const RULE_EXPRESSIONS: u16 = 4;
const RULE_USERDATA: u16 = 7;
const LIST_ELEMENT: u16 = 1;
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
const DATA_VALUE: u16 = 1;
const DATA_VERDICT: u16 = 2;
const COUNTER_PACKETS: u16 = 2;
/// NFTNL_UDATA_RULE_COMMENT of libnftnl, in which `nft list` finds the comment of a rule.
const COMMENT: u8 = 0;

const VERDICT_REGISTER: u32 = 0;
const REGISTER: u32 = 1;
const META_IIFNAME: u32 = 6;
const META_NFPROTO: u32 = 15;
const NETWORK_HEADER: u32 = 1;
const FIB_RESULT_OIF: u32 = 1;
const FIB_SOURCE: u32 = 1 << 0;
const FIB_INCOMING_DEVICE: u32 = 1 << 3;
const FIB_PRESENT: u32 = 1 << 5;

/// Which address of a packet.
#[derive(Clone, Copy)]
pub enum Side {
    /// Its source.
    Source,
    /// Its destination.
    Destination,
}

/// A rule. Its comment says all that is special about it: two rules with one comment are the same rule.
pub struct Rule {
    pub comment: String,
    expressions: Vec<u8>,
}

impl Rule {
    /// A rule that every packet fits.
    pub fn new(comment: String) -> Self {
        Self { comment, expressions: vec![] }
    }

    /// Came in through the device of this name, or, with "*" at its end, one whose name begins so.
    pub fn came_through(self, name: &str) -> Self {
        let value = match name.strip_suffix('*') {
            Some(beginning) => beginning.as_bytes().to_vec(),
            None => {
                let mut whole = name.as_bytes().to_vec();
                whole.resize(libc::IFNAMSIZ, 0);
                whole
            }
        };
        self.meta(META_IIFNAME).is(&value)
    }

    /// Has this address in the prefix.
    pub fn address_in(self, side: Side, prefix: &Prefix) -> Self {
        let (family, offset, length) = match (prefix.address(), side) {
            (IpAddr::V4(_), Side::Source) => (libc::NFPROTO_IPV4, 12, 4),
            (IpAddr::V4(_), Side::Destination) => (libc::NFPROTO_IPV4, 16, 4),
            (IpAddr::V6(_), Side::Source) => (libc::NFPROTO_IPV6, 8, 16),
            (IpAddr::V6(_), Side::Destination) => (libc::NFPROTO_IPV6, 24, 16),
        };
        let mask: Vec<u8> = (0..length).map(|at| mask_byte(prefix.bits(), at)).collect();
        let numbers = [(1, REGISTER), (2, NETWORK_HEADER), (3, offset), (4, length)];
        let loaded = self.meta(META_NFPROTO).is(&[family as u8]).expression("payload", &numbers, &[]);
        let masked = if mask.iter().all(|byte| *byte == 0xff) { loaded } else { loaded.and(&mask) };
        masked.is(&address_to_bytes(prefix.without_host_bits().address()))
    }

    /// Would not be answered through the device that it came through: no route leads back there.
    pub fn no_way_back(self) -> Self {
        let flags = FIB_SOURCE | FIB_INCOMING_DEVICE | FIB_PRESENT;
        self.expression("fib", &[(1, REGISTER), (2, FIB_RESULT_OIF), (3, flags)], &[]).is(&[0; 4])
    }

    /// Counts what fits so far.
    pub fn count(self) -> Self {
        self.expression("counter", &[], &[])
    }

    /// Ends the rule: NF_DROP or NF_ACCEPT.
    pub fn verdict(self, code: i32) -> Self {
        let verdict = nested(2, &[&nested(DATA_VERDICT, &[&attribute(1, &(code as u32).to_be_bytes())])]);
        self.expression("immediate", &[(1, VERDICT_REGISTER)], &verdict)
    }

    /// The attributes of NFT_MSG_NEWRULE.
    pub fn attributes(&self, table: &[u8], chain: &[u8]) -> Vec<u8> {
        [
            attribute(RULE_TABLE, table),
            attribute(RULE_CHAIN, chain),
            nested(RULE_EXPRESSIONS, &[&self.expressions]),
            attribute(RULE_USERDATA, &userdata(&self.comment)),
        ]
        .concat()
    }

    fn meta(self, key: u32) -> Self {
        self.expression("meta", &[(1, REGISTER), (2, key)], &[])
    }

    fn is(self, value: &[u8]) -> Self {
        let data = nested(3, &[&attribute(DATA_VALUE, value)]);
        self.expression("cmp", &[(1, REGISTER), (2, 0)], &data)
    }

    fn and(self, mask: &[u8]) -> Self {
        let zero = vec![0; mask.len()];
        let data = [(4, mask), (5, &zero)].map(|(kind, value)| nested(kind, &[&attribute(DATA_VALUE, value)]));
        self.expression("bitwise", &[(1, REGISTER), (2, REGISTER), (3, mask.len() as u32)], &data.concat())
    }

    /// Numbers are in network order here.
    fn expression(mut self, name: &str, numbers: &[(u16, u32)], more: &[u8]) -> Self {
        let numbers: Vec<u8> =
            numbers.iter().flat_map(|(kind, value)| attribute(*kind, &value.to_be_bytes())).collect();
        let name = attribute(EXPRESSION_NAME, &zero_ended(name));
        let data = nested(EXPRESSION_DATA, &[&numbers, more]);
        self.expressions.extend(nested(LIST_ELEMENT, &[&name, &data]));
        self
    }
}

/// A rule as the kernel tells it.
#[derive(Debug, PartialEq, Eq)]
pub struct StandingRule {
    pub comment: String,
    /// What its counter has counted; 0 without one.
    pub packets: u64,
}

impl StandingRule {
    /// Reads the attributes of a rule; undefined when it is in another table.
    pub fn read(bytes: &[u8], table: &[u8]) -> Option<Self> {
        if value_of(bytes, RULE_TABLE)? != table {
            return None;
        }
        let comment = value_of(bytes, RULE_USERDATA).and_then(comment_in).unwrap_or_default();
        let expressions = attributes(value_of(bytes, RULE_EXPRESSIONS)?);
        let packets = expressions.filter_map(|(_, expression)| packets_in(expression)).sum();
        Some(Self { comment, packets })
    }
}

fn packets_in(expression: &[u8]) -> Option<u64> {
    if value_of(expression, EXPRESSION_NAME)? != zero_ended("counter") {
        return None;
    }
    let packets = value_of(value_of(expression, EXPRESSION_DATA)?, COUNTER_PACKETS)?;
    packets.first_chunk().copied().map(u64::from_be_bytes)
}

/// libnftnl's `nftnl_udata`: type u8, length u8, value.
fn userdata(comment: &str) -> Vec<u8> {
    let text = zero_ended(comment);
    [&[COMMENT, text.len() as u8][..], &text].concat()
}

fn comment_in(userdata: &[u8]) -> Option<String> {
    let (&[COMMENT, length], rest) = userdata.split_first_chunk()? else { return None };
    let text = rest.get(..usize::from(length).checked_sub(1)?)?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// Names are told with the zero at their end.
pub fn zero_ended(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

fn mask_byte(bits: u8, at: u32) -> u8 {
    let in_this_byte = u32::from(bits).saturating_sub(8 * at).min(8);
    !0xff_u8.checked_shr(in_this_byte).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_follow_the_prefix_length_across_bytes() {
        assert_eq!([0, 1, 2, 3].map(|at| mask_byte(20, at)), [0xff, 0xff, 0xf0, 0]);
        assert_eq!([0, 1, 2, 3].map(|at| mask_byte(32, at)), [0xff; 4]);
        assert_eq!(mask_byte(0, 0), 0);
    }

    #[test]
    fn a_rule_is_told_by_its_comment_and_the_table_that_it_is_in() {
        let rule = Rule::new("to 10.77.0.2".into()).count().verdict(libc::NF_DROP);
        let bytes = rule.attributes(b"lacis_a\0", b"underlay\0");
        let standing = StandingRule { comment: "to 10.77.0.2".into(), packets: 0 };
        assert_eq!(StandingRule::read(&bytes, b"lacis_a\0"), Some(standing));
        assert_eq!(StandingRule::read(&bytes, b"lacis_b\0"), None);
    }

    #[test]
    fn the_packets_of_its_counter_are_read() {
        let counter =
            nested(EXPRESSION_DATA, &[&attribute(1, &[0; 8]), &attribute(COUNTER_PACKETS, &77u64.to_be_bytes())]);
        let expression = [attribute(EXPRESSION_NAME, b"counter\0"), counter].concat();
        assert_eq!(packets_in(&expression), Some(77));
        assert_eq!(packets_in(&attribute(EXPRESSION_NAME, b"meta\0")), None);
    }
}
