import { expect, test } from "vitest";
import { fromHex } from "../../src/core/base/bytes.ts";
import type { LocalIndex } from "../../src/core/dataplane/contract.ts";
import { directPath, type Path } from "../../src/core/path/path.ts";
import { datagrams, describeDataPlanes, kinds, reasons } from "./data-planes.ts";
import { ELSEWHERE, FarEnd, facts, flipped, handshake, PEER, PEER_4 } from "./host.ts";
import { asRelay, OURS, setRelay, THEIRS, THIRD, THIRD_4, toUs } from "./relayed.ts";
import type { Observed } from "./step.ts";

const badRequest = [{ out: "refused", code: "bad-request" }];
const unknownSession = [{ out: "refused", code: "unknown-session" }];

describeDataPlanes("a relay", (open) => {
  test("wraps what came through one hop for the next, and looks at nothing inside", async () => {
    const { plane, first, third } = await asRelay(open);
    for (const inner of [handshake(1n, 0), new Uint8Array([9, 9, 9]), new Uint8Array(), new Uint8Array(8969)]) {
      const frame = first.wrap(OURS, inner);
      const observed = await plane.udp(PEER, frame);
      expect(observed).toMatchObject([{ out: "udp", to: THIRD }]);
      expect(fromHex(datagrams(observed)[0]!)).toHaveLength(frame.length);
      expect(third.unwrap(datagrams(observed)[0]!)).toEqual({ index: THEIRS, inner });
    }
  });

  test("sends no frame on twice", async () => {
    const { plane, first } = await asRelay(open);
    const frame = first.wrap(OURS, handshake(1n, 0));
    expect(kinds(await plane.udp(PEER, frame))).toEqual(["udp"]);
    expect(reasons(await plane.udp(PEER, frame))).toEqual(["replayed"]);
  });

  test("sends on only what the session that it is set on has authenticated", async () => {
    const { plane, first, third } = await asRelay(open);
    const drop = async (frame: Uint8Array) => reasons(await plane.udp(PEER, frame));
    expect(await drop(third.wrap(OURS, toUs))).toEqual(["not-authentic"]);
    const frame = first.wrap(OURS, handshake(1n, 0));
    for (const at of [2, 20, frame.length - 1]) expect(await drop(flipped(frame, at))).toEqual(["not-authentic"]);
    expect(await drop(frame.subarray(0, 31))).toEqual(["short-packet"]);
    expect(await drop(first.wrap(OURS, toUs, 2n))).toEqual(["replayed"]);
    // What was refused has not moved the window.
    expect(kinds(await plane.udp(PEER, frame))).toEqual(["udp"]);
  });

  test("answers nothing for an index that no relay has, not even for that of a session", async () => {
    const { plane, first } = await asRelay(open);
    for (const index of [OURS + 1, first.localIndex, THEIRS, 0]) {
      const observed = await plane.udp(PEER, first.wrap(index, toUs));
      expect(kinds(observed)).toEqual(["drop-sample"]);
      expect(observed).toMatchObject([{ event: { reason: "unknown-relay", origin: directPath(PEER) } }]);
    }
    // Nor is the index of a relay that of a session.
    expect(reasons(await plane.udp(PEER, new FarEnd(OURS, "aes").message(toUs)))).toEqual(["unknown-index"]);
  });

  test("follows the hop, confirms it and counts what came, like any packet does", async () => {
    const { plane, first, third } = await asRelay(open);
    const late = new FarEnd(2, "aes");
    await plane.command(late.installation({ confirmed: false, path: directPath(PEER) }));
    const forward = { kind: "forward", session: third.localIndex, relayIndex: 5 } as const;
    await plane.command(setRelay({ relayIndex: 4, session: late.localIndex, role: forward }));
    expect(kinds(await plane.udp(ELSEWHERE, late.wrap(4, toUs)))).toEqual(["roamed", "confirmed", "udp"]);
    await plane.udp(PEER, first.wrap(OURS, toUs));
    await plane.udp(PEER, first.wrap(OURS, toUs));
    const bytes = toUs.length + 32;
    const { activity, relays } = await plane.sample();
    expect(relays).toEqual([
      { relayIndex: 4, packets: 1, bytes },
      { relayIndex: OURS, packets: 2, bytes: 2 * bytes },
    ]);
    expect(activity).toMatchObject([
      { localIndex: 1, received: true, receivedBytes: 2 * bytes },
      { localIndex: 2, received: true },
      { localIndex: 3, sent: true, sentPackets: 3, sentBytes: 3 * bytes },
    ]);
    expect((await plane.sample()).relays).toEqual([]);
  });

  test("drops by name what the next hop cannot carry", async () => {
    const { plane, first, third } = await asRelay(open);
    const localIndex = third.localIndex;
    const path: Path = { kind: "relayed", session: first.localIndex, relayIndex: 7 };
    await plane.command({ kind: "set-path", localIndex, path });
    expect(await plane.udp(PEER, first.wrap(OURS, toUs))).toMatchObject([
      { event: { reason: "no-path", inbound: false, localIndex } },
    ]);
  });

  test("goes with either of its sessions, and only then", async () => {
    const { plane, first, third } = await asRelay(open);
    const back = { kind: "forward", session: first.localIndex, relayIndex: 5 } as const;
    const indexes = async () => (await plane.relays()).map(({ relayIndex }) => relayIndex);
    await plane.command(setRelay({ relayIndex: 4, session: third.localIndex, role: back }));
    await plane.command(new FarEnd(2, "aes").installation());
    await plane.command({ kind: "remove-session", localIndex: 2 as LocalIndex, sendClose: false });
    expect(await indexes()).toEqual([4, OURS]);
    expect(kinds(await plane.udp(THIRD, third.seal(5, 0, new Uint8Array())))).toEqual(["message"]);
    expect(await indexes()).toEqual([]);
    expect(reasons(await plane.udp(PEER, first.wrap(OURS, toUs)))).toEqual(["unknown-relay"]);
  });

  test("is gone when it is removed, and removed twice without a word", async () => {
    const { plane, first } = await asRelay(open);
    for (let i = 0; i < 2; i++) expect(await plane.command({ kind: "remove-relay", relayIndex: OURS })).toEqual([]);
    expect(reasons(await plane.udp(PEER, first.wrap(OURS, toUs)))).toEqual(["unknown-relay"]);
  });

  test.each([
    ["its index is 0", { relayIndex: 0 }, badRequest],
    ["its end knows no way back", { remoteIndex: 0, role: { kind: "terminal", peer: THIRD_4 } }, badRequest],
    ["its end is the hop itself", { role: { kind: "terminal", peer: PEER_4 } }, badRequest],
    ["the next hop has index 0", { role: { kind: "forward", session: 3 as LocalIndex, relayIndex: 0 } }, badRequest],
    ["it leads back", { role: { kind: "forward", session: 1 as LocalIndex, relayIndex: 5 } }, badRequest],
    ["its session is not there", { session: 77 as LocalIndex }, unknownSession],
    ["the next is not", { role: { kind: "forward", session: 77 as LocalIndex, relayIndex: 5 } }, unknownSession],
  ] as const)("is refused when %s", async (_, change, refusal) => {
    const { plane } = await asRelay(open);
    const before = await plane.relays();
    expect(await plane.command(setRelay({ session: 1 as LocalIndex, relayIndex: 9, ...change }))).toEqual(refusal);
    expect(await plane.relays()).toEqual(before);
  });

  test("takes the place of one with the same index, and begins to count anew", async () => {
    const { plane, first } = await asRelay(open);
    await plane.udp(PEER, first.wrap(OURS, toUs));
    const terminal = { kind: "terminal", peer: THIRD_4 } as const;
    expect(await plane.command(setRelay({ session: first.localIndex, role: terminal }))).toEqual([]);
    expect(await plane.relays()).toMatchObject([{ relayIndex: OURS, role: terminal }]);
    expect((await plane.sample()).relays).toEqual([]);
  });

  test("is one of 8,192 at most", async () => {
    const { plane } = await asRelay(open);
    const forward = { kind: "forward", session: 3 as LocalIndex, relayIndex: 5 } as const;
    const numbered = (i: number) => setRelay({ session: 1 as LocalIndex, relayIndex: 1 + i, role: forward });
    const outcomes = await plane.commands(Array.from({ length: 8192 }, (_, i) => numbered(i)));
    expect(outcomes.filter((observed) => observed.length > 0)).toEqual([badRequest]);
    expect(outcomes.at(-1)).toEqual(badRequest);
    expect(await plane.command(numbered(0))).toEqual([]);
  });

  test("tells of 2,048 at once", async () => {
    const { plane, first } = await asRelay(open);
    const forward = { kind: "forward", session: 3 as LocalIndex, relayIndex: 5 } as const;
    const index = (i: number) => 1 + i;
    await plane.commands(
      Array.from({ length: 2100 }, (_, i) =>
        setRelay({ session: 1 as LocalIndex, relayIndex: index(i), role: forward }),
      ),
    );
    await plane.udps(
      PEER,
      Array.from({ length: 2100 }, (_, i) => first.wrap(index(i), toUs)),
    );
    expect((await plane.sample()).relays).toHaveLength(2048);
    expect((await plane.sample()).relays).toHaveLength(52);
  });
});

describeDataPlanes("the quota of a relay", (open) => {
  const forwarded = (observed: readonly (readonly Observed[])[]) =>
    observed.filter((each) => kinds(each).includes("udp")).length;

  test("gives each peer so many bytes a second, all its sessions and relays together", async () => {
    const { plane, first, third } = await asRelay(open);
    await plane.command(facts({ relayPeerKilobytes: 10 }));
    const second = new FarEnd(2, "aes");
    await plane.command(second.installation());
    const on = (session: FarEnd, next: FarEnd, relayIndex: number) => {
      const role = { kind: "forward", session: next.localIndex, relayIndex: 5 } as const;
      return setRelay({ relayIndex, session: session.localIndex, role });
    };
    await plane.command(on(second, third, 6));
    await plane.command(on(third, first, 7));
    const inner = new Uint8Array(1000);
    const frames = (session: FarEnd, index: number) => Array.from({ length: 8 }, () => session.wrap(index, inner));
    expect(forwarded(await plane.udps(PEER, frames(first, OURS)))).toBe(8);
    expect(forwarded(await plane.udps(PEER, frames(second, 6)))).toBe(2);
    expect(await plane.dropped("relay-limited")).toBe(6);
    expect(forwarded(await plane.udps(THIRD, frames(third, 7)))).toBe(8);
    await plane.advance(300);
    expect(forwarded(await plane.udps(PEER, frames(first, OURS)))).toBe(3);
    expect(await plane.udp(PEER, first.wrap(OURS, inner))).toMatchObject([
      { event: { reason: "relay-limited", inbound: true, localIndex: 1 } },
    ]);
  });

  test("lets the longest datagram pass at any rate", async () => {
    const { plane, first } = await asRelay(open);
    await plane.command(facts({ relayPeerKilobytes: 1 }));
    const inner = new Uint8Array(8969);
    const observed = await plane.udps(PEER, [first.wrap(OURS, inner), first.wrap(OURS, inner)]);
    expect(forwarded(observed)).toBe(1);
  });

  test("begins anew with another rate, and is none without one", async () => {
    const { plane, first } = await asRelay(open);
    const pass = async () =>
      forwarded(
        await plane.udps(
          PEER,
          Array.from({ length: 20 }, () => first.wrap(OURS, toUs)),
        ),
      );
    const few = new Uint8Array(5000);
    await plane.command(facts({ relayPeerKilobytes: 5 }));
    expect(
      forwarded(
        await plane.udps(
          PEER,
          Array.from({ length: 3 }, () => first.wrap(OURS, few)),
        ),
      ),
    ).toBe(1);
    await plane.command(facts({ relayPeerKilobytes: 6 }));
    expect(
      forwarded(
        await plane.udps(
          PEER,
          Array.from({ length: 3 }, () => first.wrap(OURS, few)),
        ),
      ),
    ).toBe(1);
    await plane.command(facts());
    expect(await pass()).toBe(20);
  });
});
