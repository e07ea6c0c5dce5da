import { describe, expect, test } from "vitest";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import { PacketType } from "../../../../src/core/wire/header.ts";
import { lighthouseMessagesOf } from "../../fixtures/lighthouse-messages.ts";
import { type Host, Mesh } from "../../fixtures/mesh.ts";

const L = "192.0.2.1:4242";
const A = "192.0.2.11:1111";
const B = "192.0.2.12:2222";
const CLIENT = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [L] } };

describe("a lighthouse whose hosts repeat where they are", () => {
  test("is asked by its data plane once a minute; the others are answered without it", () => {
    const { mesh, lighthouse, a } = pair();
    const [told, given] = [acknowledgementsOf(lighthouse), answersGiven(lighthouse)];
    mesh.run(240_000);
    expect(acknowledgementsOf(lighthouse) - told).toBeGreaterThanOrEqual(3);
    expect(acknowledgementsOf(lighthouse) - told).toBeLessThanOrEqual(4);
    expect(answersGiven(lighthouse) - given).toBeGreaterThanOrEqual(19);
    expect(a.noticed("tunnel-down")).toEqual([]);
  });

  test("never has it answer more than it was asked", () => {
    const { mesh, lighthouse } = pair();
    mesh.run(60_000);
    const kept = lighthouse.commands.flatMap((command) => (command.kind === "keep-answer" ? command : []));
    expect(kept.length).toBeGreaterThan(0);
    for (const { asked, answer } of kept) expect(answer.length).toBeLessThanOrEqual(asked.length);
  });

  test("neither doubts them nor takes what it answers for use", () => {
    const { mesh, lighthouse } = pair();
    mesh.run(60_000);
    const tests = (): number =>
      lighthouse.sent("seal-and-send").filter((sent) => "type" in sent && sent.type === PacketType.test).length;
    const before = tests();
    mesh.run(60_000);
    expect(tests()).toBe(before);
    expect(lighthouse.status().peers).toMatchObject([{ name: "a", state: "up" }]);
  });

  test("hears at once of a host that has moved, and tells others", () => {
    const { mesh, a } = pair();
    mesh.run(35_000);
    mesh.move(a, "192.0.2.44:4444");
    mesh.run(11_000);
    const b = mesh.host(B, { name: "b", networks: ["10.77.0.12/16"], ...CLIENT });
    mesh.run(300);
    b.say(a, "found you");
    mesh.run(300);
    expect(a.heard).toEqual(["found you"]);
  });

  test("hears at once of a host that says something else", () => {
    const { mesh, lighthouse, a } = pair();
    mesh.run(35_000);
    const before = acknowledgementsOf(lighthouse);
    a.input({ kind: "local-addresses", addresses: ["192.0.2.11", "198.51.100.7"] as IpAddress[] });
    mesh.run(1_000);
    expect(acknowledgementsOf(lighthouse)).toBe(before + 1);
  });

  test("hears everybody anew when it starts anew beside its data plane", () => {
    const { mesh, lighthouse, a } = pair();
    mesh.run(15_000);
    lighthouse.restartControlPlane();
    const before = acknowledgementsOf(lighthouse);
    mesh.run(10_500);
    expect(acknowledgementsOf(lighthouse)).toBe(before + 1);
    const b = mesh.host(B, { name: "b", networks: ["10.77.0.12/16"], ...CLIENT });
    b.say(a, "found you");
    mesh.run(300);
    expect(a.heard).toEqual(["found you"]);
  });

  test("takes the answer of an older session back when the host speaks on a newer one", () => {
    const { mesh, lighthouse, a } = pair();
    mesh.run(15_000);
    const older = lighthouse.dataPlane.snapshot().map(({ localIndex }) => localIndex);
    mesh.run(11_000);
    a.restart();
    mesh.run(2_000);
    const taken = lighthouse.commands.filter((command) => command.kind === "keep-answer" && command.forMs === 0);
    expect(taken.map((command) => "localIndex" in command && command.localIndex)).toContain(older[0]);
  });
});

function pair(): { mesh: Mesh; lighthouse: Host; a: Host } {
  const mesh = new Mesh();
  const lighthouse = mesh.host(L, { name: "lh", networks: ["10.77.0.1/16"], amLighthouse: true });
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.11/16"], ...CLIENT });
  mesh.run(1_000);
  return { mesh, lighthouse, a };
}

/** By the control plane. */
function acknowledgementsOf(host: Host): number {
  return lighthouseMessagesOf(host).filter(({ message }) => message.kind === "host-update-ack").length;
}

function answersGiven(host: Host): number {
  host.dataPlane.command({ kind: "sample" }, host.mesh.now);
  host.drain();
  return Number(host.status().counters?.keptAnswersGiven ?? 0);
}
