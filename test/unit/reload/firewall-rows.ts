import type { IdentifiedProgram } from "../../../src/core/dataplane/contract.ts";
import { encodePolicyBulletin } from "../../../src/core/policy/body.ts";
import type { Row, Values } from "./row.ts";
import { pems, type Subject } from "./subject.ts";

/** Who may reach what: `firewall`. */
export const FIREWALL_ROWS: Readonly<Record<string, Row>> = {
  "firewall.inbound": { other: "[{port: any, proto: icmp, host: any}]", given: meetPeer, sees: isHeard },
  "firewall.outbound": {
    other: "[{port: any, proto: icmp, host: any}]",
    given: meetPeer,
    sees: (subject) => {
      subject.host.say(subject.peer, "may I?");
      subject.mesh.run(1_000);
      return subject.peer.heard;
    },
  },
  "firewall.inbound_action": { other: "reject", given: meetPeer, sees: (subject) => programOfPeer(subject)?.refuse },
  "firewall.outbound_action": { other: "reject", given: meetPeer, sees: (subject) => programOfPeer(subject)?.refuse },
  "firewall.policy": {
    other: "network",
    given: (subject) => {
      const policy = { place: "policy.yaml:1", mode: "enforce", outbound: "any", rules: [] } as const;
      const body = encodePolicyBulletin({ policy, stage: undefined });
      subject.host.publish(subject.mesh.authority.bulletin({ kind: "policy", number: 1, body }));
    },
    sees: ({ host }) => host.status().policy?.state,
  },
  "firewall.tell_peers": {
    other: "false",
    given: meetPeer,
    sees: ({ host, peer }) => {
      const asked = {
        host: { by: "address", address: host.address },
        direction: "outbound",
        local: undefined,
      } as const;
      const result = peer.why({ ...asked, service: { protocol: 6, port: 22 } });
      return result.outcome === "judged" && result.sides[1].silence;
    },
  },
  "firewall.default_local_cidr_any": {
    pems: pems({ behind: ["192.168.7.0/24"] }),
    other: "true",
    given: meetPeer,
    sees: (subject) => programOfPeer(subject)?.inbound.map(({ local }) => local),
  },
  ...timeoutRows({ tcp_timeout: "1m", udp_timeout: "1m", default_timeout: "1m" }),
  "firewall.conntrack.max_flows": {
    other: "1024",
    sees: ({ host }) =>
      host.commands.flatMap((command) => (command.kind === "configure" ? [command.flowLimit] : [])).at(-1),
  },
  ...ruleRows({
    port: "{port: 1, proto: any, host: any}",
    code: "{code: 1, proto: any, host: any}",
    proto: "{port: any, proto: icmp, host: any}",
    icmp_type: "{proto: icmp, icmp_type: echo-request, host: any}",
    host: "{port: any, proto: any, host: nobody}",
    group: "{port: any, proto: any, group: nobody}",
    groups: "{port: any, proto: any, groups: [nobody]}",
    cidr: "{port: any, proto: any, cidr: 10.77.0.99/32}",
    local_cidr: "{port: any, proto: any, local_cidr: 10.77.0.99/32}",
    ca_name: "{port: any, proto: any, host: any, ca_name: nobody}",
    ca_sha: `{port: any, proto: any, host: any, ca_sha: ${"0".repeat(64)}}`,
  }),
};

function timeoutRows(others: Values): Readonly<Record<string, Row>> {
  const sees = ({ host }: Subject): unknown =>
    host.commands.flatMap((command) => (command.kind === "configure" ? [command.flowTimeouts] : [])).at(-1);
  return Object.fromEntries(
    Object.entries(others).map(([key, other = ""]) => [`firewall.conntrack.${key}`, { other, sees }]),
  );
}

/** A field of a rule changes as the list that the rule stands in. */
function ruleRows(others: Values): Readonly<Record<string, Row>> {
  return Object.fromEntries(
    Object.entries(others).map(([field, rule]) => [
      `firewall.inbound[].${field}`,
      { changes: ["firewall.inbound"], other: `[${rule}]`, given: meetPeer, sees: isHeard },
    ]),
  );
}

/** What the data plane was told last of what the peer may do. */
function programOfPeer(subject: Subject): IdentifiedProgram | undefined {
  const [told] = subject.host.commands
    .flatMap((command) => (command.kind === "apply-policies" ? command.programs : []))
    .slice(-1);
  return told;
}

function isHeard(subject: Subject): readonly string[] {
  subject.peer.say(subject.host, "may I?");
  subject.mesh.run(1_000);
  return subject.host.heard;
}

function meetPeer(subject: Subject): void {
  subject.reaches("10.77.0.3");
  subject.mesh.run(1_000);
}
