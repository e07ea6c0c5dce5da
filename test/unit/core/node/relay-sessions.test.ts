import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { PacketType } from "../../../../src/core/wire/header.ts";
import { decodeRelayControl, encodeRelayControl } from "../../../../src/core/wire/relay-control.ts";
import { noCounters } from "../../fixtures/counters.ts";
import { chatter, isControlOn, peerOf, renewCertificate, talks, withTwoSessions, world } from "./relayed-world.ts";

const SECOND = 1_000;

describe("two hosts that talk through a relay", () => {
  test("scenario 18: a renewed session goes through the relay, too, and no packet is lost meanwhile", () => {
    const { mesh, left, right } = world();
    chatter(mesh, left, right, 2 * SECOND);
    const before = right.received.length;
    renewCertificate(left);
    chatter(mesh, left, right, 10 * SECOND);
    expect(left.noticed("session-renewed").length).toBeGreaterThan(0);
    expect(right.received.length - before).toBeGreaterThanOrEqual(99);
    expect(peerOf(left, "right")).toMatchObject({ relay: { name: "relay" } });
  });

  test("renew a session through the relay at once, although one of them is looking for a straight way", () => {
    const { mesh, left, right } = world();
    left.say(right, "hello");
    mesh.run(300);
    expect(peerOf(left, "right")?.whyRelayed).toBe("trying");
    renewCertificate(left);
    chatter(mesh, left, right, 2 * SECOND);
    expect(left.noticed("session-renewed").map(({ fields }) => fields["name"])).toContain("right");
  });

  test.each([
    ["before it has heard that the relay forwards to it on that", "relay", "left"],
    ["before the relay has heard that it takes that", "left", "relay"],
  ] as const)("lose nothing when one of them has a new session with the relay, %s", (_, speaker, listener) => {
    const hosts = world();
    const { mesh, left, right, relay } = hosts;
    chatter(mesh, left, right, 2 * SECOND);
    const before = [left.heard.length, right.heard.length];
    const { delivers } = mesh;
    const [from, to] = [hosts[speaker].endpoint, hosts[listener].endpoint];
    mesh.delivers = (flight) =>
      delivers(flight) &&
      !(flight.from === from && flight.to === to && (flight.datagram[0]! & 0x0f) === PacketType.control);
    renewCertificate(left);
    chatter(mesh, left, right, 2 * SECOND);
    expect(relay.noticed("session-renewed").map(({ fields }) => fields["name"])).toContain("left");
    expect([left.heard.length, right.heard.length]).toEqual(before.map((count) => count + 20));
  });

  test.each(["says nothing", "hears nothing"] as const)(
    "find each other although the relay %s on the session by which one of them sends",
    (what) => {
      const { mesh, left, right, relay } = world();
      const { used } = withTwoSessions(mesh, left, relay);
      const [to, index] = what === "says nothing" ? [left, used.localIndex] : [relay, used.remoteIndex];
      const { delivers } = mesh;
      mesh.delivers = (flight) => delivers(flight) && !(flight.to === to.endpoint && isControlOn(flight, index));
      expect(left.ping(right).outcome).toBe("pong");
    },
  );

  test("take a relay's answer on whichever session with it that comes", () => {
    const { mesh, left, right, relay } = world();
    const { used, other } = withTwoSessions(mesh, left, relay);
    const { delivers } = mesh;
    mesh.delivers = (flight) =>
      delivers(flight) && !(flight.to === relay.endpoint && isControlOn(flight, used.remoteIndex));
    left.say(right, "hello");
    mesh.run(300);
    const asked = left.commands.flatMap((command) =>
      command.kind === "seal-and-send" && command.localIndex === used.localIndex && command.type === PacketType.control
        ? [decodeRelayControl(command.body)]
        : [],
    )[0];
    const initiatorIndex = asked?.ok ? asked.value.message.initiatorIndex : 0;
    const ends = { from: left.address, to: right.address };
    const body = encodeRelayControl({ kind: "response", initiatorIndex, responderIndex: 77, ...ends }, 1)!;
    const { localIndex } = other;
    left.event({ kind: "message", localIndex, type: PacketType.control, subtype: 0, body });
    expect(left.dataPlane.relays()).toContainEqual(
      expect.objectContaining({ relayIndex: initiatorIndex, session: used.localIndex, remoteIndex: 77 }),
    );
  });

  describe("of which one asks the relay for the other by another index on the same session, as for another of its addresses", () => {
    const BOTH = { versions: [2], networks: ["10.77.0.10/24", "fd77::10/64"] } as const;
    /** The relay is asked by an index that `left` does not take anything on yet. */
    function askedTwice() {
      const hosts = world({
        plan: BOTH,
        left: { networks: ["10.77.0.2/24", "fd77::2/64"] },
        right: { networks: ["10.77.0.3/24", "fd77::3/64"] },
      });
      const { mesh, left, right, relay } = hosts;
      chatter(mesh, left, right, 2 * SECOND);
      const known = toLeft(hosts)[0]!;
      const ask = (initiatorIndex: number, to: string = "fd77::3") => {
        const ends = { from: left.address, to: to as IpAddress };
        const body = encodeRelayControl({ kind: "request", initiatorIndex, ...ends }, 2)!;
        relay.event({ kind: "message", localIndex: known.session, type: PacketType.control, subtype: 0, body });
      };
      return { ...hosts, known, ask };
    }
    /** What the relay takes from `left` for `right`. */
    const toLeft = ({ relay, left }: Pick<ReturnType<typeof world>, "relay" | "left">) => {
      const sessions = relay.dataPlane.snapshot().filter(({ peerAddresses }) => peerAddresses.includes(left.address));
      return relay.dataPlane
        .relays()
        .filter(({ session }) => sessions.some(({ localIndex }) => localIndex === session));
    };
    /** By which index the relay sends to `left`. */
    const sentBy = ({ relay, right }: ReturnType<typeof world>) => {
      const sessions = relay.dataPlane.snapshot().filter(({ peerAddresses }) => peerAddresses.includes(right.address));
      return relay.dataPlane
        .relays()
        .filter(({ session }) => sessions.some(({ localIndex }) => localIndex === session))
        .map(({ role }) => (role.kind === "forward" ? role.relayIndex : undefined));
    };

    test("lose nothing: the relay sends on the index that it knows to be taken, and takes from both", () => {
      const hosts = askedTwice();
      const { mesh, left, right, known, ask } = hosts;
      const before = [left.heard.length, right.heard.length];
      ask(77);
      chatter(mesh, left, right, 2 * SECOND);
      expect([left.heard.length, right.heard.length]).toEqual(before.map((count) => count + 20));
      expect(new Set(toLeft(hosts).map(({ remoteIndex }) => remoteIndex))).toEqual(new Set([known.remoteIndex, 77]));
      expect(sentBy(hosts)).toEqual([known.remoteIndex]);
    });

    test.each([
      ["are led by the new index once something has come on it, if it is for the same address", "10.77.0.3", 77],
      [
        "stay on the one for the first address of the other even then, which is in each of its certificates, while the other may not be",
        "fd77::3",
        undefined,
      ],
    ])("%s", (_, to, expected) => {
      const hosts = askedTwice();
      const { mesh, left, right, relay, known, ask } = hosts;
      ask(77, to);
      chatter(mesh, left, right, SECOND);
      const { relayIndex } = toLeft(hosts).find(({ remoteIndex }) => remoteIndex === 77)!;
      const relays = [{ relayIndex, packets: 1n, bytes: 100n }];
      relay.event({ kind: "sampled", activity: [], counters: noCounters({}), rules: [], relays });
      expect(sentBy(hosts)).toEqual([expected ?? known.remoteIndex]);
    });

    test("cannot fill the relay with indexes: it keeps four, the one in use among them", () => {
      const hosts = askedTwice();
      const { mesh, left, right, known, ask } = hosts;
      for (let index = 1_000; index < 1_050; index++) {
        ask(index);
        mesh.run(20);
      }
      expect(toLeft(hosts)).toHaveLength(4);
      expect(toLeft(hosts)).toContainEqual(known);
      expect(talks(mesh, left, right)).toBe(true);
      expect(hosts.relay.noticed("relaying")).toHaveLength(1);
    });
  });
});
