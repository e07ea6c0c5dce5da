import { formatPrefix } from "../netip/prefix.ts";
import { accessOf, isFrom, type Target, targetsOf } from "./access.ts";
import type { HostFacts, Party, Policy, PolicyBody } from "./policy.ts";
import { NO_SERVICES, setParts, without } from "./service-set.ts";
import { partyText } from "./words.ts";

/** What a change of policy gives to somebody or takes away, in one line. */
export interface PlanLine {
  readonly change: "gains" | "loses";
  /** Names of hosts, and what they are called together. */
  readonly from: HostSet;
  readonly to: HostSet;
  /** "tcp/5432". */
  readonly services: string;
}

export interface HostSet {
  readonly label: string;
  readonly names: readonly string[];
}

/**
 * What becomes of every host once a policy takes the place of another, which may be none. Both are judged by the hosts as the newer one names them; for a group
 * without such a host one stands whose name says so.
 */
export function planOf(before: Policy | undefined, after: Policy): readonly PlanLine[] {
  const hosts = hostsOf(before, after);
  const parties = partiesOf([before, after]);
  const classes = classesOf(hosts, parties);
  const targets = targetsIn(classes, parties);
  // Who gains or loses one service on whom; those with the same hosts come together, then services with the same ends.
  const alike = new Grouped();
  for (const { host, names } of classes) {
    const reached = new Grouped();
    for (const { target, names: there } of targets)
      for (const change of changesBetween(before, after, host, target)) reached.add(JSON.stringify(change), there);
    for (const [change, to] of reached.all()) alike.add(JSON.stringify([JSON.parse(change), to]), names);
  }
  const lines = new Grouped();
  for (const [key, from] of alike.all()) {
    const [[change, service], to] = JSON.parse(key) as [[string, string], string[]];
    // A host does not call itself.
    if (from.length > 1 || to.length > 1 || from[0] !== to[0]) lines.add(JSON.stringify([change, from, to]), [service]);
  }
  const named = (names: readonly string[]): HostSet => ({ names, label: labelOf(names, hosts) });
  return lines
    .all()
    .map(([key, services]) => {
      const [change, from, to] = JSON.parse(key) as [PlanLine["change"], string[], string[]];
      return { change, from: named(from), to: named(to), services: services.join(", ") };
    })
    .sort(
      (a, b) => compare(b.change, a.change) || compare(a.to.label, b.to.label) || compare(a.from.label, b.from.label),
    );
}

/** Hosts that the same rules mean. */
interface HostClass {
  readonly host: HostFacts;
  readonly names: string[];
}

function hostsOf(before: Policy | undefined, after: Policy): readonly HostFacts[] {
  const hosts = new Map<string, HostFacts>();
  for (const host of [...(before?.hosts ?? []), ...after.hosts]) hosts.set(host.name, host);
  const taken = new Set([...hosts.values()].flatMap(({ groups }) => groups));
  const groups = new Set([...(before?.groups ?? []), ...after.groups]);
  for (const group of groups)
    if (!taken.has(group)) hosts.set(`(${group})`, { name: `(${group})`, groups: [group], addresses: [], behind: [] });
  return [...hosts.values()];
}

function partiesOf(policies: readonly (Policy | undefined)[]): readonly Party[] {
  const parties = policies.flatMap((policy) => policy?.rules.flatMap(({ from, to }) => [...from, ...to]) ?? []);
  return [...new Map(parties.map((party) => [partyText(party), party])).values()];
}

function classesOf(hosts: readonly HostFacts[], parties: readonly Party[]): readonly HostClass[] {
  const classes = new Map<string, HostClass>();
  for (const host of hosts) {
    // What lies behind a host is its own.
    const own = host.behind.length > 0 ? host.name : "";
    const key = `${own} ${parties.map((party) => (isFrom(party, host) ? 1 : 0)).join("")}`;
    const known = classes.get(key);
    if (known) known.names.push(host.name);
    else classes.set(key, { host, names: [host.name] });
  }
  return [...classes.values()];
}

function targetsIn(
  classes: readonly HostClass[],
  parties: readonly Party[],
): readonly { readonly target: Target; readonly names: readonly string[] }[] {
  return classes.flatMap(({ host, names }) =>
    targetsOf(host, parties).map((target) => ({
      target,
      names: target.network ? [`${formatPrefix(target.network)} behind ${host.name}`] : names,
    })),
  );
}

/** What is gained or lost, service by service. */
function changesBetween(
  before: PolicyBody | undefined,
  after: PolicyBody,
  from: HostFacts,
  to: Target,
): readonly (readonly [change: PlanLine["change"], service: string])[] {
  const [was, is] = [before ? accessOf(before, from, to) : NO_SERVICES, accessOf(after, from, to)];
  return [
    ...setParts(without(was, is)).map((service) => ["loses", service] as const),
    ...setParts(without(is, was)).map((service) => ["gains", service] as const),
  ];
}

/** Their group, when they are all of it; a few names; or the first of many. */
function labelOf(names: readonly string[], hosts: readonly HostFacts[]): string {
  const set = new Set(names);
  if (set.size === 1) return names[0] ?? "";
  if (set.size === hosts.length && hosts.every(({ name }) => set.has(name))) return "every host";
  const groups = new Set(hosts.filter(({ name }) => set.has(name)).flatMap((host) => host.groups));
  for (const group of groups) {
    const members = hosts.filter((host) => host.groups.includes(group));
    if (members.length === set.size && members.every(({ name }) => set.has(name)))
      return `${group} (${set.size} hosts)`;
  }
  const shown = [...set].slice(0, NAMES_SHOWN_MAX);
  return set.size > shown.length ? `${shown.join(", ")} and ${set.size - shown.length} more` : shown.join(", ");
}

/** Names in one label. */
const NAMES_SHOWN_MAX = 4;

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Lists of names under a key, in the order in which they began. */
class Grouped {
  readonly #lists = new Map<string, string[]>();

  add(key: string, names: readonly string[]): void {
    const list = this.#lists.get(key);
    if (list) list.push(...names);
    else this.#lists.set(key, [...names]);
  }

  all(): readonly (readonly [key: string, names: readonly string[]])[] {
    return [...this.#lists];
  }
}
