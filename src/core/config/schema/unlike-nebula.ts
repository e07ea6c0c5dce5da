import type { ConfigNode, Place } from "../document/document.ts";
import type { FoundValue } from "./keys.ts";

/** Where this host would behave otherwise than Nebula with the same configuration: one row of docs/COMPATIBILITY.md, and of `lacis check --from-nebula`. */
export interface Unlike {
  /** The key that it is about; "" for what no key changes. */
  readonly path: string;
  /**
   * `different`: does something else. `stricter`: refuses or drops what Nebula takes. `ours`: Nebula does not know it, which matters to whoever goes
   * back. `refused`: a value is an error here, so that whoever uses it is told at once.
   */
  readonly kind: "different" | "stricter" | "ours" | "refused";
  /** One sentence without a full stop. */
  readonly says: string;
  /** Whether it concerns this configuration; left out: whenever the key is given. A row of kind `refused` needs none. */
  readonly concerns?: (given: Given) => boolean;
}

/** What a configuration holds under a key; undefined where it is not given. */
export type Given = (path: string) => ConfigNode | undefined;

/** One row that concerns a configuration, with the place of its key where there is one. */
export interface Difference {
  readonly path: string;
  readonly kind: Unlike["kind"];
  readonly says: string;
  readonly place: Place | undefined;
}

const RELATIVE = "a relative path starts at the folder of the configuration file, in Nebula at the working directory";

const isRelativePath =
  (path: string) =>
  (given: Given): boolean => {
    const node = given(path);
    return node?.kind === "scalar" && !node.text.startsWith("/") && !node.text.includes("-----BEGIN");
  };

/** Every known difference, in the order of the schema. */
export const UNLIKE_NEBULA: readonly Unlike[] = [
  ...["pki.ca", "pki.cert", "pki.key"].map(
    (path): Unlike => ({ path, kind: "different", says: RELATIVE, concerns: isRelativePath(path) }),
  ),
  { path: "pki.key", kind: "refused", says: "a key file that other users can read or write" },
  { path: "pki.key", kind: "refused", says: "a pkcs11: URI: keys in hardware tokens are not supported" },
  {
    path: "pki.blocklist",
    kind: "ours",
    says: "an entry key:HEX blocks a public key with every certificate for it; Nebula does not know that form",
    concerns: (given) => items(given("pki.blocklist")).some(({ text }) => text.startsWith("key:")),
  },
  {
    path: "tun.cpu_affinity",
    kind: "refused",
    says: "an entry that is no number of a CPU; Nebula warns and ignores the list",
  },
  {
    path: "routines",
    kind: "different",
    says: "more than 64 count as 64",
    concerns: (given) => {
      const node = given("routines");
      return node?.kind === "scalar" && Number(node.text) > 64;
    },
  },
  { path: "firewall.inbound_action", kind: "refused", says: "a word that is neither drop nor reject; Nebula drops" },
  { path: "firewall.outbound_action", kind: "refused", says: "a word that is neither drop nor reject; Nebula drops" },
  { path: "firewall.inbound[].port", kind: "refused", says: "a port above 65535" },
  {
    path: "firewall.inbound[].icmp_type",
    kind: "ours",
    says: "unknown to Nebula, which would let every message of ICMP through",
    concerns: (given) =>
      ["firewall.inbound", "firewall.outbound"].some((path) => {
        const node = given(path);
        return node?.kind === "list" && node.items.some((rule) => rule.kind === "map" && rule.entries.has("icmp_type"));
      }),
  },
  ...["host", "group", "groups", "cidr", "local_cidr", "ca_name", "ca_sha"].map(
    (field): Unlike => ({
      path: `firewall.inbound[].${field}`,
      kind: "refused",
      says: "nothing after the colon, or an empty text, which Nebula takes for a name or for no selector",
    }),
  ),
];

/** The rows that concern this configuration. */
export function differencesOf(found: ReadonlyMap<string, FoundValue>): readonly Difference[] {
  const given: Given = (path) => found.get(path)?.node;
  return UNLIKE_NEBULA.filter(({ path, kind, concerns }) => {
    if (kind === "refused") return false;
    return concerns ? concerns(given) : path === "" || found.has(path);
  }).map(({ path, kind, says }) => ({ path, kind, says, place: found.get(path)?.keyPlace }));
}

function items(node: ConfigNode | undefined): readonly { readonly text: string }[] {
  return node?.kind === "list" ? node.items.flatMap((item) => (item.kind === "scalar" ? [item] : [])) : [];
}
