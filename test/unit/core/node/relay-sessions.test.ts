import { describe, expect, test } from "vitest";
import { PacketType } from "../../../../src/core/wire/header.ts";
import { decodeRelayControl, encodeRelayControl } from "../../../../src/core/wire/relay-control.ts";
import { chatter, isControlOn, peerOf, renewCertificate, withTwoSessions, world } from "./relayed-world.ts";

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
});
