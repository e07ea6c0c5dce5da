//! Values of the contract into values of the engine. The control plane is trusted with keys, not with lengths.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use lacis_contract::v1;
use lacis_engine::aead::{Cipher, SecretKey};
use lacis_engine::control::{Installation, PolicyChange};
use lacis_engine::header::Kind;
use lacis_engine::host::{HostFacts, RecvErrorPolicy};
use lacis_engine::ip::{Prefix, address_from_bytes};
use lacis_engine::policy::{Program, Rule, RuleProtocol};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// An address of the overlay or the underlay.
pub fn address(bytes: &[u8]) -> Result<IpAddr, Failure> {
    address_from_bytes(bytes).ok_or_else(|| Failure::bad("an address is 4 or 16 bytes and never IPv4-mapped"))
}

/// An underlay address to send to.
pub fn endpoint(endpoint: &v1::Endpoint) -> Result<SocketAddr, Failure> {
    let socket = bind_endpoint(endpoint)?;
    if socket.port() == 0 {
        return Err(Failure::bad("nothing can be sent to port 0"));
    }
    Ok(socket)
}

/// An underlay address to bind to: port 0 lets the system choose.
pub fn bind_endpoint(endpoint: &v1::Endpoint) -> Result<SocketAddr, Failure> {
    Ok(SocketAddr::new(address(&endpoint.address)?, port(endpoint.port)?))
}

/// A field that must be there.
pub fn required<T>(value: Option<T>, name: &str) -> Result<T, Failure> {
    value.ok_or_else(|| Failure::bad(format!("{name} is missing")))
}

/// A prefix, host bits kept.
pub fn prefix(prefix: &v1::Prefix) -> Result<Prefix, Failure> {
    let address = address(&prefix.address)?;
    Prefix::new(address, prefix.bits).ok_or_else(|| Failure::bad(format!("{address} has no {} bits", prefix.bits)))
}

/// A type and subtype of a datagram.
pub fn kind(kind: u32, subtype: u32) -> Result<Kind, Failure> {
    let pair = u8::try_from(kind).ok().zip(u8::try_from(subtype).ok());
    pair.and_then(|(kind, subtype)| Kind::from_wire(kind, subtype))
        .ok_or_else(|| Failure::bad(format!("there is no datagram of type {kind}, subtype {subtype}")))
}

/// Facts about this host.
pub fn host_facts(configure: &v1::Configure) -> Result<HostFacts, Failure> {
    Ok(HostFacts {
        networks: configure.networks.iter().map(prefix).collect::<Result<_, _>>()?,
        send_recv_error: match configure.send_recv_error() {
            v1::RecvErrorPolicy::Always => RecvErrorPolicy::Always,
            v1::RecvErrorPolicy::Never => RecvErrorPolicy::Never,
            v1::RecvErrorPolicy::Private => RecvErrorPolicy::Private,
            v1::RecvErrorPolicy::Unspecified => return Err(Failure::bad("send_recv_error is missing")),
        },
        drop_local_broadcast: configure.drop_local_broadcast,
        drop_multicast: configure.drop_multicast,
        answer_echo: configure.answer_echo,
    })
}

/// A session. The keys are taken out of the message.
pub fn installation(mut install: v1::InstallSession) -> Result<Installation, Failure> {
    let send_key = secret_key(&mut install.send_key);
    let receive_key = secret_key(&mut install.receive_key);
    Ok(Installation {
        local_index: install.local_index,
        remote_index: install.remote_index,
        cipher: match install.cipher() {
            v1::Cipher::Aes256Gcm => Cipher::Aes256Gcm,
            v1::Cipher::Chacha20Poly1305 => Cipher::ChaCha20Poly1305,
            v1::Cipher::Unspecified => return Err(Failure::bad("cipher is missing")),
        },
        send_key: send_key?,
        receive_key: receive_key?,
        send_counter: install.send_counter,
        receive_floor: install.receive_floor,
        path: install.path.as_ref().map(endpoint).transpose()?,
        peer_addresses: install.peer_addresses.iter().map(|bytes| address(bytes)).collect::<Result<_, _>>()?,
        policy_id: install.policy_id,
        confirmed: install.confirmed,
        primary: install.primary,
        memo: install.memo,
    })
}

/// Programs and bindings.
pub fn policy_change(apply: &v1::ApplyPolicies) -> Result<PolicyChange, Failure> {
    let named =
        |program: &v1::PolicyProgram| -> Result<_, Failure> { Ok((program.policy_id, self::program(program)?)) };
    Ok(PolicyChange {
        programs: apply.programs.iter().map(named).collect::<Result<_, _>>()?,
        bindings: apply.bindings.iter().map(|binding| (binding.local_index, binding.policy_id)).collect(),
        raise_epoch: apply.raise_epoch,
    })
}

fn program(program: &v1::PolicyProgram) -> Result<Program, Failure> {
    Ok(Program {
        inbound: program.inbound.iter().map(rule).collect::<Result<_, _>>()?,
        outbound: program.outbound.iter().map(rule).collect::<Result<_, _>>()?,
    })
}

fn rule(rule: &v1::PolicyRule) -> Result<Rule, Failure> {
    Ok(Rule {
        protocol: match rule.protocol() {
            v1::RuleProtocol::Any => RuleProtocol::Any,
            v1::RuleProtocol::Tcp => RuleProtocol::Tcp,
            v1::RuleProtocol::Udp => RuleProtocol::Udp,
            v1::RuleProtocol::Icmp => RuleProtocol::Icmp,
            v1::RuleProtocol::Unspecified => return Err(Failure::bad("protocol is missing in a rule")),
        },
        ports: ports(rule.port_first, rule.port_last)?,
        remote: rule.remote.iter().map(prefix).collect::<Result<_, _>>()?,
    })
}

fn ports(first: u32, last: u32) -> Result<RangeInclusive<u16>, Failure> {
    let range = port(first)?..=port(last)?;
    if range.is_empty() {
        return Err(Failure::bad(format!("ports {first} to {last} are none")));
    }
    Ok(range)
}

fn port(port: u32) -> Result<u16, Failure> {
    u16::try_from(port).map_err(|_| Failure::bad(format!("there is no port {port}")))
}

fn secret_key(bytes: &mut Vec<u8>) -> Result<SecretKey, Failure> {
    let bytes = Zeroizing::new(std::mem::take(bytes));
    let key = bytes.as_slice().try_into().map_err(|_| Failure::bad("a key is 32 bytes"))?;
    Ok(Zeroizing::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install() -> v1::InstallSession {
        v1::InstallSession {
            local_index: 1,
            cipher: 1,
            send_key: vec![1; 32],
            receive_key: vec![2; 32],
            ..Default::default()
        }
    }

    #[test]
    fn a_session_needs_a_cipher_two_whole_keys_and_real_addresses() {
        assert!(installation(install()).is_ok());
        assert!(installation(v1::InstallSession { cipher: 0, ..install() }).is_err());
        assert!(installation(v1::InstallSession { cipher: 9, ..install() }).is_err());
        assert!(installation(v1::InstallSession { send_key: vec![1; 31], ..install() }).is_err());
        assert!(installation(v1::InstallSession { receive_key: vec![1; 33], ..install() }).is_err());
        assert!(installation(v1::InstallSession { peer_addresses: vec![vec![1; 5]], ..install() }).is_err());
        let path = Some(v1::Endpoint { address: vec![1; 4], port: 65_536 });
        assert!(installation(v1::InstallSession { path, ..install() }).is_err());
    }

    #[test]
    fn a_rule_needs_a_protocol_and_ports_in_order() {
        let rule = |protocol, port_first, port_last| {
            self::rule(&v1::PolicyRule { protocol, port_first, port_last, ..Default::default() })
        };
        assert!(rule(1, 0, 65_535).is_ok());
        assert!(rule(0, 0, 65_535).is_err());
        assert!(rule(2, 2, 1).is_err());
        assert!(rule(2, 0, 65_536).is_err());
    }

    #[test]
    fn a_prefix_has_no_more_bits_than_its_address() {
        assert!(prefix(&v1::Prefix { address: vec![10, 0, 0, 1], bits: 32 }).is_ok());
        assert!(prefix(&v1::Prefix { address: vec![10, 0, 0, 1], bits: 33 }).is_err());
    }
}
