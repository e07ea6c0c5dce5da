import { CIPHERS } from "../../crypto/suite.ts";
import { BOOLEAN, choice, type KeySpec, listOf, removed, section, structure, TEXT } from "./key-spec.ts";

/** Who this host is and whom it trusts: `pki`, `cipher`. */
export const IDENTITY_KEYS: readonly KeySpec[] = [
  ...section(
    "pki",
    { reload: "live" },
    {
      ca: {
        type: { kind: "pem", holds: "CA certificates" },
        about: "Certificates of the authorities this host trusts, v1 and v2 mixed: a path or the PEM text itself.",
      },
      cert: {
        type: { kind: "pem", holds: "this host's certificates" },
        about:
          "This host's certificate, or a v1 and a v2 one with the same key in one file. A reload cannot change its networks.",
      },
      key: {
        type: { kind: "pem", holds: "this host's private key" },
        secret: true,
        about: "This host's private key. The file must be readable by its owner only (mode 0600).",
      },
      blocklist: {
        type: listOf({
          kind: "text",
          pattern: /^([0-9A-Fa-f]{64}|key:([0-9A-Fa-f]{64}|04[0-9A-Fa-f]{128}))$/,
          means: "a fingerprint, 64 hexadecimal digits, or key: and a public key in hexadecimal digits",
        }),
        default: "[]",
        since: "1.3",
        about:
          "Host certificates that are refused, and cut if connected: SHA-256 fingerprints, or key: and a public key in hex (lacis-cert revoke).",
      },
      disconnect_invalid: {
        type: BOOLEAN,
        default: "true",
        since: "1.5",
        about: "Close tunnels whose peer's certificate has expired or lost its authority.",
      },
      enrolment: {
        type: TEXT,
        default: "",
        since: "lacis",
        about:
          "What lacis join has kept: the path of enrolment.json. With it this host renews its certificate by itself, and replaces the files of pki.cert and pki.ca.",
      },
      initiating_version: {
        type: choice(["1", "2"]),
        since: "1.10",
        about: "Certificate version offered in handshakes started here; 1 if there is a v1 certificate, else 2.",
      },
      blacklist: {
        type: structure("list of fingerprints"),
        state: removed("write pki.blocklist", { refused: true }),
        about: "Older name of pki.blocklist.",
      },
    },
  ),
  ...section(
    "",
    { reload: "restart" },
    {
      cipher: {
        type: choice(CIPHERS),
        default: "aes",
        about: "Cipher of every tunnel, AES-256-GCM or ChaCha20-Poly1305. Must be the same on the whole network.",
      },
      x509: {
        type: structure("map"),
        state: removed("write pki.ca, pki.cert and pki.key", { refused: true }),
        about: "Oldest name of pki.",
      },
    },
  ),
];
