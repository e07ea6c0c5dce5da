//! Values of the engine into the commands that made them: what only another data plane is told.

use lacis_contract::wire;
use lacis_engine::aead::Cipher;
use lacis_engine::control::Installation;
use lacis_engine::ip::address_to_bytes;
use lacis_engine::policy::{RefusalAction, Rule, RuleProtocol};

use crate::encode::{path, prefix};

/// A session with its keys.
pub fn installation(session: Installation) -> wire::InstallSession {
    let cipher = match session.cipher {
        Cipher::Aes256Gcm => wire::Cipher::Aes256Gcm,
        Cipher::ChaCha20Poly1305 => wire::Cipher::Chacha20Poly1305,
    };
    wire::InstallSession {
        local_index: session.local_index,
        remote_index: session.remote_index,
        cipher: cipher.into(),
        send_key: session.send_key.to_vec(),
        receive_key: session.receive_key.to_vec(),
        send_counter: session.send_counter,
        receive_floor: session.receive_floor,
        path: session.path.map(path),
        peer_addresses: session.peer_addresses.into_iter().map(address_to_bytes).collect(),
        allowed_prefixes: session.allowed_prefixes.into_iter().map(prefix).collect(),
        policy_id: session.policy_id,
        confirmed: session.confirmed,
        primary: session.primary,
        memo: session.memo,
    }
}

/// A rule.
pub fn rule(rule: &Rule) -> wire::PolicyRule {
    let protocol = match rule.protocol {
        RuleProtocol::Any => wire::RuleProtocol::Any,
        RuleProtocol::Tcp => wire::RuleProtocol::Tcp,
        RuleProtocol::Udp => wire::RuleProtocol::Udp,
        RuleProtocol::Icmp => wire::RuleProtocol::Icmp,
    };
    wire::PolicyRule {
        rule_id: rule.rule_id,
        protocol: protocol.into(),
        port_first: (*rule.ports.start()).into(),
        port_last: (*rule.ports.end()).into(),
        remote: rule.remote.iter().copied().map(prefix).collect(),
        local: rule.local.iter().copied().map(prefix).collect(),
        icmp_types: rule.icmp_types.iter().copied().map(u32::from).collect(),
        fragment: rule.is_for_rests,
    }
}

/// How packets are refused.
pub fn refusal(action: RefusalAction) -> i32 {
    let action = match action {
        RefusalAction::Drop => wire::RefusalAction::Drop,
        RefusalAction::Reject => wire::RefusalAction::Reject,
    };
    action.into()
}
