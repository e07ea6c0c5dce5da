import { describe, expect, test } from "vitest";
import { decodeHeader, PacketType, TestSubtype } from "../../../../src/core/wire/header.ts";
import type { Flight, Host } from "../../fixtures/mesh.ts";
import { world } from "./relayed-world.ts";

/** How long a datagram takes to the next host, before and after; who asks, 20 times a second, while the other answers. */
interface Ways {
  readonly fromMs: number;
  readonly toMs: number;
  readonly isStraight: boolean;
  readonly asks: "one" | "both";
}

/** So that it happens in each part of what hosts do every second and every ten. */
const MOMENTS = Array.from({ length: 6 }, (_, i) => 8_000 + i * 457);

/** What became of two hosts that talk when every way began to take longer, seen for five seconds. */
function lengthened(ways: Ways, afterMs: number, delivers: (flight: Flight) => boolean = () => true) {
  const { mesh, left, right, relays, lighthouse, cuts } = world({ relays: 2 });
  const all = [left, right, ...relays, lighthouse];
  const open = mesh.delivers;
  mesh.delivers = (flight) => open(flight) && delivers(flight);
  cuts.straight = !ways.isStraight;
  mesh.latencyMs = ways.fromMs;
  let heardAt: number = mesh.now;
  let pauseMs = 0;
  const talk = (ms: number): void => {
    for (let passed = 0; passed < ms; passed++) {
      if (mesh.now % 50 === 0) left.say(right, "tick");
      if (ways.asks === "both" && mesh.now % 50 === 20) right.say(left, "tick");
      const [asked, answered] = [right.received.length, left.received.length];
      mesh.run(1);
      for (let i = asked; ways.asks === "one" && i < right.received.length; i++) right.say(left, "tock");
      if (left.received.length === answered) continue;
      pauseMs = Math.max(pauseMs, mesh.now - heardAt);
      heardAt = mesh.now;
    }
  };
  talk(afterMs);
  const before = new Map(all.map((host) => [host, host.commands.length]));
  pauseMs = 0;
  mesh.latencyMs = ways.toMs;
  talk(5_000);
  const replaced = all.flatMap((host) =>
    replacedBy(host, before.get(host)).map((by) => `${host.status().name}: ${by}`),
  );
  return { replaced, pauseMs };
}

function replacedBy(host: Host, from: number | undefined): readonly string[] {
  return host.commands.slice(from).flatMap((command) => {
    if (command.kind === "set-primary") return ["another session sends"];
    return command.kind === "install-session" && command.primary ? [`new with ${command.peerAddresses.join()}`] : [];
  });
}

function isPathRequest({ datagram }: Flight): boolean {
  const header = decodeHeader(datagram);
  return header.ok && header.value.type === PacketType.test && header.value.subtype === TestSubtype.pathRequest;
}

describe("ways that take longer from one moment on", () => {
  const hops = [
    [5, 40],
    [20, 60],
  ] as const;
  test.each(
    hops.flatMap(([fromMs, toMs]) =>
      [true, false].flatMap((isStraight) =>
        (["one", "both"] as const).map((asks) => ({ fromMs, toMs, isStraight, asks })),
      ),
    ),
  )("leave every session as it is, that of the pair and those with relays and lighthouse: %o", (ways) => {
    const seen = MOMENTS.map((afterMs) => lengthened(ways, afterMs));
    expect(seen.flatMap(({ replaced }) => replaced)).toEqual([]);
  });

  test("cost two hosts with relays no more than what is longer, and a round trip in which each turns to the other relay", () => {
    const pauses = MOMENTS.map((at) => lengthened({ fromMs: 5, toMs: 40, isStraight: false, asks: "one" }, at).pauseMs);
    expect(Math.max(...pauses), pauses.join(", ")).toBeLessThanOrEqual(200);
  });

  test("have whoever knows no path probes, and sends on what is new at once, go on to the new session", () => {
    const ways = { fromMs: 5, toMs: 40, isStraight: true, asks: "one" } as const;
    const seen = MOMENTS.map((afterMs) => lengthened(ways, afterMs, (flight) => !isPathRequest(flight)));
    expect(seen.flatMap(({ replaced }) => replaced)).toContain("left: new with 10.77.0.3");
  });
});
