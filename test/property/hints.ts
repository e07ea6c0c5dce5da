import { type ConfigError, formatConfigError } from "../../src/core/config/document/config-error.ts";
import type { ConfigNode, Place } from "../../src/core/config/document/document.ts";
import { Findings } from "../../src/core/config/document/findings.ts";
import { parseSettings } from "../../src/core/config/parse/parse-settings.ts";
import { nodeSuite } from "../../src/runtime/node-crypto.ts";
import { fittingPems, NOW } from "../unit/core/config/test-pki.ts";
import { copyOf, diceOf, mutate, type Tree, treeOf } from "./hint-mutations.ts";
import { obey } from "./hint-obedience.ts";

/** What came of one mutated configuration. */
export interface Trial {
  readonly mutations: readonly string[];
  readonly obeyed: number;
  /** What was wrong with a hint: an empty list when every one held. */
  readonly complaints: readonly string[];
  /** Errors at the beginning, and when no hint was left. */
  readonly errors: readonly [before: number, after: number];
}

/** Each says what is to be done at most once, and does not say the same of another place. */
const STEPS_MAX = 40;

/** Mutates a good configuration one to three times, and obeys hints until none is left. */
export function tryHints(seed: number): Trial {
  const dice = diceOf(seed);
  const root = copyOf(GOOD[dice(GOOD.length)] ?? "") as Map<string, Tree>;
  const count = 1 + dice(3);
  const mutations = Array.from({ length: count }, () => mutate(root, dice));
  const complaints: string[] = [];
  let findings = judge(root);
  const errorsBefore = errorsOf(findings);
  const done = new Set<string>();
  let obeyed = 0;
  for (let step = 0; step < STEPS_MAX; step++) {
    const next = findings.find(({ text, finding }) => !done.has(text) && isObeyable(root, finding));
    if (!next) break;
    done.add(next.text);
    try {
      obey(root, next.finding);
    } catch (error) {
      complaints.push(`${next.text}: ${error instanceof Error ? error.message : error}`);
      break;
    }
    obeyed++;
    const after = judge(root);
    if (after.some(({ text }) => text === next.text)) complaints.push(`it is said again: ${next.text}`);
    if (errorsOf(after) > errorsOf(findings) || (!next.isError && after.length > findings.length))
      complaints.push(`worse after: ${next.text}\n    ${after.map(({ text }) => text).join("\n    ")}`);
    findings = after;
  }
  return { mutations, obeyed, complaints, errors: [errorsBefore, errorsOf(findings)] };
}

interface Judged {
  readonly isError: boolean;
  readonly finding: ConfigError;
  /** Without the place: lines move. */
  readonly text: string;
}

function isObeyable(root: Map<string, Tree>, finding: ConfigError): boolean {
  try {
    return obey(copyOf(root) as Map<string, Tree>, finding);
  } catch {
    return true;
  }
}

function errorsOf(findings: readonly Judged[]): number {
  return findings.filter(({ isError }) => isError).length;
}

const pems = fittingPems();

function judge(root: Map<string, Tree>): readonly Judged[] {
  const findings = new Findings();
  const place = { line: 0 };
  const node = nodeOf(root, place);
  if (node.kind !== "map") return [];
  const document = { root: node, files: ["c.yml"] };
  const { errors, warnings } = parseSettings(document, pems, { suite: nodeSuite, wall: NOW }, findings);
  const judged = (isError: boolean) => (finding: ConfigError) => ({
    isError,
    finding,
    text: formatConfigError({ ...finding, place: undefined }).replaceAll(/c\.yml:\d+/g, "c.yml"),
  });
  return [...errors.map(judged(true)), ...warnings.map(judged(false))];
}

function nodeOf(tree: Tree, at: { line: number }): ConfigNode {
  const place: Place = { file: "c.yml", line: ++at.line, column: 1 };
  if (typeof tree === "string") return { kind: "scalar", place, text: tree };
  if (Array.isArray(tree)) return { kind: "list", place, items: tree.map((item) => nodeOf(item, at)) };
  const entries = [...tree].map(([key, value]) => {
    const keyPlace: Place = { ...place, line: ++at.line };
    return [key, { key, keyPlace, value: nodeOf(value, at) }] as const;
  });
  return { kind: "map", place, entries: new Map(entries) };
}

const ALLOW_ALL = { port: "any", proto: "any", host: "any" };

const GOOD: readonly Tree[] = [
  {
    pki: { ca: "ca.crt", cert: "host.crt", key: "host.key" },
    cipher: "aes",
    static_host_map: { "10.77.0.1": ["192.0.2.1:4242", "lighthouse.example:4242"], "10.77.0.3": "198.51.100.3:4242" },
    static_map: { cadence: "30s", network: "ip4" },
    lighthouse: {
      interval: 60,
      hosts: ["10.77.0.1"],
      advertise_addrs: ["203.0.113.5:4242"],
      remote_allow_list: { "172.16.0.0/12": false },
    },
    listen: { host: "0.0.0.0", port: 4242, read_buffer: 1_000_000 },
    punchy: { punch: true, respond: true, delay: "1s" },
    relay: { relays: ["10.77.0.3"], use_relays: true },
    tun: { dev: "mesh0", mtu: 1300, unsafe_routes: [{ route: "192.168.7.0/24", via: "10.77.0.3", mtu: 1200 }] },
    preferred_ranges: ["172.16.0.0/24"],
    logging: { level: "info", format: "text" },
    stats: { type: "prometheus", listen: "127.0.0.1:8080", path: "/metrics", interval: "10s" },
    firewall: {
      conntrack: { tcp_timeout: "12m", udp_timeout: "3m" },
      inbound_action: "reject",
      outbound: [ALLOW_ALL],
      inbound: [
        { proto: "icmp", host: "any" },
        { port: "22", proto: "tcp", groups: ["admins", "laptops"] },
        { port: "8000-8100", proto: "udp", cidr: "10.77.0.0/28" },
      ],
    },
  },
  {
    pki: { ca: "ca.crt", cert: "host.crt", key: "host.key", disconnect_invalid: true },
    static_host_map: { "10.77.0.9": ["198.51.100.9:4242"] },
    lighthouse: { am_lighthouse: true, serve_dns: true, dns: { host: "0.0.0.0", port: 53 } },
    listen: { host: "::", port: 4242 },
    relay: { am_relay: true },
    handshakes: { try_interval: "100ms", retries: 10 },
    timers: { connection_alive_interval: 5 },
    tunnels: { drop_inactive: true, inactivity_timeout: "10m" },
    stats: { type: "graphite", host: "192.0.2.5:2003", interval: "10s" },
    firewall: {
      outbound: [ALLOW_ALL],
      inbound: [
        { ...ALLOW_ALL, proto: "icmp" },
        { port: "443", proto: "tcp", group: "web" },
      ],
    },
  },
].map(treeOf);
