import { describe, expect, test } from "vitest";
import { concatBytes } from "../../../../src/core/base/bytes.ts";
import { nonceOf } from "../../../../src/core/crypto/nonce.ts";
import type { DataPlaneCommand } from "../../../../src/core/dataplane/contract.ts";
import { encodeHeader, HEADER_BYTES, MessageSubtype, PacketType, TAG_BYTES } from "../../../../src/core/wire/header.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

// A relay holds the keys of both hops, so it can put anything into a frame that its neighbours take for authentic.

test("a relay can hold back what it carries and deliver it later, in a frame of its own making", () => {
  const { mesh, left, right, relay, send } = world();
  const { delivers } = mesh;
  const held: Uint8Array[] = [];
  mesh.delivers = (flight) => {
    const isHeld = flight.from === relay.endpoint && flight.to === right.endpoint && isFrame(flight.datagram);
    if (isHeld) held.push(flight.datagram.slice(HEADER_BYTES, -TAG_BYTES));
    return !isHeld && delivers(flight);
  };
  left.say(right, "late");
  mesh.run(100);
  expect(right.heard).not.toContain("late");
  for (const packet of held) send(packet);
  mesh.run(100);
  expect(right.heard).toContain("late");
});

describe("a relay cannot", () => {
  test.each<[string, (packets: readonly Uint8Array[]) => readonly Uint8Array[]]>([
    ["deliver what it carries twice", (packets) => packets],
    ["change a bit of it", (packets) => packets.map((packet) => flipped(packet, packet.length - 20))],
    ["change where in the peer's sessions it belongs", (packets) => packets.map((packet) => flipped(packet, 7))],
    ["cut it short", (packets) => packets.map((packet) => packet.subarray(0, packet.length - 1))],
    ["send it back in front of its end", (packets) => packets.map((packet) => flipped(packet, 15))],
    ["end the tunnel", (packets) => packets.map((packet) => withType(packet, PacketType.closeTunnel))],
    [
      "say that there is no such session",
      (packets) => packets.map((packet) => withType(packet.subarray(0, 16), PacketType.recvError)),
    ],
    ["put a frame into a frame", (packets) => packets.map((packet) => withSubtype(packet, MessageSubtype.relay))],
    [
      "speak for one of the two",
      () => [new Uint8Array(64).fill(0x10), new Uint8Array(16), new Uint8Array(1), new Uint8Array()],
    ],
  ])("%s", (_, tricks) => {
    const { mesh, left, right, relay, lighthouse, send } = world();
    const before = { heard: right.heard.length, sessions: indexesOf(right) };
    const carried = mesh.flights
      .filter(({ from, to, datagram }) => from === relay.endpoint && to === right.endpoint && isFrame(datagram))
      .map(({ datagram }) => datagram.slice(HEADER_BYTES, -TAG_BYTES))
      .filter((packet) => packet[0] === (0x10 | PacketType.message));
    expect(carried.length).toBeGreaterThan(5);
    const toStrangers = mesh.flights.length;
    for (const packet of tricks(carried)) send(packet);
    mesh.run(2_000);
    expect(right.heard.length).toBe(before.heard);
    expect(indexesOf(right)).toEqual(expect.arrayContaining(before.sessions));
    const places = new Set(mesh.flights.slice(toStrangers).map(({ to }) => to));
    const hosts: readonly string[] = [left, right, relay, lighthouse].map(({ endpoint }) => endpoint);
    expect([...places].filter((to) => !hosts.includes(to))).toEqual([]);
    // The relay's own data plane knows nothing of those frames: its counter has to come past theirs.
    for (let i = 0; i < 60; i++) left.say(right, "go on");
    left.say(right, "still here");
    right.say(left, "still here, too");
    mesh.run(500);
    expect(right.heard.at(-1)).toBe("still here");
    expect(left.heard.at(-1)).toBe("still here, too");
  });
});

function world() {
  const mesh = new Mesh();
  const relay = mesh.host("192.0.2.10:4242", {
    ...member("relay", 10),
    relay: { ...PLAIN, amRelay: true, useRelays: false },
  });
  const lighthouse = mesh.host("192.0.2.1:4242", {
    ...member("lighthouse", 1),
    lighthouses: [],
    statics: {},
    amLighthouse: true,
  });
  const through = { ...PLAIN, relays: [relay.address] };
  const left = mesh.host("192.0.2.2:4242", { ...member("left", 2), relay: through });
  const right = mesh.host("192.0.2.3:4242", { ...member("right", 3), relay: through });
  const apart = [left.endpoint, right.endpoint];
  mesh.delivers = ({ from, to }) => !(apart.includes(from) && apart.includes(to));
  const keys = keysOf(relay);
  mesh.run(1_000);
  for (let i = 0; i < 20; i++) {
    left.say(right, `word ${i}`);
    mesh.run(100);
  }
  let ahead = 0n;
  /** A frame from the relay for the right host, with this in it and the tag that it should have. */
  const send = (inner: Uint8Array): void => {
    const hop = relay.dataPlane
      .relays()
      .find(({ role }) => role.kind === "forward" && keys.get(role.session)?.peer === right.address);
    if (hop?.role.kind !== "forward") throw new Error("nothing is relayed to the right host");
    const key = keys.get(hop.role.session)!;
    const at = hop.role.session;
    const { sendCounter } = relay.dataPlane.snapshot().find(({ localIndex }) => localIndex === at)!;
    const counter = sendCounter + ++ahead;
    const { relayIndex: remoteIndex } = hop.role;
    const header = encodeHeader({
      type: PacketType.message,
      subtype: MessageSubtype.relay,
      reserved: 0,
      remoteIndex,
      counter,
    });
    const head = concatBytes(header, inner);
    const tag = mesh.suite.aead("aes", key.sendKey.slice()).seal(nonceOf("aes", counter), head, new Uint8Array());
    right.receive(relay.endpoint, concatBytes(head, tag));
  };
  return { mesh, left, right, relay, lighthouse, send };
}

const PLAIN = { amRelay: false, useRelays: true, relays: [], peerKilobytes: 0 } as const;

/** The keys of a host's sessions, copied when they are installed. */
function keysOf(host: Host) {
  const keys = new Map<number, { readonly peer: string | undefined; readonly sendKey: Uint8Array }>();
  const { refuses } = host;
  host.refuses = (command: DataPlaneCommand) => {
    if (command.kind === "install-session")
      keys.set(command.localIndex, { peer: command.peerAddresses[0], sendKey: command.sendKey.slice() });
    return refuses(command);
  };
  return keys;
}

function isFrame(datagram: Uint8Array): boolean {
  return datagram[0] === (0x10 | PacketType.message) && datagram[1] === MessageSubtype.relay;
}

function flipped(packet: Uint8Array, at: number): Uint8Array {
  const changed = packet.slice();
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

function withType(packet: Uint8Array, type: number): Uint8Array {
  const changed = packet.slice();
  changed[0] = 0x10 | type;
  return changed;
}

function withSubtype(packet: Uint8Array, subtype: number): Uint8Array {
  const changed = packet.slice();
  changed[1] = subtype;
  return changed;
}

function indexesOf(host: Host): number[] {
  return host.dataPlane.snapshot().map(({ localIndex }) => localIndex);
}

function member(name: string, number: number): HostPlan {
  return {
    name,
    networks: [`10.77.0.${number}/24`],
    lighthouses: ["10.77.0.1"],
    statics: { "10.77.0.1": ["192.0.2.1:4242"] },
  };
}
