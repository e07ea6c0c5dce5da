import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { decodeHeader, PacketType } from "../../../../src/core/wire/header.ts";
import { encodeRelayControl } from "../../../../src/core/wire/relay-control.ts";
import type { Flight } from "../../fixtures/mesh.ts";
import {
  chatter,
  pairOf,
  peerOf,
  renewCertificate,
  secondsUntilTalk,
  talks,
  withTwoSessions,
  world,
} from "./relayed-world.ts";

const SECOND = 1_000;

describe("two hosts that cannot reach each other straight", () => {
  test("scenario 9: find each other through a relay of the one that is called, within a second", () => {
    const { mesh, left, right } = world();
    left.say(right, "hello");
    mesh.run(SECOND);
    expect(right.heard).toEqual(["hello"]);
    right.say(left, "hello yourself");
    mesh.run(100);
    expect(left.heard).toEqual(["hello yourself"]);
    expect(peerOf(left, "right")).toMatchObject({ state: "up", path: undefined, relay: { name: "relay" } });
    expect(peerOf(right, "left")).toMatchObject({ state: "up", path: undefined, relay: { name: "relay" } });
    expect(left.noticed("tunnel-up").at(-1)).toMatchObject({ fields: { name: "right", path: "via 10.77.0.10" } });
  });

  test("scenario 13: find each other whoever calls, and when both call at once, and end with one session", () => {
    const { mesh, left, right } = world();
    left.say(right, "one");
    right.say(left, "other");
    mesh.run(SECOND);
    expect([left.heard, right.heard]).toEqual([["other"], ["one"]]);
    chatter(mesh, left, right, 40 * SECOND);
    expect(peerOf(left, "right")?.sessions).toBe(1);
    expect(peerOf(right, "left")?.sessions).toBe(1);
    expect(talks(mesh, left, right)).toBe(true);
  });

  test("scenario 45: do not find each other when relays are not used, or when nobody is a relay", () => {
    const unused = world({ ends: { useRelays: false } });
    expect(unused.left.ping(unused.right)).toMatchObject({ outcome: "failed" });
    const nobody = world({ plan: { relay: { amRelay: false, useRelays: true, relays: [], peerKilobytes: 0 } } });
    expect(nobody.left.ping(nobody.right).outcome).toBe("failed");
    expect(nobody.relay.noticed("relay-refused")[0]).toMatchObject({ fields: { reason: "no-relay" } });
  });

  test("with certificates of both versions, each relay is spoken to in the dialect of its own", () => {
    for (const versions of [[1], [2], [1, 2]] as const) {
      const { left, right } = world({ plan: { versions } });
      expect(left.ping(right).outcome, versions.join()).toBe("pong");
    }
  });

  test("go straight as soon as that is possible", () => {
    const { mesh, left, right, cuts } = world();
    expect(left.ping(right)).toMatchObject({ outcome: "pong", path: undefined, relay: { name: "relay" } });
    mesh.run(10 * SECOND);
    cuts.straight = false;
    chatter(mesh, left, right, 35 * SECOND);
    expect(peerOf(left, "right")).toMatchObject({ path: right.endpoint, relay: undefined });
    expect(peerOf(right, "left")).toMatchObject({ path: left.endpoint, relay: undefined });
  });

  test("come back to a relay within ten seconds when the straight way is cut", () => {
    const { mesh, left, right, cuts } = world();
    cuts.straight = false;
    expect(left.ping(right)).toMatchObject({ path: right.endpoint });
    cuts.straight = true;
    expect(secondsUntilTalk(mesh, left, right)).toBeLessThan(10);
    expect(peerOf(left, "right")).toMatchObject({ relay: { name: "relay" } });
  });

  test("scenario 10: the relay may have an address outside their networks", () => {
    const { left, right } = world({ plan: { networks: ["172.16.0.9/24"] } });
    expect(left.ping(right)).toMatchObject({ outcome: "pong", relay: { address: "172.16.0.9" } });
  });

  test("scenario 15: a host with IPv6 alone is reached through a relay with both", () => {
    const { left, right } = world({
      plan: { versions: [2], networks: ["10.77.0.10/24", "fd77::10/64"] },
      left: { networks: ["10.77.0.2/24", "fd77::2/64"] },
      right: { networks: ["fd77::3/64"] },
    });
    expect(left.ping(right.address)).toMatchObject({ outcome: "pong", relay: { name: "relay" } });
  });

  test("with several addresses are asked for by one of them on each session with the relay, which has one leg for a host", () => {
    const { mesh, left, right, relay } = world({
      plan: { versions: [2], networks: ["10.77.0.10/24", "fd77::10/64"] },
      left: { networks: ["10.77.0.2/24", "fd77::2/64"] },
      right: { networks: ["10.77.0.3/24", "fd77::3/64"] },
    });
    // Called by both names before anybody knows that they are one host's.
    for (const [id, address] of ["10.77.0.3", "fd77::3"].entries())
      left.input({
        kind: "ping",
        id: 1_000 + id,
        target: { by: "address", address: address as IpAddress },
        timeoutMs: 5_000,
      });
    chatter(mesh, left, right, SECOND);
    const { used, other } = withTwoSessions(mesh, left, relay);
    const legsOn = (session: number) =>
      left.dataPlane.relays().filter((each) => each.session === session && each.role.kind === "terminal").length;
    expect([legsOn(other.localIndex), legsOn(used.localIndex)]).toEqual([2, 1]);
    chatter(mesh, left, right, 40 * SECOND);
    // The older session with the relay is gone, and with it what led to the other name.
    expect([legsOn(other.localIndex), legsOn(used.localIndex)]).toEqual([0, 1]);
  });

  test("scenario 68: are led around a straight way that works in one direction only, within ten seconds", () => {
    for (const blocked of ["left", "right"] as const) {
      const { mesh, left, right, cuts } = world();
      cuts.straight = false;
      expect(left.ping(right)).toMatchObject({ path: right.endpoint });
      const deaf = blocked === "left" ? left : right;
      mesh.delivers = ({ from, to }) => !(to === deaf.endpoint && [left.endpoint, right.endpoint].includes(from));
      expect(secondsUntilTalk(mesh, left, right), `${blocked} hears nothing`).toBeLessThan(12);
    }
  });
});

describe("a relay", () => {
  test("tells whom it carries, and how much", () => {
    const { mesh, left, right, relay } = world();
    chatter(mesh, left, right, 3 * SECOND);
    const pair = pairOf(relay);
    expect(pair).toMatchObject({ isUp: true });
    expect(pair?.bytes).toBeGreaterThan(1_000);
    expect(relay.noticed("relaying")).toHaveLength(1);
  });

  test("scenario 11: that starts anew carries both again within ten seconds", () => {
    const { mesh, left, right, relay } = world();
    chatter(mesh, left, right, SECOND);
    relay.restart();
    expect(secondsUntilTalk(mesh, left, right)).toBeLessThan(10);
  });

  test("whose control plane starts anew loses no packet, and carries new hosts", () => {
    const { mesh, left, right, relay } = world();
    chatter(mesh, left, right, SECOND);
    relay.restartControlPlane();
    expect(secondsUntilTalk(mesh, left, right)).toBe(0);
    mesh.run(SECOND);
    expect(pairOf(relay)).toMatchObject({ isUp: true });
  });

  test("is replaced by another one within five seconds when it goes away, and the tunnel stays", () => {
    const { mesh, left, right, relays } = world({ relays: 2 });
    chatter(mesh, left, right, 3 * SECOND);
    const used = relays.find(({ address }) => address === peerOf(left, "right")?.relay?.address)!;
    mesh.remove(used);
    expect(secondsUntilTalk(mesh, left, right)).toBeLessThan(5);
    expect(peerOf(left, "right")?.relay?.address).not.toBe(used.address);
  });

  test("that is the only one and comes back is used again within ten seconds of its return", () => {
    const { mesh, left, right, relay } = world();
    chatter(mesh, left, right, 3 * SECOND);
    mesh.remove(relay);
    chatter(mesh, left, right, 5 * SECOND);
    mesh.move(relay, relay.endpoint);
    relay.restart();
    expect(secondsUntilTalk(mesh, left, right)).toBeLessThan(10);
  });

  test("scenario 14: forwards no frame a second time, whoever repeats it", () => {
    const { mesh, left, right, relay } = world();
    chatter(mesh, left, right, 2 * SECOND);
    const toRelay = mesh.flights.filter(
      ({ from, to, datagram }) => from === left.endpoint && to === relay.endpoint && datagram[1] === 1,
    );
    expect(toRelay.length).toBeGreaterThan(10);
    mesh.run(SECOND);
    const before = mesh.flights.length;
    for (const flight of toRelay) relay.receive(flight.from, flight.datagram);
    const caused = mesh.flights.slice(before).filter(({ from }) => from === relay.endpoint);
    expect(caused.filter(({ datagram }) => datagram[1] === 1)).toEqual([]);
  });

  test("scenario 12: leads a call of a host that has forgotten its tunnels, over what the others still know", () => {
    const { mesh, left, right } = world();
    chatter(mesh, left, right, 2 * SECOND);
    right.stopDataPlane();
    mesh.run(30 * SECOND);
    right.startDataPlane();
    mesh.run(2 * SECOND);
    expect(left.ping(right)).toMatchObject({ outcome: "pong", relay: { name: "relay" } });
  });

  test("leads nobody in the name of somebody else, and takes no answer for a leg of somebody else", () => {
    const { mesh, left, right, relay, lighthouse } = world();
    chatter(mesh, left, right, 2 * SECOND);
    const said = relay.commands.length;
    const session = [...relay.dataPlane.snapshot()].find(({ peerAddresses }) =>
      peerAddresses.includes(lighthouse.address),
    )!;
    const message = (body: Uint8Array) =>
      relay.input({
        kind: "data-plane",
        event: { kind: "message", localIndex: session.localIndex, type: PacketType.control, subtype: 0, body },
      });
    const ends = { from: left.address, to: right.address };
    message(encodeRelayControl({ kind: "request", initiatorIndex: 7, ...ends }, 1)!);
    for (const { relayIndex } of relay.dataPlane.relays())
      message(encodeRelayControl({ kind: "response", initiatorIndex: relayIndex, responderIndex: 7, ...ends }, 1)!);
    expect(relay.commands.slice(said).filter(({ kind }) => kind !== "sample")).toEqual([]);
    expect(relay.noticed("relay-refused").at(-1)).toMatchObject({ fields: { reason: "for-somebody-else" } });
    expect(talks(mesh, left, right)).toBe(true);
  });

  test("forwards nothing any more when a reload takes am_relay away", () => {
    const { mesh, left, right, relay } = world();
    chatter(mesh, left, right, 2 * SECOND);
    const { live } = relay.settings;
    relay.reload({ ...live, relay: { ...live.relay, amRelay: false } });
    expect(talks(mesh, left, right)).toBe(false);
    expect(relay.status().relayed).toEqual([]);
  });

  test("sends to a host that has just found the other on the way that it has, until it takes a new one", () => {
    const { mesh, left, right, relay } = world();
    left.say(right, "hello");
    while (right.heard.length === 0) mesh.run(10);
    const delivers = mesh.delivers;
    const isControl = ({ datagram }: Flight): boolean => {
      const header = decodeHeader(datagram);
      return header.ok && header.value.type === PacketType.control;
    };
    let unread = 0;
    mesh.delivers = (flight) => {
      // As if it were not read yet: what comes right behind it is.
      const isUnread = flight.from === relay.endpoint && flight.to === left.endpoint && isControl(flight);
      if (isUnread) unread++;
      return !isUnread && delivers(flight);
    };
    renewCertificate(left);
    mesh.run(200);
    right.say(left, "still there?");
    mesh.run(10);
    expect(unread).toBeGreaterThan(1);
    expect(left.heard).toEqual(["still there?"]);
  });

  test("keeps the way when a session with one of both is replaced by a new one", () => {
    const { mesh, left, right, relay } = world();
    chatter(mesh, left, right, 2 * SECOND);
    right.stopDataPlane();
    right.startDataPlane();
    expect(secondsUntilTalk(mesh, left, right)).toBeLessThan(10);
    expect(pairOf(relay)).toMatchObject({ isUp: true });
  });
});
