import { describe, expect, test } from "vitest";
import type { LocalIndex, PolicyId } from "../../../../src/core/dataplane/contract.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { parsePrefix } from "../../../../src/core/netip/prefix.ts";
import { directPath } from "../../../../src/core/path/path.ts";
import { isDispensable, lackingCapability, reduced } from "../../../../src/runtime/dataplane/native/capabilities.ts";
import { hostFacts } from "../../core/dataplane/joined.ts";

const NO_LIST = hostFacts("10.77.0.1/24");
const everybody = [{ prefix: parsePrefix("192.0.2.0/24")!, allowed: false }];
const WITH_LIST = { ...NO_LIST, remoteAllowList: { everybody, ranges: [] } };

test("a data plane that cannot keep peers where they may be is told everything else, and what it lacks has a name", () => {
  expect(reduced(WITH_LIST, ["tun"])).toEqual({ request: NO_LIST, lacking: "remote-allow-list" });
});

test("a data plane that remembers as many flows as every one does is told nothing of another number", () => {
  const MANY = { ...WITH_LIST, flowLimit: 1_000_000 };
  expect(reduced(MANY, ["remote-allow-list"])).toEqual({ request: WITH_LIST, lacking: "flow-limit" });
  expect(reduced(MANY, [])).toEqual({ request: NO_LIST, lacking: "remote-allow-list, flow-limit" });
  expect(reduced(MANY, ["remote-allow-list", "flow-limit"])).toBeUndefined();
});

test("one that can, or has nothing to keep, is told all", () => {
  expect(reduced(WITH_LIST, ["remote-allow-list"])).toBeUndefined();
  expect(reduced(NO_LIST, [])).toBeUndefined();
});

test("a message for another place than the path is for data planes that know of it", () => {
  const message = { kind: "seal-and-send", localIndex: 1 as LocalIndex, type: 4, subtype: 0 } as const;
  const body = new Uint8Array(0);
  const to = directPath("192.0.2.9:4242" as Endpoint);
  expect(lackingCapability({ ...message, body, to }, [])).toBe("seal-to");
  expect(lackingCapability({ ...message, body, to }, ["seal-to"])).toBeUndefined();
  expect(lackingCapability({ ...message, body }, [])).toBeUndefined();
});

test("paths are measured and watched by data planes that know how, and what lacks of it is no loss", () => {
  const probe = {
    kind: "seal-and-send",
    localIndex: 1 as LocalIndex,
    type: 4,
    subtype: 2,
    body: new Uint8Array(16),
  } as const;
  const watch = { kind: "watch-silence", localIndex: 1 as LocalIndex, afterMs: 100 } as const;
  expect(lackingCapability(probe, ["seal-to"])).toBe("path-probes");
  expect(lackingCapability(probe, ["path-probes"])).toBeUndefined();
  expect(lackingCapability(watch, [])).toBe("silence-watch");
  expect(lackingCapability(watch, ["silence-watch"])).toBeUndefined();
  expect([probe, watch].map(isDispensable)).toEqual([true, true]);
  expect(isDispensable({ ...probe, subtype: 0 })).toBe(false);
});

test("a path that is to be shunned is left all the same by a data plane that knows no such thing", () => {
  const left = { kind: "set-path", localIndex: 1 as LocalIndex, path: directPath("192.0.2.1:1" as Endpoint) } as const;
  expect(reduced({ ...left, shunLeft: true }, ["path-probes"])).toEqual({ request: left, lacking: "shunned-paths" });
  expect(reduced({ ...left, shunLeft: true }, ["shunned-paths"])).toBeUndefined();
  expect(reduced(left, [])).toBeUndefined();
});

describe("rules that a data plane does not know in full", () => {
  const rule = { ruleId: 0, protocol: "any", portFirst: 0, portLast: 65_535, remote: [], local: [] } as const;
  const pings = { ...rule, ruleId: 1, protocol: "icmp", icmpTypes: [8] } as const;
  const parts = { ...rule, ruleId: 2, fragment: true } as const;
  const refuse = { inbound: "reject", outbound: "drop" } as const;
  const program = { policyId: 1 as PolicyId, inbound: [rule, pings, parts], outbound: [pings], refuse };
  const request = { kind: "apply-policies", programs: [program], bindings: [], raiseEpoch: true } as const;
  const drop = { inbound: "drop", outbound: "drop" };

  test("are left out where they would allow more without what narrows them, and nobody is answered", () => {
    expect(reduced(request, [])).toEqual({
      request: { ...request, programs: [{ ...program, inbound: [rule], outbound: [], refuse: drop }] },
      lacking: "reject, icmp-types, fragments",
    });
    expect(reduced(request, ["reject", "icmp-types"])?.request).toMatchObject({
      programs: [{ inbound: [rule, pings], outbound: [pings], refuse }],
    });
  });

  test("are told whole to one that does", () => {
    expect(reduced(request, ["reject", "icmp-types", "fragments"])).toBeUndefined();
    expect(lackingCapability(request, [])).toBeUndefined();
  });
});
