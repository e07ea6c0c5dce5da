/** A rule as it stands in a configuration file. */
export type WrittenRule = Readonly<Record<string, string | readonly string[]>>;

/** What one random configuration says under `firewall`. */
export interface RuleSet {
  readonly inbound: readonly WrittenRule[];
  readonly outbound: readonly WrittenRule[];
  readonly default_local_cidr_any: boolean;
}

/** Numbers below `limit`, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/**
 * Rules about the hosts of the lab (rules.test.ts): most mean some of them, some mean nobody, a few everybody. Every key of a rule that Nebula
 * knows is in them; `fingerprints` are those of the two authorities.
 */
export function randomRuleSet(random: (limit: number) => number, fingerprints: readonly string[]): RuleSet {
  const pick = <Value>(values: readonly Value[]): Value => values[random(values.length)] as Value;
  const sometimes = (percent: number): boolean => random(100) < percent;

  const rule = (): WrittenRule => {
    const proto = pick(["any", "tcp", "udp", "icmp", "any", "udp"]);
    const port = pick(PORTS);
    const who = {
      ...(sometimes(25) && { host: pick(["p1", "p2", "p3", "p4", "nobody", "any"]) }),
      ...(sometimes(30) && (sometimes(50) ? { group: pick(GROUPS) } : { groups: [pick(GROUPS), pick(GROUPS)] })),
      ...(sometimes(25) && { cidr: pick(REMOTE) }),
      ...(sometimes(30) && { local_cidr: pick(LOCAL) }),
      ...(sometimes(20) && { ca_name: pick(["Alpha v2", "Beta v2", "Gamma"]) }),
      ...(sometimes(20) && { ca_sha: pick([...fingerprints, "0".repeat(64)]) }),
    };
    return { proto, [sometimes(5) ? "code" : "port"]: port, ...(Object.keys(who).length > 0 ? who : { host: "p2" }) };
  };
  const rules = (): readonly WrittenRule[] => Array.from({ length: random(8) }, rule);
  return { inbound: rules(), outbound: rules(), default_local_cidr_any: sometimes(25) };
}

const PORTS = ["any", "0", "22", "53", "443", "20-60", "50-500", "8000-9000", "0-100", "fragment", "any"];
const GROUPS = ["web", "db", "admin", "absent", "any"];
const REMOTE = [
  "10.77.0.11/32",
  "10.77.0.12/31",
  "10.77.0.0/24",
  "10.78.0.0/16",
  "172.20.0.0/16",
  "fd77::/64",
  "fd77::b/128",
  "0.0.0.0/0",
  "::/0",
  "any",
];
const LOCAL = ["10.77.0.2/32", "10.77.0.0/24", "192.168.7.0/24", "192.168.7.1/32", "fd77::/64", "0.0.0.0/0", "any"];
