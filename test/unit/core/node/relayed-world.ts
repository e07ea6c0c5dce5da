import type { LiveSettings } from "../../../../src/core/config/settings.ts";
import { decodeHeader, PacketType } from "../../../../src/core/wire/header.ts";
import { type Flight, type Host, Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

const SECOND = 1_000;

export function world(
  options: {
    readonly relays?: number;
    readonly plan?: Partial<HostPlan>;
    readonly ends?: Partial<LiveSettings["relay"]>;
    readonly left?: Partial<HostPlan>;
    readonly right?: Partial<HostPlan>;
  } = {},
) {
  const mesh = new Mesh();
  const count = options.relays ?? 1;
  const relays = Array.from({ length: count }, (_, i) =>
    mesh.host(`192.0.2.${10 + i}:4242`, {
      ...member(count === 1 ? "relay" : `relay-${i + 1}`, 10 + i),
      relay: { amRelay: true, useRelays: false, relays: [], peerKilobytes: 0 },
      ...options.plan,
    }),
  );
  const through = relays.map(({ address }) => address);
  const lighthouse = mesh.host("192.0.2.1:4242", {
    ...member("lighthouse", 1),
    lighthouses: [],
    statics: {},
    amLighthouse: true,
  });
  const [left, right] = ["left", "right"].map((name, i) =>
    mesh.host(`192.0.2.${2 + i}:4242`, {
      ...member(name, 2 + i),
      ...(options.plan?.versions && { versions: options.plan.versions }),
      relay: { amRelay: false, useRelays: true, relays: through, peerKilobytes: 0, ...options.ends },
      ...(name === "left" ? options.left : options.right),
    }),
  ) as [Host, Host];
  const apart = new Set([left.endpoint, right.endpoint]);
  const cuts = { straight: true };
  mesh.delivers = ({ from, to }: Flight) => !(cuts.straight && apart.has(from) && apart.has(to));
  mesh.run(SECOND);
  return { mesh, relays, relay: relays[0]!, lighthouse, left, right, cuts };
}

/** A reload brings another certificate. */
export function renewCertificate(host: Host): void {
  const { live } = host.settings;
  const { credential } = live.identity;
  const version = credential.certificates[1] ? 1 : 2;
  const before = credential.certificates[version]!;
  const certificate = host.mesh.authority.issue(version, {
    name: host.status().name,
    networks: before.networks.map(({ address, bits }) => `${address}/${bits}`),
    publicKey: credential.key.publicKey,
    notAfter: before.notAfter - 1n,
  });
  host.reload({
    ...live,
    identity: { ...live.identity, credential: { ...credential, certificates: { [version]: certificate } } },
  });
}

/** The sessions that a host has with its relay after it has renewed one: the one that sends, and the one before. */
export function withTwoSessions(mesh: Mesh, host: Host, relay: Host) {
  renewCertificate(host);
  mesh.run(SECOND);
  const sessions = host.dataPlane.snapshot().filter(({ peerAddresses }) => peerAddresses.includes(relay.address));
  const [used, other] = [true, false].map((primary) => sessions.find((session) => session.primary === primary)!);
  return { used: used!, other: other! };
}

/** Whether a datagram is a control message for the session that its receiver knows by this index. */
export function isControlOn({ datagram }: Flight, index: number): boolean {
  const header = decodeHeader(datagram);
  return header.ok && header.value.type === PacketType.control && header.value.remoteIndex === index;
}

export function member(name: string, number: number): HostPlan {
  return {
    name,
    networks: [`10.77.0.${number}/24`],
    lighthouses: ["10.77.0.1"],
    statics: { "10.77.0.1": ["192.0.2.1:4242"] },
  };
}

/** Both talk for so long, ten times a second. */
export function chatter(mesh: Mesh, left: Host, right: Host, ms: number): void {
  for (let passed = 0; passed < ms; passed += 100) {
    left.say(right, "tick");
    right.say(left, "tock");
    mesh.run(100);
  }
}

/** How long until what both say arrives. */
export function secondsUntilTalk(mesh: Mesh, left: Host, right: Host): number {
  for (let seconds = 0; seconds < 60; seconds++) {
    if (talks(mesh, left, right)) return seconds;
    chatter(mesh, left, right, SECOND - 100);
  }
  return Number.POSITIVE_INFINITY;
}

let words = 0;

/** Whether what both say arrives at once. */
export function talks(mesh: Mesh, left: Host, right: Host): boolean {
  const [there, back] = [`there ${++words}`, `back ${words}`];
  left.say(right, there);
  right.say(left, back);
  mesh.run(100);
  return right.heard.includes(there) && left.heard.includes(back);
}

export function pairOf(relay: Host) {
  return relay.status().relayed.find(
    ({ hosts }) =>
      hosts
        .map(({ name }) => name)
        .sort()
        .join() === "left,right",
  );
}

export function peerOf(host: Host, name: string) {
  return host.status().peers.find((peer) => peer.name === name);
}
