import { ICMP_MESSAGE_MAX, ICMP_NAMES } from "../netip/icmp-message.ts";
import { PORT_MAX } from "../netip/service.ts";
import type { AllowedService } from "./policy.ts";

/** First and last of neighbouring numbers: ports, or kinds of ICMP messages. */
type Range = readonly [first: number, last: number];

/** Everything that may be reached, so that two of them can be compared. Ranges are in order and do not touch. */
export type ServiceSet = Readonly<Record<Kind, readonly Range[]>>;

/** "other": protocols without ports, all of them or none. */
const KINDS = ["tcp", "udp", "icmp", "other"] as const;
type Kind = (typeof KINDS)[number];

const WHOLE: Readonly<Record<Kind, Range>> = {
  tcp: [0, PORT_MAX],
  udp: [0, PORT_MAX],
  icmp: [0, ICMP_MESSAGE_MAX],
  other: [0, 0],
};

export const NO_SERVICES: ServiceSet = { tcp: [], udp: [], icmp: [], other: [] };

export function setOf(services: readonly AllowedService[]): ServiceSet {
  return byKind((kind) => joined(services.flatMap((service) => rangesOf(service, kind))));
}

/** What the first has and the second has not. */
export function without(a: ServiceSet, b: ServiceSet): ServiceSet {
  return byKind((kind) =>
    b[kind].reduce<readonly Range[]>((left, taken) => left.flatMap((range) => cut(range, taken)), a[kind]),
  );
}

/** What both have. */
export function common(a: ServiceSet, b: ServiceSet): ServiceSet {
  return without(a, without(a, b));
}

export function isEmpty(set: ServiceSet): boolean {
  return KINDS.every((kind) => set[kind].length === 0);
}

/** "tcp/22, tcp/8000-8100, icmp"; "everything". */
export function setText(set: ServiceSet): string {
  return isEmpty(set) ? "nothing" : setParts(set).join(", ");
}

/** The same in pieces that can be told apart. */
export function setParts(set: ServiceSet): readonly string[] {
  if (KINDS.every((kind) => isWhole(set, kind))) return ["everything"];
  return KINDS.flatMap((kind) => {
    if (isWhole(set, kind)) return NAMES[kind];
    return kind === "icmp" ? messages(set.icmp) : set[kind].map((range) => `${kind}/${rangeText(range)}`);
  });
}

const NAMES: Readonly<Record<Kind, string>> = { tcp: "tcp", udp: "udp", icmp: "icmp", other: "other protocols" };

/** By name where both families' messages of the name are there, else by number. */
function messages(ranges: readonly Range[]): readonly string[] {
  const left = new Set(
    ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i)),
  );
  const named: string[] = [];
  for (const [name, numbers] of ICMP_NAMES) {
    if (!numbers.every((number) => left.has(number))) continue;
    named.push(`icmp/${name}`);
    for (const number of numbers) left.delete(number);
  }
  return left.size === 0 ? named : [...named, `${left.size} more ICMP messages`];
}

function rangeText([first, last]: Range): string {
  return first === last ? String(first) : `${first}-${last}`;
}

function isWhole(set: ServiceSet, kind: Kind): boolean {
  return set[kind].some(([first, last]) => first === WHOLE[kind][0] && last === WHOLE[kind][1]);
}

function rangesOf({ protocol, portFirst, portLast, icmpTypes }: AllowedService, kind: Kind): readonly Range[] {
  if (protocol === "any") return [WHOLE[kind]];
  if (protocol !== kind) return [];
  if (kind !== "icmp") return [[portFirst, portLast]];
  return icmpTypes.length === 0 ? [WHOLE.icmp] : icmpTypes.map((type) => [type, type]);
}

function joined(ranges: readonly Range[]): readonly Range[] {
  const whole: [number, number][] = [];
  for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
    const before = whole.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else whole.push([first, last]);
  }
  return whole;
}

function cut([first, last]: Range, [from, to]: Range): readonly Range[] {
  if (to < first || from > last) return [[first, last]];
  const pieces: Range[] = [
    [first, from - 1],
    [to + 1, last],
  ];
  return pieces.filter(([begin, end]) => begin <= end);
}

function byKind(of: (kind: Kind) => readonly Range[]): ServiceSet {
  return { tcp: of("tcp"), udp: of("udp"), icmp: of("icmp"), other: of("other") };
}
