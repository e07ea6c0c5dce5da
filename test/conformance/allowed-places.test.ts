import { expect, test } from "vitest";
import type { LocalIndex } from "../../src/core/dataplane/contract.ts";
import { ALLOW_RULES_MAX, type AllowRule, type RemoteAllowList } from "../../src/core/netip/allow-list.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { type Prefix, parsePrefix } from "../../src/core/netip/prefix.ts";
import { directPath } from "../../src/core/path/path.ts";
import { type Driver, datagrams, describeDataPlanes, kinds, reasons } from "./data-planes.ts";
import { ELSEWHERE, FarEnd, facts, OWN_4, PEER, PEER_4, STRANGER } from "./host.ts";
import { udpPacket } from "./inner-packets.ts";
import type { Observed } from "./step.ts";

const toUs = udpPacket({ from: PEER_4, to: OWN_4, fromPort: 9, toPort: 53 });
const toPeer = udpPacket({ from: OWN_4, to: PEER_4, fromPort: 53, toPort: 9 });

describeDataPlanes("a peer that moves by itself", (open) => {
  test.each<[string, Partial<RemoteAllowList>, readonly Endpoint[]]>([
    ["anywhere without a list", {}, [ELSEWHERE, STRANGER]],
    ["where the rules allow it", { everybody: rules(["192.0.2.0/24", true], ["0.0.0.0/0", false]) }, [ELSEWHERE]],
    [
      "where the longest rule allows it",
      { everybody: rules(["0.0.0.0/0", false], ["192.0.2.99/31", true]) },
      [ELSEWHERE],
    ],
    [
      "where the rules of its range allow it, too",
      { everybody: rules(["0.0.0.0/0", true]), ranges: [range("10.77.0.0/24", ["192.0.2.0/24", false])] },
      [STRANGER],
    ],
    [
      "where the longest range around it allows it",
      { ranges: [range("10.77.0.0/16", ["0.0.0.0/0", false]), range("10.77.0.2/32", ["192.0.2.0/24", true])] },
      [ELSEWHERE, STRANGER],
    ],
    ["whatever other ranges say", { ranges: [range("10.77.5.0/24", ["0.0.0.0/0", false])] }, [ELSEWHERE, STRANGER]],
  ])("is followed %s", async (_, list, followed) => {
    const plane = await open();
    const peer = await restricted(plane, list);
    for (const place of [ELSEWHERE, STRANGER]) {
      const seen = kinds(await plane.udp(place, peer.message(toUs)));
      expect(seen.includes("roamed"), place).toBe(followed.includes(place));
      expect(seen, "the packet counts wherever it comes from").toContain("tun");
      await plane.advance(5_000);
    }
  });

  test("is answered where it may be, when it confirms its session from where it may not", async () => {
    const plane = await open();
    const peer = await restricted(plane, { everybody: rules(["192.0.2.99/32", false]) }, { confirmed: false });
    expect(kinds(await plane.udp(ELSEWHERE, peer.message(toUs)))).toEqual(["confirmed", "tun"]);
    expect(placesOf(await plane.tun(toPeer))).toEqual([PEER]);
  });

  test("may be there again after another Configure", async () => {
    const plane = await open();
    const peer = await restricted(plane, { everybody: rules(["192.0.2.99/32", false]) });
    await plane.udp(ELSEWHERE, peer.message(toUs));
    await plane.command(facts());
    expect(kinds(await plane.udp(ELSEWHERE, peer.message(toUs)))).toEqual(["roamed", "tun"]);
  });

  test("is under a list of at most so many rules and ranges", async () => {
    const plane = await open();
    const everybody = Array.from({ length: ALLOW_RULES_MAX }, (_, i) => rule(`10.${i >> 8}.${i & 255}.0/24`, true));
    const list = (ranges: RemoteAllowList["ranges"]) => facts({ remoteAllowList: { everybody, ranges } });
    expect(await plane.command(list([]))).toEqual([]);
    expect(await plane.command(list([range("10.77.0.0/16")]))).toMatchObject([{ out: "refused", code: "bad-request" }]);
  });
});

describeDataPlanes("a message sealed for another place than the path", (open) => {
  test("goes there, and the path stays", async () => {
    const plane = await open();
    const peer = await restricted(plane, {});
    const sent = await probe(plane, directPath(ELSEWHERE));
    expect(placesOf(sent)).toEqual([ELSEWHERE]);
    expect(peer.open(datagrams(sent)[0]!)).toMatchObject({ type: 4, subtype: 0 });
    expect(placesOf(await plane.tun(toPeer))).toEqual([PEER]);
  });

  test("needs no path of its own", async () => {
    const plane = await open();
    await restricted(plane, {}, { path: undefined });
    expect(reasons(await probe(plane, undefined))).toEqual(["no-path"]);
    expect(placesOf(await probe(plane, directPath(ELSEWHERE)))).toEqual([ELSEWHERE]);
  });

  test("draws an answer that moves the path, which is how a better one is found", async () => {
    const plane = await open();
    const peer = await restricted(plane, {});
    await probe(plane, directPath(ELSEWHERE));
    await plane.udp(ELSEWHERE, peer.seal(4, 1, new Uint8Array(0)));
    expect(placesOf(await plane.tun(toPeer))).toEqual([ELSEWHERE]);
  });
});

function placesOf(observed: readonly Observed[]): readonly Endpoint[] {
  return observed.flatMap((each) => (each.out === "udp" ? [each.to] : []));
}

function probe(plane: Driver, to: ReturnType<typeof directPath> | undefined) {
  const body = new Uint8Array(0);
  return plane.command({ kind: "seal-and-send", localIndex: 1 as LocalIndex, type: 4, subtype: 0, body, to });
}

async function restricted(
  plane: Driver,
  list: Partial<RemoteAllowList>,
  change: Parameters<FarEnd["installation"]>[0] = {},
): Promise<FarEnd> {
  await plane.command(facts({ remoteAllowList: { everybody: [], ranges: [], ...list } }));
  const peer = new FarEnd(1, "aes");
  await plane.command(peer.installation(change));
  return peer;
}

function rule(prefix: string, allowed: boolean): AllowRule {
  return { prefix: parsePrefix(prefix) as Prefix, allowed };
}

function rules(...all: readonly [string, boolean][]): readonly AllowRule[] {
  return all.map(([prefix, allowed]) => rule(prefix, allowed));
}

function range(overlay: string, ...all: readonly [string, boolean][]): RemoteAllowList["ranges"][number] {
  return { overlay: parsePrefix(overlay) as Prefix, rules: rules(...all) };
}
