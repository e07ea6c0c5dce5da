import { stringify } from "yaml";

/** A firewall rule as the configuration file has it. */
export interface FirewallRule {
  readonly port: string;
  readonly proto: "any" | "tcp" | "udp" | "icmp";
  readonly host?: string;
  readonly group?: string;
  readonly groups?: readonly string[];
  readonly cidr?: string;
  readonly local_cidr?: string;
}

export const ALLOW_ALL: readonly FirewallRule[] = [{ port: "any", proto: "any", host: "any" }];

/** What distinguishes one host of a test mesh from the next. */
export interface HostConfig {
  /** Holds `ca.crt`, `host.crt` and `host.key`. */
  readonly directory: string;
  readonly cipher: "aes" | "chachapoly";
  /** Where the lighthouse is; `"self"` makes this host the lighthouse, `"none"` leaves it with its static hosts. */
  readonly lighthouse: "self" | "none" | { readonly overlay: string; readonly underlay: string };
  /** Overlay address -> "underlay address:port" of hosts that are known without asking. */
  readonly staticHosts?: Readonly<Record<string, string>>;
  readonly tun: boolean;
  /** The underlay address to listen on; IPv4 only when left out, as Nebula has it. */
  readonly listen?: string;
  readonly port?: number;
  /** Fingerprints of certificates that are not to be believed. */
  readonly blocklist?: readonly string[];
  readonly inbound?: readonly FirewallRule[];
  readonly outbound?: readonly FirewallRule[];
  /** Any other keys, merged into the above section by section: `{ relay: { am_relay: true }, tun: { mtu: 1400 } }`. */
  readonly more?: Section;
}

export const DEVICE = "mesh0";
export const PORT = 4242;

/** Nebula's configuration file, the same text for every implementation. */
export function formatHostConfig(config: HostConfig): string {
  const lighthouse = typeof config.lighthouse === "string" ? undefined : config.lighthouse;
  const known = { ...config.staticHosts, ...(lighthouse ? { [lighthouse.overlay]: lighthouse.underlay } : {}) };
  const usual: Section = {
    pki: {
      ca: `${config.directory}/ca.crt`,
      cert: `${config.directory}/host.crt`,
      key: `${config.directory}/host.key`,
      blocklist: config.blocklist ?? [],
    },
    cipher: config.cipher,
    static_host_map: Object.fromEntries(Object.entries(known).map(([overlay, underlay]) => [overlay, [underlay]])),
    lighthouse: {
      am_lighthouse: config.lighthouse === "self",
      interval: 10,
      hosts: lighthouse ? [lighthouse.overlay] : [],
    },
    listen: { host: config.listen ?? "0.0.0.0", port: config.port ?? PORT },
    punchy: { punch: true, respond: true },
    tun: { disabled: !config.tun, dev: DEVICE, mtu: 1300 },
    logging: { level: "info", format: "text" },
    firewall: { outbound: config.outbound ?? ALLOW_ALL, inbound: config.inbound ?? ALLOW_ALL },
  };
  return stringify(merged(usual, config.more ?? {}), { aliasDuplicateObjects: false });
}

/** Keys and what is below them, as YAML has it. */
export interface Section {
  readonly [key: string]: unknown;
}

/** Sections key by key; anything else is what `more` says. */
function merged(usual: Section, more: Section): Section {
  const entries = Object.entries(more).map(([key, value]) => {
    const before = usual[key];
    return [key, isSection(before) && isSection(value) ? merged(before, value) : value] as const;
  });
  return { ...usual, ...Object.fromEntries(entries) };
}

function isSection(value: unknown): value is Section {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
