//! What is named at every greeting (SEMANTICS.md section 13).

/// What the engine can do, whatever devices it is given.
pub const ENGINE: [&str; 17] = [
    "relayed-paths",
    "fragments",
    "remote-allow-list",
    "seal-to",
    "many-prefixes",
    "reject",
    "icmp-types",
    "path-mtu",
    "path-probes",
    "shunned-paths",
    "silence-watch",
    "await-session",
    "flow-limit",
    "flow-records",
    "capture",
    "bindings",
    "kept-answers",
];
