import { expect, test } from "vitest";
import { fromHex } from "../../src/core/base/bytes.ts";
import type { DataPlaneCommand } from "../../src/core/dataplane/contract.ts";
import type { AnswerToKeep } from "../../src/core/dataplane/kept-answer.ts";
import { directPath } from "../../src/core/path/path.ts";
import { type Driver, describeDataPlanes, kinds, reasons } from "./data-planes.ts";
import { ELSEWHERE, FarEnd, PEER } from "./host.ts";
import type { Observed } from "./step.ts";

const REPORT = new Uint8Array(20).fill(0x11);
const OTHER = new Uint8Array(20).fill(0x22);
const ACKNOWLEDGEMENT = new Uint8Array(12).fill(0x33);
const LIGHTHOUSE = 3;

function keep(peer: FarEnd, change: Partial<AnswerToKeep> = {}): DataPlaneCommand {
  const { localIndex } = peer;
  return {
    kind: "keep-answer",
    localIndex,
    asked: REPORT,
    answer: ACKNOWLEDGEMENT,
    forMs: 60_000,
    heard: 1,
    ...change,
  };
}

/** A peer whose report has been told and answered by the control plane. */
async function acknowledged(open: () => Promise<Driver>, change: Partial<AnswerToKeep> = {}) {
  const plane = await open();
  const peer = await plane.join();
  await plane.udp(PEER, peer.seal(LIGHTHOUSE, 0, REPORT));
  expect(await plane.command(keep(peer, change))).toEqual([]);
  return { plane, peer, says: (body: Uint8Array, at = PEER) => plane.udp(at, peer.seal(LIGHTHOUSE, 0, body)) };
}

function answered(peer: FarEnd, observed: readonly Observed[]): Uint8Array | undefined {
  const [first] = observed;
  const opened = first?.out === "udp" ? peer.open(first.datagram) : undefined;
  return opened?.type === LIGHTHOUSE ? opened.body : undefined;
}

describeDataPlanes("a lighthouse message whose answer is kept", (open) => {
  test("is numbered when it is told, and nothing else is", async () => {
    const plane = await open();
    const peer = await plane.join();
    const told = async (type: number, body: Uint8Array) => {
      const [event] = await plane.udp(PEER, peer.seal(type, 0, body));
      return event?.out === "event" ? event.event["heard"] : undefined;
    };
    expect(await told(LIGHTHOUSE, REPORT)).toBe(1);
    expect(await told(6, REPORT)).toBe(0);
    expect(await told(LIGHTHOUSE, REPORT)).toBe(2);
  });

  test("is answered when it comes again, and nobody is told", async () => {
    const { peer, says } = await acknowledged(open);
    for (let i = 0; i < 3; i++) {
      const observed = await says(REPORT);
      expect(kinds(observed)).toEqual(["udp"]);
      expect(answered(peer, observed)).toEqual(ACKNOWLEDGEMENT);
    }
  });

  test("shows in the sample: heard, and answered so many times in so many bytes since the last one", async () => {
    const { plane, says } = await acknowledged(open);
    await plane.sample();
    await says(REPORT);
    await says(REPORT);
    const { activity, counters } = await plane.sample();
    const bytes = 2 * (ACKNOWLEDGEMENT.length + 32);
    expect(activity).toMatchObject([{ received: true, sent: true, keptAnswers: 2, keptAnswerBytes: bytes }]);
    expect(counters["keptAnswersGiven"]).toBe(2);
    await says(OTHER);
    expect((await plane.sample()).activity).toMatchObject([{ keptAnswers: 0, keptAnswerBytes: 0 }]);
  });

  test("is told again once its time is over", async () => {
    const { plane, says } = await acknowledged(open);
    await plane.advance(59_999);
    expect(kinds(await says(REPORT))).toEqual(["udp"]);
    await plane.advance(1);
    expect(kinds(await says(REPORT))).toEqual(["message"]);
    expect(kinds(await says(REPORT))).toEqual(["message"]);
  });

  test("is told again once another message has been told: what that one changes is not known here", async () => {
    const { says } = await acknowledged(open);
    expect(kinds(await says(OTHER))).toEqual(["message"]);
    expect(kinds(await says(REPORT))).toEqual(["message"]);
  });

  test("is not kept when another message was told before the answer came", async () => {
    const { plane, peer, says } = await acknowledged(open, { heard: 7 });
    expect(kinds(await says(OTHER))).toEqual(["message"]);
    await plane.command(keep(peer, { heard: 1 }));
    expect(kinds(await says(REPORT))).toEqual(["message"]);
    await plane.command(keep(peer, { heard: 3 }));
    expect(kinds(await says(REPORT))).toEqual(["udp"]);
  });

  test("is told when it comes from elsewhere, where the session goes, too", async () => {
    const { says } = await acknowledged(open);
    expect(kinds(await says(REPORT, ELSEWHERE))).toEqual(["roamed", "message"]);
    expect(kinds(await says(REPORT, ELSEWHERE))).toEqual(["message"]);
  });

  test("is told when the session sends elsewhere: the answer would go to another place than the question came from", async () => {
    const { plane, peer, says } = await acknowledged(open);
    const { localIndex } = peer;
    await plane.command({ kind: "set-path", localIndex, path: directPath(ELSEWHERE), shunLeft: true });
    await plane.command({ kind: "set-path", localIndex, path: directPath(PEER) });
    expect(kinds(await says(REPORT))).toEqual(["udp"]);
    await plane.command({ kind: "set-path", localIndex, path: directPath(ELSEWHERE), shunLeft: true });
    expect(kinds(await says(REPORT))).toEqual(["message"]);
  });

  test("is told when it differs in a byte, or in length", async () => {
    for (const change of [REPORT.with(19, 0), REPORT.subarray(0, 19), new Uint8Array(21).fill(0x11)]) {
      const { says } = await acknowledged(open);
      expect(kinds(await says(change))).toEqual(["message"]);
    }
  });

  test("is told again once the control plane takes the answer back, whichever message it was to", async () => {
    const { plane, peer, says } = await acknowledged(open);
    const nothing = new Uint8Array();
    await plane.command(keep(peer, { asked: nothing, answer: nothing, forMs: 0, heard: 0 }));
    expect(kinds(await says(REPORT))).toEqual(["message"]);
  });

  test("is told to a control plane that starts anew", async () => {
    const { plane, says } = await acknowledged(open);
    await plane.snapshot();
    expect(kinds(await says(REPORT))).toEqual(["message"]);
  });

  test("is no message any more once the session is gone, and the next session with this index begins without it", async () => {
    const { plane, peer } = await acknowledged(open);
    await plane.command({ kind: "remove-session", localIndex: peer.localIndex, sendClose: false });
    const next = new FarEnd(1, "aes");
    await plane.command(next.installation());
    expect(kinds(await plane.udp(PEER, next.seal(LIGHTHOUSE, 0, REPORT)))).toEqual(["message"]);
  });

  test("is answered at the rate at which a peer is answered, 200 at once and 100 a second", async () => {
    const { plane, peer } = await acknowledged(open);
    const all = Array.from({ length: 201 }, () => peer.seal(LIGHTHOUSE, 0, REPORT));
    const observed = await plane.udps(PEER, all);
    expect(observed.flatMap(kinds).filter((kind) => kind === "udp")).toHaveLength(200);
    expect(observed.flatMap(reasons)).toEqual(["message-limited"]);
  });

  test("opens no way for a copy: what is repeated byte for byte is refused", async () => {
    const { plane, peer } = await acknowledged(open);
    const datagram = peer.seal(LIGHTHOUSE, 0, REPORT);
    expect(kinds(await plane.udp(PEER, datagram))).toEqual(["udp"]);
    expect(reasons(await plane.udp(PEER, datagram))).toEqual(["replayed"]);
  });

  test("is 512 bytes at most, its answer no longer, and kept for a minute at most", async () => {
    const plane = await open();
    const peer = await plane.join();
    const long = new Uint8Array(513);
    const refused = [{ asked: long, answer: long }, { answer: new Uint8Array(21) }, { forMs: 60_001 }];
    for (const change of refused) expect(await codeOf(plane, keep(peer, change))).toBe("bad-request");
    expect(await codeOf(plane, keep(new FarEnd(9, "aes")))).toBe("unknown-session");
    const longest = new Uint8Array(512);
    await plane.udp(PEER, peer.seal(LIGHTHOUSE, 0, longest));
    expect(await plane.command(keep(peer, { asked: longest, answer: longest }))).toEqual([]);
    const [answer] = await plane.udp(PEER, peer.seal(LIGHTHOUSE, 0, longest));
    expect(answer?.out === "udp" && fromHex(answer.datagram)).toHaveLength(544);
  });
});

async function codeOf(plane: Driver, command: DataPlaneCommand): Promise<unknown> {
  const [refused] = await plane.command(command);
  return refused?.out === "refused" ? refused.code : undefined;
}
