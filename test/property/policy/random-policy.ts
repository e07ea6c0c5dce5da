import type { Random } from "../../sim/world/random.ts";

export const GROUPS = ["admins", "laptops", "db", "api", "web"];
export const NAMED = ["laptop", "phone", "db1", "db2", "gateway"];
const NETWORKS = [
  "10.77.0.0/28",
  "10.77.0.3/32",
  "10.77.0.4",
  "192.168.7.0/24",
  "192.168.7.0/25",
  "fd77::/64",
  "0.0.0.0/0",
];
const SERVICES = [
  "tcp/22",
  "tcp/5432",
  "tcp/80-443",
  "udp",
  "udp/53",
  "icmp",
  "icmp/echo-request",
  "icmp/3",
  "any",
  "ssh",
  "web",
];

/** The text of a policy, as somebody might write it who uses everything. */
export function randomPolicy(random: Random): string {
  const pick = <Item>(items: readonly Item[]): Item => items[random.below(items.length)] as Item;
  const some = (of: () => string): string =>
    random.chance(0.5) ? of() : `[${Array.from({ length: random.between(1, 3) }, of).join(", ")}]`;
  const party = (): string => {
    const kind = random.below(6);
    if (kind === 0) return "any";
    if (kind === 1) return `"${pick(NETWORKS)}"`;
    if (kind === 2) return `${pick(GROUPS)}+${pick(GROUPS)}`;
    return kind === 3 ? pick(GROUPS) : pick([...NAMED, "host:db2", "db*", "group:web"]);
  };
  const rules = Array.from({ length: random.between(1, 8) }, () =>
    [
      `  - from: ${some(party)}`,
      `    to: ${some(party)}`,
      `    allow: ${some(() => pick(SERVICES))}`,
      ...(random.chance(0.2) ? ["    mode: audit"] : []),
    ].join("\n"),
  );
  return [
    ...(random.chance(0.2) ? ["mode: audit"] : []),
    ...(random.chance(0.5) ? ["outbound: rules"] : []),
    `groups: [${GROUPS.join(", ")}]`,
    `hosts: {${NAMED.map((name) => `${name}: `).join(", ")}}`,
    "services: {ssh: tcp/22, web: [tcp/80, tcp/443]}",
    "rules:",
    ...rules,
    "",
  ].join("\n");
}
