import { describe, expect, test } from "vitest";
import type { FlowStory } from "../../../../src/core/flow-story.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { entryOf } from "../../../../src/runtime/flowlog/flow-entry.ts";
import { type FlowFilter, findFlows } from "../../../../src/runtime/flowlog/flow-query.ts";
import { refused, story } from "./story.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");
const other = "10.77.0.3" as IpAddress;

/** The oldest first, a second apart. */
function log(...stories: readonly FlowStory[]): readonly string[] {
  return stories.map((each, at) => JSON.stringify(entryOf(each, "laptop", NOW + at * 1_000))).reverse();
}

async function found(lines: readonly string[], filter: FlowFilter = {}, limit = 100, open: readonly FlowStory[] = []) {
  const entries = open.map((each) => entryOf(each, "laptop", NOW));
  return findFlows(lines, entries, filter, limit);
}

describe("what is found in a flow log", () => {
  test("is each flow once: as it ended, goes on, or began", async () => {
    const lines = log(
      story({ localPort: 1 }),
      story({ localPort: 2 }),
      story({ localPort: 3 }),
      story({ localPort: 2, happening: "ended", end: "closed", sentBytes: 10n }),
      // The same ports again, another flow.
      story({ localPort: 2 }),
    );
    const { flows } = await found(lines, {}, 100, [story({ localPort: 3, happening: "open" })]);
    expect(flows.map(({ happening, local, sentBytes }) => [happening, local.port, sentBytes])).toEqual([
      ["open", 3, 0],
      ["begun", 2, 0],
      ["ended", 2, 10],
      ["begun", 1, 0],
    ]);
  });

  test("says whose a flow was that ended after its tunnel, as it was known at its beginning", async () => {
    const gone = { name: undefined, address: "10.77.0.2" as IpAddress, groups: [] };
    const lines = log(
      story(),
      story({ happening: "ended", end: "expired", peer: gone, path: undefined, rule: undefined }),
    );
    const { flows } = await found(lines);
    expect(flows).toMatchObject([
      { happening: "ended", peer: { name: "db1" }, remote: { name: "db1" }, rule: { text: "any to any" } },
    ]);
  });

  test.each<[string, FlowFilter, number]>([
    ["refused", { denied: true }, 2],
    ["with a host by its name", { peer: "db1" }, 2],
    ["with hosts whose names are alike", { peer: "d*1" }, 2],
    ["with a host by its address, however it is written", { peer: "::ffff:10.77.0.3" }, 1],
    ["with a host by its address", { peer: "10.77.0.3" }, 1],
    ["of a service", { port: 22 }, 1],
    ["not by the port of whoever called", { port: 50_000 }, 0],
    ["of a protocol", { protocol: 17 }, 1],
    ["of either ICMP", { protocol: 1 }, 1],
    ["noted since then", { since: NOW + 2_000 }, 2],
    ["nobody", { peer: "constructor" }, 0],
  ])("is what was asked for: %s", async (_, filter, count) => {
    const lines = log(
      story(),
      story({ protocol: 58, remotePort: 0, peer: undefined, remoteAddress: "fd00::9" as IpAddress }),
      refused(),
      refused({ protocol: 17, localPort: 53, remoteAddress: other, peer: { name: "web", address: other, groups: [] } }),
    );
    expect((await found(lines, filter)).flows).toHaveLength(count);
  });

  test("is no more than was asked for, and said to be so", async () => {
    const lines = log(...[1, 2, 3].map((localPort) => refused({ localPort })));
    const some = await found(lines, {}, 2);
    expect([some.flows.map(({ local }) => local.port), some.more]).toEqual([[3, 2], true]);
    expect((await found(lines, {}, 3)).more).toBe(false);
  });

  test("leaves out damaged lines and what was not noted, and counts them", async () => {
    const [line = ""] = log(refused());
    const damaged = [
      line.slice(0, -9),
      "null",
      "[]",
      "{}",
      '{"at":7}',
      `{"at":"x","happening":"begun"}`,
      "\u0000".repeat(80),
    ];
    const lines = [...damaged, line, `{"at":"2026-05-01T12:00:00Z","untold":7}`];
    expect(await found(lines)).toMatchObject({ flows: [{ happening: "refused" }], untold: 7, damaged: 7, more: false });
  });
});
