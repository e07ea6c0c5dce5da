import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { Repeats } from "../../../../src/runtime/log/repeats.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { TestAuthority } from "../../fixtures/authority.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";
import { rulesetOf } from "../../fixtures/rules.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";
const SECONDS = 600;
const server: HostPlan = { name: "b", networks: ["10.77.0.2/24"] };

describe("ten minutes of somebody who sends a packet a second", () => {
  test.each<[string, (mesh: Mesh) => unknown, Partial<HostPlan>, readonly string[]]>([
    [
      "to a host that only a lighthouse knows, which is away",
      () => {},
      { statics: { "10.77.0.9": ["192.0.2.9:4242"] }, lighthouses: ["10.77.0.9"] },
      ["handshake-failed", "handshake-failed", "carrier-failed"],
    ],
    ["to a host that is away", () => {}, {}, ["handshake-failed"]],
    [
      "to a host of another authority",
      (mesh) => mesh.host(B, { ...server, authority: new TestAuthority(nodeSuite, 9) }),
      {},
      ["handshake-refused", "handshake-failed"],
    ],
    [
      "to where another host is",
      (mesh) => mesh.host(B, { ...server, networks: ["10.77.0.3/24"] }),
      {},
      ["wrong-responder", "handshake-failed"],
    ],
    [
      "to a host whose rules refuse it",
      (mesh) => mesh.host(B, { ...server, live: { firewall: rulesetOf({ inbound: [], outbound: [] }) } }),
      {},
      ["refused-by-peer", "tunnel-up"],
    ],
  ])("%s, are a few lines", (_, prepare, plan, codes) => {
    const mesh = new Mesh();
    prepare(mesh);
    const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/24"], statics: { "10.77.0.2": [B] }, ...plan });
    expect(linesOf(a).toSorted()).toEqual(codes.toSorted());
  });

  test("to a host that comes and goes each minute are a line each time, and nothing beside it", () => {
    const mesh = new Mesh();
    mesh.host(B, server);
    const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/24"], statics: { "10.77.0.2": [B] } });
    mesh.delivers = () => Math.floor(mesh.now / 60_000) % 2 === 0;
    const lines = linesOf(a);
    for (const code of new Set(lines)) expect(lines.filter((line) => line === code).length).toBeLessThanOrEqual(6);
  });
});

/** Codes of what is written into the log of a host meanwhile. */
function linesOf(host: Host): readonly string[] {
  const repeats = new Repeats();
  const lines: string[] = [];
  let heard = 0;
  for (let second = 0; second < SECONDS; second++) {
    host.say("10.77.0.2" as IpAddress, "x");
    host.mesh.run(1_000);
    for (const notice of host.notices.slice(heard)) {
      if (notice.level === "debug" || notice.level === "trace") continue;
      for (const { notice: of } of repeats.endedBy(notice)) lines.push(`${of.code} is over`);
      if (repeats.isNews(notice, host.mesh.now)) lines.push(notice.code);
    }
    heard = host.notices.length;
  }
  return lines;
}
