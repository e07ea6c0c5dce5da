import type { PolicyRule, RefusalAction } from "../../src/core/dataplane/contract.ts";
import { type Prefix, parsePrefix } from "../../src/core/netip/prefix.ts";
import { programOf, ruleOf } from "./host.ts";
import { icmpTypes } from "./random-packet.ts";
import type { Seeded } from "./seeded.ts";

/** A program of few rules, or of one that allows everything. */
export function randomProgram(random: Seeded, id: number): ReturnType<typeof programOf> {
  const rules = (): PolicyRule[] => Array.from({ length: random.below(4) }, () => randomRule(random));
  const program = random.chance(40) ? programOf(id, [ruleOf()]) : programOf(id, rules(), rules());
  const action = (): RefusalAction => random.pick(["drop", "reject"]);
  return { ...program, refuse: { inbound: action(), outbound: action() } };
}

/** Around some addresses of packets. */
export function randomPrefix(random: Seeded): Prefix {
  const text = random.pick(["10.77.0.2/31", "fd00:77::/64", "0.0.0.0/0", "10.99.0.0/24", "fd00:99::/64"]);
  return parsePrefix(text) as Prefix;
}

function randomRule(random: Seeded): PolicyRule {
  const [portFirst, portLast] = random.pick([
    [0, 65_535],
    [53, 53],
    [22, 443],
    [1, 52],
    [443, 22],
  ] as const);
  const isSound = portFirst <= portLast || random.chance(10);
  const protocol = random.pick(["any", "tcp", "udp", "icmp"] as const);
  return ruleOf({
    ruleId: random.below(3),
    protocol,
    ...(protocol === "icmp" && random.chance(50) && { icmpTypes: random.pick(icmpTypes) }),
    ...(random.chance(2) && { icmpTypes: random.pick([[512], [8], []]) }),
    portFirst: isSound ? portFirst : portLast,
    portLast: isSound ? portLast : portFirst,
    remote: random.chance(60) ? [] : [randomPrefix(random), randomPrefix(random)].slice(random.below(2)),
    ...(random.chance(15) && { fragment: true as const }),
    local: random.chance(80)
      ? []
      : [parsePrefix(random.pick(["10.77.0.1/32", "fd00:77::/16", "10.99.0.0/8"])) as Prefix],
  });
}
